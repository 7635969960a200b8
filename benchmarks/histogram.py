"""Latencies in bounded memory: a histogram of log-linear buckets, as HdrHistogram's.

Values below 2^(p+1) have a bucket each; above, every power of two has 2^p buckets. So a percentile
is the upper end of a bucket, too high by less than one part in 2^p of the value, never too low.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ghostcard.benchmarks.estimation import Array

PRECISION_BITS = 10  # relative error below 1 / 1024
_STEP = 1 << PRECISION_BITS


class Histogram:
    """Counts of values from 0 to 2^63 - 1, in 8 KiB for each power of two up to the greatest."""

    def __init__(self) -> None:
        self._counts = np.zeros(_STEP, np.int64)
        self._sum = 0
        self.least = 0
        self.greatest = 0

    def __len__(self) -> int:
        return int(self._counts.sum())

    def add(self, values: Array) -> None:
        """Count values, whole and not negative."""
        if not len(values):
            return
        values = values.astype(np.int64)
        least, greatest = int(values.min()), int(values.max())
        if least < 0:
            raise ValueError(f"a histogram takes values from 0, got {least}")
        self.least = least if not len(self) else min(self.least, least)
        self.greatest = max(self.greatest, greatest)
        self._sum += int(values.sum())
        counts = np.bincount(bucket(values))
        self._make_room(len(counts))
        self._counts[: len(counts)] += counts

    def merge(self, other: Histogram) -> None:
        """Add what another one has counted."""
        if not len(other):
            return
        self.least = other.least if not len(self) else min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)
        self._sum += other._sum
        self._make_room(len(other._counts))
        self._counts[: len(other._counts)] += other._counts

    def _make_room(self, buckets: int) -> None:
        if buckets > len(self._counts):
            more = -(-buckets // _STEP) * _STEP - len(self._counts)
            self._counts = np.concatenate((self._counts, np.zeros(more, np.int64)))

    @property
    def mean(self) -> float:
        """Exact, of the values themselves; 0 if there are none."""
        count = len(self)
        return self._sum / count if count else 0.0

    def percentile(self, permille: int) -> int:
        """By nearest rank: the upper end of that value's bucket, at most the greatest value."""
        count = len(self)
        if not count:
            raise ValueError("an empty histogram has no percentiles")
        rank = max(-(-count * permille // 1000), 1)
        place = int(np.searchsorted(np.cumsum(self._counts), rank))
        return min(upper_end(place), self.greatest)

    def cumulated(self) -> tuple[Array, Array]:
        """The upper ends of the buckets that have counts, and how many values are up to each."""
        places = np.flatnonzero(self._counts)
        ends = np.array([min(upper_end(int(place)), self.greatest) for place in places], np.int64)
        return ends, np.cumsum(self._counts)[places]


def bucket(values: Array) -> Any:
    """The bucket of each value."""
    exponents = np.zeros(len(values), np.int64)
    rest = values >> (PRECISION_BITS + 1)
    while rest.any():
        exponents += rest > 0
        rest = rest >> 1
    return (exponents << PRECISION_BITS) + (values >> exponents)


def upper_end(place: int) -> int:
    """The greatest value of a bucket."""
    exponent = max((place >> PRECISION_BITS) - 1, 0)
    mantissa = place - (exponent << PRECISION_BITS)
    return ((mantissa + 1) << exponent) - 1
