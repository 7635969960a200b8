"""What travels on a channel: there and back, and any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.shared import wire
from ghostcard.shared.wire import AREA, HALF, SharedWireError

U16, U32 = st.integers(0, (1 << 16) - 1), st.integers(0, (1 << 32) - 1)
QIDS = st.lists(U16, max_size=wire.TARGETS_MOST).map(tuple)


def area() -> memoryview:
    return memoryview(bytearray(AREA))


@given(U32, U16, U16, U16, QIDS, st.binary(max_size=2000))
def test_a_request_is_taken_as_it_was_written(
    serial: int, kind: int, function: int, qid: int, targets: tuple[int, ...], body: bytes
) -> None:
    memory, packed = area(), wire.pack_targets(targets)
    assert wire.unpack_targets(packed) == targets
    wire.write_request(memory, serial, kind, function, qid, packed, body)
    assert wire.read_serial(memory) == serial
    assert wire.take_request(memory) == (serial, kind, function, qid, packed, body)
    assert wire.taken(memory) == serial


@given(U32, U32, st.binary(max_size=255), U32, st.binary(max_size=2000))
def test_a_reply_is_read_as_it_was_written(
    serial: int, status: int, operation: bytes, payload_bytes: int, body: bytes
) -> None:
    memory = area()
    wire.write_reply(memory, serial, status, operation, payload_bytes, body)
    assert wire.read_reply(memory) == (serial, status, operation, payload_bytes, body)


@given(st.binary(min_size=64, max_size=64))
def test_any_bytes_are_a_request_and_a_reply_or_refused(noise: bytes) -> None:
    memory = area()
    memory[:64] = noise
    memory[HALF : HALF + 64] = noise
    for read in (wire.take_request, wire.read_reply):
        try:
            taken = read(memory)
        except SharedWireError:
            continue
        assert len(taken.body) < HALF


@pytest.mark.parametrize("over", [0, 1])
def test_a_half_is_full_to_the_last_byte(over: int) -> None:
    memory, head = area(), wire.REQUEST_HEAD + 2
    body = bytes(HALF - head + over)
    if over:
        with pytest.raises(SharedWireError):
            wire.write_request(memory, 1, 1, 1, 0, b"\0\0", body)
    else:
        wire.write_request(memory, 1, 1, 1, 0, b"\0\0", body)
        assert wire.take_request(memory).body == body
    answer = bytes(AREA - wire.REPLY_AT - wire.REPLY_HEAD + over)
    if over:
        with pytest.raises(SharedWireError):
            wire.write_reply(memory, 1, 0, b"", 0, answer)
    else:
        wire.write_reply(memory, 1, 0, b"", 0, answer)
        assert wire.read_reply(memory).body == answer


@given(st.integers(0, (1 << 64) - 1))
def test_numbers_of_jobs(number: int) -> None:
    assert wire.unpack_number(wire.pack_number(number)) == number


@given(st.binary(max_size=20).filter(lambda body: len(body) != 8))
def test_other_bytes_are_no_number(body: bytes) -> None:
    with pytest.raises(SharedWireError):
        wire.unpack_number(body)
