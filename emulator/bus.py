"""The AP bus: instructions on APQNs, each answering with a status word (AP sheet 1.2, 1.3).

An APQN is named by its qid, `adapter << 8 | domain`. NQAP, DQAP and everything with a delay need a
timeline (`attach`); the function track, `perform`, does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ghostcard.emulator.errors import EmulatorError, TimelineError
from ghostcard.emulator.image import NOT_PERFORMED, WholeImage
from ghostcard.emulator.queue import CommandQueue
from ghostcard.emulator.status import (
    APSC,
    CHECKSTOPPED,
    DECONFIGURED,
    INTERRUPTS_ENABLED,
    MESSAGE_TOO_BIG,
    NO_PENDING_REPLY,
    NORMAL,
    OTHERWISE_CHANGED,
    Q_FULL,
    Q_NOT_AVAIL,
    QCI_APSC,
    QCI_APXA,
    QUEUE_EMPTY,
    QUEUE_FULL,
    REPLIES_WAITING,
    RESET_IN_PROGRESS,
    RESPONSE_CODE_SHIFT,
    qci_block,
)

if TYPE_CHECKING:
    from ghostcard.emulator.card import Card
    from ghostcard.emulator.job import Job
    from ghostcard.emulator.timeline import Timeline

_NO_REPLY: Final = NO_PENDING_REPLY << RESPONSE_CODE_SHIFT
_NO_REPLY_EMPTY: Final = _NO_REPLY | QUEUE_EMPTY
NO_TIMELINE = "NQAP and DQAP need a timeline: call Bus.attach first"


class Bus:
    """The adapters of one machine and the instructions on their queues."""

    def __init__(self, timeline: Timeline | None = None) -> None:
        self.cards: dict[int, Card] = {}
        self._queues: dict[int, CommandQueue] = {}
        self._whole_images: dict[int, WholeImage] = {}
        self._timeline = timeline
        self._agenda = None if timeline is None else timeline.agenda
        self._interrupt_handlers: tuple[Callable[[int], None], ...] = ()
        self._change_handlers: tuple[Callable[[int], None], ...] = ()
        self.has_faults = False  # or may have some: a `FaultyBus`

    # Assembly

    def attach(self, timeline: Timeline) -> None:
        """Let time pass on `timeline` from now on, for every card plugged or to be plugged.

        Queues and stations are empty; handlers of an earlier timeline are forgotten.
        """
        self._timeline = timeline
        self._agenda = timeline.agenda
        self._interrupt_handlers = ()
        self._change_handlers = ()
        for card in self.cards.values():
            card.attach(timeline)

    def plug(self, card: Card) -> None:
        """Add an adapter; `EmulatorError` when its number is taken."""
        if card.adapter in self.cards:
            raise EmulatorError(f"adapter {card.adapter:02x} is plugged already")
        self.cards[card.adapter] = card
        for queue in card.queues.values():
            self._queues[queue.qid] = queue
            if isinstance(card.image, WholeImage):
                self._whole_images[queue.qid] = card.image
        card.deliver_interrupt = self._deliver_interrupt
        if self._timeline is not None:
            card.attach(self._timeline)
        self._tell_of_change(card.adapter)

    def unplug(self, adapter: int) -> Card:
        """Remove an adapter with all it holds; its APQNs answer 01 from now on."""
        card = self.cards.pop(adapter, None)
        if card is None:
            raise EmulatorError(f"adapter {adapter:02x} is not plugged")
        for queue in card.queues.values():
            del self._queues[queue.qid]
            self._whole_images.pop(queue.qid, None)
            card.purge(queue)
        self._tell_of_change(adapter)
        return card

    def on_change(self, handler: Callable[[int], None]) -> None:
        """Call `handler(adapter)` when one is plugged or unplugged: the configuration (QCI) is
        another one."""
        self._change_handlers += (handler,)

    def _tell_of_change(self, adapter: int) -> None:
        for handler in self._change_handlers:
            handler(adapter)

    def on_interrupt(self, handler: Callable[[int], None]) -> None:
        """Call `handler(qid)` at each adapter interrupt, `host.interrupt_ns` after a reply came.

        Only queues with the I bit interrupt. An interrupt on its way covers every reply that is
        there when it comes.
        """
        self._interrupt_handlers += (handler,)

    def _deliver_interrupt(self, qid: int) -> None:
        for handler in self._interrupt_handlers:
            handler(qid)

    # Instructions

    def nqap(self, qid: int, job: Job) -> int:
        """Enqueue a message: 00 accepted, 10 queue full, 15 too big, 01..04 not available."""
        queue = self._queues.get(qid)
        if queue is None:
            return Q_NOT_AVAIL << RESPONSE_CODE_SHIFT
        agenda = self._agenda
        if agenda is None:
            raise TimelineError(NO_TIMELINE)
        now = agenda.now
        if now < queue.available_from:
            return queue.status(now, _availability(queue, now))
        in_hardware = queue.in_hardware
        if in_hardware >= queue.depth:
            return queue.status(now, Q_FULL)
        if job.request_bytes > queue.max_message_bytes:
            return queue.status(now, MESSAGE_TOO_BIG)
        queue.in_hardware = job.depth = in_hardware = in_hardware + 1
        job.queue = queue
        queue.stations.accept(job, now)
        # `queue.status`, of which NQAP and DQAP know half, without the call
        status = QUEUE_FULL if in_hardware >= queue.depth else 0
        replies = queue.replies
        if replies and replies[0].replied <= now:
            status |= REPLIES_WAITING
        if queue.interrupts_from <= now < queue.interrupts_until:
            status |= INTERRUPTS_ENABLED
        return status

    def dqap(self, qid: int) -> tuple[int, Job | None]:
        """Dequeue the oldest reply: 00 and its job, or 10, there is none, and None.

        At 10 the E bit says whether one may still come.
        """
        queue = self._queues.get(qid)
        if queue is None:
            return Q_NOT_AVAIL << RESPONSE_CODE_SHIFT, None
        agenda = self._agenda
        if agenda is None:
            raise TimelineError(NO_TIMELINE)
        now = agenda.now
        if now < queue.available_from:
            return queue.status(now, _availability(queue, now)), None
        replies = queue.replies
        if replies and replies[0].replied <= now:
            job = replies.popleft()
            queue.in_hardware = in_hardware = queue.in_hardware - 1
            waiting = replies and replies[0].replied <= now
            status = REPLIES_WAITING if waiting else 0 if in_hardware else QUEUE_EMPTY
        else:
            job, in_hardware = None, queue.in_hardware
            status = _NO_REPLY if in_hardware else _NO_REPLY_EMPTY
            if in_hardware >= queue.depth:
                status |= QUEUE_FULL
        if queue.interrupts_from <= now < queue.interrupts_until:
            status |= INTERRUPTS_ENABLED
        return status, job

    def tapq(self, qid: int) -> tuple[int, int]:
        """Test a queue: status word and 64-bit hardware information (0 if there is no such
        APQN)."""
        queue = self._queues.get(qid)
        if queue is None:
            return Q_NOT_AVAIL << RESPONSE_CODE_SHIFT, 0
        now = self._now()
        return queue.status(now, _availability(queue, now)), queue.card.hardware_info

    def rapq(self, qid: int) -> int:
        """Reset a queue: purge it, disable its interrupts.

        Asynchronous: it answers 02 until `queue.reset_ns` have passed.
        """
        return self._reset(qid, zeroize=False)

    def zapq(self, qid: int) -> int:
        """Reset a queue as RAPQ does and have the image forget the domain's secrets."""
        return self._reset(qid, zeroize=True)

    def _reset(self, qid: int, zeroize: bool) -> int:
        queue = self._queues.get(qid)
        if queue is None:
            return Q_NOT_AVAIL << RESPONSE_CODE_SHIFT
        now = self._now()
        code = _availability(queue, now)
        if code == NORMAL:
            queue.card.purge(queue)
            if self._agenda is not None:  # without time the reset is over at once
                queue.available_from = now + queue.card.profile.queue.reset_ns
            if zeroize:
                queue.card.image.zeroize(queue.domain)
        return queue.status(now, code)

    def aqic(self, qid: int, enable: bool) -> int:
        """Enable or disable a queue's interrupts; 07 when that was requested before.

        Asynchronous: the I bit follows `queue.interrupt_enable_ns` later.
        """
        queue = self._queues.get(qid)
        if queue is None:
            return Q_NOT_AVAIL << RESPONSE_CODE_SHIFT
        now = self._now()
        code = _availability(queue, now)
        if code == NORMAL:
            if queue.interrupts_requested() == enable:
                code = OTHERWISE_CHANGED
            else:
                queue.request_interrupts(enable, now + queue.card.profile.queue.interrupt_enable_ns)
        return queue.status(now, code)

    def qci(self) -> bytes:
        """The 128-byte configuration block (AP sheet 1.5)."""
        cards = self.cards.values()
        flags = QCI_APXA
        if any(card.image.facilities & APSC for card in cards):
            flags |= QCI_APSC
        highest = max((card.profile.queue.domains for card in cards), default=1) - 1
        domains = {domain for card in cards for domain in card.domains}
        return qci_block(flags, highest, self.cards, domains)

    # The function track

    def perform(self, qid: int, block: bytes) -> tuple[int, bytes, str, int]:
        """Execute a request block at once: (response code, reply block, operation, payload bytes).

        A code other than 00 (01, 02, 03, 04, 15) means that no image has seen the block; then the
        rest is empty. Takes no lock; any number of threads may be in here.
        """
        queue = self._queues.get(qid)
        if queue is None:
            return Q_NOT_AVAIL, b"", "", 0
        if queue.available_from:
            code = _availability(queue, self._now())
            if code != NORMAL:
                return code, b"", "", 0
        card = queue.card
        if len(block) > queue.max_message_bytes:
            return MESSAGE_TOO_BIG, b"", "", 0
        reply, operation, payload_bytes = card.image.perform(queue.domain, block)
        return NORMAL, reply, operation, payload_bytes

    def perform_whole(
        self,
        qid: int,
        function: int,
        mechanism: bytes,
        key: bytes,
        data: memoryview,
        out: memoryview,
    ) -> int:
        """Execute a whole operation at once, with more data than a message holds: the bytes written
        to `out`, or NOT_PERFORMED (see `WholeImage`).

        It exists on the function track alone: no message is made and no time passes. Who asks for
        it accounts for the requests that it would have taken.
        """
        queue, image = self._queues.get(qid), self._whole_images.get(qid)
        if queue is None or image is None or _availability(queue, self._now()) != NORMAL:
            return NOT_PERFORMED
        return image.perform_whole(queue.domain, function, mechanism, key, data, out)

    # Time and state

    def _now(self) -> int:
        return 0 if self._agenda is None else self._agenda.now


def _availability(queue: CommandQueue, now: int) -> int:
    """Why an existing queue does not serve at `now`; 00 when it does."""
    if queue.card.checkstopped:
        return CHECKSTOPPED
    if not queue.card.configured:
        return DECONFIGURED
    return RESET_IN_PROGRESS if now < queue.available_from else NORMAL
