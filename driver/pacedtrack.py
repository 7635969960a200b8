"""Paced mode: a call returns when its simulated completion has come on the wall's clock.

The cards' clock is the wall's, ``dilation`` times as slow. There is no order to keep among threads:
each submits at the time that the clock shows when it comes, and whoever wakes up first takes the
simulated machine on to the clock's time. A thread sleeps until its request can be over at the
earliest, as far as is known, and asks again then; the last 150 us it spins. While nobody else is to
be told of anything, what is about to happen is worked out beforehand (`LEAD_NS`), so that a thread
whose time has come has nothing left to do; a request that comes in between is that much later, at
most.

The clock goes on while a request is executed on the function track, so it has to be on its way at
once, before it is known what it is. It is taken for what the last request was that looked like it
(`Kind`). If there was none, the machine stops at its arrival until it is known: others may then
return late, which is counted. So is what was taken for another.
"""

import threading
import time
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from ghostcard.driver.dispatcher import Dispatcher
from ghostcard.driver.errors import DriverError
from ghostcard.driver.lonetrack import FAULT_SHIFT, OUTCOME, THINK, LoneTrack, Request
from ghostcard.driver.pace import Pace, Punctuality
from ghostcard.driver.pacedcaller import Kind, PacedCaller
from ghostcard.driver.pausing import SPIN_NS, pause
from ghostcard.emulator.agenda import ENDLESS
from ghostcard.emulator.job import REPLIED, Job
from ghostcard.firmware.abi import request as ep11
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.errors import WireError

if TYPE_CHECKING:
    from ghostcard.driver.native import Performed
    from ghostcard.driver.simulated import SimulatedPort
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder

LONGEST_NS = 50_000_000  # of a pause, before it is looked whether the process ends
HELD_NS = 2 * SPIN_NS  # of a pause while a request is under way that nobody knows
LEAD_NS = 200_000  # what is so near has been worked out when its time comes, after a cold wake-up
MOST_KINDS = 4_096  # that are remembered; one more and all are forgotten
_LAST: Final = 2  # a priority after that of any event
_ALL: Final = 1 << 60  # events

_FIELDS = slice(2, THINK)  # of a request: operation, three sizes, outcome


class _Thread(threading.local):
    caller: PacedCaller | None = None
    chain: list[Request] | None = None  # what an asynchronous call asks for


class PacedTrack(LoneTrack):
    """Accounts for the calls of any number of threads; each waits for its time on the wall."""

    def __init__(
        self, bus: "Bus", dispatcher: Dispatcher, recorder: "Recorder", dilation: float
    ) -> None:
        super().__init__(bus, dispatcher, recorder)
        self.pause: Callable[[int], object] = pause
        self.is_ending: Callable[[], object] = bool  # whether nobody may wait any more
        self._ratio = dilation.as_integer_ratio()
        self._punctuality = Punctuality(dilation)
        self._thread = _Thread()
        self._began_ns = 0  # on the wall's clock; 0: nothing has been asked
        self._callers = 0  # ever known, and lanes
        self._machine: SimulatedPort | None = None
        self._foreseen: dict[Kind, Request] = {}
        self._unknown: dict[PacedCaller, int] = {}  # when their requests came
        self._coming: list[tuple[int, int, Callable[[], None]]] = []  # arrivals not yet submitted
        self._arrivals = 0
        self._waiting: dict[PacedCaller, None] = {}  # for tickets
        self._patient: dict[PacedCaller, None] = {}  # those that wait for their request
        self._is_plain = not self._varies and all(
            card.profile.beyond_fifo() is None for card in bus.cards.values()
        )

    @property
    def pace(self) -> Pace:
        """How punctual the calls were so far."""
        return self._punctuality.pace

    @property
    def waiting(self) -> int:
        """How many threads wait for a ticket at this moment."""
        return len(self._waiting)

    @property
    def now_ns(self) -> int:
        """The time that the cards have come to."""
        return 0 if self._machine is None else self._machine.timeline.now

    def caller(self) -> int:
        """The number of the calling thread, which its records carry; -1 before a call."""
        caller = self._thread.caller
        return -1 if caller is None else caller.number

    def thought(self) -> int:
        """The time on the cards' clock between the calling thread's last two calls."""
        caller = self._thread.caller
        return 0 if caller is None else caller.thought_ns

    def enter(self) -> PacedCaller:
        """Make the calling thread known."""
        with self._lock:
            caller = PacedCaller(threading.get_native_id(), self._fresh())
        self._thread.caller = caller
        return caller

    def finish(self) -> None:
        """Account for all that is under way, whatever the clock shows."""
        with self._lock:
            if self._machine is not None:
                while self._coming or self._machine.in_flight:
                    if self._coming:
                        self._advance_to(self._coming[0][0])
                    else:
                        self._machine.timeline.agenda.run(ENDLESS, 0, 1)

    # -- a call

    def arrive(self, function: int, targets: tuple[int, ...], bound: int, block: bytes) -> None:
        """The calling thread's request has come; it has yet to be executed. ``bound`` is the queue
        that it goes to in any case, or -1.
        """
        came_ns = time.monotonic_ns()
        thread = self._thread
        if thread.chain is not None:
            return
        caller = thread.caller or self.enter()
        caller.kind = (targets, bound, function, len(block), _mechanism(block))
        with self._lock:
            at_ns = self._arrival(came_ns)
            caller.thought_ns = max(0, at_ns - caller.done_ns)
            caller.arrived_ns = at_ns
            expected = caller.expected = self._foreseen.get(caller.kind)
            if expected is None:
                self._unknown[caller] = at_ns
            else:
                self._ask(caller, expected)

    def perform(
        self,
        execute: Callable[[int, bytes], "Performed"],
        function: int,
        targets: tuple[int, ...],
        bound: int,
        qid: int,
        block: bytes,
    ) -> "Performed":
        """What ``execute`` makes of a block; as a request it is under way meanwhile (`arrive`)."""
        self.arrive(function, targets, bound, block)
        is_served = False
        try:
            performed = execute(qid, block)
            is_served = not performed[0]
        finally:
            if not is_served:
                self._turn_back()
        return performed

    def _turn_back(self) -> None:
        """What the calling thread has announced was not taken by any queue."""
        caller = self._thread.caller
        if caller is None or self._thread.chain is not None:
            return
        with self._lock:
            if self._unknown.pop(caller, None) is None and caller.expected is not None:
                self._punctuality.misjudged += 1
            caller.expected = None

    def account(self, request: Request) -> None:
        """Account for the request that has come, and has been executed: it takes its time."""
        thread = self._thread
        if thread.chain is not None:
            thread.chain.append(request)
            return
        executed_ns = time.monotonic_ns()
        caller = thread.caller or self.enter()
        with self._lock:
            if caller.expected is not None:
                self._compare(caller, request)
            else:
                if self._unknown.pop(caller, None) is None:  # nobody said that it would come
                    caller.arrived_ns = self._arrival(time.monotonic_ns())
                self._ask(caller, request)
            self._remember(caller, request)
        self._wait(caller, executed_ns)

    def _remember(self, caller: PacedCaller, request: Request) -> None:
        """What looks like this is this."""
        kind, caller.kind, caller.expected = caller.kind, None, None
        if kind is None or request[6]:
            return
        if len(self._foreseen) >= MOST_KINDS:
            self._foreseen.clear()
        self._foreseen[kind] = request

    def _compare(self, caller: PacedCaller, request: Request) -> None:
        """Is it what it was taken for? Else it is that from now on, if that is not too late."""
        expected, job = caller.expected, caller.job
        assert expected is not None
        if expected[_FIELDS] == request[_FIELDS]:
            return
        assert caller.kind is not None
        self._foreseen.pop(caller.kind, None)
        is_same = expected[2:4] == request[2:4]
        if not (is_same or (not job.fetched and not caller.over)) or job.replied:
            self._punctuality.misjudged += 1
            return
        caller.request = request
        caller.offsets = self._offsets(request) if self._is_plain else ()
        _fill(job, request)

    def _ask(self, caller: PacedCaller, request: Request) -> None:
        caller.request = request
        caller.over = False
        caller.job = Job(client=caller.number)
        caller.offsets = self._offsets(request) if self._is_plain else ()
        job = caller.job

        def done(ended: Job) -> None:
            if caller.job is job:
                caller.over, caller.done_ns = True, self.now_ns

        def submit() -> None:
            assert caller.request is not None
            if not self._send(job, caller.request, done):
                done(job)

        self._come(caller.arrived_ns, submit)

    def _send(self, job: Job, request: Request, done: Callable[[Job], None]) -> bool:
        """Submit a request now; False if time has taken its cards away since it was served."""
        assert self._machine is not None
        _fill(job, request)
        try:
            self._machine.submit(job, request[0], done)
        except DriverError as error:
            self._machine.refuse(job, error)
            return False
        if request[6] > OUTCOME:
            job.fault = self._recorder.names[(request[6] >> FAULT_SHIFT) - 1]
        return True

    # -- time; with the lock held

    def _fresh(self) -> int:
        self._callers += 1
        return self._callers - 1

    def _arrival(self, wall_ns: int) -> int:
        """The cards' time of what comes now; the machine is there from then on."""
        if self._machine is None:
            from ghostcard.driver.simulated import SimulatedPort
            from ghostcard.emulator.timeline import Timeline

            parts = (self._bus, self._dispatcher, self._recorder)
            self._machine = SimulatedPort(Timeline(self._now), *parts)
            self._began_ns = wall_ns
        return max(self._cards_time(wall_ns), self._machine.timeline.now)

    def _cards_time(self, wall_ns: int) -> int:
        times, parts = self._ratio
        return -(-(wall_ns - self._began_ns) * parts // times)

    def _wall_time(self, cards_ns: int) -> int:
        """When the wall's clock has come to a time of the cards'."""
        times, parts = self._ratio
        return self._began_ns - (-cards_ns * times // parts)

    def _come(self, at_ns: int, submit: Callable[[], None]) -> None:
        self._arrivals += 1
        heappush(self._coming, (at_ns, self._arrivals, submit))
        self._advance_to(min([at_ns, *self._unknown.values()]))

    def _advance(self) -> None:
        """Take the machine on to the clock's time, as far as all that came before is known."""
        wall_ns = time.monotonic_ns()
        self._advance_to(min([self._cards_time(wall_ns), *self._unknown.values()]))
        assert self._machine is not None
        in_flight = self._machine.in_flight
        if in_flight > sum(not caller.over for caller in self._patient):
            return  # somebody is to be told who would not wait for the time to come
        nearby = min([self._cards_time(wall_ns + LEAD_NS), *self._unknown.values()])
        if not (self._coming and self._coming[0][0] <= nearby):
            self._machine.timeline.agenda.run(nearby, _LAST, _ALL)

    def _advance_to(self, limit: int) -> None:
        coming = self._coming
        while coming and coming[0][0] <= limit:
            at_ns, _, submit = heappop(coming)
            self._run(at_ns)
            submit()
        self._run(limit)

    def _run(self, until_ns: int) -> None:
        assert self._machine is not None
        agenda = self._machine.timeline.agenda
        agenda.run(until_ns, _LAST, _ALL)
        agenda.now = max(agenda.now, until_ns)

    def _earliest(self, job: Job, offsets: tuple[int, ...]) -> int:
        """A time before which a job under way is not over, later than now unless the machine is
        held: that of the next event, or what an idle card would take for what is left of it.
        """
        assert self._machine is not None
        agenda = self._machine.timeline.agenda
        least = agenda.heap[0][0] if agenda.heap else agenda.now
        if not offsets:
            return least
        end = offsets[REPLIED]
        for stamp, offset in zip(job.times[:REPLIED], offsets, strict=False):
            if stamp <= 0 and offset:  # not yet there
                return max(least, agenda.now + end - offset)
            least = max(least, stamp + end - offset)
        return least

    def _offsets(self, request: Request) -> tuple[int, ...]:
        """The least times of a request on any of its cards."""
        targets, _, operation, payload_bytes, request_bytes, reply_bytes, _, _ = request
        sizes = (payload_bytes, request_bytes, reply_bytes)
        cards = {self._bus.cards[qid >> 8] for qid in targets if qid >> 8 in self._bus.cards}
        known = [card.lone(0, operation, *sizes) for card in cards]
        return min(known, key=lambda each: each[REPLIED], default=())

    # -- waiting

    def _wait(self, caller: PacedCaller, executed_ns: int) -> None:
        """Until the clock shows the end of the caller's request."""
        while not self.is_ending():
            with self._lock:
                self._patient[caller] = None
                self._advance()
                end_ns = caller.done_ns
                if not caller.over:
                    end_ns = self._earliest(caller.job, caller.offsets)
                until_ns = self._wall_time(end_ns)
            now_ns = time.monotonic_ns()
            if caller.over:
                while until_ns > time.monotonic_ns():  # at once, nothing is left to do then
                    self.pause(until_ns)
                break
            if until_ns > now_ns:
                self.pause(min(until_ns, now_ns + LONGEST_NS))
            elif self._unknown:
                self.pause(now_ns + HELD_NS)
        with self._lock:
            self._patient.pop(caller, None)
        if caller.over:
            self._count(caller.arrived_ns, caller.done_ns, executed_ns)

    def _count(self, arrived_ns: int, done_ns: int, executed_ns: int) -> None:
        """A call returns now whose times on the cards are these; it was executed then."""
        late_ns = time.monotonic_ns() - self._wall_time(done_ns)
        with self._lock:
            lasted_ns = executed_ns - self._wall_time(arrived_ns)
            self._punctuality.count(done_ns - arrived_ns, lasted_ns, max(0, late_ns))


def _mechanism(block: bytes) -> bytes:
    """What an EP11 request says its mechanism is, if it has one."""
    try:
        head, params = ep11.unpack(block)
    except WireError:
        return b""
    verb = verbs.VERBS.get(head.function)
    if verb is None:
        return b""
    for name, value in zip(verb.request, params, strict=False):
        if name == "mechanism":
            return value[:4]
    return b""


def _fill(job: Job, request: Request) -> None:
    _, job.function, job.operation, job.payload_bytes, *rest = request
    job.request_bytes, job.reply_bytes, outcome, _ = rest
    job.outcome = outcome & OUTCOME
