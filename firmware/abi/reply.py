"""EP11 reply blocks: type 86 header, ep11_cprb and payload, built and parsed whole (AP sheet 3.5).

The payload repeats function and domain of the request and adds the return value, 0 or a code of
PKCS #11 or `status`; parameters follow only if it is 0. The common replies, those with one
parameter, are built behind bytes made once per request head and length.
"""

from ghostcard.firmware.abi import ber, cprb, type86
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head

PAYLOAD = type86.SIZE + cprb.EP11_SIZE  # where the payload starts: 80

_MAX_HEADS = 2048  # remembered; then all are forgotten


def pack(head: Head, rv: int, params: tuple[bytes, ...] = ()) -> bytes:
    """The whole block; WireError if there are parameters besides an `rv` other than 0."""
    if rv == 0 and len(params) == 1:
        value = params[0]
        return _single_head(head, len(value)) + value
    if rv and params:
        raise WireError(ReplyCode.FORMAT_FIELD, "EP11 reply: an error carries no parameters")
    return _front(head, rv, b"".join(map(ber.octets, params)))


_heads: dict[tuple[Head, int], bytes] = {}


def _single_head(head: Head, length: int) -> bytes:
    """Everything in front of the one parameter of `length` bytes of a good reply."""
    known = _heads.get((head, length))
    if known is None:
        if len(_heads) >= _MAX_HEADS:
            _heads.clear()
        whole = _front(head, 0, ber.octets(bytes(length)))
        known = _heads[head, length] = whole[: len(whole) - length]
    return known


def _front(head: Head, rv: int, params: bytes) -> bytes:
    values = (head.api << 16 | head.function, head.domain, rv)
    body = b"".join(ber.octets(value.to_bytes(4, "big")) for value in values) + params
    payload = ber.head(ber.SEQUENCE, len(body)) + body
    header = type86.Type86(count1=cprb.EP11_SIZE + len(payload))
    block = cprb.Ep11Cprb(
        flags=head.flags, target_id=head.domain, ret_code=0, payload_len=len(payload)
    )
    return type86.pack(header) + cprb.pack_ep11(block) + payload


def unpack(block: bytes) -> tuple[Head, int, tuple[bytes, ...]]:
    """Request head, return value and parameters of a type 86 reply; WireError if malformed."""
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
    values = ber.unpack(block[PAYLOAD:])
    if len(values) < 3 or any(len(value) != 4 for value in values[:3]):
        raise WireError(ReplyCode.MALFORMED_MSG, "EP11 reply: no function, domain and return value")
    word, domain, rv = (int.from_bytes(value, "big") for value in values[:3])
    head = Head(word & 0xFFFF, domain, word >> 16, block_cprb.flags)
    if rv and len(values) > 3:
        raise WireError(ReplyCode.MALFORMED_MSG, "EP11 reply: an error carries no parameters")
    return head, rv, values[3:]
