"""The stations of a card of which more is asked than constant times, first come, first served.

Service times that vary, lines with a policy of the image's, batches, bounded memory and coalesced
interrupts. Where a profile and an image ask for none of these, the times are those of `Stations`,
to the nanosecond; a test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghostcard.emulator.agenda import Callbacks, LightEvent
from ghostcard.emulator.engine import Demand, EnginePool
from ghostcard.emulator.image import Plan
from ghostcard.emulator.job import Job
from ghostcard.emulator.stations import Remnant, Stations

if TYPE_CHECKING:
    from ghostcard.emulator.draws import ServiceDraws
    from ghostcard.emulator.image import Image, Scheduler
    from ghostcard.emulator.link import TransferTimes
    from ghostcard.emulator.profile import BatchProfile, Profile
    from ghostcard.emulator.queue import CommandQueue, Interrupt
    from ghostcard.emulator.timeline import Timeline

# An error reply, type 82, with reply code 12 (AP sheet 3.6): not finished, another queue may.
NO_MEMORY_REPLY = bytes((0, 0x82, 0, 0, 0x12, 0, 0, 0))
NO_MEMORY = 0x12
_REFUSED = "error"  # the operation on record where nobody has looked into the block


class OpenBatch(LightEvent):
    """Small requests of one queue that wait for more, at one pool; a light event at their limit."""

    __slots__ = ("jobs", "pool")

    def __init__(self, pool: EnginePool, closes: Callbacks) -> None:
        super().__init__()
        self.callbacks = closes
        self.pool = pool
        self.jobs: list[Job] = []


class GeneralStations(Stations):
    """`Stations` with everything a profile or an image may ask for.

    `refused` counts the requests that found no memory. `scheduler` makes the lines; None: FIFO.
    """

    def __init__(
        self,
        timeline: Timeline,
        profile: Profile,
        image: Image,
        request_times: TransferTimes,
        reply_times: TransferTimes,
        scheduler: Scheduler | None,
        draws: ServiceDraws,
    ) -> None:
        super().__init__(timeline, profile, image, request_times, reply_times)
        self.refused = 0
        self._draws = draws
        if scheduler is not None:
            self._awaiting_core = scheduler("cores")
            for name, pool in self._pools.items():
                pool.waiting = scheduler(name)
        self._batches: dict[EnginePool, BatchProfile] = {
            self._pools[engine.name]: engine.batch for engine in profile.engines if engine.batch
        }
        self._open: dict[tuple[EnginePool, CommandQueue], OpenBatch] = {}
        self._bounded = profile.memory is not None
        self._free_contexts = profile.memory.contexts if profile.memory else 0
        self._free_bytes = profile.memory.bytes if profile.memory else 0
        firmware = profile.firmware
        self._refusal = Demand(Plan(firmware.decode_ns, 0, "", 0, firmware.build_ns), None)
        self._coalesce_count = profile.host.coalesce_count
        self._coalesce_ns = profile.host.coalesce_ns
        self._on_closed: Callbacks = (self._closed,)

    # Link in and cores

    def accept(self, job: Job, now: int) -> None:
        """Take a message that NQAP has admitted to `job.queue`; the job is ours until DQAP."""
        job.enqueued = now
        job.arrived = arrived = self._link_in.send(now, job.request_bytes)
        job.serial = self._agenda.take_serial()
        job.cost_ns = 1
        job.reply = None
        self._travelling += 1
        job.callbacks = self._on_arrived
        self._agenda.in_turn(arrived, job.serial, job)

    def _fetch(self, job: Job, now: int) -> None:
        if not self._bounded:
            super()._fetch(job, now)
        elif self._free_contexts and job.request_bytes <= self._free_bytes:
            self._free_contexts -= 1
            self._free_bytes -= job.request_bytes
            super()._fetch(job, now)
        else:
            self._refuse(job, now)

    def _refuse(self, job: Job, now: int) -> None:
        """No memory: the core looks at the head and answers with an error reply."""
        self.refused += 1
        if job.block is not None:
            job.operation, job.payload_bytes = _REFUSED, 0
        job.outcome = NO_MEMORY
        job.stated_bytes = job.reply_bytes
        job.reply, job.reply_bytes = NO_MEMORY_REPLY, len(NO_MEMORY_REPLY)
        self._hold_core(job, self._refusal, now)

    def _free_memory(self, job: Job | Remnant) -> None:
        if self._bounded and job.demand is not self._refusal:
            self._free_contexts += 1
            self._free_bytes += job.request_bytes

    # Engines

    def _unwrapped(self, job: Job) -> None:
        now = job.unwrapped
        demand = job.demand
        job.engine = demand.engine
        pool = demand.pool
        if pool is None:
            self._free_memory(job)
            self._free_core(now)
            job.started = job.finished = now
            self._build(job, now)
            return
        self._free_core(now)
        job.pool = pool
        job.batch = (job,)
        job.cost_ns = demand.engine_ns
        batch = self._batches.get(pool)
        if batch is not None and batch.gathers(job.payload_bytes):
            self._gather(job, pool, batch, now)
        else:
            self._join(job, pool, now)

    def _join(self, job: Job, pool: EnginePool, now: int) -> None:
        if pool.idle:
            pool.idle -= 1
            self._start(job, now)
        else:
            pool.waiting.append(job)

    def _start(self, job: Job, now: int) -> None:
        """One start of an engine; the requests of a batch follow one another, and the first pays
        for the start. The last lets go of the engine."""
        pool = job.pool
        assert pool is not None
        batch = self._batches.get(pool)
        finished = now + (batch.start_ns if batch else 0)
        last = job.batch[-1]
        for each in job.batch:
            each.started = now
            each.finished = finished = finished + self._service_ns(each)
            each.pool = pool if each is last else None
            each.callbacks = self._on_finished
            self._agenda.in_turn(finished, each.serial, each)
            now = finished

    def _service_ns(self, job: Job) -> int:
        return self._draws.service_ns(job.operation, job.demand.engine_ns, job.client, job.number)

    def _finished(self, job: Job) -> None:
        now = job.finished
        self._free_memory(job)
        if job.pool is not None:
            self._free_engine(job.pool, now)
        self._build(job, now)

    # Batches

    def _gather(self, job: Job, pool: EnginePool, batch: BatchProfile, now: int) -> None:
        key = (pool, job.queue)
        gathered = self._open.get(key)
        if gathered is None:
            gathered = self._open[key] = OpenBatch(pool, self._on_closed)
            due = now + batch.wait_ns
            self._agenda.in_turn(due, job.serial, gathered)
        gathered.jobs.append(job)
        if len(gathered.jobs) == batch.most:
            del self._open[key]
            self._close(gathered, now)

    def _closed(self, gathered: OpenBatch) -> None:
        """The time limit of a batch; nothing if it was full before, or a reset took it."""
        if gathered.jobs:
            del self._open[gathered.pool, gathered.jobs[0].queue]
            self._close(gathered, self._agenda.now)

    def _close(self, gathered: OpenBatch, now: int) -> None:
        first, jobs = gathered.jobs[0], tuple(gathered.jobs)
        gathered.jobs.clear()
        first.batch = jobs
        first.cost_ns = sum(job.demand.engine_ns for job in jobs)
        self._join(first, gathered.pool, now)

    # Interrupts

    def _send(self, job: Job, now: int, built: int) -> None:
        job.replied = replied = self._link_out.send(built, job.reply_bytes)
        queue = job.queue
        queue.replies.append(job)
        if queue.interrupts_from <= replied < queue.interrupts_until:
            self._interrupt_for(queue, replied, now)

    def _interrupt_for(self, queue: CommandQueue, replied: int, now: int) -> None:
        """Have the host told of a reply, alone or with others of the queue."""
        due = queue.interrupt_due
        if now < due and replied <= due:
            if replied > queue.collect_until:
                return  # the interrupt on its way will find this reply too
            queue.collected += 1
            if queue.collected < self._coalesce_count:
                return
            queue.collect_until = -1
            early = replied + self._interrupt_ns
            if early == due:
                return
        else:
            early = replied + self._interrupt_ns
            if self._coalesce_count > 1:
                queue.collected = 1
                queue.collect_until = replied + self._coalesce_ns
                early += self._coalesce_ns
        queue.interrupt_due = early
        queue.interrupt.callbacks = self._on_interrupt
        self._agenda.at(early, queue.interrupt)

    def _interrupt(self, event: Interrupt) -> None:
        if self._coalesce_count > 1 and self._agenda.now != event.queue.interrupt_due:
            event.callbacks = self._on_interrupt  # there has been an earlier one for these replies
        else:
            super()._interrupt(event)

    # Reset

    def purge(self, queue: CommandQueue) -> None:
        """Take every message of `queue` away, as `Stations.purge`; what waited frees its memory."""
        for (pool, of), gathered in list(self._open.items()):
            if of is queue:
                del self._open[pool, of]
                for job in gathered.jobs:
                    self._free_memory(job)
                gathered.jobs.clear()
        for pool in self._pools.values():
            for first in pool.waiting:
                if first.queue is queue:
                    for job in first.batch:
                        self._free_memory(job)
        now = self._agenda.now
        for _, _, _, event in self._agenda.heap:
            fetched = isinstance(event, Job) and self._just_fetched(event, now)
            if fetched and event.queue is queue:
                self._free_memory(event)
        super().purge(queue)

    def _just_fetched(self, job: Job, now: int) -> bool:
        """A core took it at this very instant: the reset has it that no core did."""
        return job.callbacks is self._on_unwrapped and job.fetched >= now

    def _core_ends(self, remnant: Remnant) -> None:
        self._free_memory(remnant)
        super()._core_ends(remnant)

    def _engine_ends(self, remnant: Remnant) -> None:
        self._free_memory(remnant)
        if remnant.pool is not None:
            super()._engine_ends(remnant)
