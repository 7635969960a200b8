"""How much of an interval was the request's own, and how much was waiting for others.

A record has the end of a transfer, of the building of a reply, of a submission, but not when its
turn came. The own time, however, is the same for every request of one size on one card, so the
least that is on record for it is the own time as soon as one such request met no other; at worst
what is called waiting is too small. The two waits for a server, and services, are exact.
"""

from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.export.intervals import INTERVALS, WAITING, Interval
from ghostcard.benchmarks.export.requests import Array, Chunk, Requests

_FIELD_BITS = {"operation": 16, "payload_bytes": 32, "request_bytes": 32, "reply_bytes": 32}


class _Least(NamedTuple):
    keys: Array  # ascending
    durations_ns: Array


class OwnTimes:
    """The least durations of a run, in nanoseconds, found in one pass."""

    def __init__(self, requests: Requests) -> None:
        empty = np.empty(0, np.int64)
        self._least = {
            interval: _Least(empty, empty) for interval in INTERVALS if interval.own_by is not None
        }
        for chunk in requests.chunks():
            passed = chunk.take(~chunk.given_up())
            for interval, least in self._least.items():
                self._least[interval] = _lesser(
                    least, _keys(interval, passed), durations(interval, passed)
                )

    def waiting(self, interval: Interval, chunk: Chunk) -> Array:
        """What each request waited in an interval; the requests are of the run, none given up."""
        took = durations(interval, chunk)
        if interval.kind == WAITING:
            return took
        if interval not in self._least:
            return np.zeros_like(took)
        least = self._least[interval]
        waited: Array = (
            took - least.durations_ns[np.searchsorted(least.keys, _keys(interval, chunk))]
        )
        return waited


def durations(interval: Interval, chunk: Chunk) -> Array:
    """How long each request was in an interval, in nanoseconds."""
    took: Array = chunk.times(interval.end) - chunk.times(interval.start)
    return took


def _keys(interval: Interval, chunk: Chunk) -> Array:
    """The adapter and the fields that decide the own time, in one number."""
    keys: Array = chunk.adapters().astype(np.int64)
    for field in interval.own_by or ():
        keys = keys << _FIELD_BITS[field] | chunk.array[field]
    return keys


def _lesser(least: _Least, keys: Array, took: Array) -> _Least:
    keys = np.concatenate((least.keys, keys))
    took = np.concatenate((least.durations_ns, took))
    order = np.lexsort((took, keys))  # the least of each key comes first
    found, first = np.unique(keys[order], return_index=True)
    return _Least(found, took[order][first])
