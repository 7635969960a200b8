"""What travels between a driver process and the bus: frames, as docs/drivers.md lists them.

A frame is `length u32, operation u8, fields`; the length counts what follows it, all numbers are
big-endian, the last field may be bytes of any number. An answer repeats the operation, then says
the time (u64 nanoseconds), then its own fields; the answer FAILED says in words what was wrong with
the frame. Pure functions of bytes.
"""

import struct
from enum import IntEnum
from typing import Final, NamedTuple

from ghostcard.emulator.errors import EmulatorError

FRAME_MAX: Final = 1 << 17  # bytes that a length may announce: two of the longest messages
LENGTH: Final = 4


class BusWireError(EmulatorError):
    """A frame that is none; the message is what the sender is told."""


class Operation(IntEnum):
    """The first byte of a frame."""

    NQAP = 0x01
    DQAP = 0x02
    TAPQ = 0x03
    RAPQ = 0x04
    ZAPQ = 0x05
    AQIC = 0x06
    QCI = 0x07
    WAIT = 0x10  # let time pass up to an event
    STEP = 0x11  # let one thing happen on the cards
    DONE = 0x12  # the driver has ended a request that SUBMIT gave it
    FAILED = 0xFF  # an answer only


class Happening(IntEnum):
    """The kind of the event that ends a WAIT."""

    TIME = 0  # the time that WAIT named has come
    INTERRUPT = 1  # an adapter interrupt; qid u16
    SUBMIT = 2  # a request to be served: tag u32, queues u8, so many qids u16, the block
    RESET = 3  # the operator resets a queue: qid u16
    END = 4  # there is nothing more to do
    CHANGE = 5  # an adapter was plugged or unplugged: adapter << 8 u16


class Fields(NamedTuple):
    """The layout of a frame after its operation: fixed fields, and whether bytes follow."""

    fixed: struct.Struct
    with_bytes: bool = False


_QID: Final = Fields(struct.Struct(">H"))
_STATUS: Final = Fields(struct.Struct(">I"))
REQUESTS: Final = {
    Operation.NQAP: Fields(struct.Struct(">HBQ"), True),  # qid, special, PSMID; the block
    Operation.DQAP: Fields(struct.Struct(">HQI")),  # qid, GR0, size of the buffer
    Operation.TAPQ: _QID,
    Operation.RAPQ: _QID,
    Operation.ZAPQ: _QID,
    Operation.AQIC: Fields(struct.Struct(">HB")),  # qid, enable
    Operation.QCI: Fields(struct.Struct("")),
    Operation.WAIT: Fields(struct.Struct(">Q")),  # until; 2^62 - 1: as long as anything happens
    Operation.STEP: Fields(struct.Struct("")),
    Operation.DONE: Fields(struct.Struct(">II"), True),  # tag, errno; the reply
}
ANSWERS: Final = {
    Operation.NQAP: _STATUS,
    Operation.DQAP: Fields(struct.Struct(">IQIQ"), True),  # status, PSMID, residual, GR0; the data
    Operation.TAPQ: Fields(struct.Struct(">IQ")),  # status, hardware information
    Operation.RAPQ: _STATUS,
    Operation.ZAPQ: _STATUS,
    Operation.AQIC: _STATUS,
    Operation.QCI: Fields(struct.Struct(""), True),
    Operation.WAIT: Fields(struct.Struct(">B"), True),  # kind of the event; what belongs to it
    Operation.STEP: Fields(struct.Struct(">B")),  # whether anything was there to happen
    Operation.DONE: Fields(struct.Struct("")),
}
Values = tuple[int | bytes, ...]
_NOW: Final = struct.Struct(">Q")


def length_of(head: bytes) -> int:
    """How many bytes follow the four of a length; BusWireError when no frame is so long."""
    length = int.from_bytes(head, "big")
    if not 1 <= length <= FRAME_MAX:
        raise BusWireError(f"a frame of {length} bytes: 1 to {FRAME_MAX} were expected")
    return length


def pack_request(operation: Operation, *values: int | bytes) -> bytes:
    """A whole frame, from the driver to the bus."""
    return _frame(bytes((operation,)) + _fields(REQUESTS[operation], values))


def unpack_request(body: bytes) -> tuple[Operation, Values]:
    """The operation and the fields of a frame without its length; BusWireError if it is none."""
    operation = _operation(body)
    if operation not in REQUESTS:
        raise BusWireError(f"operation {operation:#04x} is none of the driver's")
    return operation, _values(operation, REQUESTS[operation], body[1:])


def pack_answer(operation: Operation, now: int, *values: int | bytes) -> bytes:
    """A whole frame, from the bus to the driver."""
    head = bytes((operation,)) + _NOW.pack(now)
    return _frame(head + _fields(ANSWERS[operation], values))


def unpack_answer(body: bytes) -> tuple[Operation, int, Values]:
    """The operation, the time and the fields; BusWireError with the words of a FAILED."""
    operation = _operation(body)
    if operation is Operation.FAILED:
        raise BusWireError(body[1:].decode(errors="replace"))
    if len(body) < 1 + _NOW.size:
        raise BusWireError(f"{operation.name}: the answer has no time")
    (now,) = _NOW.unpack_from(body, 1)
    return operation, now, _values(operation, ANSWERS[operation], body[1 + _NOW.size :])


def pack_failure(words: str) -> bytes:
    """The answer to a frame that is none."""
    return _frame(bytes((Operation.FAILED,)) + words.encode())


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH, "big") + body


def _operation(body: bytes) -> Operation:
    try:
        return Operation(body[0])
    except (IndexError, ValueError):
        raise BusWireError(f"operation {body[:1].hex() or 'of no byte'} is not known") from None


def _fields(layout: Fields, values: Values) -> bytes:
    if not layout.with_bytes:
        return layout.fixed.pack(*values)
    *numbers, rest = values
    assert isinstance(rest, bytes)
    return layout.fixed.pack(*numbers) + rest


def _values(operation: Operation, layout: Fields, body: bytes) -> Values:
    size = layout.fixed.size
    if len(body) < size or (len(body) > size and not layout.with_bytes):
        least = "at least " if layout.with_bytes else ""
        raise BusWireError(f"{operation.name}: {len(body)} bytes, {least}{size} were expected")
    values: Values = layout.fixed.unpack_from(body)
    return (*values, body[size:]) if layout.with_bytes else values
