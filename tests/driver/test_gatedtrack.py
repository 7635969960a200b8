"""The strict order: threads in a closed loop, behind a lock, in a pipeline, and asynchronous."""

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.driver.native import NativePort
from ghostcard.driver.timing import STRICT, Timing
from ghostcard.emulator.profile import Profile
from tests.driver.conftest import REPLY_BYTES, REQUEST_BYTES, SIGN, Stand, block, in_threads

STRICTLY = Timing(order=STRICT)
WORK = {
    "rsa2048-sign": Work("rsa2048-sign", 51, SIGN, REQUEST_BYTES, REPLY_BYTES),
    "query": Work("query", 0, SIGN, REQUEST_BYTES, REPLY_BYTES),
}


def simulated(profile: Profile, name: str, clients: int, requests: int, cards: int = 1) -> bytes:
    stand = Stand(profile, cards)
    ClosedLoop(stand.port(), stand.targets, [WORK[name]], clients, requests).run()
    return stand.recorder.to_bytes()


def call(port: NativePort, stand: Stand, name: str, times: int = 1) -> None:
    for _ in range(times):
        port.call(SIGN, block(f"{name} {WORK[name].payload_bytes}"), stand.targets)


@pytest.mark.parametrize("threads", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("name", WORK)
def test_a_closed_loop_leaves_the_records_of_simulated_clients(
    profile: Profile, threads: int, name: str
) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    in_threads(port, threads, lambda _: call(port, stand, name, 60))
    port.finish()
    assert port.standing.is_deterministic
    assert stand.recorder.to_bytes() == simulated(profile, name, threads, 60)
