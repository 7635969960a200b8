"""The RSA-1024 pair of the exercises: too small for a card to generate, so it is unwrapped into it.

The numbers are no secret and make a weak key: its primes are the two largest below 2 ** 512.
"""

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import ON, Material, Sizes, ulong
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.parameters import IV_SIZE, Iv
from ghostcard.firmware.abi.spki import spki_bytes

PRIMES = ((1 << 512) - 569, (1 << 512) - 629)
EXPONENT = 65537

_INTEGER = 0x02
_BIT_STRING = 0x03
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")  # RFC 8017, appendix C
_KEK_SIZE = 32


def pkcs8() -> bytes:
    """PrivateKeyInfo of the key (RFC 5208, RFC 8017)."""
    first, second = PRIMES
    private = pow(EXPONENT, -1, (first - 1) * (second - 1))
    remainders = (private % (first - 1), private % (second - 1), pow(second, -1, first))
    numbers = (0, first * second, EXPONENT, private, first, second, *remainders)
    key = _sequence(*map(_integer, numbers))
    return _sequence(_integer(0), _RSA_ALGORITHM, ber.octets(key))


def public_info() -> bytes:
    """SubjectPublicKeyInfo of the key; a card that computes nothing could not give it."""
    first, second = PRIMES
    key = _sequence(_integer(first * second), _integer(EXPONENT))
    return _sequence(_RSA_ALGORITHM, ber.head(_BIT_STRING, 1 + len(key)) + b"\0" + key)


class ImportedPair:
    """As `pair_exercises.Pair`, with the one key each time."""

    size = 128

    def generate(self, host: Ep11Host, use: int) -> Material:
        """Blob and SPKI; the private key may be used for `use` (CKA_*)."""
        rights = {p.CKA_ENCRYPT: ON, p.CKA_UNWRAP: ON}
        kek, _ = host.generate_key(wire.pack(p.CKM_AES_KEY_GEN), _KEK_SIZE, rights)
        mechanism = wire.pack(p.CKM_AES_CBC_PAD, Iv(bytes(IV_SIZE)))
        wrapped = host.encrypt_single(mechanism, kek, pkcs8())
        wanted = {p.CKA_KEY_TYPE: ulong(p.CKK_RSA), use: ON}
        blob, _ = host.unwrap_key(wanted, mechanism, kek, wrapped)
        return blob, public_info()

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
