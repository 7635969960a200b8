"""The stations of a card on which requests have faults: late, never, slow, stuck.

Without a fault the times are those of `GeneralStations`, to the nanosecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghostcard.emulator.agenda import Callbacks, LightEvent
from ghostcard.emulator.faultkinds import CARD, REPLY, REQUEST
from ghostcard.emulator.general_stations import GeneralStations
from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.emulator.draws import ServiceDraws
    from ghostcard.emulator.faultplan import Rule
    from ghostcard.emulator.image import Image, Scheduler
    from ghostcard.emulator.injector import Injector
    from ghostcard.emulator.link import TransferTimes
    from ghostcard.emulator.profile import Profile
    from ghostcard.emulator.queue import CommandQueue
    from ghostcard.emulator.timeline import Timeline


class LateMessage(LightEvent):
    """A message in hardware that the card does not see yet; a light event when it does."""

    __slots__ = ("job", "resets")

    def __init__(self, job: Job, callbacks: Callbacks) -> None:
        super().__init__()
        self.callbacks = callbacks
        self.job = job
        self.resets = job.queue.resets


class FaultyStations(GeneralStations):
    """`GeneralStations` that ask an injector about each message."""

    def __init__(
        self,
        timeline: Timeline,
        profile: Profile,
        image: Image,
        request_times: TransferTimes,
        reply_times: TransferTimes,
        scheduler: Scheduler | None,
        draws: ServiceDraws,
        injector: Injector,
    ) -> None:
        super().__init__(timeline, profile, image, request_times, reply_times, scheduler, draws)
        self._injector = injector
        self._stuck: list[Job] = []  # at engines that do not let go of them before a reset
        self._on_late: Callbacks = (self._late,)

    def accept(self, job: Job, now: int) -> None:
        """Take a message that NQAP has admitted, or have a fault happen to it."""
        job.enqueued = now
        trouble = self._ask(REQUEST, job, now)
        job.trouble = trouble
        job.spoil = self._ask(REPLY, job, now)
        if trouble is None:
            super().accept(job, now)
            return
        kind = trouble.kind
        if kind in ("slow-engine", "stuck-engine"):  # happens at the engine
            super().accept(job, now)
            return
        self._happens(job, trouble, now)
        if trouble.point == CARD:
            super().accept(job, now)
            self._injector.act(trouble, job.queue.qid)
        elif kind == "delay":
            self._agenda.at(now + trouble.delay_ns, LateMessage(job, self._on_late))
        elif kind == "lose":
            job.queue.in_hardware -= 1
        # else dropped: nobody will ever hear of it

    def _ask(self, point: str, job: Job, now: int) -> Rule | None:
        return self._injector.strike(
            point,
            now,
            job.queue.qid,
            job.function,
            job.operation,
            job.client,
            job.block is not None,
        )

    def _happens(self, job: Job, rule: Rule, now: int) -> None:
        job.fault = rule.name
        if rule.point != CARD:
            self._injector.noted(now, job.queue.qid, rule.name, 0)

    def _late(self, late: LateMessage) -> None:
        job = late.job
        if late.resets == job.queue.resets:
            enqueued = job.enqueued
            super().accept(job, self._agenda.now)
            job.enqueued = enqueued

    # Engines

    def _service_ns(self, job: Job) -> int:
        service_ns = super()._service_ns(job)
        trouble = job.trouble
        if trouble is None:
            return service_ns
        if trouble.kind == "slow-engine":
            self._happens(job, trouble, self._agenda.now)
            return service_ns * trouble.engine_permille // 1000
        if trouble.kind == "stuck-engine":
            self._happens(job, trouble, self._agenda.now)
            return service_ns + trouble.for_ns
        return service_ns

    def _start(self, job: Job, now: int) -> None:
        for each in job.batch:
            trouble = each.trouble
            if trouble is not None and trouble.kind == "stuck-engine" and trouble.for_ns < 0:
                self._happens(each, trouble, now)
                for held in job.batch:
                    held.started = now
                self._stuck.append(job)
                return
        super()._start(job, now)

    def purge(self, queue: CommandQueue) -> None:
        """Take every message of `queue` away; an engine that is stuck with one is free again."""
        super().purge(queue)
        now = self._agenda.now
        for job in self._stuck:
            if job.queue is queue:
                self._let_go(job, queue, now)
        self._stuck = [job for job in self._stuck if job.queue is not queue]

    def _let_go(self, job: Job, queue: CommandQueue, now: int) -> None:
        """The engine is free; what a policy had put into one start with it goes on alone."""
        pool = job.pool
        assert pool is not None
        for each in job.batch:
            if each.queue is queue:
                self._free_memory(each)
            else:
                each.batch = (each,)
                each.pool = pool
                self._join(each, pool, now)
        self._free_engine(pool, now)
