"""Closed loops: the three function tracks, one seed twice, operational laws to the nanosecond."""

import signal
import threading
from time import sleep

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work, rendered, sized
from ghostcard.emulator.queue import NEVER
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

KINDS = (
    ("rsa2048-sign", 51),
    ("ecdsa-p256-sign", 32),
    ("aes-256-gcm", 1024),
    ("sha256", 1024),
    ("random", 64),
    ("aes-keygen", 0),
    ("query", 0),
)


def run(function: str, kinds: tuple[tuple[str, int], ...], clients: int, **options: int) -> bytes:
    machine = Machine.simulation(function="null" if function == "off" else function, cards=2)
    targets = machine.targets(0)
    work = [
        sized(*kind) if function == "off" else rendered(machine, targets, *kind) for kind in kinds
    ]
    ClosedLoop(machine.simulated(), targets, work, clients, **options).run()
    return machine.recorder.to_bytes()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0])
def test_real_null_and_off_leave_the_same_records(kind: tuple[str, int]) -> None:
    off = run("off", (kind,), 5, requests=4)
    assert run("null", (kind,), 5, requests=4) == off
    assert run("real", (kind,), 5, requests=4) == off
    assert len(Recorder.from_bytes(off)) == 20


def test_a_mix_too_and_the_seed_decides() -> None:
    off = run("off", KINDS, 6, requests=10, seed=1)
    assert run("null", KINDS, 6, requests=10, seed=1) == off
    assert run("off", KINDS, 6, requests=10, seed=1) == off
    assert run("off", KINDS, 6, requests=10, seed=2) != off


def test_the_accelerator_too() -> None:
    def records(function: str) -> bytes:
        machine = Machine.simulation("cex8a", function="real" if function == "real" else "null")
        targets = machine.targets(0)
        kinds = (("rsa1024-me", 128), ("rsa2048-crt", 256))
        work = [
            sized(*kind) if function == "off" else rendered(machine, targets, *kind)
            for kind in kinds
        ]
        ClosedLoop(machine.simulated(), targets, work, 3, requests=4).run()
        return machine.recorder.to_bytes()

    assert records("real") == records("null") == records("off")


SIGN = sized("rsa2048-sign", 51)


@pytest.mark.parametrize("think_ns", [0, 250_000])
@pytest.mark.parametrize("clients", [1, 2, 3, 5])
def test_below_the_knee_nobody_waits_for_an_engine(clients: int, think_ns: int) -> None:
    """X(N) = N / (D + Z): what is met at the link and the reply builder shows in D only."""
    machine = Machine.simulation()
    loop = ClosedLoop(machine.simulated(), (0,), [SIGN], clients, requests=200, think_ns=think_ns)
    loop.run()
    records = machine.recorder.array()
    assert (records["started"] == records["unwrapped"]).all()
    for client in range(clients):
        own = records[records["client"] == client]
        assert (own["submitted"][1:] - own["done"][:-1] == think_ns).all()
    cycle = records[records["client"] == 0]["submitted"][-51:]
    lone = machine.bus.cards[0].lone(0, *SIGN[:2], *SIGN[3:5])[-1]
    if clients == 1:
        assert (cycle[1:] - cycle[:-1] == lone + think_ns).all()
    else:
        assert lone + think_ns <= (cycle[-1] - cycle[0]) / 50 <= (lone + think_ns) * 1.01


@pytest.mark.parametrize("clients", [12, 40])
def test_above_the_knee_the_pool_never_rests(clients: int) -> None:
    """X(N) = 1 / Dmax, exactly: after the transient five signatures end each service time."""
    machine = Machine.simulation()
    ClosedLoop(machine.simulated(), (0,), [SIGN], clients, requests=100).run()
    card = machine.bus.cards[0]
    service = card.profile.operations["rsa2048-sign"].service_ns(51)
    finished = sorted(machine.recorder.array()["finished"].tolist())[50 : -2 * clients]
    pairs = zip(finished, finished[5:], strict=False)
    assert {later - earlier for earlier, later in pairs} == {service}


@pytest.mark.parametrize("clients", [1, 7, 30])
def test_conservation_little_and_forced_flow(clients: int) -> None:
    machine = Machine.simulation(cards=2)
    port = machine.simulated()
    ClosedLoop(port, machine.targets(0), [SIGN, sized("sha256", 64)], clients, requests=50).run()
    records = machine.recorder.array()
    assert port.in_flight == 0
    assert len(records) == 50 * clients
    assert not records["outcome"].any()
    inside = [(int(t), 1) for t in records["enqueued"]] + [(int(t), -1) for t in records["done"]]
    integral = level = last = 0
    for time, step in sorted(inside):
        integral, level, last = integral + level * (time - last), level + step, time
    assert level == 0
    assert integral == int((records["done"] - records["enqueued"]).sum())


def test_two_cards_serve_twice_as_much() -> None:
    def rate(cards: int) -> float:
        machine = Machine.simulation(cards=cards)
        ClosedLoop(machine.simulated(), machine.targets(0), [SIGN], 32, requests=100).run()
        records = machine.recorder.array()
        served = [int((records["qid"] >> 8 == adapter).sum()) for adapter in range(cards)]
        assert max(served) - min(served) <= 2
        return len(records) / float(records["done"].max())

    assert rate(2) == pytest.approx(2 * rate(1), rel=0.02)


def test_a_duration_ends_it() -> None:
    machine = Machine.simulation()
    loop = ClosedLoop(machine.simulated(), (0,), [SIGN], 3, duration_ns=10_000_000)
    loop.run()
    records = machine.recorder.array()
    assert int(records["submitted"].max()) < 10_000_000 <= int(records["done"].max())


def test_what_makes_no_sense_is_refused() -> None:
    port = Machine.simulation().simulated()
    for arguments in (
        ([], 1, 1, None, 0),
        ([SIGN], 0, 1, None, 0),
        ([SIGN], 1, None, None, 0),
        ([SIGN], 1, 1, None, -1),
    ):
        with pytest.raises(ValueError, match=r"closed loop|say when"):
            ClosedLoop(port, (0,), *arguments)


def test_work_is_what_it_says() -> None:
    assert sized("sha256", 64)[:2] == ("sha256", 64)
    assert isinstance(SIGN, Work)


class Impatient(Exception):
    """Raised by a signal."""


def test_a_run_without_an_end_lets_other_threads_run_and_hears_signals() -> None:
    """Compiled code looks up from its work only where it is made to."""
    machine = Machine.simulation()

    def give_up(_number: int, _frame: object) -> None:
        raise Impatient

    def wait_and_interrupt() -> None:
        while len(machine.recorder) < 10_000:
            sleep(0.001)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, give_up)
    other = threading.Thread(target=wait_and_interrupt)
    other.start()
    try:
        with pytest.raises(Impatient):
            ClosedLoop(machine.simulated(), (0,), [SIGN], 8, duration_ns=NEVER).run()
    finally:
        signal.signal(signal.SIGUSR1, before)
        other.join()
