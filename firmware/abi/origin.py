"""Who sent an EP11 request: the `source_id` of its CPRB, which the reply repeats (AP sheet 3.7).

The AP bus matches replies by PSMID alone. A host that puts a number of its own into each request,
and looks for it in the reply, knows when a PSMID has been mixed up. 0: nobody has said.
"""

from ghostcard.firmware.abi import type6, type86

SOURCE_BYTES = 4
SOURCE_LIMIT = 1 << 8 * SOURCE_BYTES
NOBODY = bytes(SOURCE_BYTES)
_AT = 8  # in the CPRB
_REQUEST = type6.SIZE + _AT
_REPLY = type86.SIZE + _AT
_REQUEST_END = _REQUEST + SOURCE_BYTES
_REPLY_END = _REPLY + SOURCE_BYTES
_TYPE6 = 0x06
_TYPE86 = 0x86
_AGENT = slice(0x20, 0x22)
_EP11 = b"XC"


def stamped(block: bytes, source: int) -> bytes:
    """The request with this `source_id`; a request to another kind of card as it is."""
    if not is_ep11(block):
        return block
    return block[:_REQUEST] + source.to_bytes(SOURCE_BYTES, "big") + block[_REQUEST_END:]


def is_ep11(block: bytes) -> bool:
    """Whether a request block is one whose reply repeats the `source_id`."""
    return len(block) >= _REQUEST_END and block[1] == _TYPE6 and block[_AGENT] == _EP11


def of_request(block: bytes) -> bytes:
    """The `source_id` of a request, NOBODY if it has none."""
    source = block[_REQUEST:_REQUEST_END]
    return source if source != NOBODY and is_ep11(block) else NOBODY


def anonymous(block: bytes) -> bytes:
    """An EP11 request without its `source_id`."""
    return block[:_REQUEST] + NOBODY + block[_REQUEST_END:]


def of_reply(block: bytes) -> bytes:
    """The `source_id` of a reply; NOBODY if it has none."""
    return block[_REPLY:_REPLY_END] or NOBODY


def answered(block: bytes, source: bytes) -> bytes:
    """The reply with this `source_id`; an error reply as it is."""
    if len(block) < _REPLY_END or block[1] != _TYPE86:
        return block
    return block[:_REPLY] + source + block[_REPLY_END:]
