"""Where a run's time went, and what limits it."""

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.benchmarks.timeshares import PARTS, Limit, limit, shares, steady
from ghostcard.emulator.profile import load
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine
from ghostcard.statistics import summarise


def ran(
    operation: str, payload: int, clients: int, think_ns: int = 0, profile: str = "cex8p"
) -> tuple[dict[str, int], Limit, Recorder]:
    machine = Machine.simulation(profile)
    work = [sized(operation, payload)]
    loop = ClosedLoop(
        machine.simulated(), machine.targets(0), work, clients, 100, think_ns=think_ns
    )
    loop.run()
    spent = shares([machine.recorder], clients * 99 * think_ns)
    profiles = {0: load(profile)}
    statistics = summarise([machine.recorder], profiles)
    return spent, limit(statistics, profiles, spent["application"]), machine.recorder


def test_the_parts_add_up_to_the_latencies_and_the_thoughts() -> None:
    spent, _, recorder = ran("rsa2048-sign", 51, 16, think_ns=1_000)
    array = recorder.array()
    assert tuple(spent) == PARTS
    assert sum(spent.values()) == int((array["done"] - array["submitted"]).sum()) + 16 * 99 * 1_000
    assert spent["engine"] == int((array["finished"] - array["started"]).sum())
    assert spent["application"] == 16 * 99 * 1_000


def test_a_lone_client_waits_for_nobody() -> None:
    assert ran("rsa2048-sign", 51, 1)[0]["queue"] == 0


@pytest.mark.parametrize(
    ("clients", "think_ns", "name", "says"),
    [
        (1, 0, "clients", "clients: more threads would help (the rsa engines of card 00, "),
        (16, 0, "rsa engines", "the rsa engines of card 00: busy 100% of the time"),
        (1, 10**6, "application", "the application: 75% of the time is its own ("),
    ],
)
def test_what_limits_a_run(clients: int, think_ns: int, name: str, says: str) -> None:
    found = ran("rsa2048-sign", 51, clients, think_ns)[1]
    assert (found.name, found.sentence[: len(says)]) == (name, says)


def test_nothing_limits_cards_that_take_no_time() -> None:
    found = ran("rsa2048-sign", 51, 4, profile="null")[1]
    assert found == ("nothing", "nothing: no request took any time")
    assert limit(summarise([], {}), {}, 0).name == "nothing"


def test_what_one_thread_prepares_for_the_others_does_not_count() -> None:
    machine = Machine.simulation()
    port, targets = machine.simulated(), machine.targets(0)
    ClosedLoop(port, targets, [sized("rsa4096-keygen", 0)], 1, 2).run()
    ClosedLoop(port, targets, [sized("rsa2048-sign", 51)], 16, 50).run()
    (part,) = steady([machine.recorder])
    profiles = {0: load("cex8p")}
    whole = limit(summarise([machine.recorder], profiles), profiles, 0)
    assert (whole.name, limit(summarise([part], profiles), profiles, 0).name) == (
        "clients",
        "rsa engines",
    )
    assert 0.8 * 800 < len(part) < 802
    assert steady([Recorder()])[0].to_bytes() == Recorder().to_bytes()


def test_a_run_of_one_thread_is_steady() -> None:
    recorder = ran("sha256", 100, 1)[2]
    assert steady([recorder]) == [recorder]
