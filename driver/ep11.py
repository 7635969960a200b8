"""The EP11 host library: verbs as methods, over a port to one or more queues.

Mechanisms are the wire's bytes (`ghostcard.firmware.abi.mechanism`), keys are blobs or DER
SubjectPublicKeyInfo, templates as in `ghostcard.driver.template`. Every method raises Ep11Error for
what the card answers and DriverError for what happens on the way. Safe to use from several threads.
"""

import errno
from collections.abc import Iterable, Iterator, Sequence

from ghostcard.driver import template
from ghostcard.driver.errors import DriverError
from ghostcard.driver.exchange import Exchange, Renew
from ghostcard.driver.multipart import (
    Decryption,
    Digest,
    Encryption,
    Signature,
    Steps,
    Verification,
)
from ghostcard.driver.port import Port
from ghostcard.driver.single import Check, Single
from ghostcard.driver.template import Template
from ghostcard.firmware.abi import ber, verbs
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import MAX_MESSAGE

RANDOM_CHUNK = 8192  # bytes of one GenerateRandom or SeedRandom
MAX_TEMPLATES = 4096  # keys and verbs whose requests are kept ready; then all are forgotten

_NONE = b""  # a PIN blob or MAC key that is not there
_VARIANT = verbs.VARIANT_RESULT


class Ep11Host:
    """One token's view of its cards; `max_message`: the least of their message limits, bytes."""

    def __init__(
        self, port: Port, targets: tuple[int, ...], max_message: int = MAX_MESSAGE
    ) -> None:
        self._exchange = Exchange(port, tuple(targets), max_message)
        self._ask = self._exchange.ask
        self._singles: dict[tuple[int, bytes], Single] = {}
        self._checks: dict[bytes, Check] = {}
        self._steps = Steps(self._exchange)
        self._digest = Single(self._exchange, verbs.DIGEST_SINGLE, None, None)

    def renew_by(self, renew: Renew) -> None:
        """Ask ``renew`` for the blobs of today when no APQN opens those of a request."""
        self._exchange.renew = renew

    @property
    def targets(self) -> tuple[int, ...]:
        """The APQNs that requests go to."""
        return self._exchange.targets

    def aim(self, targets: Sequence[int]) -> None:
        """Have requests go to these APQNs from now on, but for those that were prepared before."""
        self._exchange.targets = tuple(targets)

    # Single-part operations. `prepare_*` is for repeated use, and cheap for a key used before.

    def prepare_encrypt(self, key: bytes) -> Single:
        """EncryptSingle of the mechanism and data that the result is called with."""
        return self._single(verbs.ENCRYPT_SINGLE, key)

    def prepare_decrypt(self, key: bytes) -> Single:
        """DecryptSingle of the mechanism and data that the result is called with."""
        return self._single(verbs.DECRYPT_SINGLE, key)

    def prepare_sign(self, key: bytes) -> Single:
        """SignSingle of the mechanism and data that the result is called with; ECDSA: r || s."""
        return self._single(verbs.SIGN_SINGLE, key)

    def prepare_verify(self, key: bytes) -> Check:
        """VerifySingle of the mechanism, data and signature that the result is called with."""
        return self._check(key)

    def prepare_digest(self) -> Single:
        """DigestSingle of the mechanism and data that the result is called with."""
        return self._digest

    def encrypt_single(self, mechanism: bytes, key: bytes, data: bytes) -> bytes:
        """EncryptSingle."""
        return self._single(verbs.ENCRYPT_SINGLE, key)(mechanism, data)

    def decrypt_single(self, mechanism: bytes, key: bytes, data: bytes) -> bytes:
        """DecryptSingle."""
        return self._single(verbs.DECRYPT_SINGLE, key)(mechanism, data)

    def sign_single(self, mechanism: bytes, key: bytes, data: bytes) -> bytes:
        """SignSingle."""
        return self._single(verbs.SIGN_SINGLE, key)(mechanism, data)

    def verify_single(self, mechanism: bytes, key: bytes, data: bytes, signature: bytes) -> None:
        """VerifySingle."""
        self._check(key)(mechanism, data, signature)

    def digest_single(self, mechanism: bytes, data: bytes) -> bytes:
        """DigestSingle."""
        return self._digest(mechanism, data)

    # Multi-part operations.

    def encrypt_init(self, mechanism: bytes, key: bytes) -> Encryption:
        """EncryptInit."""
        return Encryption(self._steps, mechanism, key)

    def decrypt_init(self, mechanism: bytes, key: bytes) -> Decryption:
        """DecryptInit."""
        return Decryption(self._steps, mechanism, key)

    def sign_init(self, mechanism: bytes, key: bytes) -> Signature:
        """SignInit."""
        return Signature(self._steps, mechanism, key)

    def verify_init(self, mechanism: bytes, key: bytes) -> Verification:
        """VerifyInit."""
        return Verification(self._steps, mechanism, key)

    def digest_init(self, mechanism: bytes) -> Digest:
        """DigestInit."""
        return Digest(self._steps, mechanism)

    # Keys.

    def generate_key(
        self, mechanism: bytes, key_bytes: int, attributes: Template
    ) -> tuple[bytes, bytes]:
        """GenerateKey: blob and checksum. `key_bytes` 0: as CKA_VALUE_LEN of the template says."""
        blob, checksum = self._ask(
            verbs.GENERATE_KEY,
            _VARIANT,
            _u32(key_bytes),
            mechanism,
            template.pack(attributes),
            _NONE,
        ).params
        return blob, checksum

    def generate_key_pair(
        self, mechanism: bytes, public: Template, private: Template
    ) -> tuple[bytes, bytes]:
        """GenerateKeyPair: blob of the private key, SPKI of the public key."""
        blob, spki = self._ask(
            verbs.GENERATE_KEY_PAIR,
            mechanism,
            template.pack(public),
            template.pack(private),
            _NONE,
        ).params
        return blob, spki

    def wrap_key(self, mechanism: bytes, key: bytes, kek: bytes) -> bytes:
        """WrapKey: the value of a secret key, PKCS #8 of a private key, encrypted with `kek`."""
        return self._ask(verbs.WRAP_KEY, _VARIANT, mechanism, key, kek, _NONE).params[0]

    def unwrap_key(
        self, attributes: Template, mechanism: bytes, kek: bytes, wrapped: bytes
    ) -> tuple[bytes, bytes]:
        """UnwrapKey: blob, and checksum of a secret key or SPKI of a private key."""
        blob, checksum = self._ask(
            verbs.UNWRAP_KEY, template.pack(attributes), mechanism, kek, _NONE, _NONE, wrapped
        ).params
        return blob, checksum

    def derive_key(
        self, mechanism: bytes, attributes: Template, base_key: bytes
    ) -> tuple[bytes, bytes]:
        """DeriveKey: blob and checksum."""
        blob, checksum = self._ask(
            verbs.DERIVE_KEY, mechanism, template.pack(attributes), base_key, _NONE
        ).params
        return blob, checksum

    def derive_keys(
        self, mechanism: bytes, templates: Sequence[Template], base_key: bytes
    ) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """DeriveKeys: blob and checksum of a key for each template, and data of the mechanism's."""
        parts, data = self._derived(mechanism, templates, base_key, 2 * len(templates))
        return list(zip(parts[::2], parts[1::2], strict=True)), data

    def derive_data(self, mechanism: bytes, attributes: Template, base_key: bytes) -> bytes:
        """DeriveKeys of a mechanism that makes no key: its data, as long as the template says."""
        return self._derived(mechanism, (attributes,), base_key, 0)[1]

    def _derived(
        self, mechanism: bytes, templates: Sequence[Template], base_key: bytes, count: int
    ) -> tuple[Sequence[bytes], bytes]:
        blocks = ber.pack(map(template.pack, templates))
        keys, data = self._ask(verbs.DERIVE_KEYS, mechanism, blocks, base_key, _NONE).params
        try:
            parts = ber.unpack(keys)
        except WireError as error:
            raise DriverError(errno.EIO, f"DeriveKeys: {error}") from None
        if len(parts) != count:
            raise DriverError(errno.EIO, f"DeriveKeys: {len(parts)} parts, not {count}")
        return parts, data

    def encapsulate(
        self, mechanism: bytes, attributes: Template, public: bytes
    ) -> tuple[bytes, bytes, bytes]:
        """Encapsulate: blob and checksum of the new secret key, and the ciphertext."""
        blob, checksum, ciphertext = self._ask(
            verbs.ENCAPSULATE, mechanism, template.pack(attributes), public
        ).params
        return blob, checksum, ciphertext

    def decapsulate(
        self, mechanism: bytes, attributes: Template, key: bytes, ciphertext: bytes
    ) -> tuple[bytes, bytes]:
        """Decapsulate: blob and checksum."""
        blob, checksum = self._ask(
            verbs.DECAPSULATE, mechanism, template.pack(attributes), key, ciphertext
        ).params
        return blob, checksum

    def get_attribute_value(self, key: bytes, attributes: Iterable[int]) -> dict[int, bytes]:
        """GetAttributeValue: the attributes asked for, of those the card knows of a key."""
        asked = template.question(attributes)
        block = self._ask(verbs.GET_ATTRIBUTE_VALUE, key, asked).params[0]
        try:
            return template.unpack(block)
        except WireError as error:
            raise DriverError(errno.EIO, f"GetAttributeValue: {error}") from None

    def set_attribute_value(self, key: bytes, attributes: Template) -> bytes:
        """SetAttributeValue: the key's new blob."""
        return self._ask(verbs.SET_ATTRIBUTE_VALUE, key, template.pack(attributes)).params[0]

    # The card.

    def generate_random(self, count: int) -> bytes:
        """GenerateRandom: `count` bytes, in as many requests as they take."""
        return b"".join(
            self._ask(verbs.GENERATE_RANDOM, _u32(size)).params[0] for size in _chunks(count)
        )

    def seed_random(self, data: bytes) -> None:
        """SeedRandom: mix data into the random source of one of the cards, in as many requests as
        it takes.
        """
        for start in range(0, len(data), RANDOM_CHUNK):
            self._ask(verbs.SEED_RANDOM, data[start : start + RANDOM_CHUNK])

    def get_mechanism_list(self) -> tuple[int, ...]:
        """GetMechanismList: CKM_* in the card's order."""
        return _numbers(verbs.GET_MECHANISM_LIST, self._ask(verbs.GET_MECHANISM_LIST).params[0])

    def get_mechanism_info(self, mechanism: int) -> tuple[int, int, int]:
        """GetMechanismInfo: least and most key size, flags (PKCS #11 3.2, 3.5)."""
        data = self._ask(verbs.GET_MECHANISM_INFO, _u32(mechanism)).params[0]
        least, most, flags = _numbers(verbs.GET_MECHANISM_INFO, data, 3)
        return least, most, flags

    def get_xcp_info(self, query: int, subquery: int = 0) -> bytes:
        """get_xcp_info: the bytes of AP sheet 7.4 for a query."""
        return self._ask(verbs.GET_XCP_INFO, _u32(query), _u32(subquery)).params[0]

    def set_figure(self, key: str, value: int) -> int:
        """Admin: change a figure of the card's profile, by its dotted name; what it was before.

        See `firmware/abi/admin.py` for which figures, from when on, and the errors.
        """
        from ghostcard.firmware.abi import admin  # not where nobody administers

        if not 0 <= value < 1 << 64 or not key.isascii():
            raise DriverError(errno.EINVAL, f"{key!r} = {value}: no name and 64-bit value")
        figure = value.to_bytes(admin.VALUE_BYTES, "big") + key.encode("ascii")
        return int.from_bytes(self.admin(admin.Command.SET_FIGURE, figure), "big")

    def admin(
        self, command: int, payload: bytes = b"", counter: bytes = b"", signatures: bytes = b""
    ) -> bytes:
        """Admin: the answer to an administrative command (`firmware/abi/admin.py`)."""
        return self._ask(verbs.ADMIN, _u32(command), payload, counter, signatures).params[0]

    def reencrypt_single(self, key: bytes) -> bytes:
        """ReencryptSingle: the key's blob under the committed next wrapping key."""
        return self._ask(verbs.REENCRYPT_SINGLE, key).params[0]

    def _single(self, function: int, key: bytes) -> Single:
        known = self._singles.get((function, key))
        if known is None:
            if len(self._singles) >= MAX_TEMPLATES:
                self._singles.clear()
            before = () if function == verbs.SIGN_SINGLE else (_VARIANT,)
            known = Single(self._exchange, function, *before, None, key, None)
            self._singles[function, key] = known
        return known

    def _check(self, key: bytes) -> Check:
        known = self._checks.get(key)
        if known is None:
            if len(self._checks) >= MAX_TEMPLATES:
                self._checks.clear()
            known = Check(self._exchange, verbs.VERIFY_SINGLE, None, key, None, None)
            self._checks[key] = known
        return known


def _u32(value: int) -> bytes:
    if not 0 <= value <= 0xFFFFFFFF:
        raise DriverError(errno.EINVAL, f"{value} does not fit in 32 bits")
    return value.to_bytes(4, "big")


def _numbers(function: int, data: bytes, count: int | None = None) -> tuple[int, ...]:
    """A row of u32; `count` of them if given. DriverError(EIO) if the card sent something else."""
    if len(data) % 4 or (count is not None and len(data) != 4 * count):
        raise DriverError(errno.EIO, f"{verbs.name(function)}: {len(data)} bytes in the reply")
    return tuple(int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4))


def _chunks(count: int) -> Iterator[int]:
    for start in range(0, count, RANDOM_CHUNK):
        yield min(RANDOM_CHUNK, count - start)
