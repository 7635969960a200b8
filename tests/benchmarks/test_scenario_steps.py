"""Clients with steps, and clients that think on shared workers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostcard.benchmarks.analysis import answers
from ghostcard.benchmarks.engine_choice import RECURSION, SIMPY
from ghostcard.benchmarks.estimation import Array
from ghostcard.benchmarks.scenario import ScenarioError
from ghostcard.benchmarks.scenario_reader import parse
from ghostcard.benchmarks.scenario_result import evaluate
from ghostcard.benchmarks.scenario_run import machine_of, replicate
from ghostcard.benchmarks.scenario_series import transactions
from tests.benchmarks.conftest import Station

MS = 1_000_000
SIGN = {"operation": "rsa2048-sign", "payload_bytes": 51}
STEPS = [
    {"operation": "ecdsa-p256-sign", "payload_bytes": 32},
    {"operation": "aes-256-gcm", "payload_bytes": 1024, "times": 2},
    SIGN,
]
ORDER = ["ecdsa-p256-sign", "aes-256-gcm", "aes-256-gcm", "rsa2048-sign"]
THINK = {"mean_ns": MS, "distribution": "exponential"}


@pytest.mark.parametrize("engine", [SIMPY, RECURSION])
def test_a_client_goes_through_its_steps_and_thinks_after_the_last(engine: str) -> None:
    tenant = {"clients": 3, "steps": STEPS, "think": {"mean_ns": MS}}
    run = replicate(parse({"requests": 240, "tenants": [tenant]}), 0, engine=engine)
    records, names = run.recorder.array(), run.recorder.names
    for client in range(3):
        own = np.sort(records[records["client"] == client], order="submitted")
        asked = [names[code] for code in own["operation"]]
        assert asked == [ORDER[number % 4] for number in range(len(own))]
        gaps = own["submitted"][1:].astype(np.int64) - own["done"][:-1].astype(np.int64)
        assert gaps.tolist() == [MS if number % 4 == 3 else 0 for number in range(len(gaps))]


@pytest.mark.parametrize("think", [{}, {"mean_ns": MS}, THINK])
def test_either_engine_gives_the_same_records(think: dict[str, Any]) -> None:
    tenants = [
        {"clients": 5, "steps": STEPS, "think": think, "name": "stepping"},
        {"clients": 2, "steps": [SIGN | {"times": 3}], "think": think, "name": "signing"},
        {"clients": 4, "workers": 2, "think": think, "name": "shared", **SIGN},
        {"clients": 3, "workers": 2, "steps": STEPS, "think": think, "name": "both"},
    ]
    scenario = parse({"requests": 800, "tenants": tenants})
    one, other = (replicate(scenario, 0, engine=engine) for engine in (SIMPY, RECURSION))
    assert one.recorder.array().tobytes() == other.recorder.array().tobytes()


def test_a_transaction_lasts_from_its_first_request_to_its_last_reply() -> None:
    scenario = parse({"requests": 402, "warm_up_ns": 0, "tenants": [{"steps": STEPS}]})
    run = replicate(scenario, 0)
    records = run.recorder.array()
    begun, ended = records["submitted"][:400:4], records["done"][3:400:4]
    row = next(row for row in evaluate(scenario, [run]).rows if row.title == "transactions")
    assert row.requests == 100  # two requests of the next are left out
    assert row.mean_ns.mean == np.mean(ended.astype(np.int64) - begun.astype(np.int64))


def test_a_transaction_fails_with_one_of_its_requests() -> None:
    fields = [(name, "<i8") for name in ("submitted", "enqueued", "done", "client", "outcome")]
    rows = [(0, 0, 5, 7, 0), (5, 5, 9, 7, 3), (9, 9, 12, 7, 0), (1, 1, 4, 8, 0), (6, 6, 7, 8, 0),
            (2, 2, 3, 9, 0)]  # fmt: skip
    array: Array = np.array(rows, fields)
    found = transactions(array, range(7, 9), 2)
    assert found[["submitted", "done", "client", "outcome"]].tolist() == [
        (0, 9, 7, 3),
        (1, 7, 8, 0),
    ]
    assert not len(transactions(array, range(9, 10), 2))


@pytest.mark.parametrize(("clients", "workers"), [(1, 1), (4, 1), (8, 2), (3, 8)])
def test_clients_think_as_fast_as_their_workers(
    station: Station, clients: int, workers: int
) -> None:
    """X = min(N / (D + Z), workers / Z), exactly, once the clients are in step."""
    tenant = {"clients": clients, "workers": workers, "think": {"mean_ns": 3 * MS}, **SIGN}
    scenario = station({"requests": 60 * clients, "tenants": [tenant]}, {"rsa2048-sign": MS}, 8)
    run = replicate(scenario, 0)
    done = np.sort(run.recorder.array()["done"].astype(np.int64))[20 * clients : -clients]
    limited = clients * 3 * MS > workers * 4 * MS
    cycle, of = (3 * MS, workers) if limited else (4 * MS, clients)
    assert set((done[of:] - done[:-of]).tolist()) == {cycle}
    bounds = answers(scenario, machine_of(scenario, 0).bus.cards)[0]
    assert bounds.throughput_per_s == pytest.approx(of / cycle * 1e9)
    other = replicate(scenario, 0, engine=SIMPY)
    assert run.engine == RECURSION
    assert run.recorder.array().tobytes() == other.recorder.array().tobytes()


def test_workers_enough_are_a_worker_each() -> None:
    def theory(**more: object) -> list[tuple[float | None, float | None]]:
        tenant = {"clients": 6, "think": THINK, "steps": STEPS, **more}
        scenario = parse({"requests": 10, "tenants": [tenant]})
        said = answers(scenario, machine_of(scenario, 0).bus.cards)
        return [(one.throughput_per_s, one.latency_ns) for one in said]

    for one, other in zip(theory(), theory(workers=6), strict=True):
        assert one == pytest.approx(other, rel=1e-9)
    assert theory(workers=1)[1][0] < theory()[1][0]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("tenant", "told"),
    [
        ({"steps": STEPS, **SIGN}, "tenants[0].operation: .* nothing beside `steps`"),
        ({"steps": [SIGN | {"times": 0}]}, r"tenants\[0\].steps\[0\].times: got 0"),
        ({"steps": [SIGN | {"times": 9_000}] * 2}, "at most 10,000 requests"),
        ({"steps": [{"operation": "sha256", "payload_bytes": {"1": 1, "2": 1}}]}, "one size"),
        ({"steps": [], "clients": 2}, r"tenants\[0\].steps"),
        ({"workers": 0, **SIGN}, r"tenants\[0\].workers: got 0"),
        ({"arrivals": "poisson", "rate_per_s": 1, "workers": 1, **SIGN}, r"tenants\[0\].workers"),
        ({"arrivals": "poisson", "rate_per_s": 1, "steps": STEPS}, r"tenants\[0\].steps"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_its_key(tenant: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError, match=told.replace("tenants[0]", r"tenants\[0\]")):
        parse({"requests": 10, "tenants": [tenant]}, folder=str(Path.cwd()))
