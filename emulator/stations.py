"""The stations of a card in simulated time.

link in -> firmware cores -> engine pool -> reply builders -> link out, first come first served at
each. A decision is taken when its time has come, so that a reset can take away whatever still
waits. Where order is kept on the way to a single server (both directions of the link; the reply
builder, if there is one) the end of service follows from the server's next free time at once, and
costs no event. Nor does the arrival of a message for which a core is sure to be idle, unless it
has a block to execute then.

What every request passes is written out where it is passed: a call costs as much as ten lines. The
methods that it repeats remain for the rest, and for the stations that are built on these.

All events of a message carry the serial number that it drew at NQAP. So what happens at one
instant happens in the order of NQAP, and the times do not depend on which events were spared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappush, heapreplace
from typing import TYPE_CHECKING, Any

from ghostcard.emulator.engine import EnginePool
from ghostcard.emulator.job import (
    ARRIVED,
    BUILT,
    DECODED,
    ENQUEUED,
    FETCHED,
    FINISHED,
    REPLIED,
    STARTED,
    UNWRAPPED,
    Job,
)
from ghostcard.emulator.link import LinkDirection, TransferTimes

if TYPE_CHECKING:
    from ghostcard.emulator.image import Image, Line, Plan
    from ghostcard.emulator.profile import Profile
    from ghostcard.emulator.queue import CommandQueue, Interrupt
    from ghostcard.emulator.timeline import Timeline

NORMAL_PRIORITY = 1  # simpy.events.NORMAL; SimPy stays off this module's import path
PLANS_MAX = 4096  # plans remembered; one more and the memory starts anew


class Remnant:
    """What stays of a message taken away in the middle of a service: it still holds its server."""

    __slots__ = ("callbacks", "plan", "pool", "request_bytes")
    _ok = True
    _value = None

    def __init__(self, job: Job, callbacks: tuple[Callable[[Any], None], ...]) -> None:
        self.callbacks: Any = callbacks
        self.pool = job.pool
        self.plan = getattr(job, "plan", None)  # a job that travels has none yet
        self.request_bytes = job.request_bytes


class Plans(dict[tuple[str, int], "Plan"]):
    """(Operation, payload bytes) -> the image's plan, asked for once while it is remembered."""

    __slots__ = ("_plan",)

    def __init__(self, image: Image) -> None:
        super().__init__()
        self._plan = image.plan

    def __missing__(self, key: tuple[str, int]) -> Plan:
        if len(self) >= PLANS_MAX:
            self.clear()
        plan = self[key] = self._plan(*key)
        return plan


class Stations:
    """All that is busy, waits or travels on one card; every station is idle at first.

    `deliver_interrupt(qid)` is called when a queue interrupts the host.
    """

    def __init__(
        self,
        timeline: Timeline,
        profile: Profile,
        image: Image,
        request_times: TransferTimes,
        reply_times: TransferTimes,
        deliver_interrupt: Callable[[int], None],
    ) -> None:
        self._timeline = timeline
        self._heap = timeline.heap
        self._serial = timeline.serial
        self._perform = image.perform
        self._plans = Plans(image)
        self._deliver_interrupt = deliver_interrupt
        self._link_in = LinkDirection(request_times, profile.link.latency_ns)
        self._link_out = LinkDirection(reply_times, profile.reply_link.latency_ns)
        self._idle_cores = profile.firmware.cores
        self._awaiting_core: Line = deque()
        self._travelling = 0  # messages on the link that have no core reserved
        self._pools = {engine.name: EnginePool(engine.size) for engine in profile.engines}
        self._builders_free = [0] * profile.firmware.reply_builders
        self._one_builder = profile.firmware.reply_builders == 1
        self._interrupt_ns = profile.host.interrupt_ns
        self._on_arrived = (self._arrived,)
        self._on_unwrapped = (self._unwrapped,)
        self._on_finished = (self._finished,)
        self._on_built = (self._built,)
        self._on_interrupt = (self._interrupt,)

    # Link in

    def accept(self, job: Job, now: int) -> None:
        """Take a message that NQAP has admitted to `job.queue`; the job is ours until DQAP."""
        times, link = job.times, self._link_in
        times[ENQUEUED] = now
        start = link.free_at if link.free_at > now else now
        link.free_at = end = start + link.times[job.request_bytes]
        times[ARRIVED] = arrived = end + link.latency_ns
        job.serial = serial = next(self._serial)
        if job.block is None and self._idle_cores and not self._travelling:
            # Nobody can overtake on the link: that core is idle when the message arrives.
            self._idle_cores -= 1
            job.plan = plan = self._plans[job.operation, job.payload_bytes]  # as `_fetch` does
            times[FETCHED] = arrived
            times[DECODED] = decoded = arrived + plan.decode_ns
            times[UNWRAPPED] = unwrapped = decoded + plan.unwrap_ns
            job.callbacks = self._on_unwrapped
            heappush(self._heap, (unwrapped, NORMAL_PRIORITY, serial, job))
        else:
            self._travelling += 1
            job.callbacks = self._on_arrived
            heappush(self._heap, (arrived, NORMAL_PRIORITY, serial, job))

    # Firmware cores

    def _arrived(self, job: Job) -> None:
        self._travelling -= 1
        if self._idle_cores:
            self._idle_cores -= 1
            self._fetch(job, job.times[ARRIVED])
        else:
            self._awaiting_core.append(job)

    def _fetch(self, job: Job, now: int) -> None:
        """A core takes the message: the image executes it, if it has bytes, and prices it."""
        if job.block is not None:
            reply, job.operation, job.payload_bytes = self._perform(job.queue.domain, job.block)
            job.reply = reply
            job.reply_bytes = len(reply)
        job.plan = plan = self._plans[job.operation, job.payload_bytes]
        times = job.times
        times[FETCHED] = now
        times[DECODED] = decoded = now + plan.decode_ns
        times[UNWRAPPED] = unwrapped = decoded + plan.unwrap_ns
        job.callbacks = self._on_unwrapped
        heappush(self._heap, (unwrapped, NORMAL_PRIORITY, job.serial, job))

    def _free_core(self, now: int) -> None:
        if self._awaiting_core:
            self._fetch(self._awaiting_core.popleft(), now)
        else:
            self._idle_cores += 1

    def _unwrapped(self, job: Job) -> None:
        times, plan = job.times, job.plan
        now = times[UNWRAPPED]
        if self._awaiting_core:  # as `_free_core` does
            self._fetch(self._awaiting_core.popleft(), now)
        else:
            self._idle_cores += 1
        job.engine = engine = plan.engine
        if not engine:
            times[STARTED] = times[FINISHED] = now
            self._build(job, now)
            return
        job.pool = pool = self._pools[engine]
        if pool.idle:
            pool.idle -= 1
            times[STARTED] = now  # as `_start` does
            times[FINISHED] = finished = now + plan.engine_ns
            job.callbacks = self._on_finished
            heappush(self._heap, (finished, NORMAL_PRIORITY, job.serial, job))
        else:
            pool.waiting.append(job)

    # Engine pools

    def _start(self, job: Job, now: int) -> None:
        times = job.times
        times[STARTED] = now
        times[FINISHED] = finished = now + job.plan.engine_ns
        job.callbacks = self._on_finished
        heappush(self._heap, (finished, NORMAL_PRIORITY, job.serial, job))

    def _free_engine(self, pool: EnginePool, now: int) -> None:
        if pool.waiting:
            self._start(pool.waiting.popleft(), now)
        else:
            pool.idle += 1

    def _finished(self, job: Job) -> None:
        now = job.times[FINISHED]
        pool = job.pool
        assert pool is not None
        if pool.waiting:  # as `_free_engine` does
            self._start(pool.waiting.popleft(), now)
        else:
            pool.idle += 1
        self._build(job, now)

    # Reply builders and link out

    def _build(self, job: Job, now: int) -> None:
        free = self._builders_free
        start = free[0]
        if start < now:
            start = now
        job.times[BUILT] = built = start + job.plan.build_ns
        if self._one_builder:
            free[0] = built
            self._send(job, now, built)
        else:
            heapreplace(free, built)
            job.callbacks = self._on_built
            heappush(self._heap, (built, NORMAL_PRIORITY, job.serial, job))

    def _built(self, job: Job) -> None:
        built = job.times[BUILT]
        self._send(job, built, built)

    def _send(self, job: Job, now: int, built: int) -> None:
        """Put the reply, ready at `built`, on the link; from its last byte on DQAP finds it."""
        link = self._link_out
        start = link.free_at if link.free_at > built else built
        link.free_at = end = start + link.times[job.reply_bytes]
        job.times[REPLIED] = replied = end + link.latency_ns
        queue = job.queue
        queue.replies.append(job)
        if queue.interrupts_from <= replied < queue.interrupts_until:
            due = queue.interrupt_due
            if now < due and replied <= due:
                return  # the interrupt on its way will find this reply too
            queue.interrupt_due = due = replied + self._interrupt_ns
            queue.interrupt.callbacks = self._on_interrupt
            heappush(self._heap, (due, NORMAL_PRIORITY, next(self._serial), queue.interrupt))

    def _interrupt(self, event: Interrupt) -> None:
        event.callbacks = self._on_interrupt  # it may be on the timeline more than once
        queue = event.queue
        now = self._timeline._now
        if queue.replies and queue.interrupts_from <= now < queue.interrupts_until:
            self._deliver_interrupt(queue.qid)

    # Changes

    def forget_plans(self) -> None:
        """The image prices anew what is fetched from now on."""
        self._plans.clear()

    def purge(self, queue: CommandQueue) -> None:
        """Take every message of `queue` away.

        What waits is gone. A service in progress holds its server to its end and its result is
        dropped; a core that would fetch at this very instant does not. A transfer arranged by NQAP
        or for a finished reply is carried out, and dropped at its end.
        """
        now = self._timeline.now
        _empty(self._awaiting_core, queue)
        for pool in self._pools.values():
            _empty(pool.waiting, queue)
        idle_again = 0
        heap = self._heap
        for place, (time, priority, serial, event) in enumerate(heap):
            remnant = self._remnant(event) if isinstance(event, Job) else None
            if remnant is None or event.queue is not queue:
                continue
            if event.callbacks is self._on_unwrapped and event.times[FETCHED] >= now:
                idle_again += 1
                remnant.callbacks = (_drop,)
            heap[place] = (time, priority, serial, remnant)
        for _ in range(idle_again):
            self._free_core(now)

    def _remnant(self, job: Job) -> Remnant | None:
        """What takes the place of a job on the timeline; None if it is not there for us.

        The job itself may not stay: the host may send the very same one again at once.
        """
        if job.callbacks is self._on_arrived:
            return Remnant(job, (self._arrives_for_nobody,))
        if job.callbacks is self._on_unwrapped:
            return Remnant(job, (self._core_ends,))
        if job.callbacks is self._on_finished:
            return Remnant(job, (self._engine_ends,))
        return Remnant(job, (_drop,)) if job.callbacks is self._on_built else None

    def _arrives_for_nobody(self, _remnant: Remnant) -> None:
        self._travelling -= 1

    def _core_ends(self, _remnant: Remnant) -> None:
        self._free_core(self._timeline.now)

    def _engine_ends(self, remnant: Remnant) -> None:
        assert remnant.pool is not None
        self._free_engine(remnant.pool, self._timeline.now)


def _drop(_remnant: Remnant) -> None:
    """What a message taken away would have come to: nothing."""


def _empty(line: Line, queue: CommandQueue) -> None:
    """Take the messages of `queue` out of a line."""
    for job in [job for job in line if job.queue is queue]:
        line.remove(job)
