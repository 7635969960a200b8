"""A scenario under other loads: what the load is, how it is shared, where there is no curve."""

from pathlib import Path

import pytest

from ghostcard.benchmarks import load_curve
from ghostcard.benchmarks.load_curve import CLIENTS, PERCENT, points, under, usual_loads
from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_reader import parse
from ghostcard.benchmarks.scenario_run import machine_of

SIGN = {"operation": "rsa2048-sign", "payload_bytes": 51}


def closed(*clients: int) -> Scenario:
    tenants = [{"clients": n, "name": f"t{n}", **SIGN} for n in clients]
    return parse({"requests": 50_000, "replications": 3, "tenants": tenants})


def test_clients_are_shared_as_the_scenario_has_them() -> None:
    scenario = closed(8, 24)
    at = [under(scenario, load, {}) for load in (2, 3, 16, 64)]
    assert [[t.clients for t in one.tenants] for one in at] == [[1, 1], [1, 2], [4, 12], [16, 48]]
    assert {(one.requests, one.replications) for one in at} == {(20_000, 1)}
    assert load_curve.kind_of(scenario) == CLIENTS
    assert usual_loads(scenario) == (2, 4, 8, 16, 32, 64, 128)


def test_an_open_load_is_in_percent_of_the_busiest_station() -> None:
    scenario = parse(
        {"requests": 9000, "tenants": [{"arrivals": "poisson", "rate_per_s": 1000, **SIGN}]}
    )
    cards = machine_of(scenario, 1).bus.cards
    assert load_curve.kind_of(scenario) == PERCENT
    half, most = points(scenario, (50, 90), cards)
    assert (half.offered_per_s, most.offered_per_s) == (7812.5, 14062.5)  # of 5 / 320 us
    busy = [max(one.utilisation for one in p.result.stations) for p in (half, most)]
    assert busy == [pytest.approx(0.5, abs=0.02), pytest.approx(0.9, abs=0.03)]
    assert half.theory[0].throughput_per_s == 7812.5


def test_a_point_is_the_simulation_of_that_load() -> None:
    scenario = closed(4)._replace(requests=2000)
    cards = machine_of(scenario, 1).bus.cards
    one, many = points(scenario, (1, 64), cards)
    assert one.result.rows[0].throughput_per_s.mean == pytest.approx(2971, rel=1e-3)  # README
    assert many.result.rows[0].throughput_per_s.mean == pytest.approx(15_624, rel=1e-3)
    assert one.offered_per_s is None


def test_where_there_is_no_curve(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("arrival_ns\n0\n10\n")
    trace = {"arrivals": "trace", "file": str(file)}
    ramp = {"arrivals": "poisson", "rate_per_s": 10, "ramp_to_per_s": 20, "ramp_ns": 10}
    said = [
        load_curve.obstacle(parse({"requests": 100, "tenants": [{**tenant, **SIGN}]}))
        for tenant in (trace, ramp)
    ]
    assert said[0] == "a trace has the load it has"
    assert said[1] == "the rate of a tenant grows during the run"
