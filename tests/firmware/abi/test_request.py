"""EP11 request blocks: golden bytes, frames, the look-up of shapes, refusals."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ghostcard.firmware.abi import ber, cprb, request, shape, type6, verbs
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head

INFO = Head(verbs.GET_XCP_INFO, 0x47)

# AP sheet 3.3 and 3.7 by hand: get_xcp_info(1, 2) for domain 0x47, message limit 12288.
GOLDEN = (
    bytes.fromhex("0006 0000 00000000 00000000 00000000 00000058 00000000 0000000000000000")
    + b"XC".ljust(16, b"\0")
    + bytes.fromhex("0001 0000 0000 0000")
    + bytes.fromhex("0000003a 00000000 0000000000000000")  # ToCardLen1 = 32 + 26
    + bytes.fromhex("00002fd0 00000000 0000000000000000")  # FromCardLen1 = 12288 - 48
    + bytes.fromhex("0020 04 0000 00 5434 00000000 00000047 ffffffff 0000000000000000 0000001a")
    + bytes.fromhex("3018 0404 00060026 0404 00000047 0404 00000001 0404 00000002")
    + bytes(2)  # to a multiple of four
)


def test_golden_block() -> None:
    params = (b"\0\0\0\1", b"\0\0\0\2")
    block = request.pack(INFO, params, max_message=12288)
    assert block == GOLDEN
    assert request.unpack(block) == (INFO, params)
    assert request.unpack(block) == (INFO, params)  # now by its shape


def test_a_block_without_filling_is_taken_too() -> None:
    params = (b"\0\0\0\1", b"\0\0\0\2")
    assert request.unpack(GOLDEN[:-2]) == (INFO, params)
    with pytest.raises(WireError) as caught:
        request.unpack(GOLDEN[:-1])
    assert caught.value.code == ReplyCode.INVALID_MSG_LEN


def test_a_kernel_block_with_long_length_forms() -> None:
    """prep_head of the kernel writes the SEQUENCE's length as 82 nnnn."""
    payload = bytes.fromhex("30820018 0404 00040026 0404 00000047 0404 00000001 0404 00000002")
    block = (
        type6.pack(type6.Type6(to_card1=60, from_card1=100))
        + cprb.pack_ep11(cprb.Ep11Cprb(target_id=0x47, payload_len=28))
        + payload
    )
    expected = (Head(verbs.GET_XCP_INFO, 0x47, api=4), (b"\0\0\0\1", b"\0\0\0\2"))
    assert request.unpack(block) == expected
    assert request.unpack(block) == expected


def test_frames_are_the_block_around_its_holes() -> None:
    head = Head(verbs.ENCRYPT_SINGLE, 3)
    values = (bytes(4), b"M" * 40, b"K" * 256, b"D" * 1021)
    front, middle, back = request.frame(head, (values[0], 40, values[2], 1021))
    assert b"".join((front, values[1], middle, values[3], back)) == request.pack(head, values)
    assert len(back) == -len(front + values[1] + middle + values[3]) % 4


def test_the_message_limit_holds_for_the_whole_block() -> None:
    head = Head(verbs.DIGEST_SINGLE, 0)
    # Headers, SEQUENCE, function, domain, mechanism, and the head of the data.
    largest = 12288 - (88 + 32) - 4 - 6 - 6 - 6 - 4
    assert len(request.pack(head, (b"hash", bytes(largest)), 12288)) == 12288
    with pytest.raises(WireError, match="the message limit is 12288") as caught:
        request.pack(head, (b"hash", bytes(largest + 1)), 12288)
    assert caught.value.code == ReplyCode.MESSAGE_LENGTH


def changed(offset: int, value: bytes, block: bytes = GOLDEN) -> bytes:
    return block[:offset] + value + block[offset + len(value) :]


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (b"", ReplyCode.ZERO_BUFFER_LEN),
        (b"\0", ReplyCode.PACKET_TRUNCATED),
        (b"\0\x50" + bytes(400), ReplyCode.MESSAGE_TYPE),
        (GOLDEN[:87], ReplyCode.PACKET_TRUNCATED),
        (GOLDEN[:119], ReplyCode.PACKET_TRUNCATED),
        (GOLDEN[:-3], ReplyCode.PACKET_TRUNCATED),
        (GOLDEN + b"\0", ReplyCode.INVALID_MSG_LEN),
        (changed(0x02, b"\1"), ReplyCode.RESERVED),
        (changed(0x10, b"\0\0\0\x59"), ReplyCode.FORMAT_FIELD),  # offset1
        (changed(0x20, b"CA"), ReplyCode.FORMAT_FIELD),  # agent
        (changed(0x3C, b"\0\0\0\1"), ReplyCode.FORMAT_FIELD),  # data an EP11 request has not
        (changed(88 + 2, b"\2"), ReplyCode.FORMAT_FIELD),  # CPRB version
        (changed(88 + 15, b"\x48"), ReplyCode.INVALID_DOMAIN_PENDING),
        (changed(88 + 31, b"\x19"), ReplyCode.INVALID_MSG_LEN),  # payload length
        (changed(120, b"\x31"), ReplyCode.MALFORMED_MSG),
        (changed(121, b"\x17"), ReplyCode.MALFORMED_MSG),
        (changed(123, b"\3"), ReplyCode.MALFORMED_MSG),  # function of three bytes
    ],
)
def test_refusals(block: bytes, code: ReplyCode) -> None:
    request.unpack(GOLDEN)  # its shape is known
    with pytest.raises(WireError) as caught:
        request.unpack(block)
    assert caught.value.code == code


def test_a_management_request_may_name_another_domain() -> None:
    block = changed(88 + 5, bytes((cprb.FLAG_ADMIN,)), changed(88 + 15, b"\x48"))
    assert request.unpack(block)[0] == Head(verbs.GET_XCP_INFO, 0x47, flags=cprb.FLAG_ADMIN)


PARAMS = st.lists(st.binary(max_size=200), max_size=4).map(tuple)
HEADS = st.builds(
    Head,
    function=st.integers(0, 0xFFFF),
    domain=st.integers(0, 0xFFFFFFFF),
    api=st.integers(0, 0xFFFF),
    flags=st.integers(0, 0xFF),
)


@given(HEADS, PARAMS)
def test_round_trip(head: Head, params: tuple[bytes, ...]) -> None:
    block = request.pack(head, params)
    assert len(block) % 4 == 0
    assert request.unpack(block) == (head, params)
    assert request.unpack(block) == (head, params)


def outcome(parse: Callable[[bytes], object], block: bytes) -> object:
    try:
        return parse(block)
    except WireError as error:
        return error.code


@st.composite
def altered(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A block, and the same with bytes of the payload replaced: heads, lengths or values."""
    block = request.pack(Head(verbs.SIGN_SINGLE, 1), draw(PARAMS))
    other = bytearray(block)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(request.PAYLOAD, len(block) - 1))
        other[at] = draw(st.sampled_from((0, 1, 2, 4, 0x30, 0x7F, 0x80, 0x81, 0x82, 0xFF)))
    return block, bytes(other)


@given(altered())
@example(  # the first parameter's length moves into what was its value
    (
        request.pack(Head(31, 1), (b"\4\x81\x80" + bytes(297), b"x")),
        request.pack(Head(31, 1), (bytes(297), b"\0\0x")),
    )
)
def test_a_known_shape_accepts_and_refuses_what_the_walk_does(blocks: tuple[bytes, bytes]) -> None:
    for block in blocks:
        request.unpack(blocks[0])
        assert outcome(request.unpack, block) == outcome(request._walk, block)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_wire_error(block: bytes) -> None:
    for attempt in (block, GOLDEN[:120] + block, b"\0\6" + block):
        outcome(request.unpack, attempt)


def test_the_memory_of_shapes_is_bounded() -> None:
    for length in range(1500):
        for domain in (0, 1):
            request.unpack(
                request.pack(Head(verbs.DIGEST_SINGLE, domain), (b"hash", bytes(length)))
            )
    assert len(request._shapes) <= shape.MAX_SHAPES


def test_the_sequence_head_of_every_size() -> None:
    for length in (0, 90, 100, 110, 120, 128, 200, 240, 256, 300):
        block = request.pack(Head(verbs.GENERATE_RANDOM, 0), (bytes(length),))
        end = type6.SIZE + int.from_bytes(block[0x38:0x3C], "big")
        assert ber.unpack(block[request.PAYLOAD : end])[2] == bytes(length)
