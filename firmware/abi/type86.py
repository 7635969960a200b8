"""Type 86: header and format-2 extension of CCA and EP11 replies (AP sheet 3.5)."""

from typing import NamedTuple

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout

TYPE = 0x86
FORMAT_ERROR = 0x01
FORMAT_OK = 0x02
HEADER_SIZE = 8
SIZE = 48  # header and format-2 extension; the CPRB follows


class Type86(NamedTuple):
    """Header of a reply; counts and offsets in bytes, offsets from the start of the message."""

    type: int = TYPE
    format: int = FORMAT_OK
    reply_code: int = 0
    apfs: int = 0
    count1: int = 0
    offset1: int = SIZE
    count2: int = 0
    offset2: int = 0
    count3: int = 0
    offset3: int = 0
    count4: int = 0
    offset4: int = 0


LAYOUT = Layout(
    "type 86 header",
    Type86,
    SIZE,
    Field("type", 0x01, 1, "0x86"),
    Field("format", 0x02, 1, "0x01 error, header only; 0x02 with extension"),
    Field("reply_code", 0x04, 1, "0, or a code of AP sheet 3.6"),
    Field("apfs", 0x0C, 4, "final status or fail reason"),
    Field("count1", 0x10, 4, "bytes of reply CPRB and parameters"),
    Field("offset1", 0x14, 4, "to the CPRB: 0x30"),
    Field("count2", 0x18, 4, "bytes of reply data"),
    Field("offset2", 0x1C, 4, "to the reply data, 0 if there is none"),
    Field("count3", 0x20, 4, "0"),
    Field("offset3", 0x24, 4, "0"),
    Field("count4", 0x28, 4, "0"),
    Field("offset4", 0x2C, 4, "0"),
)


def pack(header: Type86) -> bytes:
    """48 bytes."""
    return LAYOUT.pack(header)


def pack_error(code: int) -> bytes:
    """The eight bytes of a format-1 reply: an error, and no CPRB."""
    return pack(Type86(format=FORMAT_ERROR, reply_code=code))[:HEADER_SIZE]


def unpack(block: bytes) -> Type86:
    """The header at the start of `block`, with zeros for the extension a format-1 reply lacks."""
    if len(block) >= HEADER_SIZE and block[2] == FORMAT_ERROR:
        block = block[:HEADER_SIZE].ljust(SIZE, b"\0")
    header = LAYOUT.unpack(block)
    if header.type != TYPE or header.format not in (FORMAT_ERROR, FORMAT_OK):
        raise WireError(ReplyCode.FORMAT_FIELD, "type 86 header: unknown type or format")
    return header
