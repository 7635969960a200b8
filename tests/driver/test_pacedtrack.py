"""Paced mode: no call returns before its time, and all else is as simulated, however busy the host.

What is asserted holds at any speed of the host; how punctual it is, is counted, and the count is
what is tested.
"""

import threading
import time
from typing import Any

import pytest

from ghostcard.driver.errors import DriverError
from ghostcard.driver.native import NativePort
from ghostcard.driver.timing import PACED, Timing
from ghostcard.emulator.job import Job
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.record import STAGES, Recorder
from tests.driver.conftest import SIGN, Stand, block, in_threads
from tests.driver.test_asynctrack import signer

DILATION = 20
SLOW, FAST = "rsa2048-sign 51", "query 0"


def paced(stand: Stand, dilation: float = DILATION) -> NativePort:
    timing = Timing(clock=PACED, dilation=dilation)
    return NativePort(stand.bus, stand.recorder, timing=timing)


class Timed:
    """What calls took on the wall, in order of their return, by thread."""

    def __init__(self, port: NativePort, stand: Stand) -> None:
        self.walls: dict[int, list[int]] = {}
        self._port, self._stand = port, stand

    def call(self, text: str = SLOW) -> None:
        began_ns = time.monotonic_ns()
        self._port.call(SIGN, block(text), self._stand.targets)
        wall_ns = time.monotonic_ns() - began_ns
        self.walls.setdefault(self._port.caller(), []).append(wall_ns)


def by_client(recorder: Recorder) -> dict[int, list[int]]:
    """Latencies on the cards, by client, in order."""
    found: dict[int, list[int]] = {}
    records = recorder.array()
    rows = zip(*[records[name].tolist() for name in ("client", "submitted", "done")], strict=True)
    for client, submitted, done in sorted(rows):
        found.setdefault(client, []).append(done - submitted)
    return found


def again(profile: Profile, recorder: Recorder, cards: int = 1) -> list[Any]:
    """The times of the same requests, submitted at the same times by simulated clients."""
    stand = Stand(profile, cards)
    port, records = stand.port(), recorder.array()
    for row in sorted(records, key=lambda row: int(row["submitted"])):
        job = Job(int(row["client"]), 0, SIGN, "rsa2048-sign", 51)
        job.request_bytes, job.reply_bytes = int(row["request_bytes"]), int(row["reply_bytes"])
        port.timeline.advance(int(row["submitted"]), 2)
        port.timeline.agenda.now = int(row["submitted"])
        port.submit(job, stand.targets, lambda _: None)
    port.timeline.run()
    return times(stand.recorder)


def times(recorder: Recorder) -> list[Any]:
    records = recorder.array()
    columns = [records[name].tolist() for name in ("client", "qid", *STAGES)]
    return sorted(zip(*columns, strict=True))


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("dilation", [1, DILATION, 0.5])
def test_no_call_returns_before_its_time(profile: Profile, threads: int, dilation: float) -> None:
    stand = Stand(profile)
    port = paced(stand, dilation)
    timed = Timed(port, stand)

    def body(_: int) -> None:
        for _ in range(12):
            timed.call()

    in_threads(port, threads, body)
    simulated = by_client(stand.recorder)
    assert sorted(simulated) == sorted(timed.walls) == list(range(threads))
    for client, walls in timed.walls.items():
        assert all(
            wall >= dilation * latency
            for wall, latency in zip(walls, simulated[client], strict=True)
        )
    assert times(stand.recorder) == again(profile, stand.recorder)


def test_one_thread_takes_what_an_idle_card_does(profile: Profile) -> None:
    stand = Stand(profile)
    timed = Timed(paced(stand), stand)
    for _ in range(10):
        timed.call()
    lone = stand.bus.cards[0].lone(0, "rsa2048-sign", 51, 400, 300)[-1]
    assert by_client(stand.recorder) == {0: [lone] * 10}


def test_lateness_is_counted(profile: Profile) -> None:
    """The wall's time beyond the cards' is at least what was counted: the rest is the call's."""
    stand = Stand(profile)
    port = paced(stand)
    timed = Timed(port, stand)
    for _ in range(40):
        timed.call()
    over = [
        wall - DILATION * latency
        for wall, latency in zip(timed.walls[0], by_client(stand.recorder)[0], strict=True)
    ]
    pace = port.pace
    assert pace is not None
    assert pace.calls == 40
    assert pace.late <= sum(each > 20_000 for each in over)
    assert pace.lateness_ns <= sum(over)
    assert pace.worst_ns <= max(over)
    assert pace.is_valid == (pace.late <= 0)


def slow_down(stand: Stand, seconds: float) -> None:
    """The function track takes its time."""
    image = stand.image()
    perform = image.perform

    def slowly(domain: int, data: bytes) -> tuple[bytes, str, int]:
        time.sleep(seconds)
        return perform(domain, data)

    image.perform = slowly  # type: ignore[assignment, method-assign]


def test_what_takes_longer_than_on_the_cards_is_late_and_a_dilation_is_proposed(
    profile: Profile,
) -> None:
    """5 ms of work for 335 us on the cards: it takes a dilation of 15."""
    stand = Stand(profile)
    slow_down(stand, 0.005)
    port = paced(stand, 2)
    timed = Timed(port, stand)
    for _ in range(10):
        timed.call()
    pace = port.pace
    assert pace is not None
    assert (pace.calls, pace.late, pace.woken_late, pace.is_valid) == (10, 10, 0, False)
    assert pace.worst_ns >= 4_000_000
    assert pace.would_do is not None
    assert pace.would_do >= 15


def test_the_request_is_under_way_before_it_is_executed(profile: Profile) -> None:
    """So the records are those of a host that computes nothing."""
    stand = Stand(profile)
    port, entered_ns = paced(stand), list[int]()
    perform = stand.image().perform

    def noted(domain: int, data: bytes) -> tuple[bytes, str, int]:
        entered_ns.append(time.monotonic_ns())
        time.sleep(0.003)  # of 6.7 ms
        return perform(domain, data)

    stand.image().perform = noted  # type: ignore[assignment, method-assign]
    timed = Timed(port, stand)
    began_ns = time.monotonic_ns()  # no later than the cards' clock does
    for _ in range(5):
        timed.call()
    submitted = stand.recorder.array()["submitted"].tolist()
    assert submitted[0] == 0
    for at_ns, executed_ns in zip(submitted, entered_ns, strict=True):
        assert at_ns * DILATION <= executed_ns - began_ns + DILATION
    assert len(set(by_client(stand.recorder)[0])) == 1


def test_an_unknown_request_stops_the_machine_until_it_is_known(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand)
    timed = Timed(port, stand)
    timed.call(SLOW)
    perform, has_begun, may_end = stand.image().perform, threading.Event(), threading.Event()

    def first_of_its_kind(domain: int, data: bytes) -> tuple[bytes, str, int]:
        if data.startswith(b"query"):
            has_begun.set()
            may_end.wait()
        return perform(domain, data)

    stand.image().perform = first_of_its_kind  # type: ignore[assignment, method-assign]
    other = threading.Thread(target=lambda: port.call(SIGN, lambda _: b"query 0".ljust(420), (0,)))
    mine = threading.Thread(target=timed.call)
    other.start()
    has_begun.wait()
    time.sleep(0.01)
    mine.start()
    time.sleep(0.03)
    assert mine.is_alive()  # 6.7 ms are long over
    may_end.set()
    mine.join()
    other.join()
    assert port.pace is not None
    assert port.pace.late >= 1
    _, queried, signed = sorted(stand.recorder.array()["submitted"].tolist())
    assert signed - queried >= 10_000_000 // DILATION


def test_what_was_taken_for_another_is_put_right_if_its_time_has_not_come(
    profile: Profile,
) -> None:
    """Both look alike: one function, one length. Nobody has taken the machine on meanwhile."""
    stand = Stand(profile)
    port = paced(stand)
    timed = Timed(port, stand)
    for text in (FAST, SLOW, FAST, FAST, SLOW):
        timed.call(text)
    card = stand.bus.cards[0]
    fast = card.lone(0, "query", 0, 400, 300)[-1]
    slow = card.lone(0, "rsa2048-sign", 51, 400, 300)[-1]
    assert by_client(stand.recorder) == {0: [fast, slow, fast, fast, slow]}
    assert port.pace is not None
    assert port.pace.misjudged == 0


def test_what_was_taken_for_another_for_too_long_is_counted(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand)
    timed = Timed(port, stand)
    timed.call(FAST)
    ticket = port.begin(signer(port, stand))[1]
    perform = stand.image().perform

    def slowly(domain: int, data: bytes) -> tuple[bytes, str, int]:
        time.sleep(0.01)
        port.is_done(ticket)  # takes the machine on
        return perform(domain, data)

    stand.image().perform = slowly  # type: ignore[assignment, method-assign]
    for _ in range(3):
        timed.call(SLOW)  # known from the second on
    pace = port.pace
    assert pace is not None
    assert (pace.calls, pace.misjudged, pace.is_valid) == (4, 1, False)


def test_a_refused_request_is_no_arrival_that_others_wait_for(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand)
    port.withdraw(0, is_away=True)
    with pytest.raises(DriverError, match="no queue is available"):
        port.call(SIGN, block(SLOW), stand.targets)
    port.withdraw(0, is_away=False)
    Timed(port, stand).call()
    assert len(stand.recorder.array()) == 1


# Asynchronous calls


def await_waiter(port: NativePort) -> None:
    while not port.waiting:
        time.sleep(0.001)


def test_tickets_are_under_way_together(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand)
    action = signer(port, stand)
    began_ns = time.monotonic_ns()
    left = {port.begin(action)[1] for _ in range(8)}
    while left:
        ticket = port.wait(tuple(left))
        assert ticket is not None
        left.remove(ticket)
    wall_ns = time.monotonic_ns() - began_ns
    records = stand.recorder.array()
    assert len(records) == 8
    assert wall_ns >= DILATION * int(records["done"].max() - records["submitted"].min())
    assert times(stand.recorder) == again(profile, stand.recorder)


def test_to_poll_takes_no_time_of_the_cards(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand)
    began_ns = time.monotonic_ns()
    ticket = port.begin(signer(port, stand))[1]
    polls = 0
    while not port.is_done(ticket):
        polls += 1
        time.sleep(0.0005)
    assert time.monotonic_ns() - began_ns >= DILATION * by_client(stand.recorder)[0][0]
    assert polls


def test_a_wait_ends_at_its_time(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand, 1500)  # 0.5 s
    ticket = port.begin(signer(port, stand))[1]
    began_ns = time.monotonic_ns()
    assert port.wait((ticket,), timeout_ns=50_000) is None
    assert time.monotonic_ns() - began_ns >= 1500 * 50_000
    assert port.wait((ticket,), wall_s=0.0001) is None
    assert port.wait((ticket,)) is ticket
    assert port.wait((ticket,)) is ticket
    assert port.wait(()) is None


def test_who_waits_for_what_is_abandoned_is_told(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand, 10_000)  # 3 s, if nobody abandons it
    ticket = port.begin(signer(port, stand))[1]
    found: list[object] = []
    waiter = threading.Thread(target=lambda: found.append(port.wait((ticket,))))
    waiter.start()
    await_waiter(port)
    port.abandon(ticket)
    waiter.join()
    assert found == [None]


def test_an_action_that_fails_has_taken_its_time(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand)

    def action() -> None:
        port.call(SIGN, block(SLOW), stand.targets)
        raise KeyError

    began_ns = time.monotonic_ns()
    with pytest.raises(KeyError):
        port.begin(action)
    assert time.monotonic_ns() - began_ns >= DILATION * by_client(stand.recorder)[0][0]


def test_who_waits_for_one_waits_for_another_that_accompanies_it(profile: Profile) -> None:
    stand = Stand(profile)
    port = paced(stand, 3000)  # 1 s, and the second 40 ms
    first = port.begin(signer(port, stand))[1]
    found: list[object] = []
    waiter = threading.Thread(target=lambda: found.append(port.wait((first,))))
    waiter.start()
    await_waiter(port)
    second = port.begin(signer(port, stand, "query"))[1]
    assert port.accompany(second, first)
    waiter.join()
    assert found[0] in (first, second)
    assert not port.accompany(second, first)
