"""The curves of the token and the ways CKA_EC_PARAMS and CKA_EC_POINT may name and hold them."""

from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.errors import CryptokiError


class Curve(NamedTuple):
    """``oid`` as DER; sizes in bytes; ``key_type`` is the CKA_KEY_TYPE of its keys."""

    oid: bytes
    key_type: int
    coordinate: int
    bits: int

    @property
    def point_size(self) -> int:
        """Length of an encoded point: uncompressed, or of Edwards curves compressed (RFC 8032)."""
        return self.coordinate if self.key_type == ck.CKK_EC_EDWARDS else 2 * self.coordinate + 1

    @property
    def signature_size(self) -> int:
        """r||s, or R||S."""
        return 2 * self.coordinate


P256 = Curve(der.object_identifier("1.2.840.10045.3.1.7"), ck.CKK_EC, 32, 256)
P384 = Curve(der.object_identifier("1.3.132.0.34"), ck.CKK_EC, 48, 384)
P521 = Curve(der.object_identifier("1.3.132.0.35"), ck.CKK_EC, 66, 521)
ED25519 = Curve(der.object_identifier("1.3.101.112"), ck.CKK_EC_EDWARDS, 32, 255)

_BY_PARAMETERS = {
    **{curve.oid: curve for curve in (P256, P384, P521, ED25519)},
    der.object_identifier("1.3.6.1.4.1.11591.15.1"): ED25519,  # the number GnuPG gave it
    der.encode(der.PRINTABLE_STRING, b"edwards25519"): ED25519,  # PKCS #11 3.2, 6.3.5
}


def curve_of(parameters: bytes, key_type: int) -> Curve:
    """The curve a CKA_EC_PARAMS names; CKR_CURVE_NOT_SUPPORTED, or if it is of another key type
    inconsistent.
    """
    curve = _BY_PARAMETERS.get(parameters)
    if curve is None:
        raise CryptokiError(ck.CKR_CURVE_NOT_SUPPORTED)
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
