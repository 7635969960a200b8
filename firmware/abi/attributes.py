"""Attribute blocks: boolean attributes as bits, numbers and byte strings (AP sheet 3.7 and 7.6).

header u32 | boolean mask u32 | boolean values u32 | {type u32, value u32}... | byte strings.
The header holds, from the most significant bit: version 4 (= 1), reserved 4, count of numbers 8,
count of byte strings 4, words of the byte strings 12. The sheet does not show a byte string; ours
is {type u32, length in bytes u32, value filled with zeros to a whole word}.
"""

import struct
from enum import IntFlag
from typing import NamedTuple

from ghostcard import pkcs11 as p
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError

VERSION = 1
FIXED_SIZE = 12

# CKA_IBM_*: the vendor attributes that have a bit of their own.
CKA_IBM_RESTRICTABLE = p.CKA_VENDOR_DEFINED + 0x10001
CKA_IBM_NEVER_MODIFIABLE = p.CKA_VENDOR_DEFINED + 0x10002
CKA_IBM_RETAINKEY = p.CKA_VENDOR_DEFINED + 0x10003
CKA_IBM_ATTRBOUND = p.CKA_VENDOR_DEFINED + 0x10004
CKA_IBM_USE_AS_DATA = p.CKA_VENDOR_DEFINED + 0x10008
CKA_IBM_PROTKEY_EXTRACTABLE = p.CKA_VENDOR_DEFINED + 0x1000C
CKA_IBM_PROTKEY_NEVER_EXTRACTABLE = p.CKA_VENDOR_DEFINED + 0x1000D


class Boolean(IntFlag):
    """Bits of a key's boolean attributes, in attribute blocks and in key blobs; the last two are
    ours.
    """

    EXTRACTABLE = 0x01
    NEVER_EXTRACTABLE = 0x02
    MODIFIABLE = 0x04
    NEVER_MODIFIABLE = 0x08
    RESTRICTABLE = 0x10
    LOCAL = 0x20
    ATTRBOUND = 0x40
    USE_AS_DATA = 0x80
    SIGN = 0x100
    SIGN_RECOVER = 0x200
    DECRYPT = 0x400
    ENCRYPT = 0x800
    DERIVE = 0x1000
    UNWRAP = 0x2000
    WRAP = 0x4000
    VERIFY = 0x8000
    VERIFY_RECOVER = 0x10000
    TRUSTED = 0x20000
    WRAP_WITH_TRUSTED = 0x40000
    RETAINED = 0x80000
    ALWAYS_RETAINED = 0x100000
    PROTKEY_EXTRACTABLE = 0x200000
    PROTKEY_NEVER_EXTRACTABLE = 0x400000
    ENCAPSULATE = 0x800000
    DECAPSULATE = 0x1000000


BY_ATTRIBUTE: dict[int, int] = {
    p.CKA_EXTRACTABLE: 0x01,
    p.CKA_NEVER_EXTRACTABLE: 0x02,
    p.CKA_MODIFIABLE: 0x04,
    CKA_IBM_NEVER_MODIFIABLE: 0x08,
    CKA_IBM_RESTRICTABLE: 0x10,
    p.CKA_LOCAL: 0x20,
    CKA_IBM_ATTRBOUND: 0x40,
    CKA_IBM_USE_AS_DATA: 0x80,
    p.CKA_SIGN: 0x100,
    p.CKA_SIGN_RECOVER: 0x200,
    p.CKA_DECRYPT: 0x400,
    p.CKA_ENCRYPT: 0x800,
    p.CKA_DERIVE: 0x1000,
    p.CKA_UNWRAP: 0x2000,
    p.CKA_WRAP: 0x4000,
    p.CKA_VERIFY: 0x8000,
    p.CKA_VERIFY_RECOVER: 0x10000,
    p.CKA_TRUSTED: 0x20000,
    p.CKA_WRAP_WITH_TRUSTED: 0x40000,
    CKA_IBM_RETAINKEY: 0x80000,
    CKA_IBM_PROTKEY_EXTRACTABLE: 0x200000,
    CKA_IBM_PROTKEY_NEVER_EXTRACTABLE: 0x400000,
    p.CKA_ENCAPSULATE: 0x800000,
    p.CKA_DECAPSULATE: 0x1000000,
}

_HEAD = struct.Struct(">III")
_PAIR = struct.Struct(">II")


class Attributes(NamedTuple):
    """`values` counts where `mask` has a bit; numbers and byte strings are (CKA_*, value) pairs."""

    mask: int = 0
    values: int = 0
    numbers: tuple[tuple[int, int], ...] = ()
    strings: tuple[tuple[int, bytes], ...] = ()

    def number(self, attribute: int) -> int | None:
        """The first value of a numeric attribute, None if the block has none."""
        return next((value for type, value in self.numbers if type == attribute), None)

    def string(self, attribute: int) -> bytes | None:
        """The first value of a byte-string attribute, None if the block has none."""
        return next((value for type, value in self.strings if type == attribute), None)


def pack(attributes: Attributes) -> bytes:
    """12 bytes and more; WireError above 255 numbers, 15 strings or 4,095 words of strings."""
    strings = b"".join(
        _PAIR.pack(type, len(value)) + value + bytes(-len(value) % 4)
        for type, value in attributes.strings
    )
    words = len(strings) // 4
    numbers = attributes.numbers
    if len(numbers) > 0xFF or len(attributes.strings) > 0xF or words > 0xFFF:
        raise WireError(ReplyCode.MESSAGE_LENGTH, "attribute block: too many attributes")
    header = VERSION << 28 | len(numbers) << 16 | len(attributes.strings) << 12 | words
    try:
        head = _HEAD.pack(header, attributes.mask, attributes.values)
        return head + b"".join(_PAIR.pack(*number) for number in numbers) + strings
    except struct.error as error:
        raise WireError(ReplyCode.FORMAT_FIELD, f"attribute block: {error}") from None


def unpack(block: bytes) -> Attributes:
    """Parse; WireError unless the block is exactly as long as its header says."""
    if len(block) < FIXED_SIZE:
        raise WireError(ReplyCode.MALFORMED_MSG, "attribute block: shorter than its header")
    header, mask, values = _HEAD.unpack_from(block)
    numbers_end = FIXED_SIZE + 8 * (header >> 16 & 0xFF)
    if header >> 24 != VERSION << 4 or len(block) != numbers_end + 4 * (header & 0xFFF):
        raise WireError(ReplyCode.MALFORMED_MSG, "attribute block: header and length disagree")
    numbers = tuple(_PAIR.iter_unpack(block[FIXED_SIZE:numbers_end]))
    strings = _strings(block, numbers_end, header >> 12 & 0xF)
    return Attributes(mask, values, numbers, strings)


def _strings(block: bytes, at: int, count: int) -> tuple[tuple[int, bytes], ...]:
    found = []
    for _ in range(count):
        if at + 8 > len(block):
            raise WireError(ReplyCode.MALFORMED_MSG, "attribute block: a byte string is cut off")
        type, length = _PAIR.unpack_from(block, at)
        end = at + 8 + length
        at = end + -length % 4
        if at > len(block) or any(block[end:at]):
            raise WireError(ReplyCode.MALFORMED_MSG, "attribute block: a byte string is cut off")
        found.append((type, block[end - length : end]))
    if at != len(block):
        raise WireError(ReplyCode.MALFORMED_MSG, "attribute block: bytes behind the last string")
    return tuple(found)
