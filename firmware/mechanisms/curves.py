"""The elliptic curves of the card: prime curves (EC), and those whose keys are octet strings."""

from typing import TYPE_CHECKING, NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve


class Curve(NamedTuple):
    """A prime curve in short Weierstrass form; `oid` is its object identifier in DER.

    `variant` tells curves of one size apart in a key: 0 for those of NIST. The cofactor is 1.
    """

    name: str  # in operation names
    bits: int
    size: int  # bytes of a coordinate and of a private scalar
    oid: bytes
    order: int
    title: str  # of `cryptography`
    variant: int = 0


# Orders: SP 800-186, 3.2.1 and appendix H.1 (P-192); SEC 2, 2.4.1 (secp256k1); RFC 5639, 3.
P192 = Curve(
    "p192", 192, 24, bytes.fromhex("06082a8648ce3d030101"),
    0xFFFFFFFFFFFFFFFFFFFFFFFF99DEF836146BC9B1B4D22831,
    "SECP192R1",
)  # fmt: skip
P224 = Curve(
    "p224", 224, 28, bytes.fromhex("06052b81040021"),
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFF16A2E0B8F03E13DD29455C5C2A3D,
    "SECP224R1",
)  # fmt: skip
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
SECP256K1 = Curve(
    "secp256k1", 256, 32, bytes.fromhex("06052b8104000a"),
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    "SECP256K1", 1,
)  # fmt: skip
BRAINPOOL256 = Curve(
    "brainpool256", 256, 32, bytes.fromhex("06092b2403030208010107"),
    0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7,
    "BrainpoolP256R1", 2,
)  # fmt: skip
BRAINPOOL384 = Curve(
    "brainpool384", 384, 48, bytes.fromhex("06092b240303020801010b"),
    0x8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565,
    "BrainpoolP384R1", 2,
)  # fmt: skip
BRAINPOOL512 = Curve(
    "brainpool512", 512, 64, bytes.fromhex("06092b240303020801010d"),
    0xAADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069,
    "BrainpoolP512R1", 2,
)  # fmt: skip

CURVES = (
    P192, P224, P256, P384, P521, SECP256K1, BRAINPOOL256, BRAINPOOL384, BRAINPOOL512
)  # fmt: skip
LEAST_BITS, MOST_BITS = P192.bits, P521.bits
_BY_KIND = {(curve.bits, curve.variant): curve for curve in CURVES}
_BY_OID = {curve.oid: curve for curve in CURVES}


class OctetCurve(NamedTuple):
    """A curve of RFC 8410: private and public keys are octet strings of `size` bytes."""

    name: str  # in operation names, and the module of `cryptography`
    key_type: int
    bits: int
    size: int
    oid: bytes
    title: str  # of `cryptography`
    # What CKA_EC_PARAMS may hold besides `oid`: the curve's name (PKCS #11 3.2, 6.3.5 curveName),
    # and an identifier that was used before RFC 8410.
    other_params: tuple[bytes, ...]


def _named(name: bytes) -> bytes:
    """A DER PrintableString."""
    return bytes((0x13, len(name))) + name


ED25519 = OctetCurve(
    "ed25519", ck.CKK_EC_EDWARDS, 255, 32, bytes.fromhex("06032b6570"), "Ed25519",
    (_named(b"edwards25519"), bytes.fromhex("06092b06010401da470f01")),
)  # fmt: skip
ED448 = OctetCurve(
    "ed448", ck.CKK_EC_EDWARDS, 448, 57, bytes.fromhex("06032b6571"), "Ed448",
    (_named(b"edwards448"),),
)  # fmt: skip
X25519 = OctetCurve(
    "x25519", ck.CKK_EC_MONTGOMERY, 255, 32, bytes.fromhex("06032b656e"), "X25519",
    (_named(b"curve25519"), bytes.fromhex("060a2b060104019755010501")),
)  # fmt: skip
X448 = OctetCurve(
    "x448", ck.CKK_EC_MONTGOMERY, 448, 56, bytes.fromhex("06032b656f"), "X448",
    (_named(b"curve448"),),
)  # fmt: skip

OCTET_CURVES = (ED25519, ED448, X25519, X448)
_OCTET_BY_KIND = {(curve.key_type, curve.bits): curve for curve in OCTET_CURVES}
_OCTET_BY_PARAMS = {
    (curve.key_type, params): curve
    for curve in OCTET_CURVES
    for params in (curve.oid, *curve.other_params)
}


def of_params(params: bytes) -> Curve:
    """The prime curve of CKA_EC_PARAMS, which must name it by its identifier."""
    curve = _BY_OID.get(params)
    if curve is None:
        raise Refused(ck.CKR_CURVE_NOT_SUPPORTED)
    return curve


def octet_of_params(key_type: int, params: bytes) -> OctetCurve:
    """The octet curve of CKA_EC_PARAMS, one of that key type."""
    curve = _OCTET_BY_PARAMS.get((key_type, params))
    if curve is None:
        raise Refused(ck.CKR_CURVE_NOT_SUPPORTED)
    return curve


def of_key(key: Key) -> Curve:
    """The prime curve of a key of CKK_EC."""
    return _BY_KIND[key.bits, key.variant]


def octet_of_key(key: Key) -> OctetCurve:
    """The octet curve of a key of CKK_EC_EDWARDS or CKK_EC_MONTGOMERY."""
    return _OCTET_BY_KIND[key.key_type, key.bits]


def coordinate_bytes(key: Key) -> int:
    """Bytes of a shared secret of a key of any of these types: a coordinate."""
    return of_key(key).size if key.key_type == ck.CKK_EC else octet_of_key(key).size


def group(curve: Curve) -> "EllipticCurve":
    """The curve as `cryptography` wants it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    made: EllipticCurve = getattr(ec, curve.title)()
    return made
