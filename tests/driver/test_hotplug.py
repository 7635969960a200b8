"""Cards and queues that come, go, and are switched off while requests are under way."""

import errno

import pytest

from ghostcard.driver.queue import Device, State
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.driver.triage import ADMIN, DRIVER_OUTCOME
from ghostcard.emulator.card import Card
from ghostcard.emulator.faultplan import FaultPlan, Rule
from ghostcard.emulator.faultybus import FaultyBus
from ghostcard.emulator.job import Job
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.randomness import RandomSource
from ghostcard.machine import Machine
from tests.driver.conftest import REPLY_BYTES, REQUEST_BYTES, SIGN, Stand, WordyImage, block


class Loop:
    """Clients that ask again as soon as they are told, ``times`` times each."""

    def __init__(self, port: SimulatedPort, targets: tuple[int, ...], times: int) -> None:
        self.port, self.targets, self.times = port, targets, times
        self.outcomes: list[int] = []
        self.served: list[tuple[int, int]] = []  # (time, adapter)

    def start(self, clients: int) -> None:
        for client in range(clients):
            job = Job(client, 0, SIGN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
            self.port.submit(job, self.targets, self)

    def __call__(self, job: Job) -> None:
        self.outcomes.append(job.outcome)
        self.served.append((self.port.timeline.now, job.qid >> 8))
        job.outcome = 0
        if len(self.outcomes) < self.times:
            self.port.submit(job, self.targets, self)


def card(profile: Profile, adapter: int, domains: tuple[int, ...] = (0,)) -> Card:
    return Card(adapter, profile, WordyImage(), Nvram(), RandomSource(adapter), domains)


def test_a_card_is_pulled_and_put_back_while_requests_are_under_way(profile: Profile) -> None:
    """Nobody sees an error, since another card serves; the card put back takes its part again."""
    stand = Stand(profile, 2)
    port = stand.port()
    loop = Loop(port, stand.targets, 400)
    loop.start(12)
    port.timeline.run(1_000_000)
    pulled = stand.bus.unplug(0)
    port.timeline.run(3_000_000)
    assert port.driver.qids == [0x100]
    away = {adapter for at, adapter in loop.served if at > 1_100_000}
    stand.bus.plug(pulled)
    port.timeline.run()
    assert port.driver.qids == [0, 0x100]
    assert away == {1}
    assert {adapter for at, adapter in loop.served if at > 200_000_000} <= {0, 1}
    assert set(loop.outcomes) == {0}
    assert len(loop.outcomes) == 400 + 11  # all that was submitted has ended, once
    assert all(port.dispatched(qid).load == 0 for qid in stand.targets)


def test_a_card_that_is_replaced_between_two_looks_loses_what_it_had(profile: Profile) -> None:
    """Pulled and put back at one instant: its requests are sent again, none is forgotten."""
    stand = Stand(profile, 1)
    port = stand.port()
    loop = Loop(port, stand.targets, 3)
    loop.start(3)
    port.timeline.run(50_000)
    stand.bus.unplug(0)
    stand.bus.plug(card(profile, 0))
    port.timeline.run()
    assert loop.outcomes == [0] * 5
    assert port.dispatched(0).load == 0


def test_the_last_card_is_pulled(profile: Profile, stand: Stand) -> None:
    port = stand.port()
    loop = Loop(port, stand.targets, 1)
    loop.start(2)
    port.timeline.run(50_000)
    stand.bus.unplug(0)
    port.timeline.run()
    assert loop.outcomes == [DRIVER_OUTCOME + errno.ENODEV] * 2
    assert (port.driver.qids, port.in_flight) == ([], 0)
    stand.bus.plug(card(profile, 0))
    again = Loop(port, stand.targets, 1)
    again.start(1)  # the submission itself finds it, if the scan has not
    port.timeline.run()
    assert again.outcomes == [0]


def test_a_new_card_with_more_domains(profile: Profile) -> None:
    stand = Stand(profile, 1)
    port = stand.port()
    stand.bus.plug(card(profile, 5, (0, 7)))
    port.timeline.run()
    assert port.driver.qids == [0, 0x500, 0x507]
    machines = [port.driver.machine(qid) for qid in (0x500, 0x507)]
    assert [(m.device, m.state) for m in machines] == [(Device.OPERATING, State.IDLE)] * 2
    loop = Loop(port, (0x507,), 1)
    loop.start(1)
    port.timeline.run()
    assert loop.outcomes == [0]


def test_a_queue_that_goes_offline_gives_its_requests_away(profile: Profile) -> None:
    stand = Stand(profile, 2)
    port = stand.port()
    loop = Loop(port, stand.targets, 6)
    loop.start(6)
    port.timeline.run(50_000)
    port.switch(0x100, False)
    port.timeline.run(2_000_000)
    assert loop.outcomes == [0] * 11
    assert {adapter for _, adapter in loop.served} == {0}
    port.switch(0x100, True)
    port.timeline.run()
    port.submit(job := Job(0, 0, SIGN, "query", 0, 200, 200), (0x100,), Loop(port, (), 0))
    port.timeline.run()
    assert (job.qid, job.outcome) == (0x100, 0)


def test_late_replies_of_a_queue_that_went_offline_are_nobodys(profile: Profile) -> None:
    """AP sheet 1.7: flushed, not reset; and whoever was told may ask again meanwhile."""
    stand = Stand(profile, 2)
    port = stand.port()
    first = Job(0, 0, SIGN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
    ended: list[Job] = []
    port.submit(first, (0x100,), ended.append)
    port.timeline.run(50_000)
    port.switch(0x100, False)
    assert [job.outcome for job in ended] == [DRIVER_OUTCOME + errno.ENODEV]
    assert ended[0] is not first
    ended[0].outcome = 0
    port.submit(ended[0], (0,), ended.append)
    machine, queue = port.driver.machine(0x100), stand.bus.cards[1].queues[0]
    assert (machine.load, machine.count, queue.in_hardware, queue.resets) == (0, 1, 1, 1)
    port.timeline.run(5_000_000)
    assert [job.outcome for job in ended] == [0, 0]
    assert (machine.unassociated, machine.count, queue.in_hardware, queue.resets) == (1, 0, 0, 1)
    assert machine.state is State.IDLE
    port.switch(0x100, True)
    port.submit(ended[1], (0x100,), ended.append)
    port.timeline.run()
    assert [job.outcome for job in ended] == [0, 0, 0]


def test_an_administrative_request_is_tried_once(profile: Profile) -> None:
    stand = Stand(profile, 2)
    port = stand.port()
    job, told = Job(function=ADMIN), Loop(port, (), 0)
    port.submit(job, stand.targets, told, block("refuse 10"))
    port.timeline.run()
    assert list(stand.recorder.array()["outcome"]) == [0x10]
    flushed = Job(0, 0, ADMIN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
    port.submit(flushed, (1 << 8,), told)
    port.timeline.run(port.timeline.now + 50_000)
    port.switch(0x100, False)
    port.timeline.run()
    assert told.outcomes == [0x10, DRIVER_OUTCOME + errno.EIO]


def test_the_poll_thread_sees_a_reply_at_once(profile: Profile) -> None:
    ends = []
    for poll_thread in (False, True):
        stand = Stand(profile)
        port = stand.port(interrupts=False)
        port.driver.poll_thread = poll_thread
        job = Job(0, 0, SIGN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
        port.submit(job, stand.targets, Loop(port, (), 0))
        port.timeline.run()
        ends.append(job.done - job.replied)
    dequeue_ns = profile.host.dequeue_ns
    assert ends[1] <= 2 * dequeue_ns < ends[0]


@pytest.mark.parametrize("period_ns", [100_000, 1_500_000])
def test_the_period_of_the_poll_timer_can_change(stand: Stand, period_ns: int) -> None:
    port = stand.port(interrupts=False)
    port.driver.poll_ns = period_ns
    job = Job(0, 0, SIGN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
    port.submit(job, stand.targets, Loop(port, (), 0))
    port.timeline.run()
    assert job.notified == -(-job.replied // period_ns) * period_ns


@pytest.mark.parametrize("zapq_answers", [0, 2])
def test_a_queue_that_is_no_more_is_emptied_and_may_interrupt_once_more(zapq_answers: int) -> None:
    """TAPQ says for a while that there is no such queue, of which a reply is about to come."""
    rules = [Rule("response", "gone", "instruction", instruction="tapq", code=1, times=9)]
    if zapq_answers:
        rules.append(Rule("response", "no", "instruction", instruction="zapq", code=zapq_answers))
    machine = Machine.simulation("cex8p", faults=FaultPlan(tuple(rules)))
    port, seen = machine.simulated(), list[str]()
    assert isinstance(machine.bus, FaultyBus)
    machine.bus.watch = lambda instruction, _qid, _status: seen.append(instruction)
    job, told = Job(0, 0, SIGN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES), Loop(port, (), 0)
    port.submit(job, (0,), told)
    port.timeline.run(50_000)
    port.driver.scan()
    assert seen[:3] == ["nqap", "tapq", "zapq"]
    assert machine.bus.cards[0].queues[0].in_hardware == bool(zapq_answers)
    port.timeline.run()
    assert told.outcomes == [DRIVER_OUTCOME + errno.ENODEV]
    assert port.in_flight == 0


def test_what_stays_in_hardware_does_not_come_between() -> None:
    """A queue fails and cannot be reset: its message is served elsewhere all the same."""
    machine = Machine.simulation(
        "cex8p",
        cards=2,
        faults=FaultPlan(
            (
                Rule("response", "a", "instruction", instruction="dqap", code=4, card=0, nth=1),
                Rule("response", "b", "instruction", instruction="rapq", code=3, card=0),
            )
        ),
    )
    port, ended = machine.simulated(), list[Job]()
    slow = Job(0, 0, SIGN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
    quick = Job(1, 0, SIGN, "query", 0, REQUEST_BYTES, REPLY_BYTES)
    port.submit(slow, (0, 0x100), ended.append)
    port.submit(quick, (0,), ended.append)
    port.timeline.run(50_000)
    assert port.driver.machine(0).device is Device.ERROR
    port.driver.scan()
    assert machine.bus.cards[0].queues[0].in_hardware == 1
    port.timeline.run(10_000_000)
    assert [(job.client, job.outcome, job.qid) for job in ended] == [
        (1, DRIVER_OUTCOME + errno.ENODEV, 0),
        (0, 0, 0x100),
    ]
    assert port.in_flight == 0
    assert slow not in ended
