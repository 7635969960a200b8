"""EP11 reply blocks: golden bytes, errors, refusals."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import example, given
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


@st.composite
def altered(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A block, and the same with bytes of the payload replaced: heads, lengths or values."""
    params = draw(st.lists(st.binary(max_size=200), max_size=3).map(tuple))
    block = reply.pack(HEAD, 0, params)
    other = bytearray(block)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(reply.PAYLOAD, len(block) - 1))
        other[at] = draw(st.sampled_from((0, 1, 2, 4, 0x30, 0x7F, 0x80, 0x81, 0x82, 0xFF)))
    return block, bytes(other)


@given(altered())
@example(  # the first parameter's length moves into what was its value
    (
        reply.pack(HEAD, 0, (b"\4\x81\x80" + bytes(297), b"x")),
        reply.pack(HEAD, 0, (bytes(297), b"\0\0x")),
    )
)
def test_a_known_shape_accepts_and_refuses_what_the_walk_does(blocks: tuple[bytes, bytes]) -> None:
    for block in blocks:
        reply.unpack(blocks[0])
        assert outcome(reply.unpack, block) == outcome(reply._walk, block)


def outcome(parse: Callable[[bytes], object], block: bytes) -> object:
    try:
        return parse(block)
    except WireError as error:
        return error.code


def test_replies_that_differ_in_their_parameters_have_one_shape() -> None:
    reply._shapes.clear()
    for number in range(1000):
        reply.unpack(reply.pack(HEAD, 0, (number.to_bytes(64, "little"),)))
    assert len(reply._shapes) == 1


def test_the_memory_of_frames_is_bounded() -> None:
    for length in range(reply.MAX_FRAMES + 10):
        reply.pack(HEAD, 0, (bytes(length),))
        reply.pack(HEAD, 0, (bytes(length), b""))
    assert len(reply._fronts) <= reply.MAX_FRAMES
    assert len(reply._parts) <= reply.MAX_FRAMES
