"""What happens over time, thinned: equal parts of a run, of each the least, the greatest, the mean.

Nothing that a longer look would show is lost: whatever the number under way has been within a part
lies between the least and the greatest. Completions are counted in the same parts, so that rate,
latency and number under way can be held against each other (Little's law).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array

PARTS = 300
WINDOWS = 60  # for rates: a part has too few completions to tell one


class Envelope(NamedTuple):
    """Requests between two stages; `middle_ns` are the middles of the parts of time."""

    middle_ns: tuple[float, ...]
    mean: tuple[float, ...]
    least: tuple[int, ...]
    greatest: tuple[int, ...]


class Window(NamedTuple):
    """A part of a run: what ended in it, and how much was under way."""

    under_way: float  # mean
    per_second: float
    mean_ns: float


def envelope(enter: Array, leave: Array, parts: int = PARTS) -> Envelope:
    """Of at least one request; `enter` and `leave` are times in ns, in any order.

    What enters and leaves at an instant changes the number once, by the difference.
    """
    enter, leave = np.sort(enter.astype(np.int64)), np.sort(leave.astype(np.int64))
    start, end = int(enter[0]), max(int(leave[-1]), int(enter[0]) + 1)
    edges = np.linspace(0.0, float(end - start), min(parts, end - start) + 1)
    times, levels = _levels(enter - start, leave - start)
    areas = np.diff(_area(times, levels, edges))
    first = np.searchsorted(times, edges[:-1], side="right") - 1  # the level a part begins with
    past = np.searchsorted(times, edges[1:], side="left")
    least, greatest = levels[first].copy(), levels[first].copy()
    changing = np.flatnonzero(past > first + 1)
    if len(changing):
        bounds = np.column_stack((first[changing] + 1, past[changing])).ravel()
        padded = np.append(levels, levels[-1])  # the last bound may be the end
        low, high = (
            function.reduceat(padded, bounds)[::2] for function in (np.minimum, np.maximum)
        )
        least[changing] = np.minimum(least[changing], low)
        greatest[changing] = np.maximum(greatest[changing], high)
    return Envelope(
        tuple((start + (edges[:-1] + edges[1:]) / 2).tolist()),
        tuple((areas / np.diff(edges)).tolist()),
        tuple(least.tolist()),
        tuple(greatest.tolist()),
    )


def _levels(enter: Array, leave: Array) -> tuple[Array, Array]:
    """When the number changes, and what it is from then on; times begin at 0."""
    times, inverse = np.unique(np.concatenate((enter, leave)), return_inverse=True)
    steps = np.bincount(inverse[: len(enter)], minlength=len(times))
    steps = steps - np.bincount(inverse[len(enter) :], minlength=len(times))
    return times, np.cumsum(steps)


def _area(times: Array, levels: Array, edges: Array) -> Array:
    """The integral of the number up to each edge."""
    whole = np.concatenate(([0.0], np.cumsum(levels[:-1] * np.diff(times).astype(float))))
    place = np.searchsorted(times, edges, side="right") - 1
    found: Array = whole[place] + levels[place] * (edges - times[place])
    return found


def windows(submitted: Array, done: Array, ended: Array, parts: int = WINDOWS) -> list[Window]:
    """A run in equal parts, those without a completion left out; `ended` says which were answered.

    The first and the last part, in which a run fills and drains, are left out of three or more.
    """
    begin, finish = int(submitted.min()), int(done.max())
    if finish <= begin:
        return []
    under_way = envelope(submitted, done, parts).mean
    parts = len(under_way)
    edges = np.linspace(float(begin), float(finish), parts + 1)
    took, times = (done - submitted)[ended].astype(float), done[ended].astype(float)
    place = np.minimum(np.searchsorted(edges, times, side="left") - 1, parts - 1).clip(0)
    counts = np.bincount(place, minlength=parts)
    sums = np.bincount(place, took, minlength=parts)
    length_s = (finish - begin) / parts / 1e9
    kept = range(1, parts - 1) if parts > 2 else range(parts)
    return [
        Window(under_way[n], float(counts[n]) / length_s, float(sums[n] / counts[n]))
        for n in kept
        if counts[n]
    ]
