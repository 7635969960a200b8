"""Statistics against records made by hand and against closed loops with known answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.emulator.link import TransferTimes
from ghostcard.emulator.profile import Profile, load
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine
from ghostcard.statistics import INTERVALS, Resource, Statistics, summarise

STEPS = (100, 10, 20, 30, 40, 50, 600, 70, 80, 90, 9)  # ns in each of INTERVALS
TOTAL = sum(STEPS)


@pytest.fixture(scope="module")
def cex8p() -> Profile:
    return load("cex8p")


def add(
    recorder: Recorder,
    start: int,
    operation: str = "rsa2048-sign",
    outcome: int = 0,
    qid: int = 0,
    client: int = 0,
    engine_ns: int = 600,
    depth: int = 1,
) -> None:
    times = [start]
    for name, step in zip(INTERVALS, STEPS, strict=True):
        times.append(times[-1] + (engine_ns if name == "engine" else step))
    recorder.add(client, qid, 31, operation, "rsa", outcome, depth, 400, 300, 51, times)


def resource(statistics: Statistics, name: str, adapter: int = 0) -> Resource:
    (found,) = (r for r in statistics.resources if (r.adapter, r.name) == (adapter, name))
    return found


def test_one_request(cex8p: Profile) -> None:
    recorder = Recorder()
    add(recorder, 5_000)
    said = summarise([recorder], {0: cex8p})
    assert (said.runs, said.span_ns, said.clients, said.deepest) == (1, TOTAL, 1, 1)
    assert said.total.intervals_ns == dict(zip(INTERVALS, map(float, STEPS), strict=True))
    assert said.total.latency == (TOTAL, TOTAL, TOTAL, TOTAL, TOTAL)
    assert said.total.per_second == 1e9 / TOTAL
    assert [kind.operation for kind in said.operations] == ["rsa2048-sign"]
    assert resource(said, "cores") == Resource(0, "cores", 3, 70, 70 / (3 * TOTAL))
    assert resource(said, "rsa") == Resource(0, "rsa", 5, 600, 600 / (5 * TOTAL))
    transfers = TransferTimes(cex8p.link)
    assert resource(said, "link in").busy_ns == transfers[400]
    assert resource(said, "link out").busy_ns == transfers[300]
    assert resource(said, "reply builders").busy_ns == cex8p.firmware.build_ns


def test_percentiles_are_exact_by_nearest_rank(cex8p: Profile) -> None:
    recorder = Recorder()
    for n in range(200):  # latencies TOTAL - 600 + 1000, 2000 ... 200000
        add(recorder, n * 1_000_000, engine_ns=(n + 1) * 1000)
    latency = summarise([recorder], {0: cex8p}).total.latency
    assert latency is not None
    rest = TOTAL - 600
    assert (latency.p50_ns, latency.p99_ns) == (rest + 100_000, rest + 198_000)
    assert (latency.least_ns, latency.greatest_ns) == (rest + 1_000, rest + 200_000)
    assert latency.mean_ns == rest + 100_500


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=300), st.sampled_from([50, 99]))
def test_a_percentile_is_the_least_value_with_enough_at_or_below(
    values: list[int], percent: int
) -> None:
    recorder = Recorder()
    for value in values:
        add(recorder, 0, engine_ns=value)
    latency = summarise([recorder], {0: load_cex8p()}).total.latency
    assert latency is not None
    found = (latency.p50_ns if percent == 50 else latency.p99_ns) - (TOTAL - 600)
    needed = len(values) * percent / 100
    assert found in values
    assert sum(value <= found for value in values) >= needed
    assert sum(value < found for value in values) < needed


_CEX8P: list[Profile] = []


def load_cex8p() -> Profile:
    if not _CEX8P:
        _CEX8P.append(load("cex8p"))
    return _CEX8P[0]


def test_refused_and_given_up_requests_count_as_failed(cex8p: Profile) -> None:
    recorder = Recorder()
    add(recorder, 0)
    add(recorder, 0, outcome=0x82)
    add(recorder, 0, outcome=0x1000 + 5)  # EIO: it was on no card
    said = summarise([recorder], {0: cex8p})
    assert (said.total.requests, said.total.failed) == (1, 2)
    assert resource(said, "rsa").busy_ns == 1200


def test_runs_follow_one_another(cex8p: Profile) -> None:
    """Each run has its own clock and its own names; clients of two runs are different clients."""
    first, second = Recorder(), Recorder()
    add(first, 0, "rsa2048-sign", client=0)
    add(second, 7, "sha256", client=0)
    add(second, 7 + TOTAL, "rsa2048-sign", client=1, depth=5)
    said = summarise([first, second, Recorder()], {0: cex8p})
    assert (said.runs, said.span_ns, said.clients, said.deepest) == (3, 3 * TOTAL, 3, 5)
    assert [(k.operation, k.requests) for k in said.operations] == [
        ("rsa2048-sign", 2),
        ("sha256", 1),
    ]
    assert said.total.per_second == 3e9 / (3 * TOTAL)


def test_several_cards(cex8p: Profile) -> None:
    recorder = Recorder()
    add(recorder, 0, qid=0x0001)
    add(recorder, 0, qid=0x0100)
    said = summarise([recorder], {0: cex8p, 1: cex8p})
    assert [resource(said, "rsa", adapter).busy_ns for adapter in (0, 1)] == [600, 600]


def test_nothing_at_all() -> None:
    for runs in ([], [Recorder()], [Recorder(capacity=0)]):
        said = summarise(runs, {})
        assert (said.span_ns, said.total.requests, said.busiest) == (0, 0, None)
        assert said.total.latency is None


def test_what_was_dropped_is_told(cex8p: Profile) -> None:
    recorder = Recorder(capacity=1)
    add(recorder, 0)
    add(recorder, 0)
    assert summarise([recorder], {0: cex8p}).dropped == 1


def test_plain_is_json(cex8p: Profile) -> None:
    recorder = Recorder()
    add(recorder, 0)
    said = summarise([recorder], {0: cex8p})
    plain = json.loads(json.dumps(said.plain()))
    assert plain["total"]["latency"]["p50_ns"] == TOTAL
    assert plain["resources"][0]["name"] == "link in"


def test_a_saturated_pool_is_the_busiest_resource(cex8p: Profile) -> None:
    """32 clients, RSA-2048: the five engines are the limit, at count / service time."""
    machine = Machine.simulation()
    work = Work("rsa2048-sign", 51, 31, 400, 300)
    ClosedLoop(machine.simulated(), machine.targets(0), [work], 32, 100).run()
    said = summarise([machine.recorder], {0: cex8p})
    busiest = said.busiest
    assert busiest is not None
    assert (busiest.name, busiest.servers) == ("rsa", 5)
    service_ns = cex8p.operations["rsa2048-sign"].service_ns(51)
    assert busiest.busy_ns == 3200 * service_ns  # utilisation law
    assert busiest.utilisation > 0.99
    assert said.total.per_second == pytest.approx(5e9 / service_ns, rel=0.01)
