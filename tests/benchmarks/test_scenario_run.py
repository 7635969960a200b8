"""Scenarios run: operational laws exactly, queueing theory within the interval of the run itself.

Exact oracles: modelling sheet section 1; steady state: section 2.
"""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostcard.benchmarks import scenario_run
from ghostcard.benchmarks.analysis import answers
from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.benchmarks.recursion import engine as recursion
from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_reader import load, parse
from ghostcard.benchmarks.scenario_result import Result, evaluate
from ghostcard.benchmarks.scenario_run import Replication, machine_of, replicate
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine
from tests.benchmarks.conftest import Station

SIGN = {"operation": "rsa2048-sign", "payload_bytes": 51}
MS = 1_000_000
EXAMPLES = sorted((Path(__file__).parents[2] / "benchmarks" / "scenarios").glob("*.toml"))


def run(scenario: Scenario) -> Replication:
    return replicate(scenario, 0)


def result(scenario: Scenario) -> Result:
    runs = [replicate(scenario, number) for number in range(scenario.replications)]
    return evaluate(scenario, runs)


def theory_ns(scenario: Scenario) -> float:
    [answer] = answers(scenario, machine_of(scenario, 0).bus.cards)
    assert answer.latency_ns is not None, answer
    return answer.latency_ns


def test_a_closed_scenario_is_a_closed_loop() -> None:
    scenario = parse({"requests": 600, "tenants": [{"clients": 6, **SIGN}]})
    machine = Machine.simulation(seed=1)
    ClosedLoop(machine.simulated(), (0,), [sized("rsa2048-sign", 51)], 6, requests=100).run()
    mine, theirs = run(scenario).recorder.array(), machine.recorder.array()
    settled = 500  # one ends by the number of each client, the other by the number of all
    assert (mine[:settled] == theirs[:settled]).all()


@pytest.mark.parametrize("clients", [1, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("think_ns", [0, 2 * MS])
def test_deterministic_closed_loop(station: Station, clients: int, think_ns: int) -> None:
    """X(N) = min(N / (D + Z), 1 / Dmax), exactly, once the clients are in step."""
    tenant = {"clients": clients, "think": {"mean_ns": think_ns}, **SIGN}
    scenario = station({"requests": 40 * clients, "tenants": [tenant]}, {"rsa2048-sign": MS}, 2)
    done = run(scenario).recorder.array()["done"].astype(np.int64)
    done = np.sort(done)[20 * clients : -clients]
    cycle = max(MS + think_ns, -(-clients * MS // 2))
    window = clients if clients * MS // 2 <= MS + think_ns else clients - clients % 2
    span = cycle if window == clients and clients * MS // 2 <= MS + think_ns else window * MS // 2
    assert set((done[window:] - done[:-window]).tolist()) == {span}


@pytest.mark.parametrize(
    "tenant",
    [
        {"clients": 7, "think": {"mean_ns": MS, "distribution": "exponential"}},
        {"arrivals": "poisson", "rate_per_s": 14_000},
        {"arrivals": "bursty", "phases": [{"rate_per_s": 30_000, "mean_ns": MS},
                                          {"rate_per_s": 0, "mean_ns": MS}]},
        {"arrivals": "deterministic", "rate_per_s": 1000, "ramp_to_per_s": 30_000, "ramp_ns": MS},
    ],
    ids=["closed", "poisson", "bursty", "ramp"],
)  # fmt: skip
def test_from_empty_to_empty(tenant: dict[str, Any]) -> None:
    """Little's law, conservation and the utilisation law as identities."""
    mix = [{**SIGN}, {"operation": "sha256", "payload_bytes": {"64": 3, "1024": 1}}]
    machine = {"cards": 2, "domains": 2}
    done = run(parse({"machine": machine, "requests": 900, "tenants": [{**tenant, "mix": mix}]}))
    records = done.recorder.array()
    assert len(records) == 900
    assert not records["outcome"].any()
    events = [(int(t), 1) for t in records["submitted"]] + [(int(t), -1) for t in records["done"]]
    integral = level = last = 0
    for time, step in sorted(events):
        integral, level, last = integral + level * (time - last), level + step, time
    assert level == 0
    assert integral == int((records["done"] - records["submitted"]).sum())
    services = {
        done.cards[0].profile.operations[op].service_ns(size)
        for op, size in (("rsa2048-sign", 51), ("sha256", 64), ("sha256", 1024))
    }
    held = (records["finished"] - records["started"]).tolist()
    assert set(held) == services


@pytest.mark.parametrize(("seed", "rate"), [(1, 800), (2, 500)])
def test_m_d_1(station: Station, seed: int, rate: int) -> None:
    tenant = {"arrivals": "poisson", "rate_per_s": rate, **SIGN}
    document = {"seed": seed, "requests": 6_000, "replications": 8, "tenants": [tenant]}
    scenario = station(document, {"rsa2048-sign": MS})
    rho = rate / 1000
    assert theory_ns(scenario) == pytest.approx(MS * (1 + rho / (2 * (1 - rho))))
    found = result(scenario)
    assert found.rows[0].mean_ns.covers(theory_ns(scenario))
    assert not found.overloaded


def test_m_g_1_with_a_squared_variation_of_4(station: Station) -> None:
    """Two constant services of which one is drawn: mean 1 ms, cv^2 4, so Wq = 10 at load 0.8."""
    services = {"rsa2048-sign": MS // 2, "rsa4096-sign": 9 * MS}  # 16 to 1
    mix = [
        {"operation": "rsa2048-sign", "payload_bytes": 51, "weight": 16},
        {"operation": "rsa4096-sign", "payload_bytes": 51, "weight": 1},
    ]
    mean = (16 * services["rsa2048-sign"] + services["rsa4096-sign"]) / 17
    square = (16 * services["rsa2048-sign"] ** 2 + services["rsa4096-sign"] ** 2) / 17
    assert mean == MS
    assert square / mean**2 - 1 == pytest.approx(4)
    tenant = {"arrivals": "poisson", "rate_per_s": 800, "mix": mix}
    document = {"requests": 6_000, "replications": 8, "tenants": [tenant]}
    scenario = station(document, services)
    assert theory_ns(scenario) == pytest.approx(11 * MS, rel=1e-9)
    assert result(scenario).rows[0].mean_ns.covers(theory_ns(scenario))


@pytest.mark.parametrize(
    ("rate", "servers", "distribution", "wait"),
    [
        (800, 1, 'kind = "exponential"', 4.0),
        (1600, 2, 'kind = "exponential"', 1.777777778),
        (6400, 8, 'kind = "exponential"', 0.286028078),
        (14400, 16, 'kind = "exponential"', 0.369589621),
        (800, 1, 'kind = "uniform", spread_permille = 1000', 2 * 4 / 3),
        # 0.5 in 16 of 17 and 9 in one: mean 1, cv^2 = 4
        (800, 1, 'kind = "empirical", permille = [500, 9000], weights = [16, 1]', 10.0),
    ],
    ids=["M/M/1", "M/M/2", "M/M/8", "M/M/16", "M/U/1", "M/G/1"],
)
def test_one_station(
    station: Station, rate: int, servers: int, distribution: str, wait: float
) -> None:
    """The waits of the sheet's table, in units of the service time, within the run's interval."""
    tenant = {"arrivals": "poisson", "rate_per_s": rate, **SIGN}
    document = {"requests": 2_500, "replications": 8, "seed": 2, "tenants": [tenant]}
    scenario = station(document, {"rsa2048-sign": MS}, servers, distribution)
    assert theory_ns(scenario) == pytest.approx(MS * (1 + wait), rel=1e-9)
    assert result(scenario).rows[0].mean_ns.covers(theory_ns(scenario))


@pytest.mark.parametrize("clients", [1, 4, 8, 16])
def test_mean_value_analysis_of_one_station(station: Station, clients: int) -> None:
    """The machine repairman: exponential service and think times, one engine."""
    think = {"mean_ns": 4 * MS, "distribution": "exponential"}
    document = {
        "requests": 2_000,
        "replications": 10,
        "tenants": [{"clients": clients, "think": think, **SIGN}],
    }
    scenario = station(document, {"rsa2048-sign": MS}, 1, 'kind = "exponential"')
    _, mva = answers(scenario, machine_of(scenario, 0).bus.cards)
    assert mva.throughput_per_s is not None
    found = result(scenario).rows[0]
    assert found.throughput_per_s.covers(mva.throughput_per_s)


def test_d_d_c_waits_for_nobody(station: Station) -> None:
    tenant = {"arrivals": "deterministic", "rate_per_s": 3999.9, **SIGN}
    scenario = station({"requests": 500, "tenants": [tenant]}, {"rsa2048-sign": MS}, 4)
    records = run(scenario).recorder.array()
    assert set((records["done"] - records["submitted"]).tolist()) == {MS}
    assert theory_ns(scenario) == MS


def test_overload_shows_in_the_data(station: Station) -> None:
    tenant = {"arrivals": "poisson", "rate_per_s": 1200, **SIGN}
    scenario = station({"requests": 5000, "tenants": [tenant]}, {"rsa2048-sign": MS})
    found = result(scenario)
    assert found.overloaded
    assert found.bottleneck().startswith("The bottleneck is rsa engines of card 0, busy 100.0%")


def test_it_stops_when_it_knows_enough(station: Station) -> None:
    tenant = {"arrivals": "poisson", "rate_per_s": 500, **SIGN}
    document = {"requests": 200_000, "stop": {"relative_error": 0.03}, "tenants": [tenant]}
    scenario = station(document, {"rsa2048-sign": MS})
    done = run(scenario)
    assert done.settled
    assert len(done.recorder) < 30_000
    found = evaluate(scenario, [done])
    assert found.settled
    error = found.rows[0].mean_ns.relative_error
    assert error is not None
    assert error <= 0.03
    short = scenario._replace(requests=3000, stop=scenario.stop and scenario.stop._replace(
        relative_error=0.0001))  # fmt: skip
    assert not result(short).settled


def test_the_same_seed_gives_the_same_bytes() -> None:
    document = {"requests": 300, "tenants": [{"arrivals": "poisson", "rate_per_s": 9000, **SIGN}]}
    first, again, other = (
        run(parse({**document, "seed": seed})).recorder.to_bytes() for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(Recorder.from_bytes(first)) == 300


def test_compared_systems_meet_the_same_requests() -> None:
    tenant = {"arrivals": "poisson", "rate_per_s": 9000, **SIGN}
    one, two = (
        run(parse({"requests": 300, "machine": {"cards": cards}, "tenants": [tenant]}))
        for cards in (1, 2)
    )
    submitted = [np.sort(done.recorder.array()["submitted"]) for done in (one, two)]
    assert (submitted[0] == submitted[1]).all()


def test_replications_are_independent() -> None:
    tenant = {"arrivals": "poisson", "rate_per_s": 9000, **SIGN}
    scenario = parse({"requests": 300, "replications": 3, "tenants": [tenant]})
    runs = [replicate(scenario, number) for number in range(3)]
    assert len({done.recorder.to_bytes() for done in runs}) == 3
    row = evaluate(scenario, runs).rows[0]
    assert row.mean_ns.samples == 3
    assert row.mean_ns.half_width is not None


def test_a_duration_and_a_ramp_of_clients() -> None:
    tenant = {"clients": 4, "ramp_ns": 8 * MS, **SIGN}
    done = run(parse({"duration_ns": 20 * MS, "tenants": [tenant]})).recorder.array()
    begins = [int(done["submitted"][done["client"] == n].min()) for n in range(4)]
    assert begins == [0, 2 * MS, 4 * MS, 6 * MS]
    assert done["submitted"].max() < 20 * MS <= done["done"].max()


def test_tenants_keep_to_their_queues() -> None:
    tenants = [
        {"name": "a", "cards": [0], "domains": [1], "clients": 3, **SIGN},
        {"name": "b", "cards": [1, 2], "arrivals": "deterministic", "rate_per_s": 5000, **SIGN},
    ]
    machine = {"cards": 3, "domains": 2}
    scenario = parse({"duration_ns": 20 * MS, "machine": machine, "tenants": tenants})
    done = run(scenario)
    records = done.recorder.array()
    assert set(records["qid"][records["client"] < 3].tolist()) == {0x0001}
    assert set(records["qid"][records["client"] == 3].tolist()) <= {0x100, 0x101, 0x200, 0x201}
    assert int(records["client"].max()) == 3
    assert [row.title for row in evaluate(scenario, [done]).rows] == ["all", "a", "b"]


@pytest.mark.parametrize("engine", ["simpy", "recursion"])
def test_an_interrupt_keeps_what_was_done(engine: str) -> None:
    scenario = parse({"requests": 200_000, "tenants": [{"clients": 4, **SIGN}]})

    def impatient(ended: int) -> None:
        signal.raise_signal(signal.SIGINT)

    done = replicate(scenario, 0, impatient, engine)
    assert done.interrupted
    assert done.engine == engine
    assert 4000 < len(done.recorder) < 200_000
    assert evaluate(scenario, [done]).interrupted


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_both_engines_leave_the_same_bytes(path: Path) -> None:
    changes = [] if path.stem == "trace" else ["requests=3000"]
    scenario = load(str(path), changes)
    simpy, recursion = (replicate(scenario, 1, None, e) for e in ("simpy", "recursion"))
    assert simpy.recorder.to_bytes() == recursion.recorder.to_bytes()
    assert simpy.settled == recursion.settled


@pytest.mark.parametrize("engine", ["simpy", "recursion"])
def test_a_histogram_says_what_the_records_say(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenario_run, "CHUNK", 1000)
    tenant = {"arrivals": "poisson", "rate_per_s": 12_000, **SIGN}
    document = {"requests": 20_500, "warm_up_ns": 100 * MS, "tenants": [tenant]}
    exact = parse(document)
    counted = parse({**document, "percentiles": "histogram"})
    kept, done = replicate(exact, 0, None, engine), replicate(counted, 0, None, engine)
    assert not len(done.recorder)
    assert done.ended == 20_500
    one, other = evaluate(exact, [kept]), evaluate(counted, [done])
    whole, row = one.rows[0], other.rows[0]
    assert (row.requests, other.left_out) == (whole.requests, one.left_out)
    assert row.mean_ns.mean == pytest.approx(whole.mean_ns.mean, rel=1e-12)
    assert row.throughput_per_s.mean == pytest.approx(whole.throughput_per_s.mean, rel=1e-3)
    for close, figure in zip(row.percentiles_ns, whole.percentiles_ns, strict=True):
        assert figure.mean <= close.mean <= figure.mean * (1 + 1 / 1024)
    for close_busy, busy in zip(other.stations, one.stations, strict=True):
        assert close_busy.utilisation == pytest.approx(busy.utilisation, abs=1e-3)
    assert row.mean_ns.half_width is not None
    assert whole.mean_ns.half_width is not None
    assert 0.3 < row.mean_ns.half_width / whole.mean_ns.half_width < 3


def test_a_histogram_has_the_rows_of_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recursion, "CHUNK_RECORDS", 1000)
    mix = [{**SIGN, "weight": 3}, {"operation": "sha256", "payload_bytes": 64}]
    tenants = [
        {"name": "b", "clients": 6, "mix": mix},
        {"name": "a", "arrivals": "poisson", "rate_per_s": 4000, **SIGN},
        {"name": "none", "arrivals": "poisson", "rate_per_s": 0.001, **SIGN},
    ]
    document = {"requests": 20_000, "warm_up_ns": 50 * MS, "tenants": tenants}
    exact, counted = parse(document), parse({**document, "percentiles": "histogram"})
    whole, said = result(exact), result(counted)
    assert [row.title for row in whole.rows] == ["all", "b", "a", "rsa2048-sign", "sha256"]
    for row, figure in zip(said.rows, whole.rows, strict=True):
        assert (row.title, row.requests, row.failed) == (figure.title, figure.requests, 0)
        assert row.mean_ns.mean == pytest.approx(figure.mean_ns.mean, rel=1e-12)
        assert row.throughput_per_s.mean == pytest.approx(figure.throughput_per_s.mean, rel=2e-3)
        for close, one in zip(row.percentiles_ns, figure.percentiles_ns, strict=True):
            assert one.mean <= close.mean <= one.mean * (1 + 1 / 1024)
    for depth, exactly in (
        (said.in_system, whole.in_system),
        (said.in_hardware, whole.in_hardware),
    ):
        assert np.mean(depth.means[5:-5]) == pytest.approx(np.mean(exactly.means[5:-5]), rel=0.02)


@pytest.mark.parametrize("percentiles", ["exact", "histogram"])
@pytest.mark.parametrize(("metric", "most"), [("latency", 0.05), ("throughput", 0.01)])
def test_the_stop_rule_with_and_without_records(percentiles: str, metric: str, most: float) -> None:
    tenant = {"arrivals": "poisson", "rate_per_s": 12_000, **SIGN}
    stop = {"relative_error": most, "metric": metric}
    document = {"tenants": [tenant], "stop": stop, "percentiles": percentiles}
    done = replicate(parse({**document, "requests": 1_000_000}), 0)
    assert done.settled
    assert 2000 < done.ended < 1_000_000
    assert done.ended % 2000 == 0
    row = evaluate(parse({**document, "requests": 1_000_000}), [done]).rows[0]
    error = (row.mean_ns if metric == "latency" else row.throughput_per_s).relative_error
    assert error is not None
    assert error <= most
    short = replicate(parse({**document, "requests": 2500, "stop": {"relative_error": 0.001}}), 0)
    assert not short.settled
    assert short.ended == 2500
