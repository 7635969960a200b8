"""The strict order: threads in a closed loop, behind a lock, in a pipeline, and asynchronous."""

import gc
import os
import queue
import threading

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.driver.errors import DriverError
from ghostcard.driver.native import NativePort
from ghostcard.driver.timing import STRICT, Timing
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.record import Recorder
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


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_with_a_lock_around_their_calls_are_one_client(
    profile: Profile, threads: int
) -> None:
    stand, lock = Stand(profile), threading.Lock()
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)

    def body(_: int) -> None:
        for _ in range(20):
            with lock:
                call(port, stand, "rsa2048-sign")

    in_threads(port, threads, body)
    port.finish()
    one = Recorder.from_bytes(simulated(profile, "rsa2048-sign", 1, 20 * threads)).array()
    assert port.standing.is_deterministic
    assert stand.recorder.array()["submitted"].tolist() == one["submitted"].tolist()


def test_a_pool_fed_from_a_queue_overlaps_as_much_as_it_does(profile: Profile) -> None:
    """Items come one by one, each when the one before is done: the pool of 4 is one client."""
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[int] = queue.SimpleQueue()

    def work() -> None:
        while (item := asked.get()) is not None:
            call(port, stand, "rsa2048-sign")
            done.put(item)

    pool = [threading.Thread(target=work) for _ in range(4)]
    for thread in pool:
        thread.start()
    for item in range(40):
        asked.put(item)
        assert done.get(timeout=30) == item
    for _ in pool:
        asked.put(None)
    for thread in pool:
        thread.join()
    port.finish()
    one = Recorder.from_bytes(simulated(profile, "rsa2048-sign", 1, 40)).array()
    assert stand.recorder.array()["submitted"].tolist() == one["submitted"].tolist()
    assert port.standing.is_deterministic


def test_a_thread_that_computes_and_never_calls_again_is_left_behind(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NativePort, "_grace_s", 0.2)
    stand, stop = Stand(profile), threading.Event()
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)

    def body(number: int) -> None:
        call(port, stand, "query")
        if number:
            call(port, stand, "query", 10)
            stop.set()
        while not stop.is_set():
            pass

    in_threads(port, 2, body)
    port.finish()
    assert len(stand.recorder) == 12
    assert port.standing.expired == 1
    assert not port.standing.is_deterministic


class Broken(dict[str, int]):
    """What a recorder has no name in."""

    def __getitem__(self, key: str) -> int:
        raise ZeroDivisionError("a bug")


def test_a_failure_of_simulated_time_is_told_to_every_thread_and_nobody_hangs(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    monkeypatch.setattr(stand.recorder, "_names", Broken())
    failures: list[BaseException] = []

    def body(_: int) -> None:
        try:
            call(port, stand, "query", 3)
        except (ZeroDivisionError, DriverError) as error:
            failures.append(error)

    in_threads(port, 4, body)
    assert len(failures) == 4
    assert [type(one) for one in failures].count(ZeroDivisionError) == 1
    with pytest.raises(DriverError, match="EIO: simulated time has failed: ZeroDivisionError"):
        call(port, stand, "query")


def test_cards_that_go_and_come_back_are_seen_by_the_strict_order(profile: Profile) -> None:
    stand = Stand(profile, 2)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    call(port, stand, "query", 4)
    port.withdraw(0, is_away=True)
    call(port, stand, "query", 4)
    port.withdraw(0, is_away=False)
    port.switch_off(frozenset((256,)))
    call(port, stand, "query", 4)
    assert stand.recorder.array()["qid"].tolist() == [0, 256, 0, 256, *[256] * 4, *[0] * 4]


def files() -> int:
    """How many this process has open, once what is of no use is gone."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def one_life(profile: Profile) -> int:
    """Four threads with a port of their own; the files that are open then."""
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    in_threads(port, 4, lambda _: call(port, stand, "query"))
    port.finish()
    return files()


def test_the_files_of_threads_are_closed_with_the_port(profile: Profile) -> None:
    before = files()
    assert one_life(profile) > before
    assert files() == before
