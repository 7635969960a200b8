"""The distribution of latencies as HdrHistogram's plotter reads it (.hgrm), without its rounding.

The layout, the percentiles reported and the digits are those of the Java library's
`outputPercentileDistribution` with three digits and five ticks per half distance. Values are
microseconds, so that three decimals are whole nanoseconds.
"""

import math
from collections.abc import Iterator
from os import PathLike
from typing import NamedTuple, TextIO

import numpy as np

from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Array, Requests

TICKS_PER_HALF_DISTANCE = 5
_NS_PER_UNIT = 1000


class Distribution(NamedTuple):
    """Distinct latencies in nanoseconds, ascending, and how many requests had at most each."""

    values_ns: Array
    cumulative: Array

    @property
    def total(self) -> int:
        """The number of requests."""
        return int(self.cumulative[-1])

    def mean_ns(self) -> float:
        """The mean latency."""
        return int(np.dot(self.values_ns, self._counts())) / self.total

    def deviation_ns(self) -> float:
        """The standard deviation of these requests (not an estimate for others)."""
        squares = (self.values_ns - self.mean_ns()) ** 2
        return math.sqrt(float(np.dot(squares, self._counts())) / self.total)

    def _counts(self) -> Array:
        counts: Array = np.diff(self.cumulative, prepend=0)
        return counts


def distribution(requests: Requests) -> Distribution:
    """Latencies, submitted to done, of the requests that were answered without an error.

    Exact: it holds two numbers per distinct latency. `ExportError` when there is no such request.
    """
    values = counts = np.empty(0, np.int64)
    for chunk in requests.chunks():
        answered = chunk.take(chunk.array["outcome"] == 0)
        seen, times = np.unique(
            answered.times("done") - answered.times("submitted"), return_counts=True
        )
        values, places = np.unique(np.concatenate((values, seen)), return_inverse=True)
        merged = np.zeros(len(values), np.int64)
        np.add.at(merged, places, np.concatenate((counts, times)))
        counts = merged
    if not len(values):
        raise ExportError("no request was answered without an error: there is no latency to show")
    return Distribution(values, np.cumsum(counts))


def write(requests: Requests, path: str | PathLike[str]) -> None:
    """Write the latency distribution; `ExportError` when no request was answered."""
    found = distribution(requests)
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write(
            f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}\n\n"
        )
        for percentile, value_ns, count in _lines(found):
            line = f"{value_ns / _NS_PER_UNIT:12.3f} {percentile / 100:2.12f} {count:10d}"
            inverse = "" if percentile == 100 else f" {1 / (1 - percentile / 100):14.2f}"
            file.write(f"{line}{inverse}\n")
        _footer(found, file)


def _lines(found: Distribution) -> Iterator[tuple[float, int, int]]:
    """Percentile level, the least latency that reaches it, requests with at most that latency."""
    total = found.total
    reached = 100.0 * found.cumulative / total
    level, count = 0.0, 0
    while count < total:
        place = int(np.searchsorted(reached, level, side="left"))
        count = int(found.cumulative[place])
        yield level, int(found.values_ns[place]), count
        level = _next_level(level)
    yield 100.0, int(found.values_ns[-1]), total


def _next_level(level: float) -> float:
    """So many ticks in the first half of the way to 100 %, as many in half of the rest, and on."""
    halvings = int(math.log(100.0 / (100.0 - level)) / math.log(2)) + 1
    return level + 100.0 / (TICKS_PER_HALF_DISTANCE << halvings)


def _footer(found: Distribution, file: TextIO) -> None:
    """Exact values are those of a histogram with one bucket that counts every nanosecond."""
    mean, deviation = found.mean_ns() / _NS_PER_UNIT, found.deviation_ns() / _NS_PER_UNIT
    largest = int(found.values_ns[-1])
    file.write(f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]\n")
    file.write(f"#[Max     = {largest / _NS_PER_UNIT:12.3f}, Total count    = {found.total:12d}]\n")
    file.write(f"#[Buckets = {1:12d}, SubBuckets     = {1 << largest.bit_length():12d}]\n")
