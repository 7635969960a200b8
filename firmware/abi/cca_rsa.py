"""Clear RSA keys in the key area of a CCA request: PKA tokens (AP sheet 3.4).

A token is a header and sections; lengths are in bytes, those of headers and sections included.
"""

from typing import NamedTuple

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt

TOKEN = 0x1E  # external PKA token
PUBLIC = 0x04
PRIVATE_CRT = 0x08
CLEAR = 0x40
ANY_USE = 0x80
PART_EXTRA = 8  # p, dp and u are so much longer than half the modulus
ANY_EXPONENT = b"\x01\x00\x01"  # behind a private key, whose public section has no modulus


class TokenHeader(NamedTuple):
    """In front of a token."""

    identifier: int = TOKEN
    version: int = 0
    length: int = 0


class PublicSection(NamedTuple):
    """In front of exponent and modulus."""

    identifier: int = PUBLIC
    version: int = 0
    length: int = 0
    exponent_length: int = 0
    modulus_bits: int = 0
    modulus_length: int = 0  # 0 behind a private section, which has the modulus


class CrtSection(NamedTuple):
    """In front of p, q, dp, dq, u, padding and a place for the modulus."""

    identifier: int = PRIVATE_CRT
    version: int = 0
    length: int = 0
    key_hash: bytes = bytes(20)
    key_format: int = CLEAR
    name_hash: bytes = bytes(20)
    use_flags: int = ANY_USE
    p_length: int = 0
    q_length: int = 0
    dp_length: int = 0
    dq_length: int = 0
    u_length: int = 0
    modulus_length: int = 0
    pad_length: int = 0
    confounder: bytes = bytes(8)


TOKEN_LAYOUT = Layout(
    "PKA token header",
    TokenHeader,
    8,
    Field("identifier", 0, 1, "0x1E"),
    Field("version", 1, 1, "0"),
    Field("length", 2, 2, "bytes of the token"),
)
PUBLIC_LAYOUT = Layout(
    "RSA public section",
    PublicSection,
    12,
    Field("identifier", 0, 1, "0x04"),
    Field("version", 1, 1, "0"),
    Field("length", 2, 2, "bytes of the section"),
    Field("exponent_length", 6, 2, "bytes of the exponent"),
    Field("modulus_bits", 8, 2, "bits of the modulus"),
    Field("modulus_length", 10, 2, "bytes of the modulus, 0 behind a private section"),
)
CRT_LAYOUT = Layout(
    "RSA private section, CRT",
    CrtSection,
    132,
    Field("identifier", 0, 1, "0x08"),
    Field("version", 1, 1, "0"),
    Field("length", 2, 2, "bytes of the section"),
    Field("key_hash", 4, 20, "hash of the key, zero", raw=True),
    Field("key_format", 28, 1, "0x40: in clear"),
    Field("name_hash", 30, 20, "hash of the name, zero", raw=True),
    Field("use_flags", 50, 1, "0x80: any use"),
    Field("p_length", 54, 2, "bytes of p: half the modulus and 8"),
    Field("q_length", 56, 2, "bytes of q: half the modulus"),
    Field("dp_length", 58, 2, "bytes of d mod p-1: as p"),
    Field("dq_length", 60, 2, "bytes of d mod q-1: as q"),
    Field("u_length", 62, 2, "bytes of 1/q mod p: as p"),
    Field("modulus_length", 64, 2, "bytes of the modulus"),
    Field("pad_length", 70, 2, "bytes of padding, to a multiple of 8"),
    Field("confounder", 124, 8, "zero", raw=True),
)


def pack_modulus(exponent: bytes, modulus: bytes) -> bytes:
    """The token of a public key; leading zeros of the exponent are left out.

    WireError if nothing is left of it.
    """
    exponent = exponent.lstrip(b"\0")
    if not exponent:
        raise WireError(ReplyCode.OPERAND_INVALID, "RSA public section: the exponent is zero")
    size = PUBLIC_LAYOUT.size + len(exponent) + len(modulus)
    section = PublicSection(PUBLIC, 0, size, len(exponent), 8 * len(modulus), len(modulus))
    header = TokenHeader(length=size + TOKEN_LAYOUT.size)
    return TOKEN_LAYOUT.pack(header) + PUBLIC_LAYOUT.pack(section) + exponent + modulus


def pack_primes(key: ModExpoCrt, modulus_bytes: int) -> bytes:
    """The token of a private key by its primes; the message of `key` is not looked at.

    WireError if a part is wider than its place.
    """
    short = (modulus_bytes + 1) // 2
    long = short + PART_EXTRA
    widths = (long, short, long, short, long)
    padding = -sum(widths) % 8
    parts = []
    for name, part, width in zip(key._fields, key, widths, strict=False):
        if len(part) > width:
            raise WireError(ReplyCode.OPERAND_SIZE, f"RSA private section: {name} is too long")
        parts.append(part.rjust(width, b"\0"))
    size = CRT_LAYOUT.size + sum(widths) + padding + modulus_bytes
    section = CrtSection(
        PRIVATE_CRT, 0, size, bytes(20), CLEAR, bytes(20), ANY_USE, *widths, modulus_bytes, padding
    )
    public = PublicSection(
        length=PUBLIC_LAYOUT.size + len(ANY_EXPONENT),
        exponent_length=len(ANY_EXPONENT),
        modulus_bits=8 * modulus_bytes,
    )
    header = TokenHeader(length=TOKEN_LAYOUT.size + size + public.length)
    return b"".join(
        (
            TOKEN_LAYOUT.pack(header),
            CRT_LAYOUT.pack(section),
            *parts,
            bytes(padding),
            b"\xff" * modulus_bytes,
            PUBLIC_LAYOUT.pack(public),
            ANY_EXPONENT,
        )
    )


def unpack_modulus(token: bytes, message: bytes) -> ModExpo:
    """A public key's token and the message it is for; WireError for any other token."""
    _check_header(token)
    section = PUBLIC_LAYOUT.unpack(token, TOKEN_LAYOUT.size)
    at = TOKEN_LAYOUT.size + PUBLIC_LAYOUT.size
    end = at + section.exponent_length + section.modulus_length
    sizes = (TOKEN_LAYOUT.size + section.length, len(token))
    _check(section.identifier == PUBLIC and sizes == (end, end), "its section is no public key")
    _check(section.exponent_length > 0 and section.modulus_length > 0, "a number is missing")
    middle = at + section.exponent_length
    return ModExpo(token[at:middle], token[middle:], message)


def unpack_primes(token: bytes, message: bytes) -> tuple[ModExpoCrt, int]:
    """A private key's token and the message it is for, and the bytes of the modulus; WireError for
    any other token.
    """
    _check_header(token)
    section = CRT_LAYOUT.unpack(token, TOKEN_LAYOUT.size)
    is_clear = section.identifier == PRIVATE_CRT and section.key_format == CLEAR
    _check(is_clear, "its section is no private key in clear")
    parts, at = [], TOKEN_LAYOUT.size + CRT_LAYOUT.size
    for length in section[7:12]:
        parts.append(token[at : at + length])
        at += length
    at += section.pad_length + section.modulus_length
    _check(at == TOKEN_LAYOUT.size + section.length, "the parts do not fill the section")
    public = PUBLIC_LAYOUT.unpack(token, at)
    _check(public.identifier == PUBLIC and len(token) == at + public.length, "lengths differ")
    p, q, dp, dq, u = parts
    return ModExpoCrt(p, q, dp, dq, u, message), section.modulus_length


def _check_header(token: bytes) -> None:
    header = TOKEN_LAYOUT.unpack(token)
    _check(header.identifier == TOKEN and header.length == len(token), "no PKA token of its length")


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise WireError(ReplyCode.OPERAND_INVALID, f"RSA key token: {what}")
