"""The encodings of RFC 8017: what RSA's numbers are made of, without any RSA.

Encoded messages are as long as the modulus, but for PSS, whose are as long as its bits less one.
Lengths of data have been checked. What a private key opens is decided upon as a whole: which of its
bytes was wrong shows neither in the answer nor in the steps taken to it.
"""

import hmac
import os
from hashlib import sha256

from ghostcard.firmware.mechanisms.hashes import Hash, opener
from ghostcard.firmware.mechanisms.rsa_schemes import Oaep, Pss

_SHA1_ALGORITHM = bytes.fromhex("300906052b0e03021a0500")
_NIST_ALGORITHM = bytes.fromhex("300d06096086480165030402")  # then one byte, and NULL
_NULL = b"\x05\x00"
_NIST_ARCS = {
    "sha256": 1, "sha384": 2, "sha512": 3, "sha224": 4, "sha512_224": 5, "sha512_256": 6,
    "sha3_224": 7, "sha3_256": 8, "sha3_384": 9, "sha3_512": 10,
}  # fmt: skip
_FILL = 8  # bytes of PKCS #1 v1.5 padding at least
_TRIES = 128  # lengths drawn for an answer to bad padding


def digest_info(digest: bytes, which: Hash) -> bytes:
    """DER DigestInfo of a hash (RFC 8017, 9.2, note 1)."""
    arc = _NIST_ARCS.get(which.name)
    algorithm = _SHA1_ALGORITHM if arc is None else _NIST_ALGORITHM + bytes((arc,)) + _NULL
    body = algorithm + bytes((4, len(digest))) + digest
    return bytes((0x30, len(body))) + body


def pkcs1_signed(data: bytes, which: Hash | None, size: int) -> bytes:
    """EMSA-PKCS1-v1_5 (RFC 8017, 9.2) of a hash, or of a DigestInfo as it is."""
    info = data if which is None else digest_info(data, which)
    return b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info


def pkcs1_filled(data: bytes, size: int) -> bytes:
    """EME-PKCS1-v1_5 (RFC 8017, 7.2.1) with random padding."""
    wanted = size - 3 - len(data)
    fill = b""
    while len(fill) < wanted:
        fill += os.urandom(wanted - len(fill)).replace(b"\0", b"")
    return b"\0\2" + fill + b"\0" + data


def pkcs1_decoded(encoded: bytes, ciphertext: bytes, exponent: bytes) -> bytes:
    """The message of EME-PKCS1-v1_5, or if there is none, bytes in its place.

    Implicit rejection (draft-irtf-cfrg-rsa-guidance, 7): they are drawn from ciphertext and private
    exponent, so that they are the same each time, and both answers are made before one is chosen.
    OpenSSL from 3.2 on gives the same.
    """
    size = len(encoded)
    secret = hmac.digest(sha256(exponent).digest(), ciphertext, "sha256")
    instead = _drawn(secret, b"message", size)[size - _instead_bytes(secret, size) :]
    end = encoded.find(b"\0", 2)
    is_good = encoded[:2] == b"\0\2" and end >= 2 + _FILL
    return (instead, encoded[end + 1 :])[is_good]


def _instead_bytes(secret: bytes, size: int) -> int:
    """The length of the message in the place of one: the last that fits of those drawn."""
    room = size - 2 - _FILL
    mask = (1 << room.bit_length()) - 1
    lengths = _drawn(secret, b"length", 2 * _TRIES)
    found = 0
    for at in range(0, 2 * _TRIES, 2):
        candidate = int.from_bytes(lengths[at : at + 2], "big") & mask
        found = (found, candidate)[candidate < room]
    return found


def _drawn(secret: bytes, label: bytes, count: int) -> bytes:
    """The function IRPRF of that draft."""
    bits = (8 * count).to_bytes(2, "big")
    blocks = range(-(-count // 32))
    made = (hmac.digest(secret, n.to_bytes(2, "big") + label + bits, "sha256") for n in blocks)
    return b"".join(made)[:count]


def mgf1(seed: bytes, size: int, which: Hash) -> bytes:
    """The mask generation function (RFC 8017, B.2.1)."""
    start = opener(which)
    blocks = range(-(-size // which.size))
    return b"".join(start(seed + n.to_bytes(4, "big")).digest() for n in blocks)[:size]


def oaep(data: bytes, scheme: Oaep, seed: bytes, size: int) -> bytes:
    """EME-OAEP (RFC 8017, 7.1.1, step 2); the seed is as long as the hash."""
    which = scheme.hash
    block = opener(which)(scheme.label).digest()
    block = block.ljust(size - 2 - which.size - len(data), b"\0") + b"\1" + data
    masked = _xor(block, mgf1(seed, len(block), scheme.mask))
    return b"\0" + _xor(seed, mgf1(masked, which.size, scheme.mask)) + masked


def oaep_decoded(encoded: bytes, scheme: Oaep) -> bytes | None:
    """The message of EME-OAEP (RFC 8017, 7.1.2, step 3), None if there is none."""
    which = scheme.hash
    masked = encoded[1 + which.size :]
    seed = _xor(encoded[1 : 1 + which.size], mgf1(masked, which.size, scheme.mask))
    block = _xor(masked, mgf1(seed, len(masked), scheme.mask))
    is_label = hmac.compare_digest(block[: which.size], opener(which)(scheme.label).digest())
    rest = block[which.size :].lstrip(b"\0")
    is_good = (encoded[0] == 0) & is_label & (rest[:1] == b"\1")
    return (None, rest[1:])[is_good]


def pss(digest: bytes, scheme: Pss, salt: bytes, bits: int) -> bytes:
    """EMSA-PSS (RFC 8017, 9.1.1) for a modulus of `bits`."""
    size = (bits + 6) // 8
    own = opener(scheme.hash)(bytes(8) + digest + salt).digest()
    block = b"\1".rjust(size - len(salt) - len(own) - 1, b"\0") + salt
    masked = _xor(block, mgf1(own, len(block), scheme.mask))
    return bytes((masked[0] & _top(bits),)) + masked[1:] + own + b"\xbc"


def is_pss(encoded: bytes, digest: bytes, scheme: Pss, bits: int) -> bool:
    """Whether what a signature holds, at the width of the modulus, is EMSA-PSS of the hash."""
    size = (bits + 6) // 8
    zeros, encoded = encoded[: len(encoded) - size], encoded[len(encoded) - size :]
    end = size - scheme.hash.size - 1
    masked, own = encoded[:end], encoded[end:-1]
    block = _xor(masked, mgf1(own, end, scheme.mask))
    block = bytes((block[0] & _top(bits),)) + block[1:]
    salt = block[end - scheme.salt_bytes :]
    return (
        not any(zeros)
        and encoded[-1:] == b"\xbc"
        and not masked[0] & ~_top(bits)
        and block[: end - scheme.salt_bytes] == b"\1".rjust(end - scheme.salt_bytes, b"\0")
        and opener(scheme.hash)(bytes(8) + digest + salt).digest() == own
    )


def _top(bits: int) -> int:
    """Mask of the first byte of an encoding that has one bit less than the modulus."""
    return 0xFF >> -(bits - 1) % 8


def _xor(one: bytes, other: bytes) -> bytes:
    mixed = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return mixed.to_bytes(len(one), "big")
