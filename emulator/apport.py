"""The bus for a driver that is not ours: AP instructions on bytes, and the clock (docs/drivers.md).

`Bus` takes and gives jobs, for drivers in simulated time that are events on its timeline. Here a
driver of any kind executes instructions and says how far time may pass; nothing happens otherwise.
Not on the module's import path.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from ghostcard.emulator.bus import Bus
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.job import Job
from ghostcard.emulator.queue import NEVER
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.status import (
    APSC,
    PARTIAL_REPLY,
    REQ_FAC_NOT_INST,
    RESPONSE_CODE_SHIFT,
    response_code,
)
from ghostcard.emulator.timeline import Timeline

QID_LIMIT: Final = 1 << 16
PSMID_LIMIT: Final = 1 << 64
_RECEIVE: Final = 0x80000000  # GR0 of DQAP: the receive flag
_LAST: Final = 1 << 60  # a priority after any other


class Signal(IntEnum):
    """What the machine tells the host of, unasked; numbered as `buswire.Happening`."""

    INTERRUPT = 1  # an adapter interrupt: a queue has a reply
    CHANGE = 5  # an adapter was plugged or unplugged: QCI says something else


class Event(NamedTuple):
    """A signal and the qid it is about; of a CHANGE the adapter counts alone, the domain is 0."""

    signal: Signal
    qid: int


class Dequeued(NamedTuple):
    """What DQAP gives (AP sheet 1.2).

    `status` has response code 00 with the end of a reply, 10 without one, and FF when `data` filled
    the buffer and `residual` bytes of the reply are left: then `psmid` is 0, the reply is still on
    the queue, and DQAP with this `gr0` goes on where this one ended. Otherwise `gr0` is 0.
    """

    status: int
    psmid: int = 0
    data: bytes = b""
    residual: int = 0
    gr0: int = 0


class ApPort:
    """The instructions on the queues of `bus`, and its virtual clock in integer nanoseconds.

    It attaches the bus to a timeline of its own, at time 0, unless it is given one. `recorder`
    keeps a record of every request whose reply has been dequeued. `EmulatorError` for operands that
    no register could hold.
    """

    def __init__(
        self, bus: Bus, timeline: Timeline | None = None, recorder: Recorder | None = None
    ) -> None:
        self.bus = bus
        self.timeline = Timeline() if timeline is None else timeline
        self._agenda = self.timeline.agenda
        self._recorder = recorder
        self._read: dict[int, tuple[Job, int]] = {}  # the reply that a queue is giving, bytes given
        self._events: dict[Event, None] = {}  # in order; one that waits covers later ones
        bus.attach(self.timeline)
        bus.on_interrupt(self._interrupted)
        bus.on_change(self._changed)

    # Instructions

    def nqap(self, qid: int, psmid: int, request: bytes, special: bool = False) -> int:
        """Enqueue a request block; the status word.

        10: the queue is full, 15: it is too big, 16: `special` and the card has no such commands.
        """
        _require(qid, psmid)
        card = self.bus.cards.get(qid >> 8)
        if special and card is not None and not card.image.facilities & APSC:
            status, _ = self.bus.tapq(qid)
            return status if response_code(status) else _with_code(status, REQ_FAC_NOT_INST)
        job = Job(qid=qid, request_bytes=len(request), block=request, psmid=psmid)
        job.submitted = self.now
        return self.bus.nqap(qid, job)

    def dqap(self, qid: int, size: int, gr0: int = 0) -> Dequeued:
        """Dequeue a reply into a buffer of `size` bytes; `gr0` of the call before goes on with one.

        Any other `gr0` begins with the oldest reply anew.
        """
        _require(qid)
        if size < 0:
            raise EmulatorError(f"a buffer of {size} bytes")
        status, job = self.bus.dqap(qid)
        reading, given = self._read.pop(qid, (None, 0))
        if job is None:
            return Dequeued(status)
        if reading is not job or gr0 != _goes_on(qid, given):
            given = 0
        reply = job.reply or b""
        data = reply[given : given + size]
        given += len(data)
        if given < len(reply):
            return self._keep_on_queue(job, data, given)
        if self._recorder is not None:
            self._record(job, reply)
        return Dequeued(status, job.psmid, data)

    def tapq(self, qid: int) -> tuple[int, int]:
        """Test a queue: status word and the 64 bits of hardware information (AP sheet 1.4)."""
        _require(qid)
        return self.bus.tapq(qid)

    def rapq(self, qid: int) -> int:
        """Reset a queue: it loses its messages and its interrupts, and answers 02 for a while."""
        _require(qid)
        return self.bus.rapq(qid)

    def zapq(self, qid: int) -> int:
        """Reset a queue and have the card forget the domain's secrets."""
        _require(qid)
        return self.bus.zapq(qid)

    def aqic(self, qid: int, enable: bool) -> int:
        """Switch the interrupts of a queue; the I bit follows a while later."""
        _require(qid)
        return self.bus.aqic(qid, enable)

    def qci(self) -> bytes:
        """The 128-byte configuration block (AP sheet 1.5)."""
        return self.bus.qci()

    # Time

    @property
    def now(self) -> int:
        """The time in nanoseconds."""
        return self._agenda.now

    def wait(self, until_ns: int = NEVER) -> Event | None:
        """Let time pass up to the next event, such as an interrupt. None at `until_ns`.

        All that happens at `until_ns` has happened then. Events of one instant come one by one.
        With NEVER the clock stays at the last that happens on the cards, the arrival of a reply
        included.
        """
        agenda = self._agenda
        heap = agenda.heap
        _require_time(until_ns)
        while not self._events and heap and heap[0][0] <= until_ns:
            agenda.run(until_ns, _LAST, 1)
        if self._events:
            event = next(iter(self._events))
            del self._events[event]
            return event
        end_ns = max(self._arrivals(), default=0) if until_ns == NEVER else until_ns
        agenda.now = max(agenda.now, end_ns)
        return None

    def step(self) -> bool:
        """Let the next thing happen that is to happen on the cards; False when there is none.

        The arrival of a reply counts. An event is what the next `wait` gives, at once.
        """
        agenda = self._agenda
        arrival_ns = min(self._arrivals(), default=NEVER)
        if agenda.heap and agenda.heap[0][0] < arrival_ns:
            agenda.run(arrival_ns, _LAST, 1)
        elif arrival_ns < NEVER:
            agenda.now = arrival_ns
        else:
            return False
        return True

    def run_to(self, time_ns: int) -> None:
        """Let time pass; events stay, for `wait` to give."""
        _require_time(time_ns + 1)
        self.timeline.advance(time_ns, _LAST)
        if time_ns > self.now:
            self._agenda.now = time_ns

    def _arrivals(self) -> Iterator[int]:
        """When replies that are on their way arrive: no events, as they need none."""
        for card in self.bus.cards.values():
            for queue in card.queues.values():
                yield from (job.replied for job in queue.replies if job.replied > self.now)

    def _interrupted(self, qid: int) -> None:
        self._events[Event(Signal.INTERRUPT, qid)] = None

    def _changed(self, adapter: int) -> None:
        self._events[Event(Signal.CHANGE, adapter << 8)] = None

    # Replies

    def _keep_on_queue(self, job: Job, data: bytes, given: int) -> Dequeued:
        """The reply does not fit: it stays where it was, which is what the status word says too."""
        queue = job.queue
        queue.put_back(job)
        self._read[queue.qid] = (job, given)
        status = queue.status(self.now, PARTIAL_REPLY)
        left = len(job.reply or b"") - given
        return Dequeued(status, 0, data, left, _goes_on(queue.qid, given))

    def _record(self, job: Job, reply: bytes) -> None:
        assert self._recorder is not None
        job.notified = job.done = self.now
        job.outcome = reply[4] if len(reply) > 4 else 0  # the reply code, of every type
        self._recorder.keep(job)


def _with_code(status: int, code: int) -> int:
    return status & ~(0xFF << RESPONSE_CODE_SHIFT) | code << RESPONSE_CODE_SHIFT


def _goes_on(qid: int, given: int) -> int:
    """GR0 as a DQAP leaves it that has given so many bytes of a longer reply."""
    return given << 32 | _RECEIVE | qid


def _require_time(time_ns: int) -> None:
    if not 0 <= time_ns <= NEVER:
        raise EmulatorError(f"{time_ns} ns is no time: 0..{NEVER} were expected")


def _require(qid: int, psmid: int = 0) -> None:
    if not 0 <= qid < QID_LIMIT:
        raise EmulatorError(f"qid {qid} is not one of 0..{QID_LIMIT - 1}")
    if not 0 <= psmid < PSMID_LIMIT:
        raise EmulatorError(f"psmid {psmid} has more than 64 bits")
