"""The books of a bus: at the end of each instruction nothing has been lost and nothing has come by.

Of each queue, messages accepted are replies handed over, messages that a fault or a reset took away
and messages in hardware; of the driver, jobs taken are jobs answered, failed and in flight.
"""

from collections import Counter

from ghostcard.driver.apdriver import ApDriver
from ghostcard.emulator.faultplan import FaultPlan
from ghostcard.emulator.faultybus import FaultyBus
from ghostcard.emulator.queue import CommandQueue

_ACCEPTED_OR_HANDED_OVER = {"nqap": 1, "dqap": -1}
_COME_AND_GONE = {"lose": -1, "duplicate": 1}
_CODE_AND_ERROR = 0x02FF0000  # of a status word: nothing of it means that it was executed


class Dishonest(Exception):
    """A promise was not kept; the message says which."""


class Ledger:
    """Watches a bus and the driver on it; `Dishonest` at an instruction after which they differ."""

    def __init__(self, bus: FaultyBus, driver: ApDriver, plan: FaultPlan) -> None:
        self.instructions: Counter[str] = Counter()
        self._driver = driver
        self._kinds = {rule.name: rule.kind for rule in plan.rules}
        queues = [queue for card in bus.cards.values() for queue in card.queues.values()]
        self._pages = {queue.qid: _Page(queue) for queue in queues}
        bus.watch = self._watch

    def note(self, qid: int, fault: str) -> None:
        """A fault has happened, of which one or the other is a message more or less."""
        change = _COME_AND_GONE.get(self._kinds[fault])
        if change is not None:
            self._pages[qid].add(change)

    def _watch(self, instruction: str, qid: int, status: int) -> None:
        self.instructions[instruction] += 1
        page = self._pages[qid]
        change = _ACCEPTED_OR_HANDED_OVER.get(instruction)
        page.add(change if change is not None and not status & _CODE_AND_ERROR else 0)
        if not page.held == page.queue.in_hardware <= page.queue.depth:
            raise Dishonest(f"{instruction} on {qid:04x}: {page}")
        driver = self._driver
        in_flight = driver.in_flight
        if driver.taken != driver.answered + driver.failed + in_flight:
            raise Dishonest(
                f"{instruction} on {qid:04x}: {driver.taken} taken, {driver.answered} answered, "
                f"{driver.failed} failed, {in_flight} in flight"
            )


class _Page:
    """How many messages a queue must hold, from what came and went."""

    def __init__(self, queue: CommandQueue) -> None:
        self.queue = queue
        self.held = 0
        self._resets = queue.resets

    def add(self, change: int) -> None:
        """So many came; what there was before a reset is gone."""
        if self._resets != self.queue.resets:
            self._resets = self.queue.resets
            self.held = 0
        self.held += change

    def __str__(self) -> str:
        queue = self.queue
        return f"{queue.in_hardware} in hardware of {queue.depth}, {self.held} by the books"
