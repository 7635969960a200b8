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
from typing import TYPE_CHECKING

from ghostcard.driver.dispatcher import Dispatcher
from ghostcard.driver.errors import DriverError
from ghostcard.driver.lonetrack import FAULT_SHIFT, OUTCOME, THINK, LoneTrack, Request
from ghostcard.driver.presence import Presence
from ghostcard.emulator.agenda import ENDLESS, Callbacks
from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.driver.simulated import SimulatedPort
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder

BATCH = 256  # requests a thread puts in line before it lets the machine run
BACKLOG = 10_000  # requests in one thread's line at which idle threads are parked
HELD = 20 * BACKLOG  # the same, before all threads that were announced are there


class Client:
    """A thread in simulated time, with the requests that the machine has not yet seen."""

    __slots__ = ("done", "gone", "group", "job", "line", "number", "on_thought", "seen")

    def __init__(
        self, number: int, ready: deque["Client"], thought: Callable[["Client"], None], group: int
    ) -> None:
        self.number = number
        self.group = group  # its process, where there are several
        self.line: deque[Request] = deque()
        self.seen = 0  # clients known at its last call, itself included; 0 before the first
        self.gone = False  # its thread has ended; nothing will be appended any more
        self.job = Job(client=number)

        def done(job: Job) -> None:
            self.job = job  # another one, if the driver has let go of ours
            ready.append(self)

        self.done: Callable[[Job], None] = done
        self.on_thought: Callbacks = (lambda _job: thought(self),)  # the job is its own event

    @property
    def numbers(self) -> list[int]:
        """What records call it by."""
        return [self.number]


class _Thread(threading.local):
    client: Client | None = None
    presence: Presence | None = None


class TimingTrack(LoneTrack):
    """Accounts for the calls of any number of threads; nobody ever waits for simulated time."""

    def __init__(self, bus: "Bus", dispatcher: Dispatcher, recorder: "Recorder") -> None:
        super().__init__(bus, dispatcher, recorder)
        self.parked = 0  # times an idle thread was left behind
        self.announced = 0  # threads that are to be known before time begins
        self._acquire = self._lock.acquire  # bound once, and no `with`: half the cost
        self._release = self._lock.release
        self._thread = _Thread()
        self._clients = 0  # ever known
        self._alive: list[Client] = []
        self._ready: deque[Client] = deque()  # whose turn it is at this instant, in order
        self._left: list[Client] = []  # parked, or not there at the last `finish`
        self._thinking = 0  # clients that think, on the timeline
        self._machine: SimulatedPort | None = None
        self._failure: BaseException | None = None

    def enter(self, group: int = 0) -> Client:
        """Make the calling thread known, at the least host time of the threads alive. It can join
        threads of its ``group`` only.

        A thread's first call does this too; threads that are to start at one instant enter before
        any of them calls.
        """
        with self._lock:
            if self._failure is None and any(c.line for c in (*self._ready, *self._left)):
                self._advance(deque())  # up to this thread's birth
            while self._ready and self._ready[0].gone and not self._ready[0].line:
                self._ready.popleft()
            self._alive = [client for client in self._alive if not client.gone]
            alone = not self._ready and not self._under_way and self.announced <= 1
            client = Client(self._clients, self._ready, self._thought, group)
            self._clients += 1
            self._alive.append(client)
            self._ready.append(client)
            self._set_lone(client if alone else None)
        self._thread.client = client
        self._thread.presence = Presence(client)
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

    def catch_up(self, take: Callable[[], bytes]) -> bytes:
        """Let the machine run as far as the threads allow; what ``take`` gives before it may go on.

        A failure of the machine is not told here: whoever calls next is told.
        """
        with self._lock:
            if self._failure is None and any(c.line for c in (*self._ready, *self._left)):
                self._advance(deque())
            return take()

    def finish(self) -> None:
        """Account for everything in line, as if no thread would call again."""
        with self._lock:
            if self._under_way or any(client.line for client in (*self._ready, *self._left)):
                self._advance(None)

    @property
    def clients(self) -> int:
        """How many threads have called."""
        return self._clients

    def caller(self) -> int:
        """The number of the calling thread's client, which its records carry; -1 before a call."""
        client = self._thread.client
        return -1 if client is None else client.number

    def identity(self) -> Client | None:
        """Who the calling thread is; None before it is known."""
        return self._thread.client

    @property
    def now_ns(self) -> int:
        """The time that the accounting has come to."""
        machine = self._machine
        return self._now if machine is None else max(self._now, machine.timeline.now)

    # -- several threads -----------------------------------------------------------------------

    def _look_around(self, client: Client) -> None:
        """Threads were born since the client's last call: has it waited for them to end?"""
        with self._lock:
            seen, client.seen = client.seen, self._clients
            born = [c for c in self._alive if c.number >= seen and c.group == client.group]
            if seen and born and client in self._ready and all(other.gone for other in born):
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
        if self._clients < self.announced and line is not None and len(line) <= HELD:
            return
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
        if self._varies or self._under_way or len(callers) != 1 or callers[0].line is not line:
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

    def _run(self, machine: "SimulatedPort", line: deque[Request] | None) -> None:
        ready = self._ready
        while True:
            while ready:
                client = ready[0]
                gone = client.gone  # looked at before the line: afterwards nothing is appended
                if client.line:
                    ready.popleft()
                    self._think(machine, client)
                elif gone:
                    ready.popleft()
                elif line is not None and len(line) <= BACKLOG:
                    self._elect(machine)
                    return
                else:
                    self._left.append(ready.popleft())
                    self.parked += line is not None
            if not self._under_way:
                self._elect(machine)
                return
            machine.timeline.agenda.run(ENDLESS, 0, 1)

    @property
    def _under_way(self) -> bool:
        """Whether a client thinks, or a request of his is on its way."""
        return bool(self._thinking or (self._machine is not None and self._machine.in_flight))

    def _think(self, machine: "SimulatedPort", client: Client) -> None:
        """Submit the client's next request when the time before it has passed."""
        think_ns = client.line[0][THINK]
        if not think_ns:
            self._submit(machine, client)
            return
        self._thinking += 1
        client.job.callbacks = client.on_thought
        agenda = machine.timeline.agenda
        agenda.at(agenda.now + think_ns, client.job)

    def _thought(self, client: Client) -> None:
        self._thinking -= 1
        assert self._machine is not None
        self._submit(self._machine, client)

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
            _,
        ) = client.line.popleft()
        job.outcome = outcome & OUTCOME
        try:
            machine.submit(job, targets, client.done)
            if outcome > OUTCOME:
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
        alone = len(self._ready) == 1 and not self._under_way
        self._set_lone(self._ready[0] if alone else None)
        self._now = machine.timeline.now

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
