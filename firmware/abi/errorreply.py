"""Error replies, types 82, 88 and 87: eight bytes with a reply code (AP sheet 3.6)."""

from enum import IntEnum
from typing import NamedTuple

from ghostcard.firmware.abi.errors import WireError

TYPE82 = 0x82  # any card
TYPE88 = 0x88  # older names for the same codes
TYPE87 = 0x87  # EP11 only
SIZE = 8


class ReplyCode(IntEnum):
    """Reply codes; names are those of type 82, and of type 88 where that alone has the code."""

    MACHINE_FAILURE = 0x10
    PREEMPT_FAILURE = 0x12
    CHECKPT_FAILURE = 0x14
    MESSAGE_TYPE = 0x20
    INVALID_COMM_CD = 0x21
    MESSAGE_MALFORMED = 0x22
    INVALID_MSG_LEN = 0x23
    RESERVED = 0x24
    FORMAT_FIELD = 0x29
    INVALID_COMMAND = 0x30
    KEY_TYPE = 0x34
    MALFORMED_MSG = 0x40
    INVALID_SPECIAL_CMD = 0x41
    RESERVED_FIELD_OLD = 0x50
    WORD_ALIGNMENT = 0x60
    MESSAGE_LENGTH = 0x80
    OPERAND_INVALID = 0x82
    OPERAND_SIZE = 0x84
    EVEN_MODULUS = 0x85
    RESERVED_FIELD = 0x88
    INVALID_DOMAIN_PENDING = 0x8A
    FILTERED_BY_HYPERVISOR = 0x8B
    TRANSPORT_FAIL = 0x90
    PACKET_TRUNCATED = 0xA0
    ZERO_BUFFER_LEN = 0xB0


SENTENCES: dict[int, str] = {
    0x10: "The card or module failed; another device may serve the request.",
    0x12: "The request was pre-empted before it finished.",
    0x14: "The card failed at a checkpoint.",
    0x20: "A card of this mode does not take this type of message.",
    0x21: "The communication code is not valid.",
    0x22: "The message is malformed (type 88).",
    0x23: "The length of the message is not valid.",
    0x24: "A reserved field is not zero.",
    0x29: "A format field is not valid.",
    0x30: "The command is not known.",
    0x34: "The type of the key is not valid (type 88).",
    0x40: "The message is malformed.",
    0x41: "The special command is not valid.",
    0x50: "A reserved field is not zero (old form).",
    0x60: "A part of the message is not aligned to a word.",
    0x80: "The message length does not agree with its format.",
    0x82: "An operand has a value that is not valid.",
    0x84: "An operand has a size that is not valid.",
    0x85: "The modulus is even.",
    0x88: "A reserved field is not zero (retried on another device).",
    0x8A: "The domain is not one this queue may address.",
    0x8B: "The hypervisor refused the message; apfs says why.",
    0x90: "The transport of the message failed; apfs says why.",
    0xA0: "The message ends before its own length says.",
    0xB0: "The message is empty.",
}


class ErrorReply(NamedTuple):
    """`type` is 0x82, 0x88 or 0x87; `code` any byte, since cards may report codes not listed."""

    type: int
    code: int


def pack(code: int, type: int = TYPE82) -> bytes:
    """The eight bytes of an error reply: 0 reserved, 1 type, 2-3 reserved, 4 code, 5-7 reserved."""
    if type not in (TYPE82, TYPE88, TYPE87) or not 0 <= code <= 0xFF:
        raise WireError(ReplyCode.FORMAT_FIELD, f"no error reply of type {type:#x}, code {code:#x}")
    return bytes((0, type, 0, 0, code, 0, 0, 0))


def unpack(block: bytes) -> ErrorReply:
    """Parse an error reply; WireError if the block is none."""
    if len(block) != SIZE or block[1] not in (TYPE82, TYPE88, TYPE87):
        raise WireError(ReplyCode.FORMAT_FIELD, f"not an error reply ({len(block)} bytes)")
    return ErrorReply(block[1], block[4])


def sentence(code: int) -> str:
    """One sentence on a reply code, for messages to people."""
    return SENTENCES.get(code, f"The card reports code {code:#04x}, which has no known meaning.")
