"""RSA keys: their form in card memory, and their generation (PKCS #11 3.2, 6.1.4).

Material of a private key, big-endian: n, e (8 bytes), d at the width of the modulus; p, q,
d mod p-1, d mod q-1, 1/q mod p at half of it. Moduli are multiples of 256 bits, as those of EP11
are (AP sheet 7.2).
Key pairs come from the generator of the cryptographic library, not from the card's random source:
it takes no seed, and the time on the card does not depend on it.
"""

from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.operations import RSA_BITS as PRICED_BITS
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes, Draw, KeyPair, Mechanism
from ghostcard.firmware.mechanisms.public import EXPONENT_SIZE, RSA_BITS, rsa_material, rsa_spki
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import (
        RSAPrivateKey,
        RSAPrivateNumbers,
        RSAPublicKey,
    )

EXPONENT = 65537
KEYGEN_BITS = range(2048, 4097, 256)


def priced_bits(bits: int) -> int:
    """The size under which the profile prices a key: the next larger one listed there."""
    return next(priced for priced in PRICED_BITS if bits <= priced)


def operation(key: Key, use: str) -> str:
    """`rsa2048-sign` and its kin."""
    return f"rsa{priced_bits(key.bits)}-{use}"


def private_handle(key: Key) -> "RSAPrivateKey":
    """The private key for use; made once. The blob's MAC vouches for the numbers, so no check."""
    if key.handle is None:
        key.handle = private_numbers(key).private_key(unsafe_skip_rsa_key_validation=True)
    return cast("RSAPrivateKey", key.handle)


def public_handle(key: Key) -> "RSAPublicKey":
    """The public key for use; refused if the numbers cannot be an RSA key."""
    if key.handle is None:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

        modulus, exponent = public_numbers(key)
        try:
            key.handle = RSAPublicNumbers(exponent, modulus).public_key()
        except ValueError:
            raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None
    return cast("RSAPublicKey", key.handle)


def public_numbers(key: Key) -> tuple[int, int]:
    """Modulus and public exponent, of a public or a private key."""
    width = key.bits // 8
    material = key.material
    end = width + EXPONENT_SIZE
    return int.from_bytes(material[:width], "big"), int.from_bytes(material[width:end], "big")


def private_numbers(key: Key) -> "RSAPrivateNumbers":
    """The numbers of a private key as `cryptography` wants them."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers

    modulus, exponent, d, p, q, dp, dq, qi = all_numbers(key)
    return RSAPrivateNumbers(p, q, d, dp, dq, qi, RSAPublicNumbers(exponent, modulus))


def all_numbers(key: Key) -> tuple[int, ...]:
    """n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p: the order of PKCS #1 (RFC 8017, A.1.2)."""
    width, half = key.bits // 8, key.bits // 16
    found, at = [], 0
    for size in (width, EXPONENT_SIZE, width, half, half, half, half, half):
        found.append(int.from_bytes(key.material[at : at + size], "big"))
        at += size
    return tuple(found)


def private_key(numbers: "RSAPrivateNumbers") -> Key:
    """A private key from its numbers; refused above the sizes the card has."""
    modulus = numbers.public_numbers.n
    bits = modulus.bit_length()
    half = bits // 16
    if bits not in RSA_BITS or max(numbers.p, numbers.q).bit_length() > 8 * half:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    parts = (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    material = b"".join(
        (
            rsa_material(modulus, numbers.public_numbers.e, bits),
            numbers.d.to_bytes(bits // 8, "big"),
            *(part.to_bytes(half, "big") for part in parts),
        )
    )
    return Key(ck.CKO_PRIVATE_KEY, ck.CKK_RSA, bits, material)


def material_bytes(bits: int) -> int:
    """Size of a private key's material."""
    return 2 * (bits // 8) + EXPONENT_SIZE + 5 * (bits // 16)


class RsaKeyPairGen(Mechanism):
    """CKM_RSA_PKCS_KEY_PAIR_GEN; the public exponent is 65537."""

    __slots__ = ()

    def pair_operation(self, public: Attributes) -> str:
        return f"rsa{priced_bits(_wanted_bits(public))}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        from cryptography.hazmat.primitives.asymmetric import rsa

        bits = _wanted_bits(public)
        private = private_key(rsa.generate_private_key(EXPONENT, bits).private_numbers())
        return KeyPair(private, rsa_spki(*public_numbers(private)))

    def null_pair(self, public: Attributes) -> KeyPair:
        bits = _wanted_bits(public)
        material = bytes(material_bytes(bits))
        private = Key(ck.CKO_PRIVATE_KEY, ck.CKK_RSA, bits, material, is_null=True)
        return KeyPair(private, rsa_spki(1 << (bits - 1), EXPONENT))


def _wanted_bits(public: Attributes) -> int:
    bits = public.get(ck.CKA_MODULUS_BITS)
    if not isinstance(bits, int):
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    if bits not in KEYGEN_BITS:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    exponent = public.get(ck.CKA_PUBLIC_EXPONENT, EXPONENT)
    if isinstance(exponent, bytes):
        exponent = int.from_bytes(exponent, "big")
    if exponent != EXPONENT:
        raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return bits
