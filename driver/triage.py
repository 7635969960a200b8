"""What a reply says about its request, before anybody looks inside (AP sheet 3.2, 3.5, 3.6)."""

import errno

from ghostcard.firmware.abi.errorreply import TYPE82, TYPE87, TYPE88, ReplyCode

UNKNOWN_REPLY = -1  # neither known type nor CPRB version: the queue goes offline, then as EAGAIN

# An outcome in a record is 0, or a reply code, or this plus the errno of the driver's own verdict.
DRIVER_OUTCOME = 0x1000

_EP11_OK = b"\x86\x02\x00\x00"  # bytes 1..4 of a reply: type, format, reserved, reply code
_TYPE80 = 0x80
_TYPE86 = 0x86
_ERROR_TYPES = (TYPE82, TYPE87, TYPE88)
_CPRB_VERSION = 0x30 + 2  # of a type-86 reply of format 2
_CPRB_VERSIONS = (0x02, 0x04)  # CCA, EP11

# Codes that are the caller's fault; every other code may be better luck on another queue.
INVALID = frozenset(
    {
        ReplyCode.MESSAGE_MALFORMED,
        ReplyCode.INVALID_MSG_LEN,
        ReplyCode.RESERVED,
        ReplyCode.FORMAT_FIELD,
        ReplyCode.KEY_TYPE,
        ReplyCode.MALFORMED_MSG,
        ReplyCode.INVALID_SPECIAL_CMD,
        ReplyCode.MESSAGE_LENGTH,
        ReplyCode.OPERAND_INVALID,
        ReplyCode.OPERAND_SIZE,
        ReplyCode.EVEN_MODULUS,
        ReplyCode.INVALID_DOMAIN_PENDING,
        ReplyCode.FILTERED_BY_HYPERVISOR,
        ReplyCode.PACKET_TRUNCATED,
    }
)


def triage(reply: bytes) -> int:
    """0: the reply carries an answer. EINVAL: fault of the request. EAGAIN: try another queue.

    UNKNOWN_REPLY for bytes that are no reply at all. Any bytes are accepted.
    """
    if reply[1:5] == _EP11_OK:
        known = len(reply) > _CPRB_VERSION and reply[_CPRB_VERSION] in _CPRB_VERSIONS
        return 0 if known else UNKNOWN_REPLY
    if len(reply) < 8:
        return UNKNOWN_REPLY
    kind, code = reply[1], reply[4]
    if kind == _TYPE80 and code == 0:
        return 0
    if kind in _ERROR_TYPES or (kind in (_TYPE80, _TYPE86) and code):
        return errno.EINVAL if code in INVALID else errno.EAGAIN
    return UNKNOWN_REPLY


def outcome(reply: bytes) -> int:
    """What the record of a refused request says: the card's reply code, or that it was no reply."""
    code = reply[4] if len(reply) >= 8 else 0
    return code or DRIVER_OUTCOME + errno.EPROTO
