"""Type 6: the 88-byte header in front of a CPRB, for CCA and EP11 requests (AP sheet 3.3)."""

from typing import NamedTuple

from ghostcard.firmware.abi.layout import Field, Layout

TYPE = 0x06
SIZE = 0x58
AGENT_CCA = b"CA".ljust(16, b"\0")
AGENT_EP11 = b"XC".ljust(16, b"\0")
EP11_REQUEST_ID = 0x0001


class Type6(NamedTuple):
    """Header of a request; lengths and offsets in bytes, offsets from the start of the message."""

    type: int = TYPE
    right: int = 0
    apfs: int = 0
    offset1: int = SIZE
    offset2: int = 0
    offset3: int = 0
    offset4: int = 0
    agent_id: bytes = AGENT_EP11
    request_id: int = EP11_REQUEST_ID
    function_code: int = 0
    to_card1: int = 0
    to_card2: int = 0
    to_card3: int = 0
    to_card4: int = 0
    from_card1: int = 0
    from_card2: int = 0
    from_card3: int = 0
    from_card4: int = 0


LAYOUT = Layout(
    "type 6 header",
    Type6,
    SIZE,
    Field("type", 0x01, 1, "0x06"),
    Field("right", 0x04, 4, "0"),
    Field("apfs", 0x0C, 4, "0 in a request"),
    Field("offset1", 0x10, 4, "to the CPRB: 0x58"),
    Field("offset2", 0x14, 4, "to the request data, 0 if there is none"),
    Field("offset3", 0x18, 4, "0"),
    Field("offset4", 0x1C, 4, "0"),
    Field("agent_id", 0x20, 16, "'CA' or 'XC', zero-filled", raw=True),
    Field("request_id", 0x30, 2, "0 for CCA, 1 for EP11"),
    Field("function_code", 0x34, 2, "first two bytes of the CCA parameter block; EP11: 0"),
    Field("to_card1", 0x38, 4, "bytes of the request CPRB and its parameters"),
    Field("to_card2", 0x3C, 4, "bytes of request data"),
    Field("to_card3", 0x40, 4, "0"),
    Field("to_card4", 0x44, 4, "0"),
    Field("from_card1", 0x48, 4, "most bytes of reply CPRB and parameters"),
    Field("from_card2", 0x4C, 4, "most bytes of reply data"),
    Field("from_card3", 0x50, 4, "0"),
    Field("from_card4", 0x54, 4, "0"),
    strict=True,
)


def pack(header: Type6) -> bytes:
    """88 bytes."""
    return LAYOUT.pack(header)


def unpack(block: bytes) -> Type6:
    """The header at the start of `block`; WireError if it is short or has reserved bytes set."""
    return LAYOUT.unpack(block)
