"""What one request waited for, by hand and on a simulated run."""

from collections.abc import Sequence

import numpy as np
import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.benchmarks.explanation import Holder, Wait, explain, percentile, slowest
from ghostcard.benchmarks.export import requests as export_requests
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.benchmarks.timesplit import split
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

# One queue, one engine. Request 3 finds the queue full (three places); 5 overtakes 3.
LIVES = (
    (0, 10, 20, 20, 22, 24, 24, 100, 105, 115, 118, 120),
    (0, 10, 30, 30, 32, 34, 100, 176, 181, 191, 194, 196),
    (5, 15, 40, 40, 42, 44, 176, 180, 185, 195, 198, 200),
    (6, 120, 130, 130, 132, 134, 252, 328, 333, 343, 346, 348),
    (100, 110, 120, 120, 122, 124, 180, 200, 205, 215, 218, 220),
    (126, 136, 146, 146, 148, 150, 200, 252, 257, 267, 270, 272),
)


def recorded(lives: Sequence[Sequence[int]]) -> Requests:
    record = Recorder()
    for client, times in enumerate(lives):
        record.add(client, 0x0203, 31, "sign", "rsa", 0, 1, 100, 200, 32, tuple(times))
    return Requests.of(record)


@pytest.fixture(params=[1 << 14, 2], ids=["one chunk", "many chunks"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Requests:
    monkeypatch.setattr(export_requests, "CHUNK", request.param)
    return recorded(LIVES)


@pytest.fixture(scope="module")
def simulated() -> Requests:
    """One card, one queue, 20 clients that sign with RSA-4096: five engines, eight places."""
    machine = Machine.simulation()
    work = (Work("rsa4096-sign", 51, 31, 400, 900),)
    ClosedLoop(machine.simulated(), machine.targets(0), work, clients=20, requests=10).run()
    return Requests.of(machine.recorder)


def waits(requests: Requests, number: int) -> dict[str, Wait]:
    return {p.name: p.waited for p in explain(requests, number).parts if p.waited is not None}


def test_who_held_the_engine_who_was_ahead_and_who_overtook(written: Requests) -> None:
    assert waits(written, 0) == {}
    assert waits(written, 2) == {
        "link in": Wait("the link in", 0, (), 2, 0),
        "wait for engine": Wait("an engine", 1, (Holder(0, "sign", 0),), 1, 0),
    }
    assert waits(written, 3) == {
        "host submit": Wait(
            "a place in the queue",
            3,
            (Holder(0, "sign", 0), Holder(1, "sign", 1), Holder(2, "sign", 2)),
            0,
            1,  # request 4 was accepted before
        ),
        "wait for engine": Wait("an engine", 1, (Holder(1, "sign", 1),), 2, 1),
    }


def test_the_parts_of_one_request(written: Requests) -> None:
    found = explain(written, 2)
    assert (found.card, found.domain, found.client, found.engine) == (2, 3, 2, "rsa")
    assert (found.submitted_ns, found.latency_ns) == (5, 195)
    shown = [(p.name, p.kind, p.start_ns, p.duration_ns, p.waiting_ns) for p in found.parts]
    assert shown == [
        ("host submit", "host", 0, 10, 0),
        ("link in", "transfer", 10, 25, 15),
        ("wait for core", "waiting", 35, 0, 0),
        ("decode", "service", 35, 2, 0),
        ("unwrap", "service", 37, 2, 0),
        ("wait for engine", "waiting", 39, 132, 132),
        ("engine", "service", 171, 4, 0),
        ("build reply", "service", 175, 5, 0),
        ("link out", "transfer", 180, 10, 0),
        ("notify", "host", 190, 3, 0),
        ("dequeue", "host", 193, 2, 0),
    ]
    assert found.kinds_ns == {"host": 15, "service": 13, "transfer": 20, "waiting": 147}
    assert sum(part.share for part in found.parts) == pytest.approx(1)


def test_requests_at_other_cards_queues_and_pools_are_nobodys_rivals() -> None:
    record = Recorder()
    elsewhere = ((0x0203, "ec"), (0x0303, "rsa"), (0x0204, "rsa"))
    for client, (qid, engine) in enumerate(elsewhere):
        record.add(client, qid, 31, "sign", engine, 0, 1, 100, 200, 32, LIVES[0])
    record.add(9, 0x0203, 31, "sign", "rsa", 0, 1, 100, 200, 32, LIVES[1])
    found = waits(Requests.of(record), 3)
    assert found["link in"] == Wait("the link in", 0, (), 2, 0)  # 0 and 2: the card's
    assert found["wait for engine"] == Wait("an engine", 1, (Holder(2, "sign", 2),), 0, 0)


@pytest.mark.parametrize(
    ("percent", "latency"), [(100, 342), (99, 342), (50, 146), (20, 120), (1, 120)]
)
def test_percentiles_are_by_nearest_rank(written: Requests, percent: float, latency: int) -> None:
    """Latencies 120, 120, 146, 195, 196, 342."""
    assert explain(written, percentile(written, percent)).latency_ns == latency


def test_the_slowest_and_the_first_of_equals(written: Requests) -> None:
    assert slowest(written) == 3
    assert percentile(written, 1) == 0  # 0 and 4 took 120 ns


def test_a_request_given_up_and_one_that_is_not_there() -> None:
    record = Recorder()
    record.add(0, 0, 31, "sign", "", DRIVER_OUTCOME + 19, 0, 10, 0, 5, (10, *(60,) * 11))
    requests = Requests.of(record)
    found = explain(requests, 0)
    assert (found.given_up, found.latency_ns, found.parts, found.kinds_ns) == (True, 50, (), {})
    with pytest.raises(ExportError, match=r"^there is no request 1: the file holds 0 to 0$"):
        explain(requests, 1)
    with pytest.raises(ExportError, match=r"^no request was answered without an error"):
        slowest(requests)
    (only,) = split(requests)
    assert (only.requests, only.given_up, only.mean_latency_ns) == (0, 1, 0)


def test_parts_of_every_request_fill_its_life(simulated: Requests) -> None:
    for number in range(0, len(simulated), 7):
        found = explain(simulated, number)
        ends = [part.start_ns + part.duration_ns for part in found.parts]
        assert [part.start_ns for part in found.parts] == [0, *ends[:-1]]
        assert ends[-1] == found.latency_ns == sum(found.kinds_ns.values())


def test_a_fifo_card_is_seen_as_one(simulated: Requests) -> None:
    """Who waits for an engine finds all five held, and nobody overtakes; likewise the queue."""
    found = [waits(simulated, number) for number in range(len(simulated))]
    engines = [each["wait for engine"] for each in found if "wait for engine" in each]
    places = [each["host submit"] for each in found if "host submit" in each]
    assert len(engines) > 100
    assert len(places) > 100
    assert {wait.held for wait in engines} == {5}
    assert {wait.held for wait in places} == {8}
    assert {wait.overtaken for wait in engines + places} == {0}
    assert max(wait.ahead for wait in engines) == 8 - 5 - 1
    assert max(wait.ahead for wait in places) == 20 - 8 - 1


def test_the_mean_split_adds_up(simulated: Requests) -> None:
    (only,) = split(simulated)
    array = simulated.array
    assert (only.operation, only.requests, only.given_up) == ("rsa4096-sign", 200, 0)
    assert only.mean_latency_ns == float(np.sum(array["done"] - array["submitted"])) / 200
    means = {part.name: part for part in only.parts}
    assert means["engine"].mean_ns == 376_000 * 5  # rating 376 x 1 us x 5 engines
    assert means["engine"].mean_waiting_ns == 0
    wait = np.sum(array["started"] - array["unwrapped"]) / 200
    assert means["wait for engine"].mean_ns == means["wait for engine"].mean_waiting_ns == wait
    assert means["host submit"].mean_ns - means["host submit"].mean_waiting_ns == 1000
    assert sum(part.mean_ns for part in only.parts) == pytest.approx(only.mean_latency_ns)
    assert sum(part.share for part in only.parts) == pytest.approx(1)


def test_the_split_is_by_operation_the_costliest_first() -> None:
    record = Recorder()
    for operation, life in (("cheap", LIVES[0]), ("dear", LIVES[3]), ("cheap", LIVES[0])):
        record.add(0, 0, 31, operation, "rsa", 0, 1, 100, 200, 32, life)
    found = [(s.operation, s.requests, s.mean_latency_ns) for s in split(Requests.of(record))]
    assert found == [("dear", 1, 342), ("cheap", 2, 120)]
