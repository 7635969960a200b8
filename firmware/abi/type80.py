"""Type 80: the result of clear RSA from an accelerator (AP sheet 3.2)."""

from typing import NamedTuple

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout

TYPE = 0x80
HEADER_SIZE = 16


class Header(NamedTuple):
    """The 16 bytes in front of the result."""

    type: int
    length: int
    code: int


LAYOUT = Layout(
    "type 80 header",
    Header,
    HEADER_SIZE,
    Field("type", 1, 1, "0x80"),
    Field("length", 2, 2, "bytes of header and result"),
    Field("code", 4, 1, "0"),
)


def pack(result: bytes) -> bytes:
    """Header and result; the result fills the width of the request's message, right-justified."""
    return LAYOUT.pack(Header(TYPE, HEADER_SIZE + len(result), 0)) + result


def unpack(block: bytes, output_bytes: int) -> bytes:
    """The last `output_bytes` of the reply; WireError if it is no type 80 or too short for them."""
    header = LAYOUT.unpack(block)
    if header.type != TYPE or header.code != 0 or header.length != len(block):
        raise WireError(ReplyCode.FORMAT_FIELD, "type 80: wrong type, code or length")
    if len(block) < HEADER_SIZE + output_bytes:
        raise WireError(
            ReplyCode.PACKET_TRUNCATED,
            f"type 80: {len(block) - HEADER_SIZE} bytes of result, {output_bytes} wanted",
        )
    return block[len(block) - output_bytes :]
