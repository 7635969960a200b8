"""EP11 request blocks: type 6 header, ep11_cprb and payload, built and parsed whole.

Building cuts a block into the parts around its changing values once (`frame`), so that a caller
joins bytes. Parsing walks a block of a new shape field by field; of a known shape it compares the
fixed bytes with those walked before and cuts the parameters out, which accepts and refuses the
same blocks at a fifth of the cost.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ghostcard.firmware.abi import ber, cprb, type6
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.shape import MAX_SHAPES, Shape, shape_of

API_ORDINAL = 6  # the newest; AP sheet 7.1
MAX_MESSAGE = 61440  # bytes: 15 units of 4,096 is the most a card can report (AP sheet 1.4)
REPLY_RESERVE = 48  # type 86 header and extension, in front of what FromCardLen1 counts

PAYLOAD = type6.SIZE + cprb.EP11_SIZE  # where the payload starts: 120

# By so many bytes a shape is looked up: headers, function and domain, tag and first length byte of
# the first parameter.
_LOOKUP = PAYLOAD + 4 + 6 + 6 + 2


class Head(NamedTuple):
    """What every request begins with and every reply repeats."""

    function: int  # 1..44, AP sheet 7.1
    domain: int  # APQI
    api: int = API_ORDINAL
    flags: int = 0  # of the CPRB: cprb.FLAG_ADMIN, cprb.FLAG_SPECIAL


def pack(head: Head, params: Sequence[bytes], max_message: int = MAX_MESSAGE) -> bytes:
    """The whole block, filled to a multiple of four bytes; WireError above `max_message` bytes."""
    return frame(head, params, max_message)[0]


def frame(
    head: Head, params: Sequence[bytes | int], max_message: int = MAX_MESSAGE
) -> tuple[bytes, ...]:
    """The block around its holes: one part more than there are holes.

    A parameter given as a number is a hole of so many bytes, to be filled by the caller; the parts
    with the fillings between them are the block that `pack` would give.
    """
    part = ber.octets(_function(head)) + ber.octets(_u32(head.domain))
    parts: list[bytes] = []
    inside = len(part)  # bytes of the SEQUENCE
    for param in params:
        value, hole = (b"", param) if isinstance(param, int) else (param, None)
        length = len(value) if hole is None else hole
        tag = ber.head(ber.OCTET_STRING, length)
        inside += len(tag) + length
        part += tag + value
        if hole is not None:
            parts.append(part)
            part = b""
    parts.append(part)
    return _enclose(head, parts, inside, max_message)


def unpack(block: bytes) -> tuple[Head, tuple[bytes, ...]]:
    """Head and parameters of a block; WireError with the code of AP sheet 3.6.

    Refused: another message type, wrong lengths, another agent or CPRB, reserved bits of the type 6
    header, a payload that is no SEQUENCE of OCTET STRINGs, and a target domain that differs between
    CPRB and payload (unless the request is management).
    """
    shape = _shapes.get(block[:_LOOKUP])
    if shape is not None:
        length, head, fixed, cut_fixed, cut_params = shape
        if len(block) == length and cut_fixed(block) == fixed:
            return head, cut_params(block)
    return _walk(block)


_shapes: dict[bytes, Shape[Head]] = {}


def _walk(block: bytes) -> tuple[Head, tuple[bytes, ...]]:
    payload_end, flags, target = _check_headers(block)
    payload = block[:payload_end]
    spans = ber.spans(payload, PAYLOAD)
    if len(spans) < 2 or any(end - start != 4 for start, end in spans[:2]):
        raise WireError(ReplyCode.MALFORMED_MSG, "EP11 request: no function and domain")
    (at, _), (domain_at, head_end) = spans[:2]
    api, function, domain = (
        int.from_bytes(block[start:end], "big")
        for start, end in ((at, at + 2), (at + 2, at + 4), (domain_at, head_end))
    )
    if domain != target and not flags & cprb.FLAG_ADMIN:
        raise WireError(
            ReplyCode.INVALID_DOMAIN_PENDING,
            f"EP11 request: target {target} in the CPRB, {domain} in the payload",
        )
    head = Head(function, domain, api, flags)
    if len(_shapes) >= MAX_SHAPES:
        _shapes.clear()
    _shapes[block[:_LOOKUP]] = shape_of(block, head, spans[2:], payload_end, _LOOKUP)
    return head, tuple(block[start:end] for start, end in spans[2:])


def _check_headers(block: bytes) -> tuple[int, int, int]:
    """End of the payload, flags and target domain, from the type 6 header and the CPRB."""
    if not block:
        raise WireError(ReplyCode.ZERO_BUFFER_LEN, "EP11 request: an empty message")
    if block[1:2] not in (b"", b"\x06"):
        raise WireError(ReplyCode.MESSAGE_TYPE, "not a type 6 message")
    header = type6.unpack(block)
    expected = type6.Type6(to_card1=header.to_card1, from_card1=header.from_card1)
    if header != expected:
        raise WireError(ReplyCode.FORMAT_FIELD, "type 6 header: not that of an EP11 request")
    end = type6.SIZE + header.to_card1
    if len(block) < end:
        raise WireError(ReplyCode.PACKET_TRUNCATED, "EP11 request: shorter than ToCardLen1 says")
    if len(block) not in (end, end + -end % 4):
        raise WireError(ReplyCode.INVALID_MSG_LEN, "EP11 request: longer than ToCardLen1 says")
    block_cprb = cprb.unpack_ep11(block, type6.SIZE)
    if block_cprb.payload_len != header.to_card1 - cprb.EP11_SIZE:
        raise WireError(
            ReplyCode.INVALID_MSG_LEN, "ep11_cprb: payload length and ToCardLen1 differ"
        )
    return end, block_cprb.flags, block_cprb.target_id


def _enclose(head: Head, parts: list[bytes], inside: int, max_message: int) -> tuple[bytes, ...]:
    sequence = ber.head(ber.SEQUENCE, inside)
    payload = len(sequence) + inside
    filling = bytes(-payload % 4)
    if PAYLOAD + payload + len(filling) > max_message:
        raise WireError(
            ReplyCode.MESSAGE_LENGTH,
            f"EP11 request: {PAYLOAD + payload} bytes, the message limit is {max_message}",
        )
    header = type6.Type6(to_card1=cprb.EP11_SIZE + payload, from_card1=max_message - REPLY_RESERVE)
    block = cprb.Ep11Cprb(flags=head.flags, target_id=head.domain, payload_len=payload)
    parts[0] = type6.pack(header) + cprb.pack_ep11(block) + sequence + parts[0]
    parts[-1] += filling
    return tuple(parts)


def _function(head: Head) -> bytes:
    return (head.api << 16 | head.function).to_bytes(4, "big")


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")
