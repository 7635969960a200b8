"""The elliptic curves of the card: the three prime curves of NIST, and edwards25519."""

from typing import TYPE_CHECKING, NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve


class Curve(NamedTuple):
    """A prime curve in short Weierstrass form; `oid` is its object identifier in DER."""

    name: str  # in operation names
    bits: int
    size: int  # bytes of a coordinate and of a private scalar
    oid: bytes
    order: int
    title: str  # of `cryptography`


# Orders: SP 800-186, 3.2.1.
P256 = Curve(
    "p256", 256, 32, bytes.fromhex("06082a8648ce3d030107"),
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "SECP256R1",
)  # fmt: skip
P384 = Curve(
    "p384", 384, 48, bytes.fromhex("06052b81040022"),
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "SECP384R1",
)  # fmt: skip
P521 = Curve(
    "p521", 521, 66, bytes.fromhex("06052b81040023"),
    0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
    "SECP521R1",
)  # fmt: skip

CURVES = (P256, P384, P521)
_BY_BITS = {curve.bits: curve for curve in CURVES}
_BY_OID = {curve.oid: curve for curve in CURVES}

ED25519_BITS = 255
ED25519_SIZE = 32
ED25519_OID = bytes.fromhex("06032b6570")  # RFC 8410, 3
# What CKA_EC_PARAMS may hold for edwards25519: the identifier of RFC 8410, that of draft RFC 8032
# implementations, and the curve's name (PKCS #11 3.2, 6.3.5 curveName).
ED25519_PARAMS = (
    ED25519_OID,
    bytes.fromhex("06092b06010401da470f01"),
    b"\x13\x0cedwards25519",
)


def of_params(params: bytes) -> Curve:
    """The prime curve of CKA_EC_PARAMS, which must name it by its identifier."""
    curve = _BY_OID.get(params)
    if curve is None:
        raise Refused(ck.CKR_CURVE_NOT_SUPPORTED)
    return curve


def of_bits(bits: int) -> Curve:
    """The prime curve of a key of CKK_EC; the size names it."""
    return _BY_BITS[bits]


def group(curve: Curve) -> "EllipticCurve":
    """The curve as `cryptography` wants it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    made: EllipticCurve = getattr(ec, curve.title)()
    return made
