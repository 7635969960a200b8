"""What a scenario's replications say: figures with intervals, stations, depth, bottleneck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array
from ghostcard.benchmarks.scenario import CLOSED, Change, Scenario
from ghostcard.benchmarks.scenario_changes import changed, of_tenants
from ghostcard.benchmarks.scenario_depth import Depth, backlog_grows, depth
from ghostcard.benchmarks.scenario_rows import Row, rows_of_records, rows_of_streams
from ghostcard.benchmarks.scenario_run import Replication
from ghostcard.benchmarks.scenario_series import Steady, slim, warm
from ghostcard.benchmarks.scenario_stations import Busy, busy
from ghostcard.benchmarks.workload import clients_of

SATURATED = 0.95


class Changed(NamedTuple):
    """A change, and when a core of the card took it; None where the run had ended before."""

    change: Change
    fetched_ns: int | None


class Result(NamedTuple):
    """All that `ghostcard simulate` prints of the simulation; `rows[0]` is of all requests."""

    engine: str
    engine_reason: str
    replications: int
    submitted: int
    rows: tuple[Row, ...]
    stations: tuple[Busy, ...]  # means of the replications
    in_system: Depth  # of the first replication
    in_hardware: Depth
    places: int  # queue places of all queues
    warm_up_ns: int  # of the first replication
    left_out: int
    warm_up_found: bool
    span_ns: int  # of the first replication
    overloaded: bool
    interrupted: bool
    settled: bool | None  # None: there is no stop rule
    changes: tuple[Changed, ...]  # of the first replication

    def bottleneck(self) -> str:
        """In a sentence, what keeps the throughput from growing."""
        top = max(self.stations, key=lambda one: one.utilisation)
        full = [one for one in self.stations if one.utilisation >= SATURATED] or [top]
        named = " and ".join(f"{one.title} of card {one.adapter}" for one in full)
        busiest = f"{named}, busy {top.utilisation:.1%} of the time"
        if not top.utilisation:
            return "Nothing takes time on these cards, so nothing limits the throughput."
        if top.utilisation >= SATURATED:
            return f"The bottleneck is {busiest}."
        if np.mean(self.in_hardware.means) >= SATURATED * self.places:
            return f"The queues are full: their {self.places} places limit the throughput."
        return f"Nothing is saturated: the load limits the throughput. The busiest is {busiest}."


def evaluate(scenario: Scenario, runs: Sequence[Replication]) -> Result:
    """The result of at least one replication with at least one answered request."""
    first = runs[0]
    figures = _of_streams(scenario, runs) if scenario.histogram else _of_records(scenario, runs)
    return Result(
        engine=first.engine,
        engine_reason=first.reason,
        replications=len(runs),
        places=sum(c.profile.queue.depth * len(c.domains) for c in first.cards.values()),
        interrupted=any(run.interrupted for run in runs),
        settled=all(run.settled for run in runs) if scenario.stop else None,
        **figures,
    )


def _of_records(scenario: Scenario, runs: Sequence[Replication]) -> dict[str, Any]:
    seen = [_seen(scenario, run) for run in runs]
    loads, steady = [one.load for one in seen], [one.steady for one in seen]
    first = loads[0]
    return {
        "submitted": sum(map(len, loads)),
        "rows": tuple(rows_of_records(scenario, runs, loads, steady)),
        "stations": _averaged([one.stations for one in seen]),
        "in_system": depth(first, "submitted", "done"),
        "in_hardware": depth(first, "enqueued", "done"),
        "warm_up_ns": steady[0].start_ns,
        "left_out": steady[0].left_out,
        "warm_up_found": steady[0].found,
        "span_ns": int(first["done"].max() - first["submitted"].min()),
        "overloaded": _is_open(scenario) and any(map(backlog_grows, loads)),
        "changes": seen[0].changes,
    }


class _Seen(NamedTuple):
    """What the records of a run say, without most of their bytes."""

    load: Array  # of the tenants, slim
    steady: Steady
    stations: list[Busy]
    changes: tuple[Changed, ...]


def _seen(scenario: Scenario, run: Replication) -> _Seen:
    whole = run.recorder.array()
    load = of_tenants(scenario, slim(whole))
    steady = warm(load, scenario.warm_up_ns)
    stations = _stations(run, whole, steady.start_ns, int(load["submitted"].max()))
    return _Seen(load, steady, stations, tuple(_changes(scenario, changed(scenario, whole))))


def _of_streams(scenario: Scenario, runs: Sequence[Replication]) -> dict[str, Any]:
    streams = [run.stream for run in runs if run.stream is not None]
    first = streams[0]
    return {
        "submitted": sum(stream.requests for stream in streams),
        "rows": tuple(rows_of_streams(scenario, streams)),
        "stations": _averaged([stream.stations() for stream in streams]),
        "in_system": first.in_system.depth(),
        "in_hardware": first.in_hardware.depth(),
        "warm_up_ns": first.start_ns,
        "left_out": first.left_out,
        "warm_up_found": True,
        "span_ns": first.last_done_ns,
        "overloaded": _is_open(scenario) and any(stream.in_system.grows() for stream in streams),
        "changes": tuple(_changes(scenario, first.changed)),
    }


def _is_open(scenario: Scenario) -> bool:
    return any(tenant.arrivals != CLOSED for tenant in scenario.tenants)


def _stations(run: Replication, array: Array, begin_ns: int, end_ns: int) -> list[Busy]:
    """Within the steady state: from the end of the warm-up to the last submission."""
    if end_ns <= begin_ns:
        end_ns = int(array["done"].max())
    return busy(array, run.recorder.names, run.cards, begin_ns, end_ns)


def _averaged(each: Sequence[Sequence[Busy]]) -> tuple[Busy, ...]:
    return tuple(
        same[0]._replace(utilisation=sum(b.utilisation for b in same) / len(same))
        for same in zip(*each, strict=True)
    )


def _changes(scenario: Scenario, fetched: dict[int, int]) -> Iterator[Changed]:
    first = clients_of(scenario.tenants)
    for number, change in enumerate(scenario.changes):
        yield Changed(change, fetched.get(first + number))


def plain(value: Any) -> Any:
    """As dictionaries, lists and numbers, for JSON."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: plain(entry) for key, entry in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return value
