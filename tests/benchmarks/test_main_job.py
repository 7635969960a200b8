"""The simulated part of the main job against closed forms."""

import pytest

from ghostcard.benchmarks.cases import CASES, Case, case
from ghostcard.benchmarks.main_job import REQUESTS, Pace, measure, possible
from ghostcard.benchmarks.recursion import engine
from ghostcard.driver.shapes import shape
from ghostcard.emulator.profile import load
from ghostcard.machine import Machine


def lone_ns(each: Case) -> int:
    """The response time of a lone request, by the card's own arithmetic."""
    _, request_bytes, reply_bytes = shape(each.operation, each.payload)
    card = Machine.simulation().bus.cards[0]
    times = card.lone(0, each.operation, each.payload, request_bytes, reply_bytes)
    return times[-1]


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.operation)
def test_one_client_waits_as_long_as_a_lone_request(each: Case) -> None:
    point = measure("cex8p", each, 1, 1, Pace())
    lone = lone_ns(each)
    assert (point.mean_ns, point.p50_ns, point.p99_ns) == (lone, lone, lone)
    assert point.throughput_per_s == pytest.approx(1e9 / lone, rel=1e-12)
    assert (point.requests, point.limit()) == (REQUESTS, "clients")


@pytest.mark.parametrize("each", CASES, ids=lambda each: each.operation)
def test_many_clients_get_what_the_engines_give(each: Case) -> None:
    profile = load("cex8p")
    operation = profile.operations[each.operation]
    size = {engine.name: engine.size for engine in profile.engines}[operation.engine]
    most = size * 1e9 / operation.service_ns(each.payload)
    point = measure("cex8p", each, 64, 1, Pace())
    assert most * 0.999 < point.throughput_per_s <= most
    assert point.limit() == f"{operation.engine} engines"
    assert 0.96 < point.in_hardware <= 1


def test_the_same_seed_gives_the_same_point() -> None:
    points = [measure("cex8p", case("sha256"), 16, 7, Pace()) for _ in range(2)]
    assert points[0] == points[1]


def test_only_what_a_card_has_is_measured() -> None:
    assert possible(load("cex8p")) == list(CASES)
    assert possible(load("cex8a")) == []


def test_a_card_on_which_nothing_takes_time_has_no_throughput() -> None:
    point = measure("null", case("sha256"), 2, 1, Pace())
    assert (point.throughput_per_s, point.p99_ns, point.limit()) == (0.0, 0, "nothing")


def test_what_the_host_needed_is_known() -> None:
    pace = Pace()
    assert pace.per_second == 0
    for clients in (1, 2):
        measure("null", case("sha256"), clients, 1, pace)
    assert (pace.requests, pace.engines) == (2 * REQUESTS, {"recursion"})
    assert pace.per_second == pace.requests / pace.seconds > 0


def test_simpy_gives_the_same_point(monkeypatch: pytest.MonkeyPatch) -> None:
    pace, point = Pace(), measure("cex8p", case("sha256"), 8, 1, Pace())
    monkeypatch.setattr(engine, "_load", lambda: None)
    assert measure("cex8p", case("sha256"), 8, 1, pace) == point
    assert pace.engines == {"simpy"}
