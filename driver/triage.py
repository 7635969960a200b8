"""What a reply says about its request, before anybody looks inside (AP sheet 3.2, 3.5, 3.6)."""

import errno
import struct

from ghostcard.firmware.abi.errorreply import TYPE82, TYPE87, TYPE88, ReplyCode, sentence

ADMIN = 41  # the EP11 function whose requests are tried once (AP sheet 3.6)
UNKNOWN_REPLY = -1  # neither known type nor CPRB version: the queue goes offline, then as EAGAIN

# An outcome in a record is 0, or a reply code, or this plus the errno of the driver's own verdict.
DRIVER_OUTCOME = 0x1000

_EP11_OK = b"\x86\x02\x00\x00"  # bytes 1..4 of a reply: type, format, reserved, reply code
_TYPE80 = 0x80
_TYPE80_HEADER = 16  # bytes
# key-block type of a type 50 request -> bytes of its result (AP sheet 3.1)
_RESULT = {bytes((0, form + size)): 64 << size for form in (0, 0x10) for size in (1, 2, 3)}
_TYPE86 = 0x86
_ERROR_TYPES = (TYPE82, TYPE87, TYPE88)
_CPRB_VERSION = 0x30 + 2  # of a type-86 reply of format 2
CCA_VERSION, _EP11_VERSION = 0x02, 0x04
_BLOCKS = struct.Struct(">IIII")  # count1, offset1, count2, offset2 of type 86
_BLOCKS_AT = 0x10
_RTCODE = 0x30 + 0x90  # return and reason code of a CPRBX
_FUNCTION = 0x30 + 220  # the function code that its parameters begin with

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


def triage(reply: bytes, block: bytes = b"") -> int:
    """0: the reply carries an answer. EINVAL: fault of the request. EAGAIN: try another queue.

    EMSGSIZE for a type 86 reply that is longer or shorter than it says, UNKNOWN_REPLY for bytes
    that are no reply at all, or of type 80 and shorter than the result of the request ``block``.
    Any bytes are accepted.
    """
    if reply[1:5] == _EP11_OK:
        version = reply[_CPRB_VERSION] if len(reply) > _CPRB_VERSION else 0
        if version not in (CCA_VERSION, _EP11_VERSION):
            return UNKNOWN_REPLY
        if len(reply) != _stated_bytes(reply):
            return errno.EMSGSIZE
        return _rsa_verdict(reply) if version == CCA_VERSION else 0
    if len(reply) < 8:
        return UNKNOWN_REPLY
    kind, code = reply[1], reply[4]
    if kind == _TYPE80 and code == 0:
        return 0 if len(reply) >= _TYPE80_HEADER + _RESULT.get(block[8:10], 0) else UNKNOWN_REPLY
    if kind in _ERROR_TYPES or (kind in (_TYPE80, _TYPE86) and code):
        return errno.EINVAL if code in INVALID else errno.EAGAIN
    return UNKNOWN_REPLY


def _rsa_verdict(reply: bytes) -> int:
    """Of a CCA reply: return codes of RSA are the driver's affair, all others the caller's."""
    code = reply[_RTCODE : _RTCODE + 4]
    if code == bytes(4) or reply[_FUNCTION : _FUNCTION + 2] not in (b"PK", b"PD"):
        return 0
    from ghostcard.firmware.abi.cca_function import CALLERS_FAULT, OUTPUT_ABOVE_2K  # 0.3 ms

    rtcode, rscode = int.from_bytes(code[:2], "big"), int.from_bytes(code[2:], "big")
    if (rtcode, rscode) in CALLERS_FAULT or rscode == OUTPUT_ABOVE_2K:
        return errno.EINVAL
    return UNKNOWN_REPLY if rtcode else 0


def _stated_bytes(reply: bytes) -> int:
    """The length of a type 86 reply by its own account: the end of the last block that it has."""
    count1, offset1, count2, offset2 = _BLOCKS.unpack_from(reply, _BLOCKS_AT)
    return int(offset2 + count2 if count2 else offset1 + count1)


def outcome(reply: bytes) -> int:
    """What the record of a refused request says: the card's reply code, or the driver's verdict."""
    code = reply[4] if len(reply) >= 8 else 0
    verdict = triage(reply)
    told = verdict if verdict in (errno.EINVAL, errno.EMSGSIZE) else errno.EPROTO
    return code or DRIVER_OUTCOME + told


def refusal(reply: bytes) -> str:
    """Why a request was at fault, in words."""
    if reply[4]:
        return sentence(reply[4])
    rtcode, rscode = (int.from_bytes(reply[at : at + 2], "big") for at in (_RTCODE, _RTCODE + 2))
    return f"The card does not take this key or data (CCA return code {rtcode}/{rscode})."
