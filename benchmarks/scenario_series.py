"""The steady part of a run's records, and the estimates that one run gives by batch means."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import (
    BATCHES,
    Array,
    Estimate,
    batches,
    mean_of,
    mser5,
    percentile_of,
)

DEPTH_SLOTS = 48  # points of the depth over time


class Steady(NamedTuple):
    """The requests submitted after the warm-up, in order of submission."""

    answered: Array  # without failures; records as `Recorder.array` gives them
    failed: int
    start_ns: int  # the end of the warm-up
    left_out: int  # requests
    found: bool  # False: MSER-5 could not tell where the warm-up ends


def warm(array: Array, warm_up_ns: int | None) -> Steady:
    """Leave the warm-up out: what was submitted before a time, or what MSER-5 says."""
    array = array[np.argsort(array["submitted"], kind="stable")]
    found = True
    if warm_up_ns is None:
        answered = array[array["outcome"] == 0]
        count, found = mser5(_took(answered).astype(float))
        warm_up_ns = int(answered["submitted"][count]) if count else 0
    left_out = int(np.searchsorted(array["submitted"], warm_up_ns))
    rest = array[left_out:]
    ok = rest["outcome"] == 0
    return Steady(rest[ok], int((~ok).sum()), warm_up_ns, left_out, found)


def _took(array: Array) -> Array:
    took: Array = array["done"].astype(np.int64) - array["submitted"].astype(np.int64)
    return took


def latencies(answered: Array, confidence: float) -> Estimate:
    """The mean latency in ns."""
    return batches(_took(answered).astype(float), mean_of, confidence)


def percentile(answered: Array, permille: int, confidence: float) -> Estimate:
    """A percentile of the latency in ns: a value that occurred.

    No interval where a batch has less than one value beyond the percentile.
    """
    estimate = batches(_took(answered), percentile_of(permille), confidence)
    if len(answered) * (1000 - permille) < 1000 * BATCHES:
        return estimate._replace(half_width=None, samples=1)
    return estimate


def throughput(answered: Array, confidence: float) -> Estimate:
    """Completions per second, from the gaps between them until the last submission.

    What is served after that is the end of the run, not of the steady state.
    """
    done = np.sort(answered["done"]).astype(np.int64)
    steady = done[done <= int(answered["submitted"][-1])] if len(answered) else done
    if len(steady) < 2 or steady[0] == steady[-1]:
        steady = done
    if len(steady) < 2 or steady[0] == steady[-1]:
        return Estimate(0.0, None, confidence, 1)
    estimate = batches(np.diff(steady).astype(float), mean_of, confidence)
    half = None if estimate.half_width is None else estimate.half_width / estimate.mean
    rate = 1e9 / estimate.mean
    return estimate._replace(mean=rate, half_width=None if half is None else half * rate)


class Depth(NamedTuple):
    """How many requests were somewhere, averaged over equal parts of a run, and at most."""

    means: tuple[float, ...]
    greatest: int | None  # None without records


def depth(array: Array, begin: str, end: str) -> Depth:
    """Of the requests between two stages of their records, from the first to the last."""
    enter, leave = np.sort(array[begin]), np.sort(array[end])
    if not len(enter) or enter[0] == leave[-1]:
        return Depth((0.0,) * DEPTH_SLOTS, 0)
    start = int(enter[0])
    edges = np.linspace(0.0, float(leave[-1] - start), DEPTH_SLOTS + 1)
    area = _passed(enter - start, edges) - _passed(leave - start, edges)
    means = np.diff(area) / np.diff(edges)
    return Depth(tuple(float(mean) for mean in means), _greatest(enter, leave))


def _passed(times: Array, edges: Array) -> Any:
    """The integral, up to each edge, of how many of the times are past."""
    sums = np.concatenate(([0.0], np.cumsum(times.astype(float))))
    past = np.searchsorted(times, edges, side="right")
    return past * edges - sums[past]


def _greatest(enter: Array, leave: Array) -> int:
    """Whoever leaves at an instant has left when another enters."""
    inside = np.arange(1, len(enter) + 1) - np.searchsorted(leave, enter, side="right")
    return max(int(inside.max()), 0)


def backlog_grows(array: Array, last_submitted_ns: int) -> bool:
    """Whether requests came faster than they were served, beyond what chance explains.

    The number under way grew from the middle to the end of the submissions by more than four
    standard deviations of a Poisson count of the arrivals between.
    """
    submitted, done = array["submitted"], array["done"]
    if not len(array):
        return False
    first = int(submitted.min())
    middle = first + (last_submitted_ns - first) // 2
    under_way = [int(((submitted <= t) & (done > t)).sum()) for t in (middle, last_submitted_ns)]
    arrivals = int((submitted > middle).sum())
    growth = under_way[1] - under_way[0]
    return bool(growth > 4 * max(arrivals, 1) ** 0.5)
