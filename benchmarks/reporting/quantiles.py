"""The distribution of latencies, thinned so that every point that is left is exact.

A point is a latency that occurred and the part of all requests that took no longer. Where there are
few different latencies all are kept; else those at ranks that lie evenly, and in each decade of the
tail (the slowest tenth, hundredth, ...) some more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array
from ghostcard.benchmarks.histogram import Histogram

POINTS = 240  # evenly; and
TAIL_POINTS = 40  # of each decade


class Distribution(NamedTuple):
    """Points of the cumulative distribution, ascending; of so many requests."""

    requests: int
    latency_ns: tuple[int, ...]
    part: tuple[float, ...]  # that took at most so long
    mean_ns: float
    percentiles_ns: tuple[int, ...]  # of the permille asked for, by nearest rank


def of_values(latencies: Array, permille: tuple[int, ...]) -> Distribution:
    """Of latencies in any order; there is at least one."""
    ordered = np.sort(latencies.astype(np.int64))
    count = len(ordered)
    values = np.unique(ordered[_ranks(count)])
    parts = np.searchsorted(ordered, values, side="right") / count
    ranks = [max(-(-count * one // 1000), 1) - 1 for one in permille]
    return Distribution(
        count,
        tuple(values.tolist()),
        tuple(parts.tolist()),
        float(ordered.mean()),
        tuple(ordered[ranks].tolist()),
    )


def of_histogram(histogram: Histogram, permille: tuple[int, ...]) -> Distribution:
    """Of a histogram with at least one value: the upper ends of its buckets."""
    ends, below = histogram.cumulated()
    count = len(histogram)
    places = np.unique(np.searchsorted(below, _ranks(count) + 1))
    return Distribution(
        count,
        tuple(ends[places].tolist()),
        tuple((below[places] / count).tolist()),
        histogram.mean,
        tuple(histogram.percentile(one) for one in permille),
    )


def _ranks(count: int) -> Array:
    """Indices into `count` ordered values, the first and the last among them."""
    if count <= POINTS:
        return np.arange(count)
    parts = [np.linspace(0, count - 1, POINTS)]
    tail = 0.1
    while count * tail >= 1:
        parts.append(count - 1 - np.linspace(0, count * tail, TAIL_POINTS, endpoint=False))
        tail /= 10
    ranks = np.unique(np.concatenate(parts).astype(np.int64))
    return ranks[(ranks >= 0) & (ranks < count)]
