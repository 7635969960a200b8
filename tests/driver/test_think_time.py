"""Think time: what passes on a thread's clock between two calls, by either order."""

import threading

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.driver.native import NativePort
from ghostcard.driver.timing import BEHIND, STRICT, Timing
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.record import Recorder
from tests.driver.conftest import REPLY_BYTES, REQUEST_BYTES, SIGN, Stand, block, in_threads

WORK = Work("rsa2048-sign", 51, SIGN, REQUEST_BYTES, REPLY_BYTES)
THINK_NS = 123_457


class Thought(threading.local):
    """So long between all calls of a thread, and nothing before its first."""

    has_called = False

    def __call__(self) -> int:
        before, self.has_called = self.has_called, True
        return THINK_NS if before else 0


def simulated(profile: Profile, clients: int) -> Recorder:
    stand = Stand(profile)
    ClosedLoop(stand.port(), stand.targets, [WORK], clients, 40, think_ns=THINK_NS).run()
    return stand.recorder


def native(profile: Profile, order: str, threads: int) -> Recorder:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=Timing(order, "cpu"), think=Thought())

    def body(_: int) -> None:
        for _ in range(40):
            port.call(SIGN, block("rsa2048-sign 51"), stand.targets)

    in_threads(port, threads, body)
    port.finish()
    assert not port.standing.is_deterministic  # for the thought is the host's, as a rule
    return stand.recorder


@pytest.mark.parametrize("order", [STRICT, BEHIND])
@pytest.mark.parametrize("threads", [1, 2, 5, 12])
def test_threads_that_think_are_simulated_clients_that_think(
    profile: Profile, threads: int, order: str
) -> None:
    found, expected = native(profile, order, threads).array(), simulated(profile, threads).array()
    assert len(found) == len(expected)
    if threads == 1 or order == BEHIND:
        assert found.tolist() == expected.tolist()
    assert int(found["done"].max()) == pytest.approx(int(expected["done"].max()), rel=0.005)
    for client in range(threads):
        own = found[found["client"] == client]
        assert set((own["submitted"][1:] - own["done"][:-1]).tolist()) == {THINK_NS}


@pytest.mark.parametrize("order", [STRICT, BEHIND])
def test_a_lone_thread_thinks_too_and_what_it_asks_for_is_known_again(
    profile: Profile, order: str
) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=Timing(order, "cpu"), think=Thought())
    for _ in range(40):
        port.call(SIGN, block("rsa2048-sign 51"), stand.targets)
    assert stand.recorder.array().tolist() == simulated(profile, 1).array().tolist()


def test_a_call_that_is_under_way_was_thought_about(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=Timing(STRICT, "cpu"), think=Thought())
    tickets = [
        port.begin(lambda: port.call(SIGN, block("query 0"), stand.targets))[1] for _ in range(3)
    ]
    for ticket in tickets:
        assert port.wait([ticket]) is ticket
    assert stand.recorder.array()["submitted"].tolist() == [0, THINK_NS, 2 * THINK_NS]
