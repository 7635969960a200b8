"""The replications of each combination put together: means with confidence intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ghostcard.benchmarks.estimation import Estimate, interval
from ghostcard.benchmarks.sweep import columns
from ghostcard.benchmarks.sweep.grid import Grid
from ghostcard.benchmarks.sweep.rows import Row

_HALF = {"per_second": "per_second_half_width", "mean_ns": "mean_half_width_ns"}


class Combination(NamedTuple):
    """A line of the table at the end."""

    values: tuple[object, ...]
    done: int  # replications
    failed: int
    reason: str  # of the first that failed
    figures: dict[str, Estimate]  # by column; none if nothing is done
    busiest: str
    utilisation: float


def combinations(grid: Grid, found: Sequence[Row]) -> Iterator[Combination]:
    """In the order of the rows, which is that of the cases."""
    names = [axis.name for axis in grid.axes]
    for _, group in groupby(found, key=lambda row: repr([row[name] for name in names])):
        each: list[dict[str, Any]] = list(group)
        done = [row for row in each if row["status"] == columns.DONE]
        failed = [row for row in each if row["status"] != columns.DONE]
        figures = ("per_second", *columns.TIMES) if done else ()
        yield Combination(
            tuple(each[0][name] for name in names),
            len(done),
            len(failed),
            failed[0]["reason"] if failed else "",
            {name: _over(done, name, grid.confidence) for name in figures},
            done[0]["busiest"] if done else "",
            sum(row["busiest_utilisation"] for row in done) / len(done) if done else 0.0,
        )


def _over(done: Sequence[dict[str, Any]], name: str, confidence: float) -> Estimate:
    """Several replications are the sample; one has the interval of its batches, if any."""
    known = [row for row in done if row[name] is not None]
    if not known:
        return Estimate(0.0, None, confidence, 0)
    if len(done) > 1:
        return interval([row[name] for row in known], confidence)
    half = done[0][_HALF[name]] if name in _HALF else None
    return Estimate(done[0][name], half, confidence, 1)
