"""RSA pairs of the exercises that are unwrapped into a card: it would look for the primes too long.

The numbers are no secret and make weak keys: their primes are the two largest below a power of two.
"""

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import ON, Material, Sizes, ulong
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.parameters import IV_SIZE, Iv
from ghostcard.firmware.abi.spki import spki_bytes

BELOW = {8192: (2549, 8067), 16384: (2439, 5619)}
"""Bits of the key -> how far its primes are below the power of two with half the bits."""
EXPONENT = 65537

_INTEGER = 0x02
_BIT_STRING = 0x03
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")  # RFC 8017, appendix C
_KEK_SIZE = 32


def primes(bits: int) -> tuple[int, int]:
    """The primes of the key of that size."""
    first, second = BELOW[bits]
    return (1 << bits // 2) - first, (1 << bits // 2) - second


def pkcs8(bits: int) -> bytes:
    """PrivateKeyInfo of a key (RFC 5208, RFC 8017)."""
    first, second = primes(bits)
    private = pow(EXPONENT, -1, (first - 1) * (second - 1))
    remainders = (private % (first - 1), private % (second - 1), pow(second, -1, first))
    numbers = (0, first * second, EXPONENT, private, first, second, *remainders)
    key = _sequence(*map(_integer, numbers))
    return _sequence(_integer(0), _RSA_ALGORITHM, ber.octets(key))


def public_info(bits: int) -> bytes:
    """SubjectPublicKeyInfo of a key; a card that computes nothing could not give it."""
    first, second = primes(bits)
    key = _sequence(_integer(first * second), _integer(EXPONENT))
    return _sequence(_RSA_ALGORITHM, ber.head(_BIT_STRING, 1 + len(key)) + b"\0" + key)


class ImportedPair:
    """As `pair_exercises.Pair`, with the one key of its size each time."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.size = bits // 8

    def generate(self, host: Ep11Host, use: int) -> Material:
        """Blob and SPKI; the private key may be used for `use` (CKA_*)."""
        rights = {p.CKA_ENCRYPT: ON, p.CKA_UNWRAP: ON}
        kek, _ = host.generate_key(wire.pack(p.CKM_AES_KEY_GEN), _KEK_SIZE, rights)
        mechanism = wire.pack(p.CKM_AES_CBC_PAD, Iv(bytes(IV_SIZE)))
        wrapped = host.encrypt_single(mechanism, kek, pkcs8(self.bits))
        wanted = {p.CKA_KEY_TYPE: ulong(p.CKK_RSA), use: ON}
        blob, _ = host.unwrap_key(wanted, mechanism, kek, wrapped)
        return blob, public_info(self.bits)

    @property
    def sizes(self) -> Sizes:
        """Bytes of blob and SPKI."""
        return blob_bytes(p.CKK_RSA, self.size), spki_bytes(p.CKK_RSA, self.size)


def _integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return ber.head(_INTEGER, len(body)) + body


def _sequence(*values: bytes) -> bytes:
    body = b"".join(values)
    return ber.head(ber.SEQUENCE, len(body)) + body
