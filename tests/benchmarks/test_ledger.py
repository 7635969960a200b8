"""The books of a bus notice a message that is lost, or there twice, at the next instruction."""

import errno
from collections.abc import Callable

import pytest

from ghostcard.benchmarks.ledger import Dishonest, Ledger
from ghostcard.driver.shapes import shape
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.faultplan import FaultPlan, Rule
from ghostcard.emulator.faultybus import FaultyBus
from ghostcard.emulator.job import Job
from ghostcard.emulator.queue import CommandQueue
from ghostcard.machine import Machine

PLAN = FaultPlan(
    (
        Rule("lose", "gone", "request", nth=2),
        Rule("duplicate", "twice", "reply", nth=4),
        Rule("reset", "emptied", "card", at_ns=500_000, for_ns=1_000),
        Rule("pull", "away", "card", at_ns=1_500_000, for_ns=1_000),
    )
)


class Stand:
    """A card with faults, a driver, their books, and eight requests of which one has been sent."""

    def __init__(self) -> None:
        machine = Machine.simulation("cex8p", faults=PLAN)
        self.port: SimulatedPort = machine.simulated()
        assert isinstance(machine.bus, FaultyBus)
        self.bus = machine.bus
        self.ledger = Ledger(self.bus, self.port.driver, PLAN)
        self.bus.injector.noted = lambda _at, qid, name, _for: self.ledger.note(qid, name)
        self.ended: list[int] = []
        function, request_bytes, reply_bytes = shape("rsa2048-sign", 51)
        for client in range(8):
            job = Job(client, 0, function, "rsa2048-sign", 51, request_bytes, reply_bytes)
            self.port.submit(job, (0,), lambda job: self.ended.append(job.outcome))
        self.port.timeline.run(100_000)

    @property
    def queue(self) -> CommandQueue:
        return self.bus.cards[0].queues[0]


def test_what_is_lost_sent_twice_reset_and_pulled_is_in_the_books() -> None:
    stand = Stand()
    stand.port.timeline.run()
    assert stand.ended == [0] * 5 + [DRIVER_OUTCOME + errno.ENODEV] * 3
    driver, counted = stand.port.driver, stand.ledger.instructions
    assert (driver.taken, driver.answered + driver.failed, driver.in_flight) == (8, 8, 0)
    assert (counted["plug"], counted["unplug"]) == (1, 1)
    assert counted["nqap"] == counted["dqap"] - 5 == 8


def appears(stand: Stand) -> None:
    stand.queue.in_hardware += 1


def vanishes(stand: Stand) -> None:
    stand.queue.in_hardware -= 1


def is_forgotten(stand: Stand) -> None:
    stand.port.driver.machine(0).pending.popitem()


def is_taken_twice(stand: Stand) -> None:
    stand.port.driver.taken += 1


@pytest.mark.parametrize(
    ("befalls", "told"),
    [
        (appears, "dqap on 0000: 8 in hardware of 8, 7 by the books"),
        (vanishes, "dqap on 0000: 6 in hardware of 8, 7 by the books"),
        (is_forgotten, "dqap on 0000: 8 taken, 0 answered, 0 failed, 7 in flight"),
        (is_taken_twice, "dqap on 0000: 9 taken, 0 answered, 0 failed, 8 in flight"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_books_do_not_agree(befalls: Callable[[Stand], None], told: str) -> None:
    stand = Stand()
    befalls(stand)
    with pytest.raises(Dishonest) as refusal:
        stand.bus.dqap(0)
    assert str(refusal.value) == told
