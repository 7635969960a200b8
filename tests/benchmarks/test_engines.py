"""The comparison of the engines: like is compared with like, and memory stays where it must."""

import pytest

from ghostcard.benchmarks import engines
from ghostcard.benchmarks.engines import TARGETS_MIB, footprint, speeds
from ghostcard.benchmarks.recursion import engine
from ghostcard.benchmarks.recursion.sources import closed_loop
from ghostcard.benchmarks.rivals import plain_simpy, stations
from ghostcard.machine import Machine


@pytest.mark.parametrize("clients", [1, 8, 64])
def test_the_plain_model_is_of_the_same_card(clients: int) -> None:
    machine = Machine.simulation()
    work = engines.WORK
    latencies = plain_simpy(stations(machine.bus.cards[0], work), clients, 30 * clients)
    engine.run(machine.bus, machine.recorder, closed_loop((0,), [work], clients, 30))
    records = machine.recorder.array()
    ours = (records["done"] - records["submitted"]).mean()
    assert len(latencies) == len(records)
    assert sum(latencies) / len(latencies) == pytest.approx(ours, rel=0.001)


def test_ciw_is_of_the_same_card() -> None:
    pytest.importorskip("ciw", reason="Ciw is not installed (extra benchmark)")
    ended = engines.ciw(640)
    machine = Machine.simulation()
    engine.run(machine.bus, machine.recorder, closed_loop((0,), [engines.WORK], 64), 2000)
    until_ns = 640 * 64_000
    assert ended == pytest.approx((machine.recorder.array()["done"] <= until_ns).sum(), abs=64)


@pytest.mark.parametrize("keeps", TARGETS_MIB)
def test_a_million_requests_in_bounded_memory(keeps: str) -> None:
    taken = footprint(1_000_000, keeps)
    assert taken.requests == 1_000_000
    assert 20 < taken.mib <= TARGETS_MIB[keeps] == taken.target_mib


def test_all_tools_take_turns() -> None:
    best = speeds(6400, 1)
    assert list(best)[:3] == ["recursion", "simpy", "plain SimPy"]
    assert min(best.values()) > 0
    assert best["recursion"] > best["simpy"]
