"""The timing track of native threads in the strict order: each call takes its simulated time.

A thread's call has been executed when its time is accounted, from operation and sizes alone, as on
`TimingTrack`. Here the thread then waits until simulated time has come to the completion, so that
threads which depend on each other, by a lock or a queue, are right too: `driver/gate.py` says whose
turn it is. While one thread alone calls, and nobody has come or woken up, its time is arithmetic.
"""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.driver.caller import Caller
from ghostcard.driver.deadline import Deadline
from ghostcard.driver.dispatcher import Dispatcher
from ghostcard.driver.errors import DriverError
from ghostcard.driver.gate import BLOCKED, Gate
from ghostcard.driver.lonetrack import FAULT_SHIFT, OUTCOME, THINK, LoneTrack, Request
from ghostcard.driver.presence import Presence
from ghostcard.driver.sleepers import Probe, ProcessProbe
from ghostcard.driver.timing import GRACE_S
from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.driver.simulated import SimulatedPort
    from ghostcard.driver.timingtrack import TimingTrack
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder

FIRST_PAUSE_S = 0.0001  # of the one who watches, before he looks whether the others sleep
LONGEST_PAUSE_S = 0.01
LONGEST_WAIT_S = 1.0  # of everybody else, should nobody watch


class _Thread(threading.local):
    caller: Caller | None = None
    presence: Presence | None = None
    chain: list[Request] | None = None  # what an asynchronous call asks for


class GatedTrack(LoneTrack):
    """Accounts for the calls of any number of threads; each waits for its simulated time."""

    def __init__(
        self,
        bus: "Bus",
        dispatcher: Dispatcher,
        recorder: "Recorder",
        probe: Probe | None = None,
        announced: int = 0,
        grace_s: float = GRACE_S,
    ) -> None:
        """``announced``: threads that are to call before time begins; 0: as they come.

        ``probe`` is for threads that call on behalf of those of other processes, which it sees.
        """
        super().__init__(bus, dispatcher, recorder)
        self._gate: Gate[Caller] = Gate(
            self._simulated, ProcessProbe() if probe is None else probe, announced, grace_s
        )
        self._are_own = probe is None  # the threads that the probe looks at
        self._lock = self._gate.lock
        self._acquire = self._lock.acquire
        self._release = self._lock.release
        self._thread = _Thread()
        self._watcher: Caller | None = None
        self.is_ending: Callable[[], object] = bool  # whether nobody may wait any more

    @property
    def parked(self) -> int:
        """How often the others went on without a thread that was awake, and how often it came."""
        return self._gate.expired + self._gate.late

    @property
    def expired(self) -> int:
        """How often a thread was left behind that was awake and did not call."""
        return self._gate.expired

    @property
    def late(self) -> int:
        """How often one of these called after all."""
        return self._gate.late

    def caller(self) -> int:
        """The number of the calling thread, which its records carry; -1 before a call."""
        caller = self._thread.caller
        return -1 if caller is None else caller.number

    def identity(self) -> Caller | None:
        """Who the calling thread is; None before it is known."""
        return self._thread.caller

    def catch_up(self, take: Callable[[], bytes]) -> bytes:
        """What ``take`` gives while nobody adds to the records."""
        with self._lock:
            return take()

    @property
    def waiting(self) -> int:
        """How many threads wait at this moment."""
        return len(self._gate.blocked)

    @property
    def now_ns(self) -> int:
        """The simulated time."""
        return max(self._now, self._gate.now_ns)

    def follow(self, former: "TimingTrack") -> None:
        """Begin where another track has ended, with numbers of its own."""
        self._now = self._gate.start_ns = former.now_ns
        self._gate.numbers = former.clients

    # -- a call --------------------------------------------------------------------------------

    def attend(self) -> None:
        """The calling thread is the one that starts the others."""
        self._gate.first = self.enter()

    def enter(self) -> Caller:
        """Make the calling thread known. It holds the others until it calls or sleeps."""
        with self._lock:
            self._settle()
            thread = threading.get_native_id()
            caller = Caller(thread, self._gate.watch(thread))

            def done(job: Job) -> None:
                caller.job = job  # another one, if the driver has let go of ours
                self._gate.release(caller, self._gate.now_ns)

            caller.done = done
            self._gate.join(caller)
            self._elect()
        self._thread.caller = caller
        self._thread.presence = Presence(caller)
        return caller

    def account(self, request: Request) -> None:
        """Account for a request that the calling thread has just had served: it takes its time."""
        thread = self._thread
        if thread.chain is not None:
            thread.chain.append(request)
            return
        caller = thread.caller or self.enter()
        if caller.slept_ns:
            request = self._still_thinks(caller, request)
        if caller is self._lone and self._acquire(False):
            try:
                if caller is self._lone and self._gate.are_undisturbed():
                    if caller.number < 0:
                        self._gate.number(caller)
                    if self._pass(request):
                        return
            finally:
                self._release()
        caller.request = request
        self._go_through(caller, request[THINK], self._submit)

    def host_ns(self) -> int:
        """The time of the calling thread."""
        caller = self._thread.caller or self.enter()
        return max(caller.host_ns, self._now) if caller is self._lone else caller.host_ns

    def sleep(self, sleep_ns: int, think_ns: int) -> None:
        """Let so much time pass for the calling thread, which has thought before."""

        def doze(caller: Caller) -> None:
            self._gate.deadlines += 1
            self._gate.machine.timeline.at(self._gate.now_ns + sleep_ns, Deadline(wake))

        def wake() -> None:
            self._gate.deadlines -= 1
            self._gate.release(caller, self._gate.now_ns)

        caller = self._thread.caller or self.enter()
        self._go_through(caller, think_ns, doze)
        caller.slept_ns += think_ns + sleep_ns

    def slept(self) -> int:
        """What the calling thread has slept and thought since its last request."""
        caller = self._thread.caller
        return 0 if caller is None else caller.slept_ns

    def _still_thinks(self, caller: Caller, request: Request) -> Request:
        """A request, before which a part of the time has passed while its thread slept."""
        slept_ns, caller.slept_ns = caller.slept_ns, 0
        return (*request[:THINK], request[THINK] - slept_ns)

    def finish(self) -> None:
        """Account for all that is under way, as if no thread would call again."""
        with self._lock:
            self._settle()
            self._gate.finish()
            self._elect()

    def _go_through(
        self, caller: Caller, think_ns: int, step: Callable[[Caller], None], wall_s: float = 0.0
    ) -> None:
        """Have a step taken and wait until it releases the thread; at most ``wall_s``, if given."""
        if caller.state == BLOCKED:  # a signal took it out of its call before
            self._wait(caller, 0.0)
        with self._lock:
            self._settle()
            self._gate.arrive(caller, think_ns, step)
            self._advance(caller)
        self._wait(caller, wall_s)

    def _advance(self, caller: Caller) -> None:
        """Take time on; somebody who waits then watches the threads outside."""
        gate = self._gate
        gate.advance(caller if self._are_own else None)
        watcher = self._watcher
        if watcher is None or watcher.state != BLOCKED:
            if caller.state == BLOCKED:
                self._watcher = caller
            else:
                self._watcher = next(iter(gate.blocked), None)
                if self._watcher is not None:
                    self._watcher.wake()
        self._elect()

    def _wait(self, caller: Caller, wall_s: float) -> None:
        pause, moves = FIRST_PAUSE_S, -1
        end = time.monotonic() + wall_s if wall_s else 0.0
        while caller.state == BLOCKED:
            self._gate.check()
            watches = caller is self._watcher or self._watcher is None
            patience = pause if watches else LONGEST_WAIT_S
            if end:
                patience = min(patience, max(end - time.monotonic(), 0.0))
            if caller.token.acquire(True, patience):
                continue
            if end and time.monotonic() >= end:
                return
            moves = self._watch(caller, moves if watches else -1)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _watch(self, caller: Caller, moves: int) -> int:
        """Nobody woke it for a while: if nothing has moved, look whether the others sleep."""
        with self._lock:
            if self.is_ending():
                self._gate.finish()
            elif caller.state == BLOCKED and moves in (-1, self._gate.moves):
                self._advance(caller)
            return self._gate.moves

    def _submit(self, caller: Caller) -> None:
        """The step of a request: it is submitted."""
        request = caller.request
        assert request is not None
        caller.job.client = self._gate.number(caller)
        if not self._send(caller.job, request, caller.done):
            self._gate.release(caller, self._gate.now_ns)

    def _send(self, job: Job, request: Request, done: Callable[[Job], None]) -> bool:
        """Submit a request now; False if time has taken its cards away since it was served."""
        machine = self._gate.machine
        (
            targets,
            job.function,
            job.operation,
            job.payload_bytes,
            job.request_bytes,
            job.reply_bytes,
            outcome,
            _,
        ) = request
        job.outcome = outcome & OUTCOME
        try:
            machine.submit(job, targets, done)
        except DriverError as error:
            machine.refuse(job, error)
            return False
        if outcome > OUTCOME:
            job.fault = self._recorder.names[(outcome >> FAULT_SHIFT) - 1]
        return True

    # -- one thread alone ----------------------------------------------------------------------

    def _elect(self) -> None:
        """If one thread alone can call and nothing is under way, it goes on by arithmetic."""
        alone = self._gate.alone()
        if alone is None:
            self._lone = None
        elif alone is not self._lone:
            self._set_lone(alone)
            self._now = alone.host_ns

    def _settle(self) -> None:
        """The arithmetic is over: the gate learns what time it has come to."""
        lone = self._lone
        if lone is not None:
            assert isinstance(lone, Caller)
            self._gate.settle(lone, self._now)
            self._lone = None

    def _simulated(self, now_ns: int) -> "SimulatedPort":
        from ghostcard.driver.simulated import SimulatedPort
        from ghostcard.emulator.timeline import Timeline

        return SimulatedPort(Timeline(now_ns), self._bus, self._dispatcher, self._recorder)
