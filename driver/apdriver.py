"""The AP bus driver of a simulated host: runs the queue machines on the bus, in simulated time.

It executes what the state machines ask for, keeps the tasklet that interrupts and the poll timer
wake, the request timers and the bus scan (AP sheet 1.6 to 1.9). The tasklet looks at every queue,
as the kernel's does.
"""

import errno
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from ghostcard.driver.polling import POLLED, poll
from ghostcard.driver.queue import (
    AGAIN,
    DQAP,
    IDLE,
    INTERRUPT,
    LOW_TIMEOUT,
    NONE,
    NQAP,
    OPERATING,
    RAPQ,
    TAPQ,
    UNINITIATED,
    Event,
    Next,
    QueueMachine,
    Wait,
)
from ghostcard.emulator.agenda import Agenda, Callbacks, LightEvent
from ghostcard.emulator.job import Job
from ghostcard.emulator.status import (
    CHECKSTOPPED,
    DECONFIGURED,
    Q_NOT_AVAIL,
    configured,
    response_code,
)

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.timeline import Timeline

LOW_POLL_NS: Final = 40_000_000  # AP sheet 1.8: the slow poll timer
REQUEST_TIMEOUT_NS: Final = 900_000_000_000  # AP sheet 1.7: CEX4 to CEX8
SCAN_NS: Final = 30_000_000_000  # AP sheet 1.8: config_time

_POLL: Final = Event.POLL
_BIND_STATE_SHIFT: Final = 46  # BS, IBM bits 16 and 17 of the 64 that TAPQ gives (AP sheet 1.4)


class HostQueue(NamedTuple):
    """A queue as the host knows it; times in nanoseconds."""

    qid: int
    depth: int
    submit_ns: int  # from the caller's request to NQAP
    dequeue_ns: int  # from the interrupt or poll tick to DQAP
    poll_ns: int  # period of the fast poll timer; 250,000 in an LPAR (AP sheet 1.8)


class Tick(LightEvent):
    """A light event of the timeline that calls one function, again and again."""

    __slots__ = ("calls", "pending")

    def __init__(self, call: Callable[["Tick"], None]) -> None:
        super().__init__()
        self.calls: Callbacks = (call,)
        self.pending = False

    def at(self, agenda: Agenda, time_ns: int) -> None:
        """Call at ``time_ns``, not before now; the caller has seen that nothing is pending."""
        self.pending = True
        self.callbacks = self.calls
        agenda.at(time_ns, self)


class ApQueue:
    """A queue machine with the timer of its requests."""

    __slots__ = ("deadline_ns", "dequeue_ns", "in_service", "machine", "qid", "timer")

    def __init__(
        self, queue: HostQueue, interrupts: bool, expired: Callable[["ApQueue"], None]
    ) -> None:
        self.qid = queue.qid
        self.dequeue_ns = queue.dequeue_ns
        self.machine: QueueMachine[Job] = QueueMachine(queue.depth, interrupts)
        self.machine.take_over()
        self.in_service = True
        self.deadline_ns = 0
        self.timer = Tick(lambda _: expired(self))


class ApDriver:
    """The queues of one host, which are up and running, their interrupts on if they are used.

    ``finished`` is called with the jobs that an event has ended, each with its errno (0: its reply
    is there); ``changed(qid, in_service)`` when a queue stops or resumes taking requests;
    ``found(qid)`` when a scan finds a queue that was not there before. ``poll_ns`` is the period of
    the fast poll timer; with ``poll_thread`` a thread looks all the time while something is in
    hardware and interrupts are not in use. At every instant ``taken`` is ``answered`` and
    ``failed`` and ``in_flight`` together.
    """

    def __init__(
        self,
        timeline: "Timeline",
        bus: "Bus",
        queues: Sequence[HostQueue],
        finished: Callable[[list[tuple[Job, int]]], None],
        changed: Callable[[int, bool], None],
        found: Callable[[int], HostQueue],
        interrupts: bool = True,
    ) -> None:
        self._agenda = timeline.agenda
        self._bus = bus
        self._finished = finished
        self._changed = changed
        self._found = found
        self._interrupts = interrupts
        self._unarmed = (INTERRUPT, NONE) if interrupts else (NONE,)  # no timer for these
        self._queues = {queue.qid: ApQueue(queue, interrupts, self._expired) for queue in queues}
        self.poll_ns = min(queue.poll_ns for queue in queues)
        self.poll_thread = False
        self.scan_ns = SCAN_NS
        self.scans = 1  # the one before the timeline began
        self._slowest_dequeue_ns = max(queue.dequeue_ns for queue in queues)
        self._tasklet = Tick(self._run_tasklet)
        self._woken_ns = 0  # the interrupt or poll tick for which the tasklet runs
        self._poll_timer = Tick(self._poll_expired)
        self._poll_expiry_ns = 0
        self._scan_timer = Tick(self._scan_expired)
        self._news = Tick(self._configuration_changed)
        self._pulled: set[int] = set()  # adapters of which the next scan expects nothing
        self._ended: list[tuple[Job, int]] = []
        self.taken = self.answered = self.failed = 0  # jobs, ever
        if interrupts:
            bus.on_interrupt(self._interrupted)
        bus.on_change(self._announced)

    def enqueue(self, job: Job) -> None:
        """Put ``job`` in the line of the queue ``job.qid``; ENODEV ends it if none are taken."""
        queue = self._queues.get(job.qid)
        self.taken += 1
        if queue is None or not queue.in_service:
            self.failed += 1
            self._finished([(job, errno.ENODEV)])
            return
        queue.machine.requests.append(job)
        if not self._scan_timer.pending:
            self._scan_later()
        wait = self._pump(queue, _POLL)
        if self._ended or wait not in self._unarmed:
            self._close(wait)

    def reset(self, qid: int) -> None:
        """Fail what the queue holds with EAGAIN and reset it (AP sheet 1.7, sysfs ``reset``)."""
        queue = self._queues[qid]
        queue.machine.reset()
        self._collect(queue.machine)
        self._close(self._pump(queue, _POLL))

    def flush(self, qid: int) -> None:
        """Fail what the queue holds with EAGAIN; what is in hardware stays there, and its replies
        will be nobody's (AP sheet 1.7, offline)."""
        machine = self._queues[qid].machine
        machine.flush()
        self._collect(machine)
        self._close(NONE)

    def scan(self) -> bool:
        """One bus scan (AP sheet 1.9): learn what cards and queues there are, and what their state
        is; whether anything changed."""
        self.scans += 1
        changed = False
        pulled, self._pulled = self._pulled, set()
        for queue in tuple(self._queues.values()):
            status, _ = self._bus.tapq(queue.qid)
            code = Q_NOT_AVAIL if queue.qid >> 8 in pulled else response_code(status)
            changed |= self._examine(queue, code)
        self._close(NONE)
        for qid in configured(self._bus.qci()):
            if qid not in self._queues:
                changed |= self._take_in(qid)
        self._close(NONE)
        return changed

    @property
    def in_flight(self) -> int:
        """Jobs taken of which neither an answer nor a failure has been found yet."""
        machines = [queue.machine for queue in self._queues.values()]
        return sum([machine.load + len(machine.completed) for machine in machines])

    @property
    def qids(self) -> list[int]:
        """The queues there are, in order."""
        return sorted(self._queues)

    def machine(self, qid: int) -> QueueMachine[Job]:
        """The state machine of a queue, to look at."""
        return self._queues[qid].machine

    # -- one queue -----------------------------------------------------------------------------

    def _pump(self, queue: ApQueue, event: Event) -> Wait:
        """Do what the queue machine asks for until it waits."""
        machine = queue.machine
        if event is _POLL and machine.state in POLLED and not machine.halted:
            todo = poll(machine, self._bus, queue.qid)
        else:
            todo = machine.step(event)
        while todo is not INTERRUPT and (todo is AGAIN or not isinstance(todo, Wait)):
            todo = self._step(todo, queue)
        if machine.timer_restarted:
            machine.timer_restarted = False
            queue.deadline_ns = self._agenda.now + REQUEST_TIMEOUT_NS
            if not queue.timer.pending:
                queue.timer.at(self._agenda, queue.deadline_ns)
        if machine.device is not OPERATING and queue.in_service:
            self._set_service(queue, False)
        if machine.completed:
            self._collect(machine)
        return todo

    def _step(self, todo: Next, queue: ApQueue) -> Next:
        """Execute an instruction, or go on after AGAIN; what the machine asks for then."""
        bus, qid, machine = self._bus, queue.qid, queue.machine
        if todo is AGAIN:
            return machine.step(_POLL)
        if todo is DQAP:
            return machine.answer(*bus.dqap(qid))
        if todo is NQAP:
            return machine.answer(bus.nqap(qid, machine.head))
        if todo is TAPQ:
            status, info = bus.tapq(qid)
            return machine.answer(status, None, info >> _BIND_STATE_SHIFT & 3)
        return machine.answer(bus.rapq(qid) if todo is RAPQ else bus.aqic(qid, True))

    def _collect(self, machine: QueueMachine[Job]) -> None:
        woken = self._woken_ns
        for job, error in machine.completed:
            if error:
                self.failed += 1
            else:
                self.answered += 1
                replied = job.replied
                job.notified = woken if woken > replied else replied
        self._ended += machine.completed
        machine.completed.clear()

    def _close(self, wait: Wait) -> None:
        """End what an event began: wait, and then tell of the jobs that ended, in their order.

        Told last, so that what the callers do next never comes between the driver's own steps.
        """
        if wait not in self._unarmed:
            self._arm(wait)
        if self._ended:
            ended, self._ended = self._ended, []
            self._finished(ended)

    def _expired(self, queue: ApQueue) -> None:
        """The timer is not moved at every reply; it looks here whether it was to have been."""
        queue.timer.pending = False
        if not queue.machine.count:
            return
        if self._agenda.now < queue.deadline_ns:
            queue.timer.at(self._agenda, queue.deadline_ns)
            return
        self._close(self._pump(queue, Event.TIMEOUT))

    # -- tasklet and poll timer ----------------------------------------------------------------

    def _interrupted(self, qid: int) -> None:
        """The tasklet runs whoever it was, even a queue that is ours no more (AP sheet 1.8)."""
        if not self._tasklet.pending:
            queue = self._queues.get(qid)
            self._wake(self._slowest_dequeue_ns if queue is None else queue.dequeue_ns)

    def _wake(self, delay_ns: int) -> None:
        """Have the tasklet run; being woken again before it runs changes nothing."""
        self._woken_ns = now = self._agenda.now
        self._tasklet.at(self._agenda, now + delay_ns)

    def _run_tasklet(self, _tick: Tick) -> None:
        self._tasklet.pending = False
        wait: Wait = NONE
        for queue in self._queues.values():
            machine = queue.machine
            if machine.state is not IDLE or machine.requests:
                queue_waits = self._pump(queue, _POLL)
                if queue_waits < wait:
                    wait = queue_waits
        self._close(wait)

    def _arm(self, wait: Wait) -> None:
        """AP sheet 1.8, ap_wait. The poll thread looks again as soon as it has looked."""
        if wait in self._unarmed:
            return
        if self.poll_thread and not self._interrupts and wait is not LOW_TIMEOUT:
            if not self._tasklet.pending:
                self._wake(self._slowest_dequeue_ns)
        elif not self._poll_timer.pending:
            period = LOW_POLL_NS if wait is LOW_TIMEOUT else self.poll_ns
            periods = (self._agenda.now - self._poll_expiry_ns) // period + 1
            self._poll_expiry_ns += periods * period
            self._poll_timer.at(self._agenda, self._poll_expiry_ns)

    def _poll_expired(self, _tick: Tick) -> None:
        self._poll_timer.pending = False
        if not self._tasklet.pending:
            self._wake(self._slowest_dequeue_ns)

    # -- cards that come and go ----------------------------------------------------------------

    def _announced(self, adapter: int) -> None:
        """The machine tells of another configuration: scan, after what is going on. Whatever is at
        the adapter's place then, it is not what was there before."""
        self._pulled.add(adapter)
        if not self._news.pending:
            self._news.at(self._agenda, self._agenda.now)

    def _configuration_changed(self, _tick: Tick) -> None:
        self._news.pending = False
        self.scan()

    def _scan_later(self) -> None:
        self._scan_timer.at(self._agenda, (self._agenda.now // self.scan_ns + 1) * self.scan_ns)

    def _scan_expired(self, _tick: Tick) -> None:
        """While requests are under way, scan on: their card may have gone without a word."""
        self._scan_timer.pending = False
        self.scan()
        under_way = any(queue.machine.load for queue in self._queues.values())
        if under_way and not self._scan_timer.pending:
            self._scan_later()

    def _set_service(self, queue: ApQueue, in_service: bool) -> None:
        queue.in_service = in_service
        self._changed(queue.qid, in_service)
        if not in_service and not self._scan_timer.pending:
            self._scan_later()

    def _examine(self, queue: ApQueue, code: int) -> bool:
        """What TAPQ's response code means for a queue; whether that is news (AP sheet 1.7)."""
        if code == Q_NOT_AVAIL:
            self._remove(queue)
            return True
        if code in (DECONFIGURED, CHECKSTOPPED):
            return self._take_out(queue, code)
        if queue.in_service:
            return False
        queue.machine.start()
        self._set_service(queue, True)
        self._arm(self._pump(queue, _POLL))
        return True

    def _take_in(self, qid: int) -> bool:
        """A queue has appeared; whether it is one that can be used some day."""
        status, _ = self._bus.tapq(qid)
        code = response_code(status)
        if code == Q_NOT_AVAIL:
            return False
        queue = ApQueue(self._found(qid), self._interrupts, self._expired)
        self._queues[qid] = queue
        self._slowest_dequeue_ns = max(self._slowest_dequeue_ns, queue.dequeue_ns)
        queue.in_service = False
        self._changed(qid, False)
        self._examine(queue, code)
        return True

    def _remove(self, queue: ApQueue) -> None:
        """A queue is there no more: its requests are flushed, its device goes (AP sheet 1.7)."""
        self._take_out(queue, Q_NOT_AVAIL)
        queue.machine.shut_down()
        self._bus.zapq(queue.qid)
        queue.machine.device = UNINITIATED
        queue.machine.count = 0  # for the timer, which may still be on the timeline
        del self._queues[queue.qid]
        self._changed(queue.qid, False)

    def _take_out(self, queue: ApQueue, code: int) -> bool:
        news = queue.in_service
        queue.machine.lose_card(code)
        self._collect(queue.machine)
        if news:
            self._set_service(queue, False)
        return news
