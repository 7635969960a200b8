"""The stations of a card in simulated time.

link in -> firmware cores -> engine pool -> reply builders -> link out, first come first served at
each. A decision is taken when its time has come, so that a reset can take away whatever still
waits. Where order is kept on the way to a single server (both directions of the link; the reply
builder, if there is one) the end of service follows from the server's next free time at once, and
costs no event. Nor does the arrival of a message for which a core is sure to be idle, unless it
has a block to execute then.

All events of a message carry the serial number that it drew at NQAP. So what happens at one
instant happens in the order of NQAP, and the times do not depend on which events were spared.
"""

from __future__ import annotations

from collections import deque
from heapq import heapreplace
from typing import TYPE_CHECKING

from ghostcard.emulator.agenda import Callbacks, LightEvent
from ghostcard.emulator.engine import Demand, EnginePool
from ghostcard.emulator.job import Job
from ghostcard.emulator.link import LinkDirection, TransferTimes
from ghostcard.emulator.queue import CommandQueue, Intake, Interrupt

if TYPE_CHECKING:
    from ghostcard.emulator.image import Image, Line
    from ghostcard.emulator.profile import Profile
    from ghostcard.emulator.timeline import Timeline

PLANS_MAX = 4096  # plans remembered; one more and the memory starts anew


class Remnant(LightEvent):
    """What stays of a message taken away in the middle of a service: it still holds its server."""

    __slots__ = ("demand", "pool", "request_bytes")

    def __init__(self, job: Job, callbacks: Callbacks) -> None:
        super().__init__()
        self.callbacks = callbacks
        self.pool = job.pool
        self.demand: Demand | None = getattr(job, "demand", None)  # a job that travels has none yet
        self.request_bytes = job.request_bytes


class Stations(Intake):
    """All that is busy, waits or travels on one card; every station is idle at first."""

    def __init__(
        self,
        timeline: Timeline,
        profile: Profile,
        image: Image,
        request_times: TransferTimes,
        reply_times: TransferTimes,
    ) -> None:
        self._agenda = timeline.agenda
        self._image = image
        self._demands: dict[tuple[str, int], Demand] = {}
        self._link_in = LinkDirection(request_times, profile.link.latency_ns)
        self._link_out = LinkDirection(reply_times, profile.reply_link.latency_ns)
        self._idle_cores = profile.firmware.cores
        self._awaiting_core: Line = deque()
        self._travelling = 0  # messages on the link that have no core reserved
        self._pools = {engine.name: EnginePool(engine.size) for engine in profile.engines}
        self._builders_free = [0] * profile.firmware.reply_builders
        self._one_builder = profile.firmware.reply_builders == 1
        self._interrupt_ns = profile.host.interrupt_ns
        self._on_arrived: Callbacks = (self._arrived,)
        self._on_unwrapped: Callbacks = (self._unwrapped,)
        self._on_finished: Callbacks = (self._finished,)
        self._on_built: Callbacks = (self._built,)
        self._on_interrupt: Callbacks = (self._interrupt,)

    # Link in

    def accept(self, job: Job, now: int) -> None:
        """Take a message that NQAP has admitted to `job.queue`; the job is ours until DQAP."""
        job.enqueued = now
        job.arrived = arrived = self._link_in.send(now, job.request_bytes)
        job.serial = self._agenda.take_serial()
        if job.block is None and self._idle_cores and not self._travelling:
            # Nobody can overtake on the link: that core is idle when the message arrives.
            self._idle_cores -= 1
            self._fetch(job, arrived)
        else:
            self._travelling += 1
            job.callbacks = self._on_arrived
            self._agenda.in_turn(arrived, job.serial, job)

    # Firmware cores

    def _arrived(self, job: Job) -> None:
        self._travelling -= 1
        if self._idle_cores:
            self._idle_cores -= 1
            self._fetch(job, job.arrived)
        else:
            self._awaiting_core.append(job)

    def _fetch(self, job: Job, now: int) -> None:
        """A core takes the message: the image executes it, if it has bytes, and prices it."""
        block = job.block
        if block is not None:
            reply, job.operation, job.payload_bytes = self._image.perform(job.queue.domain, block)
            job.reply = reply
            job.reply_bytes = len(reply)
        demand = self._demands.get((job.operation, job.payload_bytes))
        self._hold_core(job, self._price(job) if demand is None else demand, now)

    def _price(self, job: Job) -> Demand:
        """What the image says that such a job needs; asked once while it is remembered."""
        plan = self._image.plan(job.operation, job.payload_bytes)
        if len(self._demands) >= PLANS_MAX:
            self._demands.clear()
        demand = Demand(plan, self._pools[plan.engine] if plan.engine else None)
        self._demands[job.operation, job.payload_bytes] = demand
        return demand

    def _hold_core(self, job: Job, demand: Demand, now: int) -> None:
        job.demand = demand
        job.fetched = now
        job.decoded = decoded = now + demand.decode_ns
        job.unwrapped = unwrapped = decoded + demand.unwrap_ns
        job.callbacks = self._on_unwrapped
        self._agenda.in_turn(unwrapped, job.serial, job)

    def _free_core(self, now: int) -> None:
        if self._awaiting_core:
            self._fetch(self._awaiting_core.popleft(), now)
        else:
            self._idle_cores += 1

    def _unwrapped(self, job: Job) -> None:
        now = job.unwrapped
        self._free_core(now)
        demand = job.demand
        job.engine = demand.engine
        job.pool = pool = demand.pool
        if pool is None:
            job.started = job.finished = now
            self._build(job, now)
        elif pool.idle:
            pool.idle -= 1
            self._start(job, now)
        else:
            pool.waiting.append(job)

    # Engine pools

    def _start(self, job: Job, now: int) -> None:
        job.started = now
        job.finished = finished = now + job.demand.engine_ns
        job.callbacks = self._on_finished
        self._agenda.in_turn(finished, job.serial, job)

    def _free_engine(self, pool: EnginePool, now: int) -> None:
        if pool.waiting:
            self._start(pool.waiting.popleft(), now)
        else:
            pool.idle += 1

    def _finished(self, job: Job) -> None:
        now = job.finished
        pool = job.pool
        assert pool is not None
        self._free_engine(pool, now)
        self._build(job, now)

    # Reply builders and link out

    def _build(self, job: Job, now: int) -> None:
        free = self._builders_free
        start = free[0]
        if start < now:
            start = now
        job.built = built = start + job.demand.build_ns
        if self._one_builder:
            free[0] = built
            self._send(job, now, built)
        else:
            heapreplace(free, built)
            job.callbacks = self._on_built
            self._agenda.in_turn(built, job.serial, job)

    def _built(self, job: Job) -> None:
        built = job.built
        self._send(job, built, built)

    def _send(self, job: Job, now: int, built: int) -> None:
        """Put the reply, ready at `built`, on the link; from its last byte on DQAP finds it."""
        job.replied = replied = self._link_out.send(built, job.reply_bytes)
        queue = job.queue
        queue.replies.append(job)
        if queue.interrupts_from <= replied < queue.interrupts_until:
            due = queue.interrupt_due
            if now < due and replied <= due:
                return  # the interrupt on its way will find this reply too
            queue.interrupt_due = due = replied + self._interrupt_ns
            queue.interrupt.callbacks = self._on_interrupt
            self._agenda.at(due, queue.interrupt)

    def _interrupt(self, event: Interrupt) -> None:
        event.callbacks = self._on_interrupt  # it may be on the timeline more than once
        queue = event.queue
        now = self._agenda.now
        if queue.replies and queue.interrupts_from <= now < queue.interrupts_until:
            queue.card.deliver_interrupt(queue.qid)

    # Changes

    def forget_plans(self) -> None:
        """The image prices anew what is fetched from now on."""
        self._demands.clear()

    def purge(self, queue: CommandQueue) -> None:
        """Take every message of `queue` away.

        What waits is gone. A service in progress holds its server to its end and its result is
        dropped; a core that would fetch at this very instant does not. A transfer arranged by NQAP
        or for a finished reply is carried out, and dropped at its end.
        """
        now = self._agenda.now
        _empty(self._awaiting_core, queue)
        for pool in self._pools.values():
            _empty(pool.waiting, queue)
        idle_again = 0
        heap = self._agenda.heap
        for place, (time, priority, serial, event) in enumerate(heap):
            remnant = self._remnant(event) if isinstance(event, Job) else None
            if remnant is None or event.queue is not queue:
                continue
            if event.callbacks is self._on_unwrapped and event.fetched >= now:
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
        self._free_core(self._agenda.now)

    def _engine_ends(self, remnant: Remnant) -> None:
        assert remnant.pool is not None
        self._free_engine(remnant.pool, self._agenda.now)


def _drop(_remnant: Remnant) -> None:
    """What a message taken away would have come to: nothing."""


def _empty(line: Line, queue: CommandQueue) -> None:
    """Take the messages of `queue` out of a line."""
    for job in [job for job in line if job.queue is queue]:
        line.remove(job)
