"""Requests under way over time: from all records at once, or as they come, in bounded memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array

DEPTH_SLOTS = 48  # points of the depth over time
_FIRST_SLOT_NS = 1024


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


def backlog_grows(array: Array) -> bool:
    """Whether requests came faster than they were served, beyond what chance explains.

    The number under way grew from the middle to the end of the submissions by more than four
    standard deviations of a Poisson count of the arrivals between.
    """
    submitted, done = array["submitted"], array["done"]
    if not len(array):
        return False
    first, last = int(submitted.min()), int(submitted.max())
    middle = first + (last - first) // 2
    under_way = [int(((submitted <= t) & (done > t)).sum()) for t in (middle, last)]
    return _is_growth(under_way[1] - under_way[0], int((submitted > middle).sum()))


def _is_growth(growth: int, arrivals: int) -> bool:
    return bool(growth > 4 * max(arrivals, 1) ** 0.5)


class RunningDepth:
    """The same of records that come in pieces: slots of time from 0 on, of equal length.

    There are at least `DEPTH_SLOTS` and less than twice as many; when a run grows out of them, each
    two become one.
    """

    def __init__(self) -> None:
        slots = 2 * DEPTH_SLOTS
        self._slot_ns = _FIRST_SLOT_NS
        self._area = np.zeros(slots)
        self._entered, self._left = np.zeros(slots, np.int64), np.zeros(slots, np.int64)
        self._end_ns = 0
        self._last_entered_ns = 0

    def add(self, enter: Array, leave: Array) -> None:
        """Go on with requests that were there from one time to the other."""
        enter, leave = np.sort(enter.astype(np.int64)), np.sort(leave.astype(np.int64))
        self._end_ns = max(self._end_ns, int(leave[-1]))
        self._last_entered_ns = max(self._last_entered_ns, int(enter[-1]))
        slots = len(self._area)
        while self._end_ns >= self._slot_ns * slots:
            self._halve()
        start = int(enter[0])  # large times would take digits from the sums
        edges = (np.arange(slots + 1) * self._slot_ns - start).astype(float)
        self._area += np.diff(_passed(enter - start, edges) - _passed(leave - start, edges))
        self._entered += np.bincount(enter // self._slot_ns, minlength=slots)
        self._left += np.bincount(leave // self._slot_ns, minlength=slots)

    def _halve(self) -> None:
        self._slot_ns *= 2
        for counts in (self._area, self._entered, self._left):
            half = len(counts) // 2
            counts[:half] = counts.reshape(half, 2).sum(axis=1)
            counts[half:] = 0

    def depth(self) -> Depth:
        """The means of the slots; the last one as far as the run went."""
        whole, rest = divmod(self._end_ns, self._slot_ns)
        means = (self._area[:whole] / self._slot_ns).tolist()
        if rest:
            means.append(float(self._area[whole]) / rest)
        return Depth(tuple(means) or (0.0,), None)

    def grows(self) -> bool:
        """`backlog_grows`, at the ends of slots."""
        last = self._last_entered_ns // self._slot_ns
        middle = last // 2
        under_way = np.concatenate(([0], np.cumsum(self._entered - self._left)))
        growth = int(under_way[last] - under_way[middle])
        return _is_growth(growth, int(self._entered[middle:last].sum()))
