"""What a scenario's replications say: figures with intervals, stations, depth, bottleneck."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array, Estimate, interval
from ghostcard.benchmarks.scenario import CLOSED, Scenario
from ghostcard.benchmarks.scenario_run import Replication
from ghostcard.benchmarks.scenario_series import (
    Depth,
    Steady,
    backlog_grows,
    depth,
    latencies,
    percentile,
    throughput,
    warm,
)
from ghostcard.benchmarks.scenario_stations import Busy, busy
from ghostcard.benchmarks.workload import first_clients

PERMILLE = (500, 900, 990, 999)
SATURATED = 0.95


class Row(NamedTuple):
    """The figures of all requests, of one tenant or of one operation; latencies in ns."""

    title: str
    requests: int  # answered, after the warm-up, in all replications
    failed: int
    throughput_per_s: Estimate
    mean_ns: Estimate
    percentiles_ns: tuple[Estimate, ...]  # of PERMILLE


class Result(NamedTuple):
    """All that `ghostcard simulate` prints of the simulation; `rows[0]` is of all requests."""

    engine: str
    engine_reason: str
    replications: int
    submitted: int
    rows: tuple[Row, ...]
    stations: tuple[Busy, ...]  # means of the replications
    in_system: Depth  # of the first replication
    in_hardware: Depth | None  # None without records
    places: int  # queue places of all queues
    warm_up_ns: int  # of the first replication
    left_out: int
    warm_up_found: bool
    span_ns: int  # of the first replication
    overloaded: bool | None  # None without records
    interrupted: bool
    settled: bool | None  # None: there is no stop rule

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
        if self.in_hardware and np.mean(self.in_hardware.means) >= SATURATED * self.places:
            return f"The queues are full: their {self.places} places limit the throughput."
        return f"Nothing is saturated: the load limits the throughput. The busiest is {busiest}."


def evaluate(scenario: Scenario, runs: Sequence[Replication]) -> Result:
    """The result of at least one replication with at least one answered request."""
    if scenario.histogram:
        return _evaluate_streams(scenario, runs)
    steady = [warm(run.recorder.array(), scenario.warm_up_ns) for run in runs]
    first, whole = runs[0], runs[0].recorder.array()
    has_open = any(tenant.arrivals != CLOSED for tenant in scenario.tenants)
    return Result(
        engine=first.engine,
        engine_reason=first.reason,
        replications=len(runs),
        submitted=sum(len(run.recorder) for run in runs),
        rows=tuple(_rows(scenario, runs, steady)),
        stations=_stations(runs, steady),
        in_system=depth(whole, "submitted", "done"),
        in_hardware=depth(whole, "enqueued", "done"),
        places=_places(first),
        warm_up_ns=steady[0].start_ns,
        left_out=steady[0].left_out,
        warm_up_found=steady[0].found,
        span_ns=int(whole["done"].max() - whole["submitted"].min()),
        overloaded=has_open
        and any(backlog_grows(run.recorder.array(), run.last_submitted_ns) for run in runs),
        interrupted=any(run.interrupted for run in runs),
        settled=all(run.settled for run in runs) if scenario.stop else None,
    )


def _rows(
    scenario: Scenario, runs: Sequence[Replication], steady: Sequence[Steady]
) -> Iterator[Row]:
    confidence = scenario.confidence
    series = [one.answered for one in steady]
    yield _row("all", series, sum(one.failed for one in steady), confidence)
    firsts = [*first_clients(scenario.tenants), 1 << 32]
    if len(scenario.tenants) > 1:
        for number, tenant in enumerate(scenario.tenants):
            low, high = firsts[number : number + 2]
            own = [one[(one["client"] >= low) & (one["client"] < high)] for one in series]
            yield from _present(tenant.name, own, confidence)
    names = [
        np.array(run.recorder.names)[one["operation"]]
        for run, one in zip(runs, series, strict=True)
    ]
    operations = sorted({str(name) for each in names for name in np.unique(each)})
    if len(operations) > 1:
        for operation in operations:
            own = [one[name == operation] for one, name in zip(series, names, strict=True)]
            yield from _present(operation, own, confidence)


def _present(title: str, series: Sequence[Array], confidence: float) -> Iterator[Row]:
    """A row, if there is anything to say in it."""
    if all(len(one) for one in series):
        yield _row(title, series, 0, confidence)


def _row(title: str, series: Sequence[Array], failed: int, confidence: float) -> Row:
    def over(figure: Callable[[Array], Estimate]) -> Estimate:
        """Batch means of one run; of several the runs themselves are the sample."""
        each = [figure(one) for one in series]
        return each[0] if len(each) == 1 else interval([one.mean for one in each], confidence)

    return Row(
        title,
        sum(map(len, series)),
        failed,
        over(lambda one: throughput(one, confidence)),
        over(lambda one: latencies(one, confidence)),
        tuple(over(lambda one, p=p: percentile(one, p, confidence)) for p in PERMILLE),  # type: ignore[misc]
    )


def _stations(runs: Sequence[Replication], steady: Sequence[Steady]) -> tuple[Busy, ...]:
    """Within the steady state: from the end of the warm-up to the last submission."""
    each = []
    for run, one in zip(runs, steady, strict=True):
        end = run.last_submitted_ns
        if end <= one.start_ns:
            end = int(run.recorder.array()["done"].max())
        array, names = run.recorder.array(), run.recorder.names
        each.append(busy(array, names, run.cards, one.start_ns, end))
    return _averaged(each)


def _averaged(each: Sequence[Sequence[Busy]]) -> tuple[Busy, ...]:
    return tuple(
        same[0]._replace(utilisation=sum(b.utilisation for b in same) / len(same))
        for same in zip(*each, strict=True)
    )


def _evaluate_streams(scenario: Scenario, runs: Sequence[Replication]) -> Result:
    """Without records: one row, percentiles of histograms, the depth by Little's law."""
    streams = [run.stream for run in runs if run.stream is not None]
    first, confidence = streams[0], scenario.confidence

    def over(each: Sequence[Estimate]) -> Estimate:
        return each[0] if len(each) == 1 else interval([one.mean for one in each], confidence)

    def percentile_over(permille: int) -> Estimate:
        values = [float(stream.latency.percentile(permille)) for stream in streams]
        return interval(values, confidence)

    row = Row(
        "all",
        sum(len(stream.latency) for stream in streams),
        sum(stream.failed for stream in streams),
        over([stream.throughput(confidence) for stream in streams]),
        over([stream.mean(confidence) for stream in streams]),
        tuple(map(percentile_over, PERMILLE)),
    )
    return Result(
        engine=runs[0].engine,
        engine_reason=runs[0].reason,
        replications=len(runs),
        submitted=sum(stream.requests for stream in streams),
        rows=(row,),
        stations=_averaged([stream.stations() for stream in streams]),
        in_system=Depth((first.mean_under_way(),), None),
        in_hardware=None,
        places=_places(runs[0]),
        warm_up_ns=first.start_ns,
        left_out=first.left_out,
        warm_up_found=True,
        span_ns=first.last_done_ns,
        overloaded=None,
        interrupted=any(run.interrupted for run in runs),
        settled=None,
    )


def _places(run: Replication) -> int:
    return sum(c.profile.queue.depth * len(c.domains) for c in run.cards.values())


def plain(value: Any) -> Any:
    """As dictionaries, lists and numbers, for JSON."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: plain(entry) for key, entry in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return value
