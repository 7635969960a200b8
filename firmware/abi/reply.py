"""EP11 reply blocks: type 86 header, ep11_cprb and payload, built and parsed whole (AP sheet 3.5).

The payload repeats function and domain of the request and adds the return value, 0 or a code of
PKCS #11 or `status`; parameters follow only if it is 0, or tell why an Admin was
refused. Replies are built around their parameters from parts made once per request head and
lengths, and parsed by shape.
"""

from itertools import chain
from typing import TypeVar

from ghostcard.firmware.abi import ber, cprb, type86
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head
from ghostcard.firmware.abi.shape import MAX_SHAPES, Shape, shape_of
from ghostcard.firmware.abi.verbs import ADMIN

PAYLOAD = type86.SIZE + cprb.EP11_SIZE  # where the payload starts: 80

# By so many bytes a shape is looked up: headers, function, domain and return value of a short
# reply; never a byte of a parameter, which may be a secret and differs from reply to reply.
_LOOKUP = PAYLOAD + 2 + 6 + 6 + 6
MAX_FRAMES = 2048  # remembered of either kind; then all are forgotten

K = TypeVar("K")
V = TypeVar("V")


def pack(head: Head, rv: int, params: tuple[bytes, ...] = ()) -> bytes:
    """The whole block; WireError if there are parameters besides an `rv` other than 0, but for the
    reason of a refused Admin."""
    if rv:
        if params and head.function != ADMIN:
            raise WireError(ReplyCode.FORMAT_FIELD, "EP11 reply: an error carries no parameters")
        return _joined(_framed(head, rv, tuple(map(len, params))), params)
    if len(params) == 1:
        value = params[0]
        front = _fronts.get((head, len(value)))
        if front is None:
            front = _remembered(_fronts, (head, len(value)), _framed(head, 0, (len(value),))[0])
        return front + value
    lengths = tuple(map(len, params))
    parts = _parts.get((head, lengths))
    if parts is None:
        parts = _remembered(_parts, (head, lengths), _framed(head, 0, lengths))
    return _joined(parts, params)


def _joined(parts: tuple[bytes, ...], params: tuple[bytes, ...]) -> bytes:
    return b"".join(chain.from_iterable(zip(parts, (*params, b""), strict=True)))


_fronts: dict[tuple[Head, int], bytes] = {}
_parts: dict[tuple[Head, tuple[int, ...]], tuple[bytes, ...]] = {}


def _remembered(memory: dict[K, V], key: K, value: V) -> V:
    if len(memory) >= MAX_FRAMES:
        memory.clear()
    memory[key] = value
    return value


def _framed(head: Head, rv: int, lengths: tuple[int, ...]) -> tuple[bytes, ...]:
    """The block around parameters of these lengths: one part more than there are parameters."""
    values = (head.api << 16 | head.function, head.domain, rv)
    body = b"".join(ber.octets(value.to_bytes(4, "big")) for value in values)
    heads = [ber.head(ber.OCTET_STRING, length) for length in lengths]
    inside = len(body) + sum(map(len, heads)) + sum(lengths)
    sequence = ber.head(ber.SEQUENCE, inside)
    payload = len(sequence) + inside
    header = type86.Type86(count1=cprb.EP11_SIZE + payload)
    block = cprb.Ep11Cprb(flags=head.flags, target_id=head.domain, ret_code=0, payload_len=payload)
    front = type86.pack(header) + cprb.pack_ep11(block) + sequence + body
    first, *others = (*heads, b"")
    return (front + first, *others)


def unpack(block: bytes) -> tuple[Head, int, tuple[bytes, ...]]:
    """Request head, return value and parameters of a type 86 reply; WireError if malformed."""
    shape = _shapes.get(block[:_LOOKUP])
    if shape is not None:
        length, (head, rv), fixed, cut_fixed, cut_params = shape
        if len(block) == length and cut_fixed(block) == fixed:
            return head, rv, cut_params(block)
    return _walk(block)


_shapes: dict[bytes, Shape[tuple[Head, int]]] = {}


def _walk(block: bytes) -> tuple[Head, int, tuple[bytes, ...]]:
    flags = _check_headers(block)
    spans = ber.spans(block, PAYLOAD)
    if len(spans) < 3 or any(end - start != 4 for start, end in spans[:3]):
        raise WireError(ReplyCode.MALFORMED_MSG, "EP11 reply: no function, domain and return value")
    word, domain, rv = (int.from_bytes(block[start:end], "big") for start, end in spans[:3])
    head = Head(word & 0xFFFF, domain, word >> 16, flags)
    if rv and len(spans) > 3 and head.function != ADMIN:
        raise WireError(ReplyCode.MALFORMED_MSG, "EP11 reply: an error carries no parameters")
    if len(_shapes) >= MAX_SHAPES:
        _shapes.clear()
    _shapes[block[:_LOOKUP]] = shape_of(block, (head, rv), spans[3:], len(block), _LOOKUP)
    return head, rv, tuple(block[start:end] for start, end in spans[3:])


def _check_headers(block: bytes) -> int:
    """The flags of the CPRB, after checks of both headers."""
    header = type86.unpack(block)
    if header.format != type86.FORMAT_OK or header.reply_code:
        raise WireError(
            header.reply_code,
            f"EP11 reply: reply code {header.reply_code:#04x}, apfs {header.apfs:#x}",
        )
    if header != type86.Type86(count1=header.count1, apfs=header.apfs):
        raise WireError(ReplyCode.FORMAT_FIELD, "type 86 header: not that of an EP11 reply")
    if len(block) != header.offset1 + header.count1:
        raise WireError(ReplyCode.INVALID_MSG_LEN, "EP11 reply: length and count1 differ")
    block_cprb = cprb.unpack_ep11(block, header.offset1)
    if block_cprb.payload_len != header.count1 - cprb.EP11_SIZE:
        raise WireError(ReplyCode.INVALID_MSG_LEN, "ep11_cprb: payload length and count1 differ")
    return block_cprb.flags
