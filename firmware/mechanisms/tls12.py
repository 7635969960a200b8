"""The keys and MACs of TLS 1.2 (PKCS #11 3.2, "TLS 1.2 Mechanisms"; RFC 5246, RFC 7627)."""

import hmac

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.derivation import SecretDerivation, of_digest, within
from ghostcard.firmware.mechanisms.hashes import Hash, Sink, opener
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import (
    Derivation,
    Gather,
    Mechanism,
    parameters,
)
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import MAX_BITS
from ghostcard.firmware.mechanisms.table import Table

MASTER = 48  # bytes of a master secret
SECRETS = (ck.CKK_GENERIC_SECRET,)
MAX_KEY_BITS = 1024
FINISHED = {1: b"server finished", 2: b"client finished"}
LEAST_MAC = 12  # RFC 5246, 7.4.9


def prf(which: Hash, secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """The pseudo-random function of TLS 1.2 (RFC 5246, 5)."""
    start = opener(which)
    seed = label + seed
    made, link = b"", seed
    while len(made) < size:
        link = hmac.new(secret, link, start).digest()
        made += hmac.new(secret, link + seed, start).digest()
    return made[:size]


class Master(SecretDerivation):
    """CKM_TLS12_MASTER_KEY_DERIVE, of RSA's premaster secret, whose version the caller is told; and
    with the suffix _DH, of any premaster secret.
    """

    __slots__ = ("tells_version",)

    def __init__(self, number: int, tells_version: bool) -> None:
        super().__init__(number, *SECRETS)
        self.tells_version = tells_version

    def _seed(self, params: bytes) -> tuple[Hash, bytes, bytes]:
        parsed = parameters(self.number, params, wire.TlsMaster)
        return of_digest(parsed.hash), b"master secret", parsed.client + parsed.server

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        self._seed(params)
        if self.tells_version and key.bits != 8 * MASTER:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        if key_bytes not in (None, MASTER):
            raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
        return MASTER

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        which, label, seed = self._seed(params)
        return prf(which, key.material, label, seed, size)

    def derived_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> tuple[tuple[int, ...], int]:
        """One key; the data is the version."""
        if not self.tells_version or len(sizes) != 1:
            raise Refused(ck.CKR_MECHANISM_INVALID)
        return (self.derived_bytes(key, params, sizes[0] or None),), 2

    def derive_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> Derivation:
        self.derived_many(key, others, params, sizes)
        return Derivation((self.derive(key, params, None),), key.material[:2])


class ExtendedMaster(Master):
    """CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, and _DH (RFC 7627, 4)."""

    __slots__ = ()

    def _seed(self, params: bytes) -> tuple[Hash, bytes, bytes]:
        parsed = parameters(self.number, params, wire.TlsSession)
        which = of_digest(parsed.hash)
        if len(parsed.session_hash) != which.size:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return which, b"extended master secret", parsed.session_hash


class KeyMaterial(SecretDerivation):
    """CKM_TLS12_KEY_AND_MAC_DERIVE: the keys of a connection, the data is its IVs; and
    CKM_TLS12_KEY_SAFE_DERIVE, which gives no IVs away.

    Keys in the order of RFC 5246, 6.3: MAC keys of client and server, keys of client and server; a
    pair without bits is not made.
    """

    __slots__ = ("has_ivs",)

    def __init__(self, number: int, has_ivs: bool) -> None:
        super().__init__(number, *SECRETS)
        self.has_ivs = has_ivs

    def _sizes(self, params: bytes) -> tuple[wire.TlsKeys, tuple[int, int, int]]:
        parsed = parameters(self.number, params, wire.TlsKeys)
        bits = (parsed.mac_bits, parsed.key_bits, parsed.iv_bits)
        if any(each % 8 or each > MAX_KEY_BITS for each in bits):
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        mac, key, iv = (each // 8 for each in bits)
        return parsed, (mac, key, iv if self.has_ivs else 0)

    def derived_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> tuple[tuple[int, ...], int]:
        parsed, (mac, size, iv) = self._sizes(params)
        of_digest(parsed.hash)
        if key.bits != 8 * MASTER:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        made = tuple(each for each in (mac, mac, size, size) if each)
        if len(sizes) != len(made) or any(
            asked not in (0, found) for asked, found in zip(sizes, made, strict=True)
        ):
            raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
        return made, 2 * iv

    def derive_many(
        self, key: Key, others: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> Derivation:
        made, data = self.derived_many(key, others, params, sizes)
        parsed = parameters(self.number, params, wire.TlsKeys)
        seed = parsed.server + parsed.client
        which = of_digest(parsed.hash)
        block = prf(which, key.material, b"key expansion", seed, sum(made) + data)
        values, place = [], 0
        for size in made:
            values.append(block[place : place + size])
            place += size
        return Derivation(tuple(values), block[place:])


class Kdf(SecretDerivation):
    """CKM_TLS12_KDF and CKM_TLS_KDF: keys for the application (RFC 5705)."""

    __slots__ = ()

    def _parsed(self, params: bytes) -> tuple[wire.TlsKdf, Hash]:
        parsed = parameters(self.number, params, wire.TlsKdf)
        return parsed, of_digest(parsed.hash)

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        self._parsed(params)
        if key_bytes is None:
            raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
        return within(key_bytes, key_bytes, MAX_BITS // 8)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        parsed, which = self._parsed(params)
        seed = parsed.client + parsed.server
        if parsed.context:
            seed += len(parsed.context).to_bytes(2, "big") + parsed.context
        return prf(which, key.material, parsed.label, seed, size)


class FinishedMac(Mechanism):
    """CKM_TLS12_MAC and CKM_TLS_MAC: the Finished messages of both sides (RFC 5246, 7.4.9).

    What is signed is the hash of the handshake.
    """

    __slots__ = ()

    def __init__(self, number: int) -> None:
        flags = ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY
        super().__init__(number, 8, MAX_BITS, flags, *SECRETS)

    def operation(self, key: Key, use: str) -> str:
        return "derive"

    def feed_operation(self, key: Key, use: str) -> str:
        return "derive"

    def _parsed(self, params: bytes) -> tuple[Hash, int, bytes]:
        parsed = parameters(self.number, params, wire.TlsMac)
        label = FINISHED.get(parsed.side)
        if label is None or not LEAST_MAC <= parsed.length <= MASTER:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return of_digest(parsed.hash), parsed.length, label

    def signature_bytes(self, key: Key, params: bytes) -> int:
        return self._parsed(params)[1]

    def signer(self, key: Key, params: bytes) -> Signer:
        which, size, label = self._parsed(params)
        return lambda data: prf(which, key.material, label, data, size)

    def verifier(self, key: Key, params: bytes) -> Verifier:
        sign, size = self.signer(key, params), self.signature_bytes(key, params)

        def verify(data: bytes, mac: bytes) -> None:
            if len(mac) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            if not hmac.compare_digest(sign(data), mac):
                raise Refused(ck.CKR_SIGNATURE_INVALID)

        return verify

    def sink(self, key: Key, params: bytes) -> Sink:
        return Gather()

    def closer(self, key: Key, params: bytes) -> Signer:
        return self.signer(key, params)

    def checker(self, key: Key, params: bytes) -> Verifier:
        return self.verifier(key, params)


# The vector of P_SHA256 that was published on the IETF's TLS mailing list.
_SECRET = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
_SEED = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
_OUTPUT = bytes.fromhex(
    "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
    "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
    "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
    "87347b66"
)


def known_answers() -> bool:
    """The output above comes out of the function that everything here rests on."""
    which = of_digest(ck.CKM_SHA256)
    return prf(which, _SECRET, b"test label", _SEED, len(_OUTPUT)) == _OUTPUT


def register(table: Table) -> None:
    """Add the derivations and the MAC."""
    mechanisms: list[Mechanism] = [
        Master(ck.CKM_TLS12_MASTER_KEY_DERIVE, tells_version=True),
        Master(ck.CKM_TLS12_MASTER_KEY_DERIVE_DH, tells_version=False),
        ExtendedMaster(ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, tells_version=True),
        ExtendedMaster(ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, tells_version=False),
        KeyMaterial(ck.CKM_TLS12_KEY_AND_MAC_DERIVE, has_ivs=True),
        KeyMaterial(ck.CKM_TLS12_KEY_SAFE_DERIVE, has_ivs=False),
        Kdf(ck.CKM_TLS12_KDF),
        Kdf(ck.CKM_TLS_KDF),
        FinishedMac(ck.CKM_TLS12_MAC),
        FinishedMac(ck.CKM_TLS_MAC),
    ]
    table.register("tls12", known_answers, mechanisms)
