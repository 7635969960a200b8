"""What travels between a program and the server of a shared card.

A calling thread has a connection of its own: a Unix socket of type SOCK_SEQPACKET. On it travel
messages, a JSON object with one member each, the program's first:

    {"describe": 1}        {"config": {..}}, and the file of `Sockets` to read
    {"attach": 1}          {"attached": n}, and the channel: shared memory and two eventfds
    {"attach": [1, t]}     the same, for the thread that the kernel calls t
    {"snapshot": 1}        {"snapshot": n}, and a file of n bytes of JSON (`live.py`)
    anything else          {"error": "..."}

The number is this file's version. On a channel calls travel: the request lies in the first half of
the shared memory, the reply in the second; one eventfd wakes the server, the other the program. The
fields are the host's own, in its byte order: both ends are on one machine.
"""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

VERSION: Final = 1
MESSAGE_MOST: Final = 1 << 16  # bytes
HALF: Final = 1 << 17  # bytes; the longest message of a card and the longest job are below it
AREA: Final = 2 * HALF
TARGETS_MOST: Final = 256  # of a request

_REQUEST: Final = struct.Struct("=IHHHHI")
_REPLY: Final = struct.Struct("=IIHHII")  # the first field belongs to the request: `TAKEN_AT`
_SERIAL: Final = struct.Struct("=I")
_NUMBER: Final = struct.Struct("=Q")
_NEVER: Final = (1 << 64) - 1
NANOSECONDS: Final = 1_000_000_000
REQUEST_HEAD: Final = _REQUEST.size
REPLY_HEAD: Final = _REPLY.size
TAKEN_AT: Final = HALF  # the serial of the request that the server has taken
REPLY_AT: Final = HALF + _SERIAL.size

REFUSED: Final = 0x100
"""Added to an errno in the status of a reply: the server did not do it. Below: response codes."""


class Kind(IntEnum):
    """What is asked on a channel; the others than CALL are those of `ghostcard.driver.jobs`."""

    CALL = 1  # the block after the targets; the reply block
    PUT = 2  # the job; its number
    CLAIM = 3  # the number; the job, or nothing
    RELEASE = 4  # the number
    REMOVE = 5  # the number
    ENTER = 6  # the thread is to be known before its first call
    ANNOUNCE = 7  # an administrator has changed what cards can do (`Sockets.announce`)
    QUEUE = 8  # as CALL; its time is to pass with the ticket that BEGIN makes
    BEGIN = 9  # tickets to forget; the number of one for what was queued, 0: it is over
    POLL = 10  # a ticket; whether it is done
    WAIT = 11  # as `pack_wait`; the ticket that is done, or 0
    ACCOMPANY = 12  # two tickets; whether somebody waits for the second
    ABANDON = 13  # tickets


class Request(NamedTuple):
    """A request on a channel; ``targets`` are as `pack_targets` makes them."""

    serial: int
    kind: int
    function: int
    qid: int
    targets: bytes
    body: bytes


class Reply(NamedTuple):
    """A reply on a channel. ``status``: a response code of the bus, or REFUSED + errno."""

    serial: int
    status: int
    operation: bytes
    payload_bytes: int
    body: bytes


class Wait(NamedTuple):
    """What WAIT asks: time-outs of simulated time and of the host's, and the tickets."""

    timeout_ns: int | None
    wall_s: float | None
    tickets: tuple[int, ...]


class SharedWireError(Exception):
    """What lies in the shared memory is no request, or no reply."""


def pack_targets(qids: tuple[int, ...]) -> bytes:
    """Queues, two bytes each."""
    return struct.pack(f"={len(qids)}H", *qids)


def unpack_targets(packed: bytes) -> tuple[int, ...]:
    """The inverse of `pack_targets`, of any even number of bytes."""
    return struct.unpack(f"={len(packed) // 2}H", packed)


def pack_number(number: int) -> bytes:
    """The number of a job."""
    return _NUMBER.pack(number)


def unpack_number(body: bytes) -> int:
    """The inverse of `pack_number`; SharedWireError for anything else."""
    if len(body) != _NUMBER.size:
        raise SharedWireError(f"a number of {len(body)} bytes")
    return int(_NUMBER.unpack(body)[0])


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Numbers of tickets."""
    return struct.pack(f"={len(numbers)}Q", *numbers)


def unpack_numbers(body: bytes) -> tuple[int, ...]:
    """The inverse of `pack_numbers`; SharedWireError for anything else."""
    if len(body) % _NUMBER.size:
        raise SharedWireError(f"numbers of {len(body)} bytes")
    return struct.unpack(f"={len(body) // _NUMBER.size}Q", body)


def pack_wait(wait: Wait) -> bytes:
    """A wait: two time-outs in nanoseconds, NEVER for none, and the tickets."""
    wall_ns = None if wait.wall_s is None else int(wait.wall_s * NANOSECONDS)
    times = (_NEVER if each is None else min(each, _NEVER) for each in (wait.timeout_ns, wall_ns))
    return pack_numbers((*times, *wait.tickets))


def unpack_wait(body: bytes) -> Wait:
    """The inverse of `pack_wait`; SharedWireError for anything else."""
    numbers = unpack_numbers(body)
    if len(numbers) < 3:
        raise SharedWireError(f"a wait of {len(body)} bytes")
    timeout_ns, wall_ns = (None if each == _NEVER else each for each in numbers[:2])
    wall_s = None if wall_ns is None else max(wall_ns, 1) / NANOSECONDS
    return Wait(timeout_ns, wall_s, numbers[2:])


def write_request(
    area: memoryview, serial: int, kind: int, function: int, qid: int, targets: bytes, body: bytes
) -> None:
    """Write a request; SharedWireError when it is too long."""
    start = REQUEST_HEAD + len(targets)
    end = start + len(body)
    if end > HALF:
        raise SharedWireError(f"a request of {end} bytes, at most {HALF} are possible")
    area[REQUEST_HEAD:start] = targets
    area[start:end] = body
    _REQUEST.pack_into(area, 0, 0, kind, function, qid, len(targets) // 2, len(body))
    _SERIAL.pack_into(area, 0, serial)  # last: from now on it is a request


def read_serial(area: memoryview) -> int:
    """The serial number of the request that lies there."""
    return int(_SERIAL.unpack_from(area)[0])


def take_request(area: memoryview) -> Request:
    """Copy the request out, whatever the other side does meanwhile: lengths are looked at once.

    The other side sees that it is taken. SharedWireError for lengths that are impossible.
    """
    serial, kind, function, qid, targets, size = _REQUEST.unpack_from(area)
    _SERIAL.pack_into(area, TAKEN_AT, serial)
    start = REQUEST_HEAD + 2 * targets
    if targets > TARGETS_MOST or start + size > HALF:
        raise SharedWireError(f"{targets} targets and {size} bytes")
    packed = bytes(area[REQUEST_HEAD:start])
    return Request(serial, kind, function, qid, packed, bytes(area[start : start + size]))


def taken(area: memoryview) -> int:
    """The serial number of the last request that the server has taken."""
    return int(_SERIAL.unpack_from(area, TAKEN_AT)[0])


def write_reply(
    area: memoryview, serial: int, status: int, operation: bytes, payload_bytes: int, body: bytes
) -> None:
    """Write a reply, its serial number last; SharedWireError when it is too long."""
    start = REPLY_AT + REPLY_HEAD
    middle = start + len(operation)
    if middle + len(body) > AREA:
        raise SharedWireError(f"a reply of {len(body)} bytes")
    area[start:middle] = operation
    area[middle : middle + len(body)] = body
    sizes = (len(operation), 0, payload_bytes, len(body))
    _REPLY.pack_into(area, REPLY_AT, 0, status, *sizes)
    _SERIAL.pack_into(area, REPLY_AT, serial)  # last: from now on it is the reply


def replied(area: memoryview) -> int:
    """The serial number of the request whose reply lies there."""
    return int(_SERIAL.unpack_from(area, REPLY_AT)[0])


def read_reply(area: memoryview) -> Reply:
    """The reply that lies there, maybe an old one; SharedWireError for impossible lengths."""
    serial, status, operation, _, payload_bytes, size = _REPLY.unpack_from(area, REPLY_AT)
    start = REPLY_AT + REPLY_HEAD
    middle = start + operation
    if middle + size > AREA:
        raise SharedWireError(f"a reply of {size} bytes")
    name = bytes(area[start:middle])
    return Reply(serial, status, name, payload_bytes, bytes(area[middle : middle + size]))
