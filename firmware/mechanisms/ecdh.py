"""ECDH1 derivation on the prime curves (PKCS #11 3.2, 6.3.17; SP 800-56A; ANSI X9.63 KDF)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms import ec
from ghostcard.firmware.mechanisms.curves import CURVES, P256, Curve, of_bits
from ghostcard.firmware.mechanisms.hashes import SHA256, Hash, of_kdf, opener
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Mechanism, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

MAX_DERIVED = 2048  # bytes; the largest secret key


class Ecdh(Mechanism):
    """CKM_ECDH1_DERIVE and, since the cofactor of these curves is 1, CKM_ECDH1_COFACTOR_DERIVE."""

    __slots__ = ()

    def __init__(self, number: int) -> None:
        flags = ec.FLAGS | ck.CKF_DERIVE
        super().__init__(number, CURVES[0].bits, CURVES[-1].bits, flags, ck.CKK_EC)

    def operation(self, key: Key, use: str) -> str:
        return f"ecdh-{of_bits(key.bits).name}"

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        parsed = parameters(self.number, params, wire.Ecdh)
        whole = of_bits(key.bits).size
        if parsed.kdf == ck.CKD_NULL:
            if parsed.shared:
                raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
            most = whole
        else:
            whole = of_kdf(parsed.kdf).size
            most = MAX_DERIVED
        wanted = whole if key_bytes is None else key_bytes
        if not 0 < wanted <= most:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        return wanted

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        """X of the shared point, cut from its leading end; or what a KDF makes of it."""
        size = self.derived_bytes(key, params, key_bytes)
        parsed = parameters(self.number, params, wire.Ecdh)
        secret = _shared(key, parsed.point)
        if parsed.kdf == ck.CKD_NULL:
            return secret[-size:]
        return x963(of_kdf(parsed.kdf), secret, parsed.shared, size)


def _shared(key: Key, point: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDH

    try:
        peer = ec.point_handle(curve := of_bits(key.bits), _bare(curve, point))
    except ValueError:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID) from None
    return ec.private_handle(key).exchange(ECDH(), peer)


def _bare(curve: Curve, point: bytes) -> bytes:
    """The point without the OCTET STRING that CKA_EC_POINT has around it."""
    size = 2 * curve.size + 1
    head = ber.head(ber.OCTET_STRING, size)
    return (
        point[len(head) :] if len(point) == len(head) + size and point.startswith(head) else point
    )


def x963(which: Hash, secret: bytes, shared: bytes, size: int) -> bytes:
    """The key derivation function of ANSI X9.63 (SEC 1, 3.6.1)."""
    start = opener(which)
    rounds = range(1, -(-size // which.size) + 1)
    return b"".join(
        start(secret + counter.to_bytes(4, "big") + shared).digest() for counter in rounds
    )[:size]


# RFC 5903, 8.1: the 256-bit random ECP group. KDF: NIST CAVS, "ANSI X9.63-2001 KDF" vectors, the
# first of SHA-256 (shared secret of 192 bits, no shared information, 128 bits of key).
_SCALAR = 0xC88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433
_PEER = bytes.fromhex(
    "04"
    "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
)
_SHARED = bytes.fromhex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de")
_KDF_SECRET = bytes.fromhex("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08")
_KDF_OUTPUT = bytes.fromhex("443024c3dae66b95e6f5670601558f71")


def known_answers() -> bool:
    """Shared secret and KDF output come out as above."""
    private = ec.private_key(P256, _SCALAR)
    params = pack(ck.CKM_ECDH1_DERIVE, wire.Ecdh(ck.CKD_NULL, b"", _PEER))[4:]
    return (
        Ecdh(ck.CKM_ECDH1_DERIVE).derive(private, params, None) == _SHARED
        and x963(SHA256, _KDF_SECRET, b"", 16) == _KDF_OUTPUT
    )


def register(table: Table) -> None:
    """Add CKM_ECDH1_DERIVE and CKM_ECDH1_COFACTOR_DERIVE."""
    both = (ck.CKM_ECDH1_DERIVE, ck.CKM_ECDH1_COFACTOR_DERIVE)
    table.register("ecdh", known_answers, map(Ecdh, both))
