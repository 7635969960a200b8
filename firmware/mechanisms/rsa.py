"""RSA keys: their form in card memory, and their generation (PKCS #11 3.2, 6.1.4).

Material of a private key, big-endian: n, e (8 bytes), d at the width of the modulus; p, q,
d mod p-1, d mod q-1, 1/q mod p at half of it.
Key pairs come from the generators of the cryptographic libraries, not from the card's random
source: they take no seed, and the time on the card does not depend on it. `cryptography` makes
those whose public exponent is 65537 or 3, pycryptodome all others.
"""

import os
from typing import TYPE_CHECKING, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.operations import RSA_BITS as PRICED_BITS
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes, Draw, KeyPair, Mechanism
from ghostcard.firmware.mechanisms.power import power
from ghostcard.firmware.mechanisms.public import EXPONENT_SIZE, RSA_BITS, rsa_material, rsa_spki
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers

    from ghostcard.firmware.mechanisms.rsa_schemes import PrivateHandle, PublicHandle

EXPONENT = 65537
_COMMON_EXPONENTS = (3, EXPONENT)  # those that the generator of `cryptography` knows
KEYGEN_BITS = range(1024, RSA_BITS.stop)

CRYPT_FLAGS = ck.CKF_ENCRYPT | ck.CKF_DECRYPT | ck.CKF_WRAP | ck.CKF_UNWRAP


def priced_bits(bits: int) -> int:
    """The size under which the profile prices a key: the next larger one listed there."""
    return next(priced for priced in PRICED_BITS if bits <= priced)


def operation(key: Key, use: str) -> str:
    """`rsa2048-sign` and its kin."""
    return f"rsa{priced_bits(key.bits)}-{use}"


def width(bits: int) -> int:
    """Bytes of a modulus."""
    return (bits + 7) // 8


def half_width(bits: int) -> int:
    """Bytes of a prime."""
    return (bits + 15) // 16


def private_handle(key: Key) -> "PrivateHandle":
    """The private key for use; made once."""
    if key.handle is None:
        if key.power is None:
            from ghostcard.firmware.mechanisms.rsa_library import LibraryPrivateKey

            key.handle = LibraryPrivateKey(key)
        else:
            from ghostcard.firmware.mechanisms.rsa_elsewhere import ElsewherePrivateKey

            key.handle = ElsewherePrivateKey(key)
    return cast("PrivateHandle", key.handle)


def public_handle(key: Key) -> "PublicHandle":
    """The public key for use; refused if the numbers cannot be an RSA key."""
    if key.handle is None:
        if key.power is None:
            from ghostcard.firmware.mechanisms.rsa_library import LibraryPublicKey

            key.handle = LibraryPublicKey(key)
        else:
            from ghostcard.firmware.mechanisms.rsa_elsewhere import ElsewherePublicKey

            key.handle = ElsewherePublicKey(key)
    return cast("PublicHandle", key.handle)


def public_numbers(key: Key) -> tuple[int, int]:
    """Modulus and public exponent, of a public or a private key."""
    size = width(key.bits)
    material = key.material
    end = size + EXPONENT_SIZE
    return int.from_bytes(material[:size], "big"), int.from_bytes(material[size:end], "big")


def private_numbers(key: Key) -> "RSAPrivateNumbers":
    """The numbers of a private key as `cryptography` wants them."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers

    modulus, exponent, d, p, q, dp, dq, qi = all_numbers(key)
    return RSAPrivateNumbers(p, q, d, dp, dq, qi, RSAPublicNumbers(exponent, modulus))


def all_numbers(key: Key) -> tuple[int, ...]:
    """n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p: the order of PKCS #1 (RFC 8017, A.1.2)."""
    whole, half = width(key.bits), half_width(key.bits)
    found, at = [], 0
    for size in (whole, EXPONENT_SIZE, whole, half, half, half, half, half):
        found.append(int.from_bytes(key.material[at : at + size], "big"))
        at += size
    return tuple(found)


def private_key(numbers: "RSAPrivateNumbers") -> Key:
    """A private key from its numbers; refused above the sizes the card has."""
    modulus = numbers.public_numbers.n
    bits = modulus.bit_length()
    half = half_width(bits)
    if bits not in RSA_BITS or max(numbers.p, numbers.q).bit_length() > 8 * half:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    parts = (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    material = b"".join(
        (
            rsa_material(modulus, numbers.public_numbers.e, bits),
            numbers.d.to_bytes(width(bits), "big"),
            *(part.to_bytes(half, "big") for part in parts),
        )
    )
    return Key(ck.CKO_PRIVATE_KEY, ck.CKK_RSA, bits, material)


def belong_together(numbers: "RSAPrivateNumbers") -> bool:
    """Whether the numbers are those of one key, provided that the primes are prime."""
    p, q, d = numbers.p, numbers.q, numbers.d
    right = (d % (p - 1), d % (q - 1)) if p > 2 and q > 2 else None
    return (
        p * q == numbers.public_numbers.n
        and (numbers.dmp1, numbers.dmq1) == right
        and all(numbers.public_numbers.e * d % (prime - 1) == 1 for prime in (p, q))
        and numbers.iqmp * q % p == 1
    )


def material_bytes(bits: int) -> int:
    """Size of a private key's material."""
    return 2 * width(bits) + EXPONENT_SIZE + 5 * half_width(bits)


def private_operation(key: Key, message: bytes) -> bytes:
    """RSADP and RSASP1 (RFC 8017, 5.1.2 and 5.2.1) by the primes, blinded; no padding.

    Refused if the message is not below the modulus; CKR_DEVICE_ERROR rather than a wrong result,
    which gives the primes away if it is right modulo one of them.
    """
    n, e = public_numbers(key)
    number = int.from_bytes(message, "big")
    if number >= n:
        raise Refused(ck.CKR_DATA_INVALID)
    size = width(key.bits)
    blind = 2 + int.from_bytes(os.urandom(size), "big") % (n - 3)
    blinded = (number * pow(blind, e, n) % n).to_bytes(size, "big")
    opened = _by_primes(key, blinded) if key.power is None else key.power(blinded)
    result = int.from_bytes(opened, "big") * pow(blind, -1, n) % n
    if pow(result, e, n) != number:
        raise Refused(ck.CKR_DEVICE_ERROR)
    return result.to_bytes(size, "big")


def _by_primes(key: Key, message: bytes) -> bytes:
    """Garner's recombination; the exponents are blinded too."""
    _, _, _, p, q, dp, dq, qi = all_numbers(key)
    number = int.from_bytes(message, "big")
    by_p, by_q = power(number % p, dp, p, p - 1), power(number % q, dq, q, q - 1)
    return (by_q + (by_p - by_q) * qi % p * q).to_bytes(len(message), "big")


def public_operation(key: Key, message: bytes) -> bytes:
    """RSAEP and RSAVP1 (RFC 8017, 5.1.1 and 5.2.2); refused if the message is too large."""
    n, e = public_numbers(key)
    number = int.from_bytes(message, "big")
    if number >= n:
        raise Refused(ck.CKR_DATA_INVALID)
    size = width(key.bits)
    if key.power is not None:
        return key.power(number.to_bytes(size, "big"))
    return pow(number, e, n).to_bytes(size, "big")


def recovered(key: Key, signature: bytes) -> bytes:
    """What a signature holds; CKR_SIGNATURE_INVALID if it is not below the modulus."""
    try:
        return public_operation(key, signature)
    except Refused as refusal:
        known = refusal.rv == ck.CKR_DATA_INVALID
        raise Refused(ck.CKR_SIGNATURE_INVALID if known else refusal.rv) from None


class RsaKeyPairGen(Mechanism):
    """CKM_RSA_PKCS_KEY_PAIR_GEN; the public exponent is any odd number from 3 to 2**64 - 1.

    OpenSSL takes no longer one with a modulus of more than 3072 bits.
    """

    __slots__ = ()

    def pair_operation(self, public: Attributes) -> str:
        return f"rsa{priced_bits(_wanted_bits(public))}-keygen"

    def generate_pair(self, public: Attributes, draw: Draw) -> KeyPair:
        bits, exponent = _wanted_bits(public), _wanted_exponent(public)
        private = private_key(_generated(bits, exponent))
        return KeyPair(private, rsa_spki(*public_numbers(private)))

    def null_pair(self, public: Attributes) -> KeyPair:
        bits = _wanted_bits(public)
        material = bytes(material_bytes(bits))
        private = Key(ck.CKO_PRIVATE_KEY, ck.CKK_RSA, bits, material, is_null=True)
        return KeyPair(private, rsa_spki(1 << (bits - 1), _wanted_exponent(public)))


def _generated(bits: int, exponent: int) -> "RSAPrivateNumbers":
    from cryptography.hazmat.primitives.asymmetric import rsa

    if exponent in _COMMON_EXPONENTS:
        return rsa.generate_private_key(exponent, bits).private_numbers()
    from Cryptodome.PublicKey import RSA

    made = RSA.generate(bits, e=exponent)
    n, p, q, d = (int(number) for number in (made.n, made.p, made.q, made.d))
    public = rsa.RSAPublicNumbers(exponent, n)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), public)


def _wanted_bits(public: Attributes) -> int:
    bits = public.get(ck.CKA_MODULUS_BITS)
    if not isinstance(bits, int):
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    if bits not in KEYGEN_BITS:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    _wanted_exponent(public)
    return bits


def _wanted_exponent(public: Attributes) -> int:
    exponent = public.get(ck.CKA_PUBLIC_EXPONENT, EXPONENT)
    if isinstance(exponent, bytes):
        exponent = int.from_bytes(exponent, "big")
    if exponent < 3 or exponent % 2 == 0 or exponent.bit_length() > 8 * EXPONENT_SIZE:
        raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return exponent
