"""CCA request and reply blocks, built and parsed whole (AP sheet 3.3 to 3.5).

Parameters are of one form in either direction: function code, rule array, variable data ("VUD"),
key block. Each of the last three begins with its length in two bytes, those two included; a rule
is 8 characters; a key block holds entries {length 2, flag 2, bytes}, the length again of the whole.
A request's data block follows at `offset2`, at a multiple of 4; a reply's likewise.
"""

import struct
from typing import NamedTuple

from ghostcard.firmware.abi import cprb, type6, type86
from ghostcard.firmware.abi.cca_function import RULE_BYTES
from ghostcard.firmware.abi.cprb import Cprbx
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError

REQUEST_PARAMETERS = type6.SIZE + cprb.CPRBX_SIZE  # where they begin: 308
REPLY_PARAMETERS = type86.SIZE + cprb.CPRBX_SIZE  # 268

_HEAD = struct.Struct(">HH")  # of an entry of the key block: length and flag
_LONGEST = 0xFFFF  # what a length says


class Entry(NamedTuple):
    """One entry of a key block, or of the variable data where that has the same form."""

    flag: int
    value: bytes


class Parameters(NamedTuple):
    """The parameter block of a request or reply."""

    function: bytes  # two letters
    rules: tuple[bytes, ...] = ()  # 8 bytes each
    data: bytes = b""
    keys: tuple[Entry, ...] = ()


class Request(NamedTuple):
    """A request: what it asks, of which domain, and the room for its reply in bytes."""

    parameters: Parameters
    domain: int
    reply_room: int  # for CPRBX and parameters
    reply_data_room: int = 0


class Reply(NamedTuple):
    """A reply. With a return code other than 0 the parameters are those of no result."""

    parameters: Parameters
    domain: int
    data: bytes = b""
    rtcode: int = 0
    rscode: int = 0


def pack_parameters(parameters: Parameters) -> bytes:
    """The parameter block; WireError if a part is longer than its length can say."""
    if len(parameters.function) != 2 or any(len(one) != RULE_BYTES for one in parameters.rules):
        raise WireError(ReplyCode.FORMAT_FIELD, "CCA parameters: function code or rule of odd size")
    keys = pack_entries(parameters.keys)
    parts = (b"".join(parameters.rules), parameters.data, keys)
    return parameters.function + b"".join(map(_counted, parts))


def unpack_parameters(block: bytes, at: int = 0, end: int | None = None) -> Parameters:
    """The parameter block that is ``block[at:end]``; WireError if its lengths do not agree."""
    end = len(block) if end is None else end
    if not at + 2 <= end <= len(block):
        raise WireError(ReplyCode.PACKET_TRUNCATED, "CCA parameters: no function code")
    function, at = block[at : at + 2], at + 2
    rules, at = _part(block, at, end)
    data, at = _part(block, at, end)
    keys, at = _part(block, at, end)
    if at != end or len(rules) % RULE_BYTES:
        raise WireError(ReplyCode.MESSAGE_LENGTH, "CCA parameters: lengths do not agree")
    words = tuple(rules[n : n + RULE_BYTES] for n in range(0, len(rules), RULE_BYTES))
    return Parameters(function, words, data, unpack_entries(keys))


def pack_entries(entries: tuple[Entry, ...]) -> bytes:
    """Entries one after the other."""
    return b"".join(map(_entry, entries))


def unpack_entries(block: bytes) -> tuple[Entry, ...]:
    """The entries that fill a block; WireError if they do not."""
    entries, at = [], 0
    while at < len(block):
        if len(block) < at + _HEAD.size:
            raise WireError(ReplyCode.MESSAGE_LENGTH, "CCA entries: the last one has no head")
        length, flag = _HEAD.unpack_from(block, at)
        if not _HEAD.size <= length <= len(block) - at:
            raise WireError(ReplyCode.MESSAGE_LENGTH, "CCA entries: an impossible length")
        entries.append(Entry(flag, block[at + _HEAD.size : at + length]))
        at += length
    return tuple(entries)


def pack_request(request: Request) -> bytes:
    """The block as `zcrypt_msgtype6` sends it."""
    parameters = pack_parameters(request.parameters)
    header = type6.Type6(
        agent_id=type6.AGENT_CCA,
        request_id=0,
        function_code=int.from_bytes(request.parameters.function, "big"),
        to_card1=cprb.CPRBX_SIZE + len(parameters),
        from_card1=request.reply_room,
        from_card2=request.reply_data_room,
    )
    block = Cprbx(
        req_parml=len(parameters),
        rpl_msgbl=request.reply_room,
        rpl_datal=request.reply_data_room,
        domain=request.domain,
    )
    return type6.pack(header) + cprb.pack_cprbx(block) + parameters


def unpack_request(block: bytes) -> Request:
    """Parse a request of "T2", usage; WireError with the reply code for anything else.

    What follows the parameters, filling up to a multiple of 4 or a data block, is not looked at: no
    function here takes data.
    """
    if not block:
        raise WireError(ReplyCode.ZERO_BUFFER_LEN, "CCA request: an empty message")
    if block[1:2] not in (b"", b"\x06"):
        raise WireError(ReplyCode.MESSAGE_TYPE, "not a type 6 message")
    header = type6.unpack(block)
    if header.agent_id[:2] != b"CA":
        raise WireError(ReplyCode.MESSAGE_TYPE, "type 6: not a request of agent CA")
    if header.offset1 != type6.SIZE:
        raise WireError(ReplyCode.FORMAT_FIELD, "type 6: the CPRB is not behind the header")
    head = cprb.unpack_cprbx(block, type6.SIZE)
    if head.func_id != cprb.CPRBX_T2:
        raise WireError(ReplyCode.FORMAT_FIELD, "CPRBX: not a usage request (T2)")
    end = REQUEST_PARAMETERS + head.req_parml
    if len(block) < end:
        raise WireError(ReplyCode.PACKET_TRUNCATED, "CCA request: shorter than its parameters")
    if header.to_card1 not in (end - type6.SIZE, _rounded(end) - type6.SIZE):
        raise WireError(ReplyCode.MESSAGE_LENGTH, "CCA request: header and CPRBX disagree")
    parameters = unpack_parameters(block, REQUEST_PARAMETERS, end)
    if header.function_code != int.from_bytes(parameters.function, "big"):
        raise WireError(
            ReplyCode.FORMAT_FIELD, "type 6: another function code than the parameters'"
        )
    return Request(
        parameters, head.domain, header.from_card1, min(header.from_card2, head.rpl_datal)
    )


def pack_reply(reply: Reply) -> bytes:
    """The type 86 block."""
    parameters = pack_parameters(reply.parameters)
    count1 = cprb.CPRBX_SIZE + len(parameters)
    offset2 = _rounded(type86.SIZE + count1) if reply.data else 0
    header = type86.Type86(count1=count1, count2=len(reply.data), offset2=offset2)
    block = Cprbx(
        rpld_parml=len(parameters),
        rpld_datal=len(reply.data),
        ccp_rtcode=reply.rtcode,
        ccp_rscode=reply.rscode,
        domain=reply.domain,
    )
    front = type86.pack(header) + cprb.pack_cprbx(block) + parameters
    return front.ljust(offset2, b"\0") + reply.data


def unpack_reply(block: bytes) -> Reply:
    """Parse a type 86 reply with a CPRBX; WireError unless its lengths agree (AP sheet 3.5)."""
    header = type86.unpack(block)
    if header.format != type86.FORMAT_OK or header.reply_code:
        code, apfs = header.reply_code, header.apfs
        raise WireError(code, f"CCA reply: reply code {code:#04x}, apfs {apfs:#x}")
    if header.offset1 != type86.SIZE:
        raise WireError(ReplyCode.FORMAT_FIELD, "CCA reply: the CPRB is not behind the header")
    head = cprb.unpack_cprbx(block, type86.SIZE)
    end = header.offset1 + header.count1
    total = header.offset2 + header.count2 if header.count2 else end
    if len(block) != total or end != REPLY_PARAMETERS + head.rpld_parml:
        raise WireError(ReplyCode.MESSAGE_LENGTH, "CCA reply: lengths do not agree")
    if header.count2 and not end <= header.offset2:
        raise WireError(ReplyCode.MESSAGE_LENGTH, "CCA reply: data and parameters overlap")
    parameters = unpack_parameters(block, REPLY_PARAMETERS, end)
    data = block[header.offset2 : total] if header.count2 else b""
    return Reply(parameters, head.domain, data, head.ccp_rtcode, head.ccp_rscode)


def _entry(entry: Entry) -> bytes:
    if len(entry.value) + _HEAD.size > _LONGEST or not 0 <= entry.flag <= 0xFFFF:
        raise WireError(ReplyCode.FORMAT_FIELD, "CCA entry: too long, or an impossible flag")
    return _HEAD.pack(len(entry.value) + _HEAD.size, entry.flag) + entry.value


def _counted(part: bytes) -> bytes:
    if len(part) + 2 > _LONGEST:
        raise WireError(ReplyCode.FORMAT_FIELD, f"CCA parameters: a part of {len(part)} bytes")
    return (len(part) + 2).to_bytes(2, "big") + part


def _part(block: bytes, at: int, end: int) -> tuple[bytes, int]:
    length = int.from_bytes(block[at : at + 2], "big") if at + 2 <= end else 0
    if not 2 <= length <= end - at:
        raise WireError(ReplyCode.MESSAGE_LENGTH, "CCA parameters: an impossible length")
    return block[at + 2 : at + length], at + length


def _rounded(size: int) -> int:
    return size + 3 & ~3
