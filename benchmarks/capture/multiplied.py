"""A capture of the same program with more threads: each that was started by another, several times.

Where no thread was started by another, all of them. The copies do what their thread did, and begin
where it began; who waited for it waits for the last of its copies.
"""

from __future__ import annotations

import numpy as np

from ghostcard.benchmarks.capture.file import Array, Capture


def multiplied(capture: Capture, times: int) -> Capture:
    """A capture of requests, with so many of each thread."""
    rows = capture.rows
    if times == 1 or not len(rows):
        return capture
    copied = _started(rows)
    places = np.flatnonzero(copied)
    new_place = np.full(len(rows), -1, np.int64)  # of a row in the copy, counted from the first
    new_place[places] = np.arange(len(places))
    highest = int(rows["client"].max()) + 1
    parts = []
    for number in range(1, times):
        start = len(rows) + (number - 1) * len(places)
        copy = rows[places]
        copy["client"] += np.uint32(number * highest)
        copy["after"] = _moved(copy["after"], new_place, start)
        parts.append(copy)
    own = rows.copy()
    own["after"][~copied] = _moved(own["after"][~copied], new_place, start)
    return capture._replace(rows=np.concatenate((own, *parts)))


def _started(rows: Array) -> Array:
    """Which rows are of threads that are to be there several times."""
    threads = rows["process"].astype(np.int64) << 32 | rows["client"]
    known, first = np.unique(threads, return_index=True)
    born = known[rows["after"][first] > 0]
    return np.isin(threads, born if len(born) else known)


def _moved(after: Array, new_place: Array, start: int) -> Array:
    """What follows a copied request follows that of the copy that begins at `start`."""
    moved = new_place[np.maximum(after.astype(np.int64) - 1, 0)]
    return np.where((after > 0) & (moved >= 0), start + moved + 1, after)
