"""HKDF (PKCS #11 3.2, "HKDF Mechanisms"; RFC 5869)."""

import hmac

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as pack
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.derivation import SecretDerivation, of_digest, within
from ghostcard.firmware.mechanisms.hashes import Hash, opener
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Derivation, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import ValueKeyGen, secret_key
from ghostcard.firmware.mechanisms.table import Table

MAX_BLOCKS = 255


class Hkdf(SecretDerivation):
    """CKM_HKDF_DERIVE: extract, expand or both."""

    __slots__ = ()

    def _parsed(self, params: bytes) -> tuple[wire.Hkdf, Hash]:
        parsed = parameters(self.number, params, wire.Hkdf)
        flags = parsed.extract, parsed.expand
        if any(flag not in (0, 1) for flag in flags) or not any(flags):
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        if parsed.extract and not _has_right_salt(parsed):
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return parsed, of_digest(parsed.hash)

    def other_keys(self, params: bytes) -> tuple[bytes, ...]:
        parsed, _ = self._parsed(params)
        by_key = parsed.extract and parsed.salt_type == ck.CKF_HKDF_SALT_KEY
        return (parsed.salt_key,) if by_key else ()

    def derived_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> int:
        parsed, which = self._parsed(params)
        most = MAX_BLOCKS * which.size if parsed.expand else which.size
        return within(key_bytes, which.size, most)

    def derive_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> bytes:
        size = self.derived_with(key, others, params, key_bytes)
        parsed, which = self._parsed(params)
        secret = key.material
        if parsed.extract:
            salt = others[0].material if others else parsed.salt
            secret = _hmac(which, salt or bytes(which.size), secret)
        return expand(which, secret, parsed.info, size) if parsed.expand else secret[:size]


class HkdfData(Hkdf):
    """CKM_HKDF_DATA: what comes out is data, which the card gives away."""

    __slots__ = ()

    def derived_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> tuple[tuple[int, ...], int]:
        return (), self.derived_with(key, others, params, _only(sizes))

    def derive_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> Derivation:
        return Derivation((), self.derive_with(key, others, params, _only(sizes)))


def _has_right_salt(parsed: wire.Hkdf) -> bool:
    """Whether the salt is of the kind that the parameters say."""
    has_salt, has_key = bool(parsed.salt), bool(parsed.salt_key)
    kinds = {
        ck.CKF_HKDF_SALT_NULL: not (has_salt or has_key),
        ck.CKF_HKDF_SALT_DATA: not has_key,  # no bytes are a salt, too
        ck.CKF_HKDF_SALT_KEY: has_key and not has_salt,
    }
    return kinds.get(parsed.salt_type, False)


def _only(sizes: tuple[int, ...]) -> int | None:
    if len(sizes) != 1:
        raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
    return sizes[0] or None


def _hmac(which: Hash, key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, opener(which)).digest()


def expand(which: Hash, secret: bytes, info: bytes, size: int) -> bytes:
    """The second step (RFC 5869, 2.3)."""
    made, block = b"", b""
    for count in range(1, -(-size // which.size) + 1):
        block = _hmac(which, secret, block + info + bytes((count,)))
        made += block
    return made[:size]


# RFC 5869, A.1: SHA-256.
_IKM = bytes.fromhex("0b" * 22)
_SALT = bytes.fromhex("000102030405060708090a0b0c")
_INFO = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
_OKM = bytes.fromhex(
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
)


def known_answers() -> bool:
    """The output of test case 1 comes out."""
    parsed = wire.Hkdf(1, 1, ck.CKM_SHA256, ck.CKF_HKDF_SALT_DATA, _SALT, b"", _INFO)
    params = pack.pack(ck.CKM_HKDF_DERIVE, parsed)[4:]
    key = secret_key(ck.CKK_HKDF, _IKM)
    return Hkdf(ck.CKM_HKDF_DERIVE).derive_with(key, (), params, len(_OKM)) == _OKM


def register(table: Table) -> None:
    """Add CKM_HKDF_DERIVE, CKM_HKDF_DATA and CKM_HKDF_KEY_GEN."""
    keygen = ValueKeyGen(ck.CKM_HKDF_KEY_GEN, ck.CKK_HKDF)
    mechanisms = [Hkdf(ck.CKM_HKDF_DERIVE), HkdfData(ck.CKM_HKDF_DATA), keygen]
    table.register("hkdf", known_answers, mechanisms)
