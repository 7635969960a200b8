"""Native threads: what they are told, and that their records are those of simulated clients."""

import errno
import threading
import time

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.driver import timingtrack
from ghostcard.driver.cca import CcaHost
from ghostcard.driver.clear_exercises import ClearRsa
from ghostcard.driver.errors import DriverError
from ghostcard.driver.lonetrack import Request
from ghostcard.driver.native import NativePort
from ghostcard.driver.ratings import RequestClass
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.record import STAGES
from ghostcard.machine import Machine
from tests.driver.conftest import (
    OPENING,
    REPLY_BYTES,
    REQUEST_BYTES,
    SIGN,
    Stand,
    block,
    good_reply,
    in_threads,
)

WORK = {
    "rsa2048-sign": Work("rsa2048-sign", 51, SIGN, REQUEST_BYTES, REPLY_BYTES),
    "aes-256-gcm": Work("aes-256-gcm", 1024, SIGN, REQUEST_BYTES, REPLY_BYTES),
    "query": Work("query", 0, SIGN, REQUEST_BYTES, REPLY_BYTES),
}


def simulated_records(stand: Stand, names: list[str], clients: int, requests: int) -> bytes:
    """What simulated clients leave that do the same in a closed loop."""
    work = [WORK[name] for name in names]
    ClosedLoop(stand.port(), stand.targets, work, clients, requests).run()
    return stand.recorder.to_bytes()


def call(port: NativePort, stand: Stand, name: str, times: int = 1) -> None:
    work = WORK[name]
    for _ in range(times):
        reply, _ = port.call(SIGN, block(f"{name} {work.payload_bytes}"), stand.targets)
        assert reply == good_reply()


@pytest.mark.parametrize("name", WORK)
def test_a_lone_thread_leaves_the_records_of_one_simulated_client(
    profile: Profile, name: str
) -> None:
    native = Stand(profile)
    port = NativePort(native.bus, native.recorder)
    for _ in range(50):
        call(port, native, name)
    port.finish()
    assert native.recorder.to_bytes() == simulated_records(Stand(profile), [name], 1, 50)


def test_a_lone_thread_on_several_cards_and_domains(profile: Profile) -> None:
    native, other = Stand(profile, 2, 2), Stand(profile, 2, 2)
    port = NativePort(native.bus, native.recorder)
    for _ in range(30):
        call(port, native, "aes-256-gcm")
    assert native.recorder.to_bytes() == simulated_records(other, ["aes-256-gcm"], 1, 30)
    assert set(native.recorder.array()["qid"]) == {0, 1, 256, 257}


@pytest.mark.parametrize("threads", [1, 2, 4, 8])
@pytest.mark.parametrize("name", WORK)
def test_threads_in_a_closed_loop_leave_the_records_of_simulated_clients(
    profile: Profile, threads: int, name: str
) -> None:
    native = Stand(profile)
    port = NativePort(native.bus, native.recorder)
    in_threads(port, threads, lambda _: call(port, native, name, 60))
    port.finish()
    assert port.parked == 0
    assert native.recorder.to_bytes() == simulated_records(Stand(profile), [name], threads, 60)


@pytest.mark.parametrize("pauses", [[0, 0, 3], [5, 0, 1], [0, 9, 0]])
def test_it_does_not_matter_how_the_host_schedules(profile: Profile, pauses: list[int]) -> None:
    """Threads that the host holds up at different calls, each with its own sequence of work."""
    kinds = list(WORK)

    def run() -> bytes:
        stand = Stand(profile)
        port = NativePort(stand.bus, stand.recorder)

        def body(number: int) -> None:
            for step in range(40):
                if step % 10 == pauses[number]:
                    time.sleep(0.001 * pauses[number])
                call(port, stand, kinds[(number + step) % len(kinds)])

        in_threads(port, 3, body)
        port.finish()
        return stand.recorder.to_bytes()

    first, pauses[:] = run(), [0, 0, 0]
    assert run() == first


def test_two_cards_share_the_load_of_threads(profile: Profile) -> None:
    native, other = Stand(profile, 2), Stand(profile, 2)
    port = NativePort(native.bus, native.recorder)
    in_threads(port, 8, lambda _: call(port, native, "rsa2048-sign", 40))
    port.finish()
    assert native.recorder.to_bytes() == simulated_records(other, ["rsa2048-sign"], 8, 40)
    served = native.recorder.array()["qid"]
    assert abs(int((served == 0).sum()) - int((served == 256).sum())) <= 8


def test_after_the_others_have_ended_arithmetic_takes_over(profile: Profile) -> None:
    native = Stand(profile)
    port = NativePort(native.bus, native.recorder)
    call(port, native, "query")

    worker = threading.Thread(target=lambda: call(port, native, "query", 5))
    worker.start()
    worker.join()
    for _ in range(8):
        call(port, native, "query")
    port.finish()
    times = native.recorder.array()
    assert len(times) == 14
    lone = native.bus.cards[0].lone(0, "query", 0, REQUEST_BYTES, REPLY_BYTES)[-1]
    mine = times[times["client"] == 0]
    his = times[times["client"] == 1]
    # The worker was born after the first request: at the host time the main thread had then.
    assert list(his["submitted"]) == [lone * n for n in range(1, 6)]
    assert list(mine["submitted"]) == [0, *(lone * n for n in range(6, 14))]
    assert list(mine["done"] - mine["submitted"]) == [lone] * 9


def test_who_waits_for_the_threads_it_started_goes_on_where_they_ended(profile: Profile) -> None:
    """Two rounds: the main thread calls, starts four threads, joins them. Nothing overlaps."""
    native = Stand(profile)
    port = NativePort(native.bus, native.recorder)
    for _ in range(2):
        call(port, native, "query")
        in_threads(port, 4, lambda _: call(port, native, "rsa2048-sign", 30))
    call(port, native, "query")
    port.finish()
    records = native.recorder.array()
    main = records[records["client"] == 0]
    rounds = [records[(records["client"] > n) & (records["client"] <= n + 4)] for n in (0, 4)]
    for number, crew in enumerate(rounds):
        assert len(crew) == 120
        assert int(crew["submitted"].min()) == int(main["done"][number])
        assert int(crew["done"].max()) == int(main["submitted"][number + 1])
    assert port.parked == 0


def test_an_idle_thread_is_parked_when_a_line_grows_too_long(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timingtrack, "BACKLOG", 20)
    native = Stand(profile)
    port = NativePort(native.bus, native.recorder)
    call(port, native, "query")  # the main thread is known, and idle from here on
    worker = threading.Thread(target=lambda: call(port, native, "query", 50))
    worker.start()
    worker.join()
    assert port.parked == 1
    assert len(native.recorder) > 25
    call(port, native, "query")  # it joins again, not in the past of the worker
    port.finish()
    records = native.recorder.array()
    assert len(records) == 52
    last = records[records["client"] == 0][-1]
    assert last["submitted"] >= sorted(records[records["client"] == 1]["done"])[25]


@pytest.mark.parametrize("cards", [1, 2])
def test_the_only_thread_that_calls_leaves_the_records_of_one_client(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, cards: int
) -> None:
    """It passes the idle one by arithmetic: no machine has to be run, however long its line."""
    monkeypatch.setattr(timingtrack, "BACKLOG", 20)
    native, alone = Stand(profile, cards), Stand(profile, cards)
    port, lone = (NativePort(stand.bus, stand.recorder) for stand in (native, alone))
    port.enter()
    worker = threading.Thread(target=lambda: call(port, native, "query", 50))
    worker.start()
    worker.join()
    port.finish()
    call(lone, alone, "query", 50)
    for stage in STAGES:
        assert native.recorder.array()[stage].tolist() == alone.recorder.array()[stage].tolist()
    assert native.recorder.array()["qid"].tolist() == alone.recorder.array()["qid"].tolist()


def test_finish_leaves_nothing_in_line_and_one_may_go_on(profile: Profile) -> None:
    native = Stand(profile)
    port = NativePort(native.bus, native.recorder)
    call(port, native, "query")
    thread = threading.Thread(target=lambda: call(port, native, "query"))
    thread.start()
    thread.join()
    port.finish()
    assert (len(native.recorder), port.parked) == (2, 0)
    call(port, native, "query")
    call(port, native, "query")
    port.finish()
    records = native.recorder.array()
    assert len(records) == 4
    assert (records["submitted"][1:] >= 0).all()


def test_opening_a_multi_part_operation_stays_where_it_was_served(profile: Profile) -> None:
    native = Stand(profile, 2)
    port = NativePort(native.bus, native.recorder)
    qids = []
    for _ in range(4):
        _, qid = port.call(OPENING, block("query 0"), native.targets)
        port.call(SIGN, block("query 0"), (qid,))
        qids.append(qid)
    assert qids == [0, 256, 0, 256]
    assert list(native.recorder.array()["qid"]) == [q for qid in qids for q in (qid, qid)]


def failure(port: NativePort, text: str, targets: tuple[int, ...]) -> DriverError:
    with pytest.raises(DriverError) as caught:
        port.call(SIGN, block(text), targets)
    return caught.value


def test_a_request_at_fault_is_einval_at_once(stand: Stand) -> None:
    port = NativePort(stand.bus, stand.recorder)
    error = failure(port, "refuse 82", stand.targets)
    assert error.code == errno.EINVAL
    assert error.message == "An operand has a value that is not valid."
    assert list(stand.recorder.array()["outcome"]) == [0x82]
    assert len(stand.image().blocks) == 1


def test_ten_attempts_then_eio(profile: Profile) -> None:
    stand = Stand(profile, 2)
    port = NativePort(stand.bus, stand.recorder)
    assert failure(port, "refuse 10", stand.targets).code == errno.EIO
    assert [len(stand.image(adapter).blocks) for adapter in (0, 1)] == [5, 5]
    assert list(stand.recorder.array()["outcome"]) == [0x10] * 10


def test_bytes_that_are_no_reply_are_tried_elsewhere_too(stand: Stand) -> None:
    port = NativePort(stand.bus, stand.recorder)
    assert failure(port, "babble 0", stand.targets).code == errno.EIO


def test_an_unavailable_card_is_passed_over(profile: Profile) -> None:
    stand = Stand(profile, 2)
    port = NativePort(stand.bus, stand.recorder)
    stand.bus.cards[0].configure(False)
    for _ in range(4):
        assert port.call(SIGN, block("query 0"), stand.targets) == (good_reply(), 256)
    stand.bus.cards[1].checkstop(True)
    error = failure(port, "query 0", stand.targets)
    assert (error.code, error.message) == (errno.ENODEV, "no queue is available (CHECKSTOPPED)")
    stand.bus.cards[0].configure(True)
    assert port.call(SIGN, block("query 0"), stand.targets) == (good_reply(), 0)


def test_nowhere_to_go(stand: Stand) -> None:
    port = NativePort(stand.bus, stand.recorder)
    assert failure(port, "query 0", ()).code == errno.ENODEV
    assert failure(port, "query 0", (0x500,)).code == errno.ENODEV


def test_a_request_too_big_for_the_queue_is_einval(stand: Stand) -> None:
    port = NativePort(stand.bus, stand.recorder)
    with pytest.raises(DriverError) as caught:
        port.call(SIGN, lambda _: bytes(70_000), stand.targets)
    assert caught.value.code == errno.EINVAL
    assert caught.value.message == "a request of 70000 bytes is too big"


def test_the_block_is_made_for_the_domain_that_serves_it(profile: Profile) -> None:
    stand = Stand(profile, 1, 3)
    port = NativePort(stand.bus, stand.recorder)
    for _ in range(3):
        port.call(SIGN, lambda domain: b"query %d" % domain, stand.targets)
    assert stand.image().blocks == [(0, b"query 0"), (1, b"query 1"), (2, b"query 2")]


class Broken(dict[str, int]):
    """What a recorder has no name in."""

    def __getitem__(self, key: str) -> int:
        raise ZeroDivisionError("a bug")


def test_a_failure_of_simulated_time_is_told_to_every_thread(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = NativePort(stand.bus, stand.recorder)
    call(port, stand, "query")

    monkeypatch.setattr(stand.recorder, "_names", Broken())
    failures: list[BaseException] = []

    def body() -> None:
        try:
            call(port, stand, "query")
            port.finish()
        except ZeroDivisionError as error:
            failures.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert len(failures) == 1
    with pytest.raises(DriverError, match="EIO: simulated time has failed: ZeroDivisionError"):
        call(port, stand, "query")


def test_only_ep11_requests_open_an_operation() -> None:
    """The class of a CCA request, CRT_4K, has the number of DigestInit; any card may take it."""
    machine = Machine.simulation("cex8c", cards=2, function="null")
    both, seen = machine.targets(0), list[Request]()
    machine.native.observe(seen.append)
    ClearRsa(512, True).ask(CcaHost(machine.native, both))
    assert [(request[0], request[1]) for request in seen] == [(both, RequestClass.CRT_4K)]
