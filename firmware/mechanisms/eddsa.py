"""Ed25519 (PKCS #11 3.2, 6.3.10 and 6.3.16; RFC 8032).

Material of a private key: the seed, then the public key. Only pure Ed25519, which is what EDDSA
without parameters means on this curve; the pre-hashed and context forms are refused.
"""

from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.curves import ED25519_BITS, ED25519_PARAMS, ED25519_SIZE
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import (
    Attributes,
    Draw,
    KeyPair,
    Mechanism,
    Signing,
    no_parameters,
)
from ghostcard.firmware.mechanisms.public import ed25519_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

SIGNATURE = 64


def private_handle(key: Key) -> "Ed25519PrivateKey":
    """The private key for use; made once."""
    if key.handle is None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key.handle = Ed25519PrivateKey.from_private_bytes(key.material[:ED25519_SIZE])
    return cast("Ed25519PrivateKey", key.handle)


def private_key(seed: bytes) -> Key:
    """A private key from its 32-byte seed."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    handle = Ed25519PrivateKey.from_private_bytes(seed)
    public = handle.public_key().public_bytes_raw()
    key = Key(ck.CKO_PRIVATE_KEY, ck.CKK_EC_EDWARDS, ED25519_BITS, seed + public)
    key.handle = handle
    return key


def public_of(key: Key) -> bytes:
    """The public key of a private key."""
    return key.material[ED25519_SIZE:]


class EdwardsKeyPairGen(Mechanism):
    """CKM_EC_EDWARDS_KEY_PAIR_GEN for edwards25519."""

    __slots__ = ()

    def pair_operation(self, public: Attributes) -> str:
        _check(public)
        return "ed25519-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        _check(public)
        private = private_key(draw(ED25519_SIZE))
        return KeyPair(private, ed25519_spki(public_of(private)))

    def null_pair(self, public: Attributes) -> KeyPair:
        _check(public)
        material = bytes(2 * ED25519_SIZE)
        private = Key(
            ck.CKO_PRIVATE_KEY, ck.CKK_EC_EDWARDS, ED25519_BITS, material, is_null=True
        )  # fmt: skip
        return KeyPair(private, ed25519_spki(bytes(ED25519_SIZE)))


def _check(public: Attributes) -> None:
    params = public.get(ck.CKA_EC_PARAMS)
    if not isinstance(params, bytes):
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    if params not in ED25519_PARAMS:
        raise Refused(ck.CKR_CURVE_NOT_SUPPORTED)


class Eddsa(Signing):
    """CKM_EDDSA with an Ed25519 key."""

    __slots__ = ()

    def operation(self, key: Key, use: str) -> str:
        return f"ed25519-{use}"

    def signature_bytes(self, key: Key, params: bytes) -> int:
        no_parameters(params)
        return SIGNATURE

    def closer(self, key: Key, params: bytes) -> Signer:
        no_parameters(params)
        return private_handle(key).sign

    def checker(self, key: Key, params: bytes) -> Verifier:
        from cryptography.exceptions import InvalidSignature

        no_parameters(params)
        verify = _public_handle(key).verify

        def check(data: bytes, signature: bytes) -> None:
            if len(signature) != SIGNATURE:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            try:
                verify(signature, data)
            except InvalidSignature:
                raise Refused(ck.CKR_SIGNATURE_INVALID) from None

        return check


def _public_handle(key: Key) -> "Ed25519PublicKey":
    if key.handle is None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        key.handle = Ed25519PublicKey.from_public_bytes(key.material)
    return cast("Ed25519PublicKey", key.handle)


# RFC 8032, 7.1, test 2.
_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def _mechanism() -> Eddsa:
    mechanism = Eddsa(ck.CKM_EDDSA, ED25519_BITS, ED25519_BITS, None, ck.CKK_EC_EDWARDS)
    mechanism.flags |= ck.CKF_EC_F_P | ck.CKF_EC_OID | ck.CKF_EC_CURVENAME
    return mechanism


def known_answers() -> bool:
    """Public key and signature of the byte 0x72 come out as above, and the signature verifies."""
    private = private_key(_SEED)
    public = Key(ck.CKO_PUBLIC_KEY, ck.CKK_EC_EDWARDS, ED25519_BITS, _PUBLIC)
    mechanism = _mechanism()
    try:
        mechanism.verifier(public, b"")(b"\x72", _SIGNATURE)
    except Refused:
        return False
    signed = mechanism.signer(private, b"")(b"\x72")
    return signed == _SIGNATURE and public_of(private) == _PUBLIC


def register(table: Table) -> None:
    """Add Edwards key pair generation and CKM_EDDSA."""
    mechanism = _mechanism()
    flags = (mechanism.flags | ck.CKF_GENERATE_KEY_PAIR) & ~(ck.CKF_SIGN | ck.CKF_VERIFY)
    keygen = EdwardsKeyPairGen(
        ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, ED25519_BITS, ED25519_BITS, flags, ck.CKK_EC_EDWARDS
    )
    table.register("eddsa", known_answers, [keygen, mechanism])
