"""Keys on the prime curves: their form in card memory, and their generation (PKCS #11 3.2, 6.3.8).

Material of a private key: the scalar at the width of the field, then the public point in its
uncompressed form. Scalars come from the card's random source, with 64 bits to spare (FIPS 186-5,
A.2.1).
"""

from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.curves import Curve, group, of_key, of_params
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes, Draw, KeyPair, Mechanism
from ghostcard.firmware.mechanisms.public import ec_spki
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

FLAGS = ck.CKF_HW | ck.CKF_EC_F_P | ck.CKF_EC_OID | ck.CKF_EC_UNCOMPRESS


def private_handle(key: Key) -> "EllipticCurvePrivateKey":
    """The private key for use; made once."""
    if key.handle is None:
        from cryptography.hazmat.primitives.asymmetric.ec import derive_private_key

        curve = of_key(key)
        scalar = int.from_bytes(key.material[: curve.size], "big")
        key.handle = derive_private_key(scalar, group(curve))
    return cast("EllipticCurvePrivateKey", key.handle)


def public_handle(key: Key) -> "EllipticCurvePublicKey":
    """The public key for use; refused if the point is not on its curve."""
    if key.handle is None:
        try:
            key.handle = point_handle(of_key(key), key.material)
        except ValueError:
            raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None
    return cast("EllipticCurvePublicKey", key.handle)


def point_handle(curve: Curve, point: bytes) -> "EllipticCurvePublicKey":
    """A point as a public key; ValueError if it is not on the curve."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    return EllipticCurvePublicKey.from_encoded_point(group(curve), point)


def private_key(curve: Curve, scalar: int) -> Key:
    """A private key from its scalar, which must be in 1 .. order - 1."""
    from cryptography.hazmat.primitives.asymmetric.ec import derive_private_key

    handle = derive_private_key(scalar, group(curve))
    numbers = handle.public_key().public_numbers()
    point = b"\4" + numbers.x.to_bytes(curve.size, "big") + numbers.y.to_bytes(curve.size, "big")
    material = scalar.to_bytes(curve.size, "big") + point
    key = Key(ck.CKO_PRIVATE_KEY, ck.CKK_EC, curve.bits, material, variant=curve.variant)
    key.handle = handle
    return key


def point_of(key: Key) -> bytes:
    """The public point of a private key."""
    return key.material[of_key(key).size :]


class EcKeyPairGen(Mechanism):
    """CKM_EC_KEY_PAIR_GEN; CKA_EC_PARAMS names the curve by its object identifier.

    CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS is the same: scalars always have bits to spare.
    """

    __slots__ = ()

    def pair_operation(self, public: Attributes) -> str:
        return f"ec-{_wanted(public).name}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        curve = _wanted(public)
        surplus = int.from_bytes(draw((curve.bits + 64 + 7) // 8), "big")
        private = private_key(curve, surplus % (curve.order - 1) + 1)
        return KeyPair(private, ec_spki(curve, point_of(private)))

    def null_pair(self, public: Attributes) -> KeyPair:
        curve = _wanted(public)
        material = bytes(3 * curve.size + 1)
        private = Key(
            ck.CKO_PRIVATE_KEY, ck.CKK_EC, curve.bits, material, is_null=True, variant=curve.variant
        )
        point = b"\4" + bytes(2 * curve.size)  # uncompressed, and on no curve
        return KeyPair(private, ec_spki(curve, point))


def _wanted(public: Attributes) -> Curve:
    params = public.get(ck.CKA_EC_PARAMS)
    if not isinstance(params, bytes):
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    return of_params(params)
