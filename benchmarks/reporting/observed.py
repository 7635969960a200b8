"""What the records of runs say, thinned for a report: latencies, depth over time, stations, stages.

Each set of records is a run on a clock of its own. Latencies are of the requests that were
answered; one that failed counts as failed, and as nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.benchmarks.reporting.envelope import Envelope, Window, envelope, windows
from ghostcard.benchmarks.reporting.quantiles import Distribution, of_values
from ghostcard.benchmarks.scenario_rows import ALL, PERMILLE
from ghostcard.benchmarks.scenario_stations import Busy, busy
from ghostcard.benchmarks.timesplit import TimeSplit, split
from ghostcard.emulator.card import Card


class Kind(NamedTuple):
    """The requests of one operation, or all; `latency` is None where none was answered."""

    title: str
    requests: int  # answered
    failed: int
    per_second: float  # over the span of the runs
    latency: Distribution | None


class Observed(NamedTuple):
    """The figures of one or more runs; what goes over time is of the longest of them."""

    runs: int
    requests: int
    dropped: int
    span_ns: int  # from the first submission to the last completion, added up over the runs
    clients: int
    kinds: tuple[Kind, ...]  # the first is of all; then the operations, if there are several
    under_way: Envelope
    in_hardware: Envelope
    windows: tuple[Window, ...]
    stations: tuple[Busy, ...]
    splits: tuple[TimeSplit, ...]


def observe(runs: Sequence[Requests], cards: dict[int, Card]) -> Observed:
    """Of runs that each hold a request; `cards` by adapter."""
    longest = max(runs, key=lambda run: len(run.array))
    spans = [_span(run.array) for run in runs]
    array = longest.array
    return Observed(
        runs=len(runs),
        requests=sum(len(run.array) for run in runs),
        dropped=sum(run.dropped for run in runs),
        span_ns=sum(spans),
        clients=sum(len(np.unique(run.array["client"])) for run in runs),
        kinds=tuple(kinds(runs, sum(spans))),
        under_way=envelope(array["submitted"], array["done"]),
        in_hardware=envelope(array["enqueued"], array["done"]),
        windows=tuple(windows(_signed(array, "submitted"), _signed(array, "done"), _ok(array))),
        stations=_stations(runs, spans, cards),
        splits=tuple(split(longest)),
    )


def kinds(runs: Sequence[Requests], span_ns: int) -> list[Kind]:
    """All requests, then each operation's if there are several."""
    found = [_kind(ALL, [(run.array, slice(None)) for run in runs], span_ns)]
    names = sorted({name for run in runs for name in run.operations()})
    if len(names) > 1:
        found += [
            _kind(name, [_of_operation(run, name) for run in runs], span_ns) for name in names
        ]
    return found


def _of_operation(run: Requests, name: str) -> tuple[Array, Array | slice]:
    if name not in run.names:
        return run.array, slice(0, 0)
    mask: Array = run.array["operation"] == run.names.index(name)
    return run.array, mask


def _kind(title: str, parts: Sequence[tuple[Array, Array | slice]], span_ns: int) -> Kind:
    failed, took = 0, []
    for array, chosen in parts:
        ok = _ok(array)[chosen]
        failed += int((~ok).sum())
        took.append((_signed(array, "done")[chosen] - _signed(array, "submitted")[chosen])[ok])
    latencies = np.concatenate(took)
    count = len(latencies)
    distribution = of_values(latencies, PERMILLE) if count else None
    return Kind(title, count, failed, count * 1e9 / span_ns if span_ns else 0.0, distribution)


def _ok(array: Array) -> Array:
    answered: Array = array["outcome"] == 0
    return answered


def _signed(array: Array, stage: str) -> Array:
    return array[stage].astype(np.int64)


def _span(array: Array) -> int:
    return int(array["done"].max() - array["submitted"].min())


def _stations(
    runs: Sequence[Requests], spans: Sequence[int], cards: dict[int, Card]
) -> tuple[Busy, ...]:
    """The busy share of all runs one after the other."""
    total: dict[tuple[int, str], Busy] = {}
    whole = max(sum(spans), 1)
    for run, span in zip(runs, spans, strict=True):
        first = int(run.array["submitted"].min())
        for one in busy(run.array, run.names, cards, first, first + span):
            key = one.adapter, one.station
            before = total.get(key, one._replace(utilisation=0.0))
            more = one.utilisation * span / whole
            total[key] = before._replace(utilisation=before.utilisation + more)
    return tuple(total.values())
