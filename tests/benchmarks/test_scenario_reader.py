"""Scenarios read: what they mean, and that nonsense is refused by the name of its key."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ghostcard.benchmarks.analysis import answers, loads
from ghostcard.benchmarks.scenario import Arrival, Kind, Phase, Scenario, ScenarioError, Think
from ghostcard.benchmarks.scenario_limits import expected_requests, require_possible
from ghostcard.benchmarks.scenario_reader import parse
from ghostcard.benchmarks.scenario_run import machine_of
from ghostcard.emulator.profile import load as load_profile
from tests.benchmarks.conftest import Station

SIGN: dict[str, Any] = {"operation": "rsa2048-sign", "payload_bytes": 51}


def one(tenant: dict[str, Any], **more: Any) -> Scenario:
    return parse({"requests": 100, "tenants": [{**SIGN, **tenant}], **more})


def check(scenario: Scenario) -> None:
    cards = machine_of(scenario, 1).bus.cards
    require_possible(scenario, cards, loads(scenario, cards))


def test_the_least_scenario() -> None:
    scenario = one({})
    assert scenario.machine == (("cex8p",), 1, True, (load_profile("cex8p"),))
    tenant = scenario.tenants[0]
    assert (tenant.name, tenant.targets, tenant.clients) == ("tenant 0", (0,), 1)
    assert (tenant.mix, tenant.think) == ((Kind("rsa2048-sign", 51, 1),), Think())
    assert (scenario.seed, scenario.replications, scenario.confidence) == (1, 1, 0.95)
    assert (scenario.duration_ns, scenario.warm_up_ns, scenario.stop) == (None, None, None)


def test_cards_and_domains_make_targets() -> None:
    machine = {"cards": 3, "domains": 2}
    scenario = one({"cards": [2, 0], "domains": [1]}, machine=machine)
    assert scenario.tenants[0].targets == (0x001, 0x201)
    assert one({}, machine=machine).tenants[0].targets == (0, 1, 0x100, 0x101, 0x200, 0x201)


def test_weights_of_payloads_share_the_weight_of_their_operation() -> None:
    mix = [
        {"operation": "sha256", "payload_bytes": {"64": 7, "570": 4, "1500": 1}, "weight": 2},
        {**SIGN, "weight": 1},
    ]
    kinds = parse({"requests": 1, "tenants": [{"mix": mix}]}).tenants[0].mix
    total = sum(kind.weight for kind in kinds)
    shares = {(kind.operation, kind.payload_bytes): Fraction(kind.weight, total) for kind in kinds}
    assert shares == {
        ("sha256", 64): Fraction(7, 18),
        ("sha256", 570): Fraction(4, 18),
        ("sha256", 1500): Fraction(1, 18),
        ("rsa2048-sign", 51): Fraction(1, 3),
    }


def test_rates_are_the_digits_written() -> None:
    tenant = one({"arrivals": "poisson", "rate_per_s": 0.1}).tenants[0]
    assert tenant.rate_per_s == Fraction(1, 10)
    phases = [{"rate_per_s": 100, "mean_ns": 10_000}, {"rate_per_s": 0, "mean_ns": 30_000}]
    bursty = one({"arrivals": "bursty", "phases": phases}).tenants[0]
    assert bursty.phases == (Phase(Fraction(100), 10_000), Phase(Fraction(0), 30_000))
    assert bursty.mean_rate_per_s() == 25


def test_a_trace(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("arrival_ns,operation,payload\n5,sha256,64\n5,,\n9,query,\n")
    document = {"tenants": [{**SIGN, "arrivals": "trace", "file": "t.csv"}]}
    tenant = parse(document, folder=str(tmp_path)).tenants[0]
    kinds = (Kind("sha256", 64, 1), None, Kind("query", 0, 1))
    assert tenant.trace == tuple(map(Arrival, (5, 5, 9), kinds))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"tenants\[0\]\.file: .* takes a first line arrival_ns"),
        ("time\n1\n", r"tenants\[0\]\.file: .*\(it has time\)"),
        ("arrival_ns\n1\n", r"tenants\[0\]\.file: .* takes a column `operation`"),
        ("arrival_ns,operation\n", r"takes a CSV file with at least one arrival"),
        ("arrival_ns,operation\n1,\n", r"takes an operation in every line"),
        ("arrival_ns,operation\n7,query\n6,query\n", r"t\.csv:3: arrival_ns: got 6 after 7"),
        ("arrival_ns,operation\n-1,query\n", r"t\.csv:2: arrival_ns: got '-1', takes a whole"),
        ("arrival_ns,operation\n1,sha257\n", r"t\.csv:2\.operation: got 'sha257', .* sha256"),
        ("arrival_ns,operation,payload\n1,aes-256-ecb,7\n", r"t\.csv:2: payload: got 7"),
    ],
)
def test_a_trace_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ScenarioError, match=message):
        parse({"tenants": [{"arrivals": "trace", "file": "t.csv"}]}, folder=str(tmp_path))


@pytest.mark.parametrize(
    ("tenant", "message"),
    [
        ({"clients": 0}, r"tenants\[0\]\.clients: got 0, takes a whole number from 1 to 1000000"),
        ({"clients": True}, r"tenants\[0\]\.clients: got True"),
        ({"rate_per_s": 5}, r"tenants\[0\]\.rate_per_s: got an unknown key"),
        ({"arrivals": "posson"}, r'tenants\[0\]\.arrivals: got .posson., takes "closed" or'),
        ({"arrivals": "poisson"}, r"tenants\[0\]\.rate_per_s: is missing, takes requests per"),
        ({"arrivals": "poisson", "rate_per_s": 0}, r"rate_per_s: got 0, takes .* above 0"),
        ({"arrivals": "poisson", "rate_per_s": -3}, r"rate_per_s: got -3"),
        ({"arrivals": "poisson", "rate_per_s": float("inf")}, r"rate_per_s: got inf"),
        ({"arrivals": "poisson", "rate_per_s": 2e9}, r"rate_per_s: got 2e\+09|got 2000000000\.0"),
        ({"arrivals": "poisson", "rate_per_s": 1, "ramp_ns": 5}, r"ramp_to_per_s: is missing"),
        ({"arrivals": "bursty"}, r"tenants\[0\]\.phases: is missing, takes one or more"),
        ({"arrivals": "bursty", "phases": [{"rate_per_s": 0, "mean_ns": 1}]}, r"phases: got"),
        ({"arrivals": "bursty", "phases": [{"rate_per_s": 1, "mean_ns": 0}]},
         r"tenants\[0\]\.phases\[0\]\.mean_ns: got 0"),
        ({"arrivals": "bursty", "phases": [{"rate_per_s": 9, "mean_ns": 1}]},
         r"phases: got .*, takes at most 10,000 phases for each request"),
        ({"arrivals": "trace", "file": "none.csv"}, r"file: got 'none.csv', takes a CSV file"),
        ({"operation": "rsa2048-sing"}, r"operation: got 'rsa2048-sing', .*rsa2048-sign"),
        ({"payload_bytes": -1}, r"payload_bytes: got -1"),
        ({"payload_bytes": {"x": 1}}, r"payload_bytes\.x: got 1, takes bytes from 0 to"),
        ({"payload_bytes": {"64": 0}}, r"payload_bytes\.64: got 0"),
        ({"payload_bytes": {}}, r"payload_bytes: got \{\}"),
        ({"operation": "aes-256-ecb", "payload_bytes": 7},
         r"payload_bytes: got 7, takes what aes-256-ecb can process"),
        ({"mix": []}, r"tenants\[0\]\.mix: got \[\], takes either|takes one or more"),
        ({"cards": [1]}, r"cards: got \[1\], takes a list of different whole numbers from 0 to 0"),
        ({"cards": []}, r"cards: got \[\]"),
        ({"domains": [0, 0]}, r"domains: got \[0, 0\]"),
        ({"think": {"mean_ns": -5}}, r"tenants\[0\]\.think\.mean_ns: got -5"),
        ({"think": {"mean": 5}}, r"think\.mean: got an unknown key \(did you mean mean_ns\?\)"),
        ({"think": {"mean_ns": 5, "spread_permille": 5}}, r"think\.spread_permille: got 5"),
        ({"think": 5}, r"tenants\[0\]\.think: got 5, takes a table"),
    ],
)  # fmt: skip
def test_nonsense_of_tenants(tenant: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        one(tenant)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"tenants": []}, r"tenants: got \[\], takes one or more \[\[tenants\]\] tables"),
        ({"machine": {"cards": 0}}, r"machine\.cards: got 0, takes a whole number from 1 to 256"),
        ({"machine": {"card": 1}}, r"machine\.card: got an unknown key \(did you mean cards\?\)"),
        ({"machine": {"domains": 86}}, r"machine\.domains: got 86, takes 1 to 85"),
        ({"machine": {"profile": "cex8p", "profiles": ["cex8a"]}}, r"machine\.profiles: got"),
        ({"machine": {"profiles": ["cex8p", "cex8a"]}}, r"operation|cards of one mode"),
        ({"requests": 0}, r"requests: got 0"),
        ({"duration_ns": -1}, r"duration_ns: got -1"),
        ({"duration_ns": 10, "warm_up_ns": 10}, r"warm_up_ns: got 10, takes less than"),
        ({"confidence": 1}, r"confidence: got 1, takes a number from 0\.5 to 0\.9999"),
        ({"stop": {}}, r"stop\.relative_error: is missing"),
        ({"stop": {"relative_error": 0.1, "metric": "p99"}}, r'metric: got .p99., takes "latency"'),
        ({"sede": 1}, r"sede: got an unknown key \(did you mean seed\?\)"),
        ({"replications": 0}, r"replications: got 0"),
    ],
)
def test_nonsense_of_scenarios(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        parse({"requests": 10, "tenants": [SIGN], **document})


def test_an_end_is_needed_and_names_are_unique() -> None:
    with pytest.raises(ScenarioError, match=r"duration_ns: is missing"):
        parse({"tenants": [SIGN]})
    with pytest.raises(ScenarioError, match=r"tenants\[1\]\.name: got 'a', takes a name that no"):
        parse({"requests": 1, "tenants": [{**SIGN, "name": "a"}, {**SIGN, "name": "a"}]})


def test_an_infinite_load_is_refused_before_the_run(station: Station) -> None:
    idle = {"duration_ns": 100, "tenants": [SIGN]}
    with pytest.raises(ScenarioError, match=r"tenants\[0\]\.think\.mean_ns: .* load is infinite"):
        check(parse({**idle, "machine": {"profile": "null"}}))
    check(parse({"requests": 10, "tenants": [SIGN], "machine": {"profile": "null"}}))
    with pytest.raises(ScenarioError, match=r"rate_per_s: got 900,000,000 .* rates are per second"):
        check(one({"arrivals": "poisson", "rate_per_s": 9e8}))
    with pytest.raises(ScenarioError, match=r"duration_ns: got 1000000000000000, about"):
        check(parse({"duration_ns": 10**15, "tenants": [{**SIGN, "clients": 64}]}))
    with pytest.raises(ScenarioError, match=r"requests: got 900000000, about 900,000,000 requests"):
        check(one({}, requests=900_000_000))


def test_how_many_requests_there_will_be(station: Station) -> None:
    tenant = {"arrivals": "poisson", "rate_per_s": 500, **SIGN}
    scenario = station({"duration_ns": 10**9, "tenants": [tenant]}, {"rsa2048-sign": 10**6})
    assert expected_requests(scenario, machine_of(scenario, 1).bus.cards) == 500


def test_the_load_of_a_station_is_that_of_all_its_tenants(station: Station) -> None:
    tenants = [
        {"name": name, "arrivals": "deterministic", "rate_per_s": rate, **SIGN}
        for name, rate in (("a", 300), ("b", 1500))
    ]
    scenario = station({"requests": 1, "tenants": tenants}, {"rsa2048-sign": 10**6}, 2)
    [load] = loads(scenario, machine_of(scenario, 1).bus.cards)
    assert (load.adapter, load.station, load.tenants) == (0, "rsa", ("a", "b"))
    assert load.load == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("tenants", "reason"),
    [
        ([{**SIGN, "name": "a"}, {**SIGN, "name": "b"}], "several tenants"),
        ([{**SIGN, "arrivals": "poisson", "rate_per_s": 1, "ramp_to_per_s": 2, "ramp_ns": 3}],
         "the rate changes with time"),
        ([{**SIGN, "arrivals": "poisson", "rate_per_s": 99_000}], "no steady state"),
        ([{**SIGN, "arrivals": "bursty", "phases": [{"rate_per_s": 1, "mean_ns": 10**6}]}],
         "bursty"),
    ],
)  # fmt: skip
def test_where_no_formula_applies_the_reason_is_given(
    tenants: list[dict[str, Any]], reason: str
) -> None:
    scenario = parse({"requests": 1, "tenants": tenants})
    [answer] = answers(scenario, machine_of(scenario, 1).bus.cards)
    assert answer.formula == "none applies"
    assert reason in answer.assumes
