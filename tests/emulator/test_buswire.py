"""The frames of the bus's socket, against bytes laid out by the tables of docs/drivers.md."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator import buswire
from ghostcard.emulator.buswire import ANSWERS, REQUESTS, BusWireError, Fields, Operation, Values

GOLDEN_REQUESTS: dict[str, tuple[Operation, Values]] = {
    "0000000e 01 0a47 01 0123456789abcdef c0ff": (
        Operation.NQAP,
        (0x0A47, 1, 0x0123456789ABCDEF, b"\xc0\xff"),
    ),
    "0000000f 02 0a47 0000001080000a47 00000110": (
        Operation.DQAP,
        (0x0A47, 0x1080000A47, 272),
    ),
    "00000003 03 0a47": (Operation.TAPQ, (0x0A47,)),
    "00000003 04 0a47": (Operation.RAPQ, (0x0A47,)),
    "00000003 05 0a47": (Operation.ZAPQ, (0x0A47,)),
    "00000004 06 0a47 01": (Operation.AQIC, (0x0A47, 1)),
    "00000001 07": (Operation.QCI, ()),
    "00000009 10 3fffffffffffffff": (Operation.WAIT, ((1 << 62) - 1,)),
    "00000001 11": (Operation.STEP, ()),
    "0000000a 12 00000005 00000016 80": (Operation.DONE, (5, 22, b"\x80")),
}
GOLDEN_ANSWERS: dict[str, tuple[Operation, int, Values]] = {
    "0000000d 01 0000000000000102 40000000": (Operation.NQAP, 0x102, (0x40000000,)),
    "00000023 02 0000000000000000 40ff0000 0000000000000000 00000010 0000001080000a47 abcd": (
        Operation.DQAP,
        0,
        (0x40FF0000, 0, 16, 0x1080000A47, b"\xab\xcd"),
    ),
    "00000015 03 0000000000000001 80000000 068000000e540f07": (
        Operation.TAPQ,
        1,
        (0x80000000, 0x06800000_0E540F07),
    ),
    "0000000d 04 0000000000000001 80000000": (Operation.RAPQ, 1, (0x80000000,)),
    "0000000d 05 0000000000000001 80000000": (Operation.ZAPQ, 1, (0x80000000,)),
    "0000000d 06 0000000000000001 80070000": (Operation.AQIC, 1, (0x80070000,)),
    "0000000c 10 0000000000000001 01 0a47": (Operation.WAIT, 1, (1, b"\x0a\x47")),
    "0000000a 11 0000000000000001 01": (Operation.STEP, 1, (1,)),
    "00000009 12 0000000000000001": (Operation.DONE, 1, ()),
}


@pytest.mark.parametrize("text", GOLDEN_REQUESTS)
def test_requests(text: str) -> None:
    frame, (operation, values) = bytes.fromhex(text), GOLDEN_REQUESTS[text]
    assert buswire.length_of(frame[:4]) == len(frame) - 4
    assert buswire.pack_request(operation, *values) == frame
    assert buswire.unpack_request(frame[4:]) == (operation, values)


@pytest.mark.parametrize("text", GOLDEN_ANSWERS)
def test_answers(text: str) -> None:
    frame, (operation, now, values) = bytes.fromhex(text), GOLDEN_ANSWERS[text]
    assert buswire.pack_answer(operation, now, *values) == frame
    assert buswire.unpack_answer(frame[4:]) == (operation, now, values)


def test_every_operation_is_there() -> None:
    assert {operation for operation, _ in GOLDEN_REQUESTS.values()} == set(REQUESTS)
    assert {operation for operation, _, _ in GOLDEN_ANSWERS.values()} == {*ANSWERS} - {
        Operation.QCI
    }
    assert set(REQUESTS) == set(ANSWERS) == set(Operation) - {Operation.FAILED}


def values_of(layout: Fields) -> st.SearchStrategy[Values]:
    numbers = [
        st.integers(0, 256 ** {"B": 1, "H": 2, "I": 4, "Q": 8}[letter] - 1)
        for letter in layout.fixed.format[1:]
    ]
    rest = [st.binary(max_size=50)] if layout.with_bytes else []
    return st.tuples(*numbers, *rest)


@given(st.data(), st.sampled_from(sorted(REQUESTS)), st.integers(0, (1 << 64) - 1))
def test_round_trips(data: st.DataObject, operation: Operation, now: int) -> None:
    values = data.draw(values_of(REQUESTS[operation]))
    frame = buswire.pack_request(operation, *values)
    assert buswire.unpack_request(frame[4:]) == (operation, values)
    values = data.draw(values_of(ANSWERS[operation]))
    frame = buswire.pack_answer(operation, now, *values)
    assert buswire.unpack_answer(frame[4:]) == (operation, now, values)


@given(st.binary(max_size=40))
def test_any_bytes_parse_or_raise_bus_wire_error(body: bytes) -> None:
    for parse in (buswire.unpack_request, buswire.unpack_answer, buswire.length_of):
        with suppress(BusWireError):
            parse(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "operation of no byte is not known"),
        ("99", "operation 99 is not known"),
        ("ff", "operation 0xff is none of the driver's"),
        ("03", "TAPQ: 0 bytes, 2 were expected"),
        ("03 000000", "TAPQ: 3 bytes, 2 were expected"),
        ("01 0000", "NQAP: 2 bytes, at least 11 were expected"),
    ],
)
def test_what_is_wrong_is_said(body: str, words: str) -> None:
    with pytest.raises(BusWireError) as caught:
        buswire.unpack_request(bytes.fromhex(body))
    assert str(caught.value) == words


@pytest.mark.parametrize("length", [0, (1 << 17) + 1, 0xFFFFFFFF])
def test_lengths_that_no_frame_has(length: int) -> None:
    with pytest.raises(BusWireError, match=f"a frame of {length} bytes: 1 to 131072"):
        buswire.length_of(length.to_bytes(4, "big"))


def test_a_failure_is_told_in_words() -> None:
    frame = buswire.pack_failure("no such thing")
    assert frame == b"\0\0\0\x0e\xffno such thing"
    with pytest.raises(BusWireError, match=r"^no such thing$"):
        buswire.unpack_answer(frame[4:])
