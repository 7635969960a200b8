"""Keys of the curves of RFC 8410: their form in card memory, and their generation.

PKCS #11 3.2, 6.3.10 and 6.3.11. Material of a private key: the secret octets, then the public key.
"""

from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.curves import (
    OCTET_CURVES,
    OctetCurve,
    octet_of_key,
    octet_of_params,
)
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes, Draw, KeyPair, Mechanism
from ghostcard.firmware.mechanisms.public import octet_spki
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    Private: TypeAlias = Ed25519PrivateKey | Ed448PrivateKey | X25519PrivateKey | X448PrivateKey
    Public: TypeAlias = Ed25519PublicKey | Ed448PublicKey | X25519PublicKey | X448PublicKey

FLAGS = ck.CKF_HW | ck.CKF_EC_F_P | ck.CKF_EC_OID | ck.CKF_EC_CURVENAME
LEAST_BITS, MOST_BITS = 255, 448


def _private_class(curve: OctetCurve) -> "type[Private]":
    module = import_module(f"cryptography.hazmat.primitives.asymmetric.{curve.name}")
    found: type[Private] = getattr(module, f"{curve.title}PrivateKey")
    return found


def _public_class(curve: OctetCurve) -> "type[Public]":
    module = import_module(f"cryptography.hazmat.primitives.asymmetric.{curve.name}")
    found: type[Public] = getattr(module, f"{curve.title}PublicKey")
    return found


def private_handle(key: Key) -> "Private":
    """The private key for use; made once."""
    if key.handle is None:
        curve = octet_of_key(key)
        key.handle = _private_class(curve).from_private_bytes(key.material[: curve.size])
    return cast("Private", key.handle)


def public_handle(key: Key) -> "Public":
    """The public key for use; made once. Refused if the octets are no key of the curve."""
    if key.handle is None:
        try:
            key.handle = peer_handle(octet_of_key(key), key.material)
        except ValueError:
            raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None
    return cast("Public", key.handle)


def peer_handle(curve: OctetCurve, public: bytes) -> "Public":
    """A public key from its octets; ValueError if they are none."""
    return _public_class(curve).from_public_bytes(public)


def private_key(curve: OctetCurve, secret: bytes) -> Key:
    """A private key from its octets."""
    handle = _private_class(curve).from_private_bytes(secret)
    public = handle.public_key().public_bytes_raw()
    key = Key(ck.CKO_PRIVATE_KEY, curve.key_type, curve.bits, secret + public)
    key.handle = handle
    return key


def imported(loaded: object) -> Key | None:
    """The key of a private key of the cryptographic library; None if it is of another kind."""
    for curve in OCTET_CURVES:
        if isinstance(loaded, _private_class(curve)):
            return private_key(curve, loaded.private_bytes_raw())
    return None


def secret_of(key: Key) -> bytes:
    """The secret octets of a private key."""
    return key.material[: octet_of_key(key).size]


def public_of(key: Key) -> bytes:
    """The public key of a private key."""
    return key.material[octet_of_key(key).size :]


class OctetKeyPairGen(Mechanism):
    """CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN."""

    __slots__ = ()

    def __init__(self, number: int, key_type: int) -> None:
        flags = FLAGS | ck.CKF_GENERATE_KEY_PAIR
        super().__init__(number, LEAST_BITS, MOST_BITS, flags, key_type)

    def _wanted(self, public: Attributes) -> OctetCurve:
        params = public.get(ck.CKA_EC_PARAMS)
        if not isinstance(params, bytes):
            raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
        return octet_of_params(self.key_types[0], params)

    def pair_operation(self, public: Attributes) -> str:
        return f"{self._wanted(public).name}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        curve = self._wanted(public)
        private = private_key(curve, draw(curve.size))
        return KeyPair(private, octet_spki(curve, public_of(private)))

    def null_pair(self, public: Attributes) -> KeyPair:
        curve = self._wanted(public)
        material = bytes(2 * curve.size)
        private = Key(ck.CKO_PRIVATE_KEY, curve.key_type, curve.bits, material, is_null=True)
        return KeyPair(private, octet_spki(curve, bytes(curve.size)))
