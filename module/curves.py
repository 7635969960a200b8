"""The curves of the token and the ways CKA_EC_PARAMS and CKA_EC_POINT may name and hold them."""

from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.errors import CryptokiError

OCTET_TYPES = frozenset((ck.CKK_EC_EDWARDS, ck.CKK_EC_MONTGOMERY))
"""Types whose keys are octet strings (RFC 8410), not points with two coordinates."""

KEY_TYPES = OCTET_TYPES | {ck.CKK_EC}


class Curve(NamedTuple):
    """``oid`` as DER; sizes in bytes; ``key_type`` is the CKA_KEY_TYPE of its keys. ``name`` is the
    curveName of PKCS #11 3.2, 6.3.5.
    """

    name: str
    oid: bytes
    key_type: int
    coordinate: int
    bits: int

    @property
    def point_size(self) -> int:
        """Length of an encoded point: uncompressed, or an octet string."""
        return self.coordinate if self.key_type in OCTET_TYPES else 2 * self.coordinate + 1

    @property
    def signature_size(self) -> int:
        """r||s, or R||S."""
        return 2 * self.coordinate


def _prime(name: str, oid: str, bits: int) -> Curve:
    return Curve(name, der.object_identifier(oid), ck.CKK_EC, (bits + 7) // 8, bits)


def _octet(name: str, oid: str, key_type: int, size: int, bits: int) -> Curve:
    return Curve(name, der.object_identifier(oid), key_type, size, bits)


P192 = _prime("secp192r1", "1.2.840.10045.3.1.1", 192)
P224 = _prime("secp224r1", "1.3.132.0.33", 224)
P256 = _prime("secp256r1", "1.2.840.10045.3.1.7", 256)
P384 = _prime("secp384r1", "1.3.132.0.34", 384)
P521 = _prime("secp521r1", "1.3.132.0.35", 521)
SECP256K1 = _prime("secp256k1", "1.3.132.0.10", 256)
BRAINPOOL256 = _prime("brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7", 256)
BRAINPOOL384 = _prime("brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11", 384)
BRAINPOOL512 = _prime("brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13", 512)
ED25519 = _octet("edwards25519", "1.3.101.112", ck.CKK_EC_EDWARDS, 32, 255)
ED448 = _octet("edwards448", "1.3.101.113", ck.CKK_EC_EDWARDS, 57, 448)
X25519 = _octet("curve25519", "1.3.101.110", ck.CKK_EC_MONTGOMERY, 32, 255)
X448 = _octet("curve448", "1.3.101.111", ck.CKK_EC_MONTGOMERY, 56, 448)

CURVES = (
    *(P192, P224, P256, P384, P521, SECP256K1, BRAINPOOL256, BRAINPOOL384, BRAINPOOL512),
    *(ED25519, ED448, X25519, X448),
)
_BY_PARAMETERS = {
    **{curve.oid: curve for curve in CURVES},
    **{der.encode(der.PRINTABLE_STRING, curve.name.encode()): curve for curve in CURVES},
    der.object_identifier("1.3.6.1.4.1.11591.15.1"): ED25519,  # the numbers GnuPG gave them
    der.object_identifier("1.3.6.1.4.1.3029.1.5.1"): X25519,
    bytes.fromhex("130b63757276653235353139"): X25519,  # pkcs11-tool 0.23: a length one too large
}


def curve_of(parameters: bytes, key_type: int) -> Curve:
    """The curve a CKA_EC_PARAMS names; CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID if it is
    not DER, or if it is of another key type inconsistent.
    """
    curve = _BY_PARAMETERS.get(parameters)
    if curve is None:
        is_der = der.is_one_value(parameters)
        raise CryptokiError(ck.CKR_CURVE_NOT_SUPPORTED if is_der else ck.CKR_DOMAIN_PARAMS_INVALID)
    if curve.key_type != key_type:
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    return curve


def point_of(value: bytes, curve: Curve) -> bytes:
    """The point of a CKA_EC_POINT: a DER OCTET STRING around it, or the bare point, as some
    programs write it.
    """
    for point in (_unwrapped(value), value):
        if len(point) == curve.point_size and (curve.key_type != ck.CKK_EC or point[0] == 4):
            return point
    raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)


def _unwrapped(value: bytes) -> bytes:
    try:
        return der.read(value, der.OCTET_STRING)
    except der.DerError:
        return b""
