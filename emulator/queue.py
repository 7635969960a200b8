"""The command queue of one APQN: what it holds, when it answers, whether it may interrupt."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ghostcard.emulator.agenda import LightEvent
from ghostcard.emulator.status import (
    INTERRUPTS_ENABLED,
    QUEUE_EMPTY,
    QUEUE_FULL,
    REPLIES_WAITING,
    RESPONSE_CODE_SHIFT,
)

if TYPE_CHECKING:
    from ghostcard.emulator.card import Card
    from ghostcard.emulator.job import Job

NEVER: Final = (1 << 62) - 1  # ns that no simulation reaches, 146 years: mypyc's largest plain int


class Intake:
    """What messages are handed to, once they are in hardware: the stations of a card."""

    __slots__ = ()

    def accept(self, job: Job, now: int) -> None:
        """Take a message that NQAP has admitted at `now` to `job.queue`."""
        raise NotImplementedError


class Interrupt(LightEvent):
    """The light event by which a queue interrupts the host; scheduled again and again."""

    __slots__ = ("queue",)

    def __init__(self, queue: CommandQueue) -> None:
        super().__init__()
        self.queue = queue


class CommandQueue:
    """Up to `depth` messages "in hardware": accepted by NQAP, not yet handed back by DQAP.

    Whatever changes by the mere passing of time is kept as the time at which it changes, so that it
    costs no event: `available_from` (end of a reset; NEVER while the card is out of service),
    `interrupts_from` and `interrupts_until` (the I bit), and the reply time of each job of
    `replies`, which is in order of that time.
    """

    __slots__ = (
        "available_from",
        "card",
        "collect_until",
        "collected",
        "depth",
        "domain",
        "in_hardware",
        "interrupt",
        "interrupt_due",
        "interrupts_from",
        "interrupts_until",
        "max_message_bytes",
        "qid",
        "replies",
        "resets",
        "stations",
    )

    def __init__(self, card: Card, domain: int, depth: int) -> None:
        self.card = card
        self.domain = domain
        self.stations: Intake  # the card's; set when time is attached
        self.qid = card.adapter << 8 | domain
        self.depth = depth
        self.max_message_bytes = card.profile.queue.max_message_bytes
        self.in_hardware = 0
        self.replies: deque[Job] = deque()
        self.available_from = 0
        self.resets = 0  # times it was emptied
        self.interrupts_from = NEVER
        self.interrupts_until = NEVER
        self.interrupt_due = -1
        self.collect_until = -1  # until then replies count towards the interrupt that is due,
        self.collected = 0  # and so many have
        self.interrupt = Interrupt(self)

    def status(self, now: int, code: int) -> int:
        """The status word (AP sheet 1.3) of an instruction that ends at `now` with `code`."""
        status = code << RESPONSE_CODE_SHIFT
        in_hardware = self.in_hardware
        if not in_hardware:
            status |= QUEUE_EMPTY
        elif in_hardware >= self.depth:
            status |= QUEUE_FULL
        replies = self.replies
        if replies and replies[0].replied <= now:
            status |= REPLIES_WAITING
        if self.interrupts_from <= now < self.interrupts_until:
            status |= INTERRUPTS_ENABLED
        return status

    def interrupts_enabled(self, now: int) -> bool:
        """The I bit at the time `now`."""
        return self.interrupts_from <= now < self.interrupts_until

    def interrupts_requested(self) -> bool:
        """The state AQIC last asked for; the I bit follows it after a while."""
        return self.interrupts_from != NEVER and self.interrupts_until == NEVER

    def request_interrupts(self, enable: bool, from_ns: int) -> None:
        """Let the I bit become `enable` at `from_ns`."""
        if enable:
            self.interrupts_from, self.interrupts_until = from_ns, NEVER
        else:
            self.interrupts_until = from_ns

    def put_back(self, job: Job) -> None:
        """A reply that the host's buffer could not hold is the oldest again (AP sheet 1.2)."""
        self.replies.appendleft(job)
        self.in_hardware += 1

    def clear(self) -> None:
        """Forget every message and disable interrupts at once, as a reset does."""
        self.resets += 1
        self.in_hardware = 0
        self.replies.clear()
        self.interrupts_from = self.interrupts_until = NEVER
        self.interrupt_due = self.collect_until = -1
