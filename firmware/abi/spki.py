"""Public keys: DER SubjectPublicKeyInfo, bare or with the trailer of a MACed SPKI (AP sheet 3.8).

The trailer is a row of OCTET STRINGs: WKID 16, session 32, salt 8, mode 8, attributes 12 or more,
MAC 32. The MAC covers everything before its own OCTET STRING.
"""

from typing import NamedTuple

from ghostcard import pkcs11 as p
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.parameter_sets import KEY_TYPES

SIZES = (16, 32, 8, 8, 12, 32)  # bytes; the attributes may be longer


class Trailer(NamedTuple):
    """What binds a public key to a wrapping key, a session and attributes."""

    wkid: bytes
    session: bytes
    salt: bytes
    mode: bytes
    attributes: bytes
    mac: bytes


def spki_bytes(key_type: int, size: int, curve: bytes = b"") -> int:
    """Size of the bare SPKI; `size` in bytes: of the modulus (its first bit set, with the exponent
    65537) for RSA, of the field for EC, of the key for Edwards and Montgomery curves and the
    post-quantum types. `curve`: the identifier of the curve, in DER.
    """
    if key_type == p.CKK_RSA:
        key, algorithm = _der(_der(size + 1) + _der(3)), 15
    elif key_type == p.CKK_EC:
        key, algorithm = 1 + 2 * size, _der(9 + len(curve))
    elif key_type in KEY_TYPES:
        key, algorithm = size, 13
    else:
        key, algorithm = size, _der(len(curve))
    return _der(algorithm + _der(1 + key))


def ffc_spki_bytes(field: tuple[bytes, bytes, bytes]) -> int:
    """Size of the bare SPKI of a key over a finite field: prime, order (empty if it is left out)
    and base, big-endian. The public value is as wide as the prime.
    """
    prime = field[0]
    identifier = 7 if field[1] else 9  # of DSA, of PKCS #3
    numbers = sum(_der(int.from_bytes(part, "big").bit_length() // 8 + 1) for part in field if part)
    return _der(_der(_der(identifier) + _der(numbers)) + _der(1 + _der(len(prime) + 1)))


def _der(length: int) -> int:
    """Bytes of a DER value of `length` bytes with its tag and length."""
    return len(ber.head(ber.SEQUENCE, length)) + length


def split(key: bytes) -> tuple[bytes, Trailer | None]:
    """The bare SPKI and its trailer, None if it has none; WireError if the bytes are neither."""
    _, end = ber.value_span(key, 0, ber.SEQUENCE)
    spki = key[:end]
    values = []
    while end < len(key):
        start, end = ber.value_span(key, end, ber.OCTET_STRING)
        values.append(key[start:end])
    if not values:
        return spki, None
    return spki, _trailer(values)


def signed(spki: bytes, trailer: Trailer) -> bytes:
    """The bytes the trailer's MAC covers: SPKI and every part of the trailer but the MAC."""
    return spki + b"".join(map(ber.octets, trailer[:-1]))


def join(spki: bytes, trailer: Trailer) -> bytes:
    """A MACed SPKI; WireError if a part of the trailer has a wrong size."""
    return signed(spki, _trailer(list(trailer))) + ber.octets(trailer.mac)


def _trailer(values: list[bytes]) -> Trailer:
    sizes = tuple(map(len, values))
    if len(sizes) != 6 or sizes[4] < SIZES[4] or (*sizes[:4], sizes[5]) != (*SIZES[:4], SIZES[5]):
        raise WireError(ReplyCode.MALFORMED_MSG, f"MACed SPKI: trailer of sizes {sizes}")
    return Trailer(*values)
