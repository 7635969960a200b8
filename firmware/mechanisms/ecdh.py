"""ECDH derivation on prime and on Montgomery curves (PKCS #11 3.2, 6.3.17, 6.3.18; SP 800-56A)."""

from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Ecdh as Parameters
from ghostcard.firmware.mechanisms import ec, kdf, octet_keys
from ghostcard.firmware.mechanisms.curves import (
    LEAST_BITS,
    MOST_BITS,
    P256,
    X25519,
    coordinate_bytes,
    octet_of_key,
    of_key,
)
from ghostcard.firmware.mechanisms.hashes import SHA256
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Mechanism, parameters
from ghostcard.firmware.mechanisms.octet_keys import OctetKeyPairGen
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey


def operation(key: Key) -> str:
    """The name under which the profile prices an agreement with this key."""
    if key.key_type == ck.CKK_EC_MONTGOMERY:
        return f"{octet_of_key(key).name}-derive"
    return f"ecdh-{of_key(key).name}"


class Ecdh(Mechanism):
    """CKM_ECDH1_DERIVE and, since no curve here has another cofactor than 1, or uses it in its
    scalars (RFC 7748), CKM_ECDH1_COFACTOR_DERIVE.
    """

    __slots__ = ()

    def __init__(self, number: int) -> None:
        types = (ck.CKK_EC, ck.CKK_EC_MONTGOMERY)
        super().__init__(number, LEAST_BITS, MOST_BITS, ec.FLAGS | ck.CKF_DERIVE, *types)

    def operation(self, key: Key, use: str) -> str:
        return operation(key)

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        parsed = parameters(self.number, params, Parameters)
        return kdf.derived_bytes(parsed.kdf, parsed.shared, coordinate_bytes(key), key_bytes)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        """The shared secret is the x or u coordinate of the shared point."""
        size = self.derived_bytes(key, params, key_bytes)
        parsed = parameters(self.number, params, Parameters)
        secret = shared_secret(key, parsed.point)
        return kdf.derive(parsed.kdf, secret, parsed.shared, size)


def shared_secret(key: Key, point: bytes) -> bytes:
    """What our private key and their public point agree on.

    CKR_MECHANISM_PARAM_INVALID if the point is none, or on a Montgomery curve one of small order.
    """
    agree = _montgomery if key.key_type == ck.CKK_EC_MONTGOMERY else _weierstrass
    try:
        return agree(key, point)
    except ValueError:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID) from None


def _weierstrass(key: Key, point: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDH

    curve = of_key(key)
    peer = ec.point_handle(curve, _bare(point, 2 * curve.size + 1))
    return ec.private_handle(key).exchange(ECDH(), peer)


def _montgomery(key: Key, public: bytes) -> bytes:
    curve = octet_of_key(key)
    peer = octet_keys.peer_handle(curve, _bare(public, curve.size))
    if curve is X25519:
        ours = cast("X25519PrivateKey", octet_keys.private_handle(key))
        return ours.exchange(cast("X25519PublicKey", peer))
    private = cast("X448PrivateKey", octet_keys.private_handle(key))
    return private.exchange(cast("X448PublicKey", peer))


def _bare(point: bytes, size: int) -> bytes:
    """The point without the OCTET STRING that CKA_EC_POINT has around it."""
    head = ber.head(ber.OCTET_STRING, size)
    is_wrapped = len(point) == len(head) + size and point.startswith(head)
    return point[len(head) :] if is_wrapped else point


# RFC 5903, 8.1: the 256-bit random ECP group. KDF: NIST CAVS, "ANSI X9.63-2001 KDF" vectors, the
# first of SHA-256 (shared secret of 192 bits, no shared information, 128 bits of key). RFC 7748,
# 5.2: the first vector of X25519.
_SCALAR = 0xC88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433
_PEER = bytes.fromhex(
    "04"
    "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
    "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
)
_SHARED = bytes.fromhex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de")
_KDF_SECRET = bytes.fromhex("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08")
_KDF_OUTPUT = bytes.fromhex("443024c3dae66b95e6f5670601558f71")
_X_SECRET = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
_X_PEER = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
_X_SHARED = bytes.fromhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")


def known_answers() -> bool:
    """Shared secrets and KDF output come out as above."""
    private = ec.private_key(P256, _SCALAR)
    params = wire.pack(ck.CKM_ECDH1_DERIVE, Parameters(ck.CKD_NULL, b"", _PEER))[4:]
    return (
        Ecdh(ck.CKM_ECDH1_DERIVE).derive(private, params, None) == _SHARED
        and kdf.x963(SHA256, _KDF_SECRET, b"", 16) == _KDF_OUTPUT
        and shared_secret(octet_keys.private_key(X25519, _X_SECRET), _X_PEER) == _X_SHARED
    )


def register(table: Table) -> None:
    """Add CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE and Montgomery key pair generation."""
    both = (ck.CKM_ECDH1_DERIVE, ck.CKM_ECDH1_COFACTOR_DERIVE)
    keygen = OctetKeyPairGen(ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN, ck.CKK_EC_MONTGOMERY)
    table.register("ecdh", known_answers, [keygen, *map(Ecdh, both)])
