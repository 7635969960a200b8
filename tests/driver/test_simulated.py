"""Simulated hosts: exact times, polling, retries, cards that fail, time-outs and resets."""

import errno

import pytest

from ghostcard.driver import apdriver, polling
from ghostcard.driver.apdriver import LOW_POLL_NS, REQUEST_TIMEOUT_NS, SCAN_NS
from ghostcard.driver.errors import DriverError
from ghostcard.driver.queue import State
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.job import DONE, ENQUEUED, NOTIFIED, REPLIED, SUBMITTED, Job
from ghostcard.emulator.profile import Profile
from tests.driver.conftest import REPLY_BYTES, REQUEST_BYTES, SIGN, Stand, block


class Log:
    """Who ended when, and how."""

    def __init__(self, port: SimulatedPort) -> None:
        self.port = port
        self.ended: list[tuple[int, int, int]] = []

    def __call__(self, job: Job) -> None:
        self.ended.append((self.port.timeline.now, job.client, job.outcome))


def sized(client: int = 0, operation: str = "rsa2048-sign", payload: int = 51) -> Job:
    return Job(client, 0, SIGN, operation, payload, REQUEST_BYTES, REPLY_BYTES)


def test_one_request_takes_what_the_arithmetic_says(stand: Stand) -> None:
    port = stand.port()
    log, job = Log(port), sized()
    port.submit(job, stand.targets, log)
    port.timeline.run()
    times = stand.bus.cards[0].lone(0, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
    assert tuple(job.times) == times
    assert log.ended == [(times[DONE], 0, 0)]
    assert port.in_flight == 0


def test_requests_beyond_the_depth_wait_in_the_driver(stand: Stand) -> None:
    port = stand.port()
    log, jobs = Log(port), [sized(n) for n in range(20)]
    for job in jobs:
        port.submit(job, stand.targets, log)
    port.timeline.run(2_000)
    machine = port.driver.machine(0)
    assert (machine.count, len(machine.requests), machine.state) == (8, 12, State.QUEUE_FULL)
    port.timeline.run()
    assert [client for _, client, _ in log.ended] == list(range(20))
    assert max(job.depth for job in jobs) == 8
    assert [job.times[ENQUEUED] == 1_000 for job in jobs] == [True] * 8 + [False] * 12


def test_a_poll_finds_the_reply_at_the_next_tick(stand: Stand) -> None:
    """Without interrupts the reply waits for the poll timer's grid of 250 us."""
    port = stand.port(interrupts=False)
    log, job = Log(port), sized()
    port.submit(job, stand.targets, log)
    port.timeline.run()
    poll, dequeue = 250_000, stand.bus.cards[0].profile.host.dequeue_ns
    tick = -(-job.times[REPLIED] // poll) * poll
    assert job.times[NOTIFIED] == tick
    assert job.times[DONE] == tick + dequeue


@pytest.mark.parametrize("start_ns", range(0, 250_000, 31_337))
def test_polling_adds_at_most_one_period(profile: Profile, start_ns: int) -> None:
    latencies = []
    for interrupts in (True, False):
        stand = Stand(profile)
        port, job = stand.port(interrupts), sized()
        port.timeline.run(start_ns)
        port.submit(job, stand.targets, Log(port))
        port.timeline.run()
        latencies.append(job.times[DONE] - job.times[SUBMITTED])
    interrupt_ns = profile.host.interrupt_ns
    assert -interrupt_ns < latencies[1] - latencies[0] <= 250_000 - interrupt_ns


@pytest.mark.parametrize("interrupts", [True, False])
def test_short_cuts_change_nothing(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, interrupts: bool
) -> None:
    """DQAPs whose answer the last status word tells are left out, and normal operation does without
    the machine's table; with them the records are the same."""

    def records() -> bytes:
        stand = Stand(profile, 2)
        port = stand.port(interrupts)

        def again(job: Job) -> None:
            job.payload_bytes += 1
            if job.payload_bytes % 10:
                port.submit(job, stand.targets, again)

        for n in range(40):
            operation = ("rsa2048-sign", "aes-256-gcm", "query")[n % 3]
            port.submit(sized(n, operation, 10 * n + n % 7), stand.targets, again)
        port.timeline.run()
        return stand.recorder.to_bytes()

    short = records()
    monkeypatch.setattr(polling, "UNKNOWN", 0xFFFFFFFF)
    assert records() == short
    monkeypatch.setattr(apdriver, "POLLED", ())
    assert records() == short


def submitted(stand: Stand, text: str) -> tuple[Job, Log]:
    port = stand.port()
    job, log = Job(function=SIGN), Log(port)
    port.submit(job, stand.targets, log, block(text))
    port.timeline.run()
    assert port.in_flight == 0
    return job, log


def test_a_block_is_executed_and_its_reply_comes_back(stand: Stand) -> None:
    job, log = submitted(stand, "rsa2048-sign 51")
    sizes = (job.request_bytes, job.reply_bytes, job.payload_bytes)
    assert sizes == (REQUEST_BYTES, REPLY_BYTES, 51)
    assert log.ended == [(job.times[DONE], 0, 0)]


def test_ten_attempts_on_two_cards_then_the_end(profile: Profile) -> None:
    stand = Stand(profile, 2)
    job, log = submitted(stand, "refuse 10")
    records = stand.recorder.array()
    assert list(records["outcome"]) == [0x10] * 10
    assert list(records["qid"]) == [0, 256] * 5  # the penalty sends it to the other card
    assert (records["submitted"] == 0).all()
    assert [entry[1:] for entry in log.ended] == [(0, 0x10)]
    assert job.outcome == 0x10


def test_a_request_at_fault_is_not_tried_again(profile: Profile) -> None:
    stand = Stand(profile, 2)
    _, log = submitted(stand, "refuse 82")
    assert [entry[1:] for entry in log.ended] == [(0, 0x82)]
    assert list(stand.recorder.array()["outcome"]) == [0x82]


def test_a_queue_that_babbles_goes_offline(profile: Profile) -> None:
    stand = Stand(profile, 2)
    _, log = submitted(stand, "babble 0")
    assert [stand.dispatcher.queue(qid).usable for qid in stand.targets] == [False, False]
    assert log.ended[-1][2] == DRIVER_OUTCOME + errno.ENODEV
    assert list(stand.recorder.array()["outcome"])[:2] == [DRIVER_OUTCOME + errno.EPROTO] * 2


def test_a_request_too_big_for_the_hardware_is_einval(stand: Stand) -> None:
    port = stand.port()
    job, log = sized(), Log(port)
    job.request_bytes = 61_441
    with pytest.raises(DriverError) as caught:
        port.submit(job, stand.targets, log)
    assert caught.value.code == errno.ENODEV  # no card takes it, AP sheet 4.3
    stand.dispatcher.queue(0).card.max_message_bytes = 1 << 20  # a dispatcher that believes it
    port.submit(job, stand.targets, log)
    port.timeline.run()
    assert log.ended == [(1_000, 0, DRIVER_OUTCOME + errno.EINVAL)]


def test_loads_are_given_back_whatever_the_end(profile: Profile) -> None:
    for text in ("query 0", "refuse 10", "refuse 82", "babble 0"):
        stand = Stand(profile, 2)
        submitted(stand, text)
        for qid in stand.targets:
            queue = stand.dispatcher.queue(qid)
            assert (queue.load, queue.card.load) == (0, 0)


def test_a_card_in_standby_is_found_by_the_scan_and_its_requests_go_elsewhere(
    profile: Profile,
) -> None:
    stand = Stand(profile, 2)
    port = stand.port()
    log, jobs = Log(port), [sized(n) for n in range(6)]
    for job in jobs:
        port.submit(job, stand.targets, log)
    port.timeline.run(100_000)
    stand.bus.cards[0].configure(False)
    port.submit(late := sized(6), (0,), log)  # meets the standby: NQAP answers 03
    port.timeline.run()
    assert sorted(client for _, client, outcome in log.ended if not outcome) == list(range(6))
    moved = [job for job in jobs if job.times[ENQUEUED] >= SCAN_NS]
    assert [job.qid for job in moved] == [256] * 3
    assert (late.outcome, late.times[DONE]) == (DRIVER_OUTCOME + errno.ENODEV, SCAN_NS)


def test_a_card_comes_back(stand: Stand) -> None:
    port = stand.port()
    log = Log(port)
    stand.bus.cards[0].checkstop(True)
    port.submit(sized(0), stand.targets, log)
    port.timeline.run()
    assert log.ended == [(SCAN_NS, 0, DRIVER_OUTCOME + errno.ENODEV)]
    with pytest.raises(DriverError):
        port.submit(sized(1), stand.targets, log)
    stand.bus.cards[0].checkstop(False)
    port.submit(again := sized(2), stand.targets, log)  # the rescan finds it; first it is reset
    port.timeline.run()
    assert log.ended[-1][1:] == (2, 0)
    assert again.times[ENQUEUED] >= SCAN_NS + LOW_POLL_NS


def test_no_queue_left_even_after_a_scan(stand: Stand) -> None:
    port = stand.port()
    stand.dispatcher.queue(0).usable = False
    with pytest.raises(DriverError) as caught:
        port.submit(sized(), stand.targets, Log(port))
    assert caught.value.code == errno.ENODEV
    assert port.in_flight == 0


def test_a_reset_sends_requests_to_another_queue(profile: Profile) -> None:
    stand = Stand(profile, 1, 2)
    port = stand.port()
    log, jobs = Log(port), [sized(n) for n in range(2)]
    for job in jobs:
        port.submit(job, stand.targets, log)
    port.timeline.run(50_000)
    port.driver.reset(1)  # 00.0000 would not be penalised and might be taken again
    port.timeline.run(100_000)
    assert {job.qid for job in jobs} == {0}
    port.timeline.run(LOW_POLL_NS * 4)
    assert sorted(entry[1:] for entry in log.ended) == [(0, 0), (1, 0)]
    assert port.driver.machine(1).state is State.IDLE


def test_a_lost_request_is_sent_again_after_the_timer(stand: Stand) -> None:
    """The card forgets a request: after 900 s the driver resets the queue and sends it anew."""
    port = stand.port()
    log, job = Log(port), sized()
    port.submit(job, stand.targets, log)
    port.timeline.run(50_000)
    card = stand.bus.cards[0]
    card.purge(card.queues[0])  # also switches the interrupt off, as a reset by another would
    port.timeline.run()
    assert log.ended[0][1:] == (0, 0)
    assert job.times[SUBMITTED] == 0
    assert job.times[ENQUEUED] > REQUEST_TIMEOUT_NS


def test_a_purge_by_somebody_else_is_noticed_at_the_next_request(stand: Stand) -> None:
    port = stand.port()
    log = Log(port)
    port.submit(first := sized(0), stand.targets, log)
    port.timeline.run(50_000)
    card = stand.bus.cards[0]
    card.purge(card.queues[0])
    port.timeline.run(60_000)
    port.submit(sized(1), stand.targets, log)
    port.timeline.run()
    assert [client for _, client, _ in log.ended] == [0, 1]
    assert 60_000 < first.times[ENQUEUED] < REQUEST_TIMEOUT_NS
