"""A bus that misbehaves on demand: the instructions of `Bus`, with the faults of an injector.

A fault of an instruction takes its place: nothing is executed. What happens to a message between
NQAP and its reply is `faultystations`; what its reply suffers happens here, when DQAP hands it
over. The faults of cards are `cardfaults`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.emulator.bus import Bus
from ghostcard.emulator.cardfaults import CardFaults
from ghostcard.emulator.faultkinds import INTERRUPT
from ghostcard.emulator.job import Job
from ghostcard.emulator.spoiling import copied, error_reply, exchange, spoilt
from ghostcard.emulator.status import (
    ASYNCHRONOUS_ERROR,
    NORMAL,
    Q_FULL,
    QUEUE_FULL,
)

if TYPE_CHECKING:
    from ghostcard.emulator.card import Card
    from ghostcard.emulator.faultplan import Rule
    from ghostcard.emulator.injector import Injector
    from ghostcard.emulator.timeline import Timeline

Performed = tuple[int, bytes, str, int, str]
"""What `Bus.perform` gives, and the name of the fault that happened, or ""."""


class FaultyBus(Bus):
    """`Bus` with an injector.

    `watch(instruction, qid, status)` is told of each instruction at its end, and of "plug" and
    "unplug" of a card.
    """

    def __init__(self, injector: Injector, timeline: Timeline | None = None) -> None:
        super().__init__(timeline)
        self.has_faults = True
        self.injector = injector
        self.card_faults = CardFaults(self, injector)
        self.watch: Callable[[str, int, int], None] = _nobody_watches
        self._swaps: dict[int, Rule] = {}  # qid -> a swap that waits for a second reply

    def attach(self, timeline: Timeline) -> None:
        """As `Bus.attach`; faults that have a time are on `timeline` from now on."""
        super().attach(timeline)
        self._swaps.clear()
        self.card_faults.attach(timeline.agenda)

    def plug(self, card: Card) -> None:
        """As `Bus.plug`; the card has faults from now on."""
        card.faults = self.injector
        card.nvram.tear = lambda: self.card_faults.tear(card)
        super().plug(card)
        self.watch("plug", card.adapter << 8, NORMAL)

    def unplug(self, adapter: int) -> Card:
        """As `Bus.unplug`."""
        card = super().unplug(adapter)
        self.watch("unplug", adapter << 8, NORMAL)
        return card

    # Instructions

    def nqap(self, qid: int, job: Job) -> int:
        """As `Bus.nqap`, unless a fault takes its place."""
        rule = self._strikes("nqap", qid, job)
        status = super().nqap(qid, job) if rule is None else self._answered(qid, rule)
        self.watch("nqap", qid, status)
        return status

    def dqap(self, qid: int) -> tuple[int, Job | None]:
        """As `Bus.dqap`, unless a fault takes its place; the reply may have suffered."""
        status, job = self._dequeued(qid)
        self.watch("dqap", qid, status)
        return status, job

    def _dequeued(self, qid: int) -> tuple[int, Job | None]:
        if self.injector.has("dqap"):
            rule = self._strikes("dqap", qid, self._oldest(qid))
            if rule is not None:
                return self._answered(qid, rule), None
        status, job = super().dqap(qid)
        if job is None:
            return status, None
        spoil = job.spoil
        if spoil is None and qid in self._swaps:
            spoil = self._swaps.pop(qid)
        if spoil is not None:
            return self._suffered(job, spoil, status), job
        return status, job

    def tapq(self, qid: int) -> tuple[int, int]:
        """As `Bus.tapq`, unless a fault takes its place; the hardware information stays."""
        status, info = super().tapq(qid)
        rule = self._strikes("tapq", qid, None)
        if rule is not None:
            status = self._answered(qid, rule)
        self.watch("tapq", qid, status)
        return status, info

    def rapq(self, qid: int) -> int:
        """As `Bus.rapq`, unless a fault takes its place."""
        rule = self._strikes("rapq", qid, None)
        status = super().rapq(qid) if rule is None else self._answered(qid, rule)
        self.watch("rapq", qid, status)
        return status

    def zapq(self, qid: int) -> int:
        """As `Bus.zapq`, unless a fault takes its place."""
        rule = self._strikes("zapq", qid, None)
        status = super().zapq(qid) if rule is None else self._answered(qid, rule)
        self.watch("zapq", qid, status)
        return status

    def aqic(self, qid: int, enable: bool) -> int:
        """As `Bus.aqic`, unless a fault takes its place."""
        rule = self._strikes("aqic", qid, None)
        status = super().aqic(qid, enable) if rule is None else self._answered(qid, rule)
        self.watch("aqic", qid, status)
        return status

    def _strikes(self, instruction: str, qid: int, job: Job | None) -> Rule | None:
        injector = self.injector
        if not injector.has(instruction) or qid not in self._queues:
            return None
        now = self._now()
        if job is None:
            rule = injector.strike(instruction, now, qid)
        else:
            asked = (job.function, job.operation, job.client, job.block is not None)
            rule = injector.strike(instruction, now, qid, *asked)
        if rule is not None:
            if job is not None:
                job.fault = rule.name
            injector.noted(now, qid, rule.name, 0)
        return rule

    def _answered(self, qid: int, rule: Rule) -> int:
        """The status word of an instruction that a fault has taken the place of."""
        status = self._queues[qid].status(self._now(), rule.code)
        if rule.asynchronous:
            status |= ASYNCHRONOUS_ERROR
        if rule.code == Q_FULL and rule.instruction == "nqap":
            status |= QUEUE_FULL
        return status

    def _oldest(self, qid: int) -> Job | None:
        """The message whose reply DQAP would hand over."""
        queue = self._queues.get(qid)
        if queue is None or not queue.replies or queue.replies[0].replied > self._now():
            return None
        return queue.replies[0]

    # Replies

    def _suffered(self, job: Job, rule: Rule, status: int) -> int:
        """Have a fault happen to a reply that DQAP has taken from its queue; the status word."""
        queue, now = job.queue, self._now()
        job.spoil = None
        if rule.kind == "swap":
            if not exchange(job, queue.replies):
                self._swaps[queue.qid] = rule  # with the next that is not alone
                return status
            queue.replies[0].fault = rule.name
        elif rule.kind == "duplicate":
            queue.replies.appendleft(copied(job))
            queue.in_hardware += 1
            status = queue.status(now, NORMAL)
        elif rule.kind == "reply-code":
            error_reply(job, rule)
        elif not spoilt(job, rule):
            return status
        job.fault = rule.name
        self.injector.noted(now, queue.qid, rule.name, 0)
        return status

    # Interrupts

    def _deliver_interrupt(self, qid: int) -> None:
        now = self._now()
        rule = self.injector.strike(INTERRUPT, now, qid)
        if rule is None:
            super()._deliver_interrupt(qid)
            return
        self.injector.noted(now, qid, rule.name, 0)
        for job in self._queues[qid].replies:
            if job.replied <= now:
                job.fault = rule.name


def _nobody_watches(_instruction: str, _qid: int, _status: int) -> None:
    """No ledger."""
