"""The timing track of native threads: what their calls would have taken, told afterwards.

A thread's call has been executed when its time is accounted, from operation and sizes alone
(docs/design.md, 3):

- While one thread is alive, its request meets an idle card, and its time is plain arithmetic.
- With several, each thread is a client of a simulated machine. A thread appends its requests to
  its own line; now and then (BATCH) it lets the machine run, up to the completion of a thread that
  is alive and has nothing in line: only that thread knows what it does next. So it does not matter
  how the host schedules the threads, and K threads that call in a closed loop leave the records of
  K simulated clients.

A thread that is alive and does not call holds the others. If it calls again and all threads born
since its last call have ended, it has waited for them: it goes on where the last of them ended.
Else, when a line has grown to BACKLOG requests, the idle thread is *parked*, which is counted: the
others go on, it joins them again at its next call, and the times are no longer independent of the
host.
"""

import errno
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ghostcard.driver.dispatcher import Dispatcher, DispatchQueue
from ghostcard.driver.errors import DriverError
from ghostcard.emulator.agenda import ENDLESS
from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.driver.simulated import SimulatedPort
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder

FAULT_SHIFT = 16  # of the fault's number in the outcome of a request
_OUTCOME = (1 << FAULT_SHIFT) - 1
BATCH = 256  # requests a thread puts in line before it lets the machine run
BACKLOG = 10_000  # requests in one thread's line at which idle threads are parked
LONE_KINDS = 4_096  # kinds of lone request remembered; one more and all are forgotten

# targets, function, operation, payload bytes, request bytes, reply bytes, outcome: as the record's,
# and above it the fault's, side by side as in the record (`FAULT_SHIFT`)
Request = tuple[tuple[int, ...], int, str, int, int, int, int]


class Client:
    """A thread in simulated time, with the requests that the machine has not yet seen."""

    __slots__ = ("done", "gone", "job", "line", "number", "seen")

    def __init__(self, number: int, ready: deque["Client"]) -> None:
        self.number = number
        self.line: deque[Request] = deque()
        self.seen = 0  # clients known at its last call, itself included; 0 before the first
        self.gone = False  # its thread has ended; nothing will be appended any more
        self.job = Job(client=number)
        self.done: Callable[[Job], None] = lambda _job: ready.append(self)


class _Presence:
    """Lies in a thread's local storage and tells, by going away, that the thread has ended."""

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        self.client = client

    def __del__(self) -> None:
        self.client.gone = True


class _Thread(threading.local):
    client: Client | None = None
    presence: _Presence | None = None


class _Lone(NamedTuple):
    """A kind of request on an idle card: its record but for the start, its time, its queue."""

    record: bytes
    duration_ns: int
    queue: DispatchQueue


class TimingTrack:
    """Accounts for the calls of any number of threads; nobody ever waits for simulated time."""

    def __init__(self, bus: "Bus", dispatcher: Dispatcher, recorder: "Recorder") -> None:
        self.parked = 0  # times an idle thread was left behind
        self._bus = bus
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._repeat = recorder.repeat
        self._lock = threading.Lock()
        self._acquire = self._lock.acquire  # bound once, and no `with`: half the cost
        self._release = self._lock.release
        self._thread = _Thread()
        self._clients = 0  # ever known
        self._alive: list[Client] = []
        self._lone: Client | None = None  # the only thread alive, as far as is known
        self._now = 0  # its host time
        self._kinds: dict[Request, _Lone] = {}  # of the lone thread
        self._ready: deque[Client] = deque()  # whose turn it is at this instant, in order
        self._left: list[Client] = []  # parked, or not there at the last `finish`
        self._machine: SimulatedPort | None = None
        self._failure: BaseException | None = None
        # Where service times vary no two requests are alike: the machine draws them, never us.
        # Nor where faults strike.
        self._varies = bus.has_faults or any(card.draws for card in bus.cards.values())
        for card in bus.cards.values():
            card.on_change.append(self._kinds.clear)

    def enter(self) -> Client:
        """Make the calling thread known, at the least host time of the threads alive.

        A thread's first call does this too; threads that are to start at one instant enter before
        any of them calls.
        """
        with self._lock:
            if self._failure is None and any(c.line for c in (*self._ready, *self._left)):
                self._advance(deque())  # up to this thread's birth
            while self._ready and self._ready[0].gone and not self._ready[0].line:
                self._ready.popleft()
            self._alive = [client for client in self._alive if not client.gone]
            alone = not self._ready and not (self._machine and self._machine.in_flight)
            client = Client(self._clients, self._ready)
            self._clients += 1
            self._alive.append(client)
            self._ready.append(client)
            self._set_lone(client if alone else None)
        self._thread.client = client
        self._thread.presence = _Presence(client)
        return client

    def account(self, request: Request) -> None:
        """Account for a request that the calling thread has just had served."""
        client = self._thread.client or self.enter()
        if client is self._lone and self._acquire(False):
            try:
                if client is self._lone and not client.line:
                    client.seen = self._clients
                    if self._pass(request):
                        return
            finally:
                self._release()
        if client.seen != self._clients:
            self._look_around(client)
        line = client.line
        line.append(request)
        crowded = len(line) > BACKLOG
        if len(line) % BATCH and not crowded and self._failure is None:
            return
        if self._acquire(crowded):  # blocking only if crowded; else whoever has the lock goes on
            try:
                self._advance(line)
            finally:
                self._release()

    def finish(self) -> None:
        """Account for everything in line, as if no thread would call again."""
        with self._lock:
            under_way = self._machine is not None and self._machine.in_flight
            if under_way or any(client.line for client in (*self._ready, *self._left)):
                self._advance(None)

    def withdraw(self, adapter: int, is_away: bool) -> None:
        """`Card.withdraw`, when all that has been in line is accounted for; the dispatcher then
        picks other cards.
        """
        self.finish()
        with self._lock:
            card = self._bus.cards[adapter]
            card.withdraw(is_away)
            for qid in (queue.qid for queue in card.queues.values()):
                self._dispatcher.queue(qid).card.online = not is_away
            self._kinds.clear()

    def switch_off(self, offline: frozenset[int]) -> None:
        """Have the dispatcher pick none of these queues, and any other."""
        self.finish()
        with self._lock:
            for qid in self._dispatcher.qids:
                queue = self._dispatcher.queue(qid)
                queue.switch(qid not in offline, queue.in_service)

    def caller(self) -> int:
        """The number of the calling thread's client, which its records carry; -1 before a call."""
        client = self._thread.client
        return -1 if client is None else client.number

    @property
    def now_ns(self) -> int:
        """The time that the accounting has come to."""
        machine = self._machine
        return self._now if machine is None else max(self._now, machine.timeline.now)

    # -- one thread ----------------------------------------------------------------------------

    def _dispatched(self, request: Request) -> Request:
        """The request for the one queue that it gets with nothing else under way."""
        queue = self._dispatcher.pick(request[0], request[1], request[4])
        self._dispatcher.drop(queue.qid, request[1])
        queue.requests -= 1  # counted by the caller
        queue.card.requests -= 1
        return ((queue.qid,), *request[1:])

    def _learn(self, request: Request) -> _Lone:
        (qid,), function, operation, payload_bytes, request_bytes, reply_bytes, outcome = request
        assert self._lone is not None
        card = self._bus.cards[qid >> 8]
        times = card.lone(0, operation, payload_bytes, request_bytes, reply_bytes)
        engine = card.image.plan(operation, payload_bytes).engine
        sizes = (request_bytes, reply_bytes, payload_bytes)
        record = self._recorder.shape(
            self._lone.number, qid, function, operation, engine, outcome, 1, *sizes, times
        )
        if len(self._kinds) >= LONE_KINDS:
            self._kinds.clear()
        kind = self._kinds[request] = _Lone(record, times[-1], self._dispatcher.queue(qid))
        return kind

    # -- several threads -----------------------------------------------------------------------

    def _look_around(self, client: Client) -> None:
        """Threads were born since the client's last call: has it waited for them to end?"""
        with self._lock:
            seen, client.seen = client.seen, self._clients
            born = [other for other in self._alive if other.number >= seen]
            if seen and client in self._ready and all(other.gone for other in born):
                self._ready.remove(client)
                self._left.append(client)
                self._advance(client.line)

    def _advance(self, line: deque[Request] | None) -> None:
        """Let the machine run as far as the threads allow; with the lock held.

        A ``line`` above BACKLOG does not wait for idle threads; None: everybody's last word.
        Should it ever fail in the middle of a step, it is of no use to any thread afterwards.
        """
        if self._failure is not None:
            raise DriverError(errno.EIO, f"simulated time has failed: {self._failure!r}")
        try:
            self._rejoin()
            if line is None or len(line) <= BACKLOG or not self._overtake(line):
                self._run(self._simulated(), line)
        except BaseException as error:
            self._failure = error
            raise

    def _overtake(self, line: deque[Request]) -> bool:
        """If only the thread of this ``line`` has called and nothing is under way, park the others
        and pass the line by arithmetic, which gives what the machine would; whether that is so.
        """
        callers = [client for client in self._ready if client.line]
        under_way = self._machine is not None and self._machine.in_flight
        if self._varies or under_way or len(callers) != 1 or callers[0].line is not line:
            return False
        idle = [client for client in self._ready if not client.line and not client.gone]
        self._left.extend(idle)
        self.parked += len(idle)
        self._ready.clear()
        self._ready.append(callers[0])
        self._set_lone(callers[0])
        while line:
            if not self._pass(line[0]):
                return False
            line.popleft()
        return True

    def _pass(self, request: Request) -> bool:
        """Account for a request of the lone thread; False if time has taken its cards away."""
        if len(request[0]) > 1:
            try:
                request = self._dispatched(request)
            except DriverError:
                return False
        record, duration_ns, queue = self._kinds.get(request) or self._learn(request)
        self._repeat(self._now, record)
        self._now += duration_ns
        queue.requests += 1
        queue.card.requests += 1
        return True

    def _run(self, machine: "SimulatedPort", line: deque[Request] | None) -> None:
        ready = self._ready
        while True:
            while ready:
                client = ready[0]
                gone = client.gone  # looked at before the line: afterwards nothing is appended
                if client.line:
                    ready.popleft()
                    self._submit(machine, client)
                elif gone:
                    ready.popleft()
                elif line is not None and len(line) <= BACKLOG:
                    self._elect(machine)
                    return
                else:
                    self._left.append(ready.popleft())
                    self.parked += line is not None
            if not machine.in_flight:
                self._elect(machine)
                return
            machine.timeline.agenda.run(ENDLESS, 0, 1)

    def _submit(self, machine: "SimulatedPort", client: Client) -> None:
        job = client.job
        (
            targets,
            job.function,
            job.operation,
            job.payload_bytes,
            job.request_bytes,
            job.reply_bytes,
            outcome,
        ) = client.line.popleft()
        job.outcome = outcome & _OUTCOME
        try:
            machine.submit(job, targets, client.done)
            if outcome > _OUTCOME:
                job.fault = self._recorder.names[(outcome >> FAULT_SHIFT) - 1]
        except DriverError as error:  # it was served, but time has taken the card away since
            machine.refuse(job, error)
            self._ready.append(client)

    def _rejoin(self) -> None:
        """Take back those left behind who have called since, and forget those who have ended."""
        if self._left:
            self._ready.extend(client for client in self._left if client.line)
            self._left = [c for c in self._left if not c.line and not c.gone]

    def _elect(self, machine: "SimulatedPort") -> None:
        """If one thread is left and nothing is under way, the arithmetic takes over again."""
        alone = len(self._ready) == 1 and not machine.in_flight
        self._set_lone(self._ready[0] if alone else None)
        self._now = machine.timeline.now

    def _set_lone(self, client: Client | None) -> None:
        if client is not None:
            self._kinds.clear()  # its records carry the number of the one before
        self._lone = None if self._varies else client

    def _simulated(self) -> "SimulatedPort":
        """The simulated machine, at the instant the arithmetic has come to."""
        self._lone = None
        machine = self._machine
        if machine is None:
            from ghostcard.driver.simulated import SimulatedPort
            from ghostcard.emulator.timeline import Timeline

            timeline = Timeline(self._now)
            machine = SimulatedPort(timeline, self._bus, self._dispatcher, self._recorder)
            self._machine = machine
        elif machine.timeline.now < self._now:
            machine.timeline.run(self._now)
        return machine
