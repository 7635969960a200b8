"""EP11 reply blocks: golden bytes, errors, refusals."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import reply, status, type86, verbs
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head

HEAD = Head(verbs.SIGN_SINGLE, 5)

# AP sheet 3.5 and 3.7 by hand: a signature of four bytes.
GOLDEN = (
    bytes.fromhex("0086 02 00 00 000000 00000000 00000000 0000003a 00000030")
    + bytes(24)
    + bytes.fromhex("0020 04 0000 00 5434 00000000 00000005 00000000 0000000000000000 0000001a")
    + bytes.fromhex("3018 0404 0006001f 0404 00000005 0404 00000000 0404 c0ffee00")
)


def test_golden_block() -> None:
    value = bytes.fromhex("c0ffee00")
    assert reply.pack(HEAD, 0, (value,)) == GOLDEN
    assert reply.pack(HEAD, 0, (value,)) == GOLDEN  # now from what the first call kept
    assert reply.unpack(GOLDEN) == (HEAD, 0, (value,))


def test_an_error_carries_its_return_value_alone() -> None:
    block = reply.pack(HEAD, status.CKR_IBM_BLOB_ERROR)
    assert block[80:] == bytes.fromhex("3012 0404 0006001f 0404 00000005 0404 80010004")
    assert reply.unpack(block) == (HEAD, status.CKR_IBM_BLOB_ERROR, ())
    with pytest.raises(WireError, match="no parameters"):
        reply.pack(HEAD, 5, (b"",))


def changed(offset: int, value: bytes) -> bytes:
    return GOLDEN[:offset] + value + GOLDEN[offset + len(value) :]


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (b"", ReplyCode.PACKET_TRUNCATED),
        (GOLDEN[:79], ReplyCode.INVALID_MSG_LEN),
        (GOLDEN[:-1], ReplyCode.INVALID_MSG_LEN),
        (GOLDEN + b"\0", ReplyCode.INVALID_MSG_LEN),
        (changed(1, b"\x82"), ReplyCode.FORMAT_FIELD),
        (changed(2, b"\3"), ReplyCode.FORMAT_FIELD),
        (changed(4, b"\x8b"), ReplyCode.FILTERED_BY_HYPERVISOR),
        (type86.pack_error(0x90), ReplyCode.TRANSPORT_FAIL),
        (changed(0x17, b"\x31"), ReplyCode.FORMAT_FIELD),  # offset1
        (changed(50, b"\2"), ReplyCode.FORMAT_FIELD),  # CPRB version
        (changed(79, b"\x1b"), ReplyCode.INVALID_MSG_LEN),  # payload length
        (changed(81, b"\x17"), ReplyCode.MALFORMED_MSG),
        (changed(97, b"\0\0\0\5"), ReplyCode.MALFORMED_MSG),  # an error with a parameter
    ],
)
def test_refusals(block: bytes, code: ReplyCode) -> None:
    with pytest.raises(WireError) as caught:
        reply.unpack(block)
    assert caught.value.code == code


U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)


@given(
    st.builds(Head, U16, U32, api=U16, flags=st.integers(0, 0xFF)),
    st.integers(0, 0xFFFFFFFF),
    st.lists(st.binary(max_size=300), max_size=3).map(tuple),
)
def test_round_trip(head: Head, rv: int, params: tuple[bytes, ...]) -> None:
    params = () if rv else params
    assert reply.unpack(reply.pack(head, rv, params)) == (head, rv, params)


@given(st.binary(max_size=80))
def test_any_bytes_parse_or_raise_wire_error(block: bytes) -> None:
    for attempt in (block, GOLDEN[:80] + block, GOLDEN[:4] + block):
        with suppress(WireError):
            reply.unpack(attempt)


def test_the_memory_of_heads_is_bounded() -> None:
    for length in range(2500):
        reply.pack(HEAD, 0, (bytes(length),))
    assert len(reply._heads) <= reply._MAX_HEADS
