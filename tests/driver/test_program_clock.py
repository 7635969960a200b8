"""A program's clock that is ours: what it is told, what it gives, and what a sleep is."""

import threading

import pytest

from ghostcard.driver.lonetrack import THINK, Request
from ghostcard.driver.native import NativePort
from ghostcard.emulator.profile import Profile
from tests.driver.conftest import Stand
from tests.driver.test_asynctrack import signer
from tests.driver.test_gatedtrack import STRICTLY, call

THOUGHT_NS = 100


class Clock:
    """Gives `THOUGHT_NS` whenever it is asked, and notes what it is told."""

    def __init__(self, port: NativePort) -> None:
        self.told: list[int] = []
        self.seen: list[Request] = []
        port.follow_clock(lambda: THOUGHT_NS, self.told.append)
        port.observe(self.seen.append)

    @property
    def thought(self) -> list[int]:
        return [request[THINK] for request in self.seen]


@pytest.mark.parametrize("others", [0, 1])
def test_a_sleep_is_time_between_requests_and_passes_once(profile: Profile, others: int) -> None:
    """Alone it is arithmetic up to the sleep; with a second thread that sleeps the gate's."""
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    clock, may_end = Clock(port), threading.Event()
    idle = [threading.Thread(target=may_end.wait) for _ in range(others)]
    for thread in idle:
        thread.start()
    call(port, stand, "query")
    port.sleep(5_000)
    port.sleep(70_000)
    call(port, stand, "query", 2)
    may_end.set()
    for thread in idle:
        thread.join()
    records = stand.recorder.array()
    done, submitted = records["done"].tolist(), records["submitted"].tolist()
    assert [each - before for each, before in zip(submitted[1:], done[:-1], strict=True)] == [
        3 * THOUGHT_NS + 75_000,
        THOUGHT_NS,
    ]
    assert clock.thought == [THOUGHT_NS, 3 * THOUGHT_NS + 75_000, THOUGHT_NS]
    slept = [done[0] + THOUGHT_NS + 5_000, done[0] + 2 * THOUGHT_NS + 75_000]
    assert clock.told == [done[0], *slept, *done[1:]]


def test_who_sleeps_lets_others_go_on(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    Clock(port)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            call(port, stand, "rsa2048-sign")

    call(port, stand, "query")
    worker = threading.Thread(target=work)
    worker.start()
    port.sleep(100_000_000)
    is_over.set()
    worker.join()
    one = stand.bus.cards[0].lone(0, "rsa2048-sign", 51, 400, 300)[-1] + THOUGHT_NS
    assert len(stand.recorder.array()) - 1 == pytest.approx(100_000_000 / one, abs=2)


def test_a_sleep_before_an_asynchronous_call_passes_once(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    clock = Clock(port)
    call(port, stand, "query")
    port.sleep(5_000)
    ticket = port.begin(signer(port, stand))[1]
    assert port.wait((ticket,)) is ticket
    records = stand.recorder.array()
    assert int(records["submitted"][1] - records["done"][0]) == 2 * THOUGHT_NS + 5_000
    assert clock.thought[1] == 2 * THOUGHT_NS + 5_000
    assert clock.told[-1] == int(records["done"][1])
