"""The figures of a scenario's requests: all, of each tenant, of each operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array, Estimate, interval
from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_run import Replication
from ghostcard.benchmarks.scenario_series import (
    Steady,
    latencies,
    percentile,
    throughput,
    transactions,
)
from ghostcard.benchmarks.scenario_stream import RowStream, Stream
from ghostcard.benchmarks.workload import clients_of, first_clients

PERMILLE = (500, 900, 990, 999)
ALL = "all"


class Row(NamedTuple):
    """The figures of all requests, of one tenant or of one operation; latencies in ns."""

    title: str
    requests: int  # answered, after the warm-up, in all replications
    failed: int
    throughput_per_s: Estimate
    mean_ns: Estimate
    percentiles_ns: tuple[Estimate, ...]  # of PERMILLE


def rows_of_records(
    scenario: Scenario,
    runs: Sequence[Replication],
    loads: Sequence[Array],
    steady: Sequence[Steady],
) -> Iterator[Row]:
    """The first is of all requests; then tenants, if there are several, transactions of those that
    have steps, and operations, if there are several.
    """
    confidence = scenario.confidence
    parts = [(one.answered, one.failed) for one in steady]
    yield _row(ALL, parts, confidence)
    bounds = [*first_clients(scenario.tenants), clients_of(scenario.tenants)]
    if len(scenario.tenants) > 1:
        for number, tenant in enumerate(scenario.tenants):
            low, high = bounds[number : number + 2]
            own = [tuple(a[(a["client"] >= low) & (a["client"] < high)] for a in p) for p in parts]
            yield from _present(tenant.name, own, confidence)
    yield from _transactions(scenario, loads, steady)
    known = [np.array(run.recorder.names or ("",)) for run in runs]
    met = zip(known, parts, strict=True)
    operations = {str(name) for names, p in met for name in np.unique(names[p[0]["operation"]])}
    if len(operations) > 1:
        for operation in sorted(operations):
            own = [
                tuple(a[names[a["operation"]] == operation] for a in p)
                for names, p in zip(known, parts, strict=True)
            ]
            yield from _present(operation, own, confidence)


def _transactions(
    scenario: Scenario, loads: Sequence[Array], steady: Sequence[Steady]
) -> Iterator[Row]:
    bounds = [*first_clients(scenario.tenants), clients_of(scenario.tenants)]
    for number, tenant in enumerate(scenario.tenants):
        if not tenant.steps:
            continue
        each = [
            transactions(load, range(*bounds[number : number + 2]), len(tenant.steps))
            for load in loads
        ]
        begun = [a[a["submitted"] >= s.start_ns] for a, s in zip(each, steady, strict=True)]
        parts = [(a[a["outcome"] == 0], a[a["outcome"] != 0]) for a in begun]
        title = "transactions" if len(scenario.tenants) == 1 else f"{tenant.name}, transactions"
        yield from _present(title, parts, scenario.confidence)


def _present(title: str, parts: Sequence[tuple[Array, ...]], confidence: float) -> Iterator[Row]:
    """A row, if there is anything to say in it."""
    if all(len(answered) for answered, _ in parts):
        yield _row(title, parts, confidence)


def _row(title: str, parts: Sequence[tuple[Array, ...]], confidence: float) -> Row:
    def over(figure: Callable[[Array], Estimate]) -> Estimate:
        return _over([figure(answered) for answered, _ in parts], confidence)

    return Row(
        title,
        sum(len(answered) for answered, _ in parts),
        sum(len(failed) for _, failed in parts),
        over(lambda one: throughput(one, confidence)),
        over(lambda one: latencies(one, confidence)),
        tuple(over(lambda one, p=p: percentile(one, p, confidence)) for p in PERMILLE),  # type: ignore[misc]
    )


def _over(each: Sequence[Estimate], confidence: float) -> Estimate:
    """Batch means of one run; of several the runs themselves are the sample."""
    return each[0] if len(each) == 1 else interval([one.mean for one in each], confidence)


def rows_of_streams(scenario: Scenario, streams: Sequence[Stream]) -> Iterator[Row]:
    """The same, from runs without records."""
    confidence = scenario.confidence
    yield _stream_row(ALL, [stream.all for stream in streams], confidence)
    titles = [tenant.name for tenant in scenario.tenants]
    if len(titles) > 1:
        for title in titles:
            yield from _heard(title, [stream.tenants[title] for stream in streams], confidence)
    operations = {name for stream in streams for name in stream.operations}
    if len(operations) > 1:
        for name in sorted(operations):
            own = [stream.operations.get(name, RowStream()) for stream in streams]
            yield from _heard(name, own, confidence)


def _heard(title: str, streams: Sequence[RowStream], confidence: float) -> Iterator[Row]:
    if all(len(stream.latency) for stream in streams):
        yield _stream_row(title, streams, confidence)


def _stream_row(title: str, streams: Sequence[RowStream], confidence: float) -> Row:
    def percentile_over(permille: int) -> Estimate:
        values = [float(stream.latency.percentile(permille)) for stream in streams]
        return interval(values, confidence)

    return Row(
        title,
        sum(len(stream.latency) for stream in streams),
        sum(stream.failed for stream in streams),
        _over([stream.throughput(confidence) for stream in streams], confidence),
        _over([stream.mean(confidence) for stream in streams], confidence),
        tuple(map(percentile_over, PERMILLE)),
    )
