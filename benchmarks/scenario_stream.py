"""A run measured as it goes, for runs too long to keep: bounded memory, no records.

The latency is counted in a histogram; its mean and the throughput have intervals by batch means
whose batches double as the run grows. The warm-up is what the scenario says (`warm_up_ns`).
"""

from __future__ import annotations

import numpy as np

from ghostcard.benchmarks.estimation import BATCHES, Array, Estimate, interval
from ghostcard.benchmarks.histogram import Histogram
from ghostcard.benchmarks.scenario_stations import Busy, busy
from ghostcard.emulator.card import Card
from ghostcard.emulator.record import Recorder

CHUNK = 1 << 16  # requests measured at a time: 8 MiB of records
_FIRST_BATCH = 64  # values; twice as many whenever there are twice the batches


class Means:
    """Means of batches of a long series: 20 to 39 batches whatever its length."""

    def __init__(self) -> None:
        self._size = _FIRST_BATCH
        self._sums: list[int] = []  # of whole batches
        self._rest = np.array([], np.int64)

    def add(self, values: Array) -> None:
        """Go on with the series; values are whole."""
        values = np.concatenate((self._rest, values.astype(np.int64)))
        while True:
            room = 2 * BATCHES - len(self._sums)
            whole = min(len(values) // self._size, room)
            parts = values[: whole * self._size].reshape(whole, self._size)
            self._sums += parts.sum(axis=1).tolist()
            values = values[whole * self._size :]
            if len(self._sums) < 2 * BATCHES:
                break
            pairs = zip(self._sums[::2], self._sums[1::2], strict=True)
            self._sums = [one + other for one, other in pairs]
            self._size *= 2
        self._rest = values

    def estimate(self, mean: float, confidence: float) -> Estimate:
        """The mean of the whole series, with the interval of its batches."""
        if len(self._sums) < BATCHES:
            return Estimate(mean, None, confidence, 1)
        means = [total / self._size for total in self._sums]
        return interval(means, confidence)._replace(mean=mean)


class Stream:
    """What has been seen of a run; records are given in order of completion."""

    def __init__(self, cards: dict[int, Card], warm_up_ns: int) -> None:
        self.latency = Histogram()
        self.requests = 0  # ended, the warm-up included
        self.failed = 0
        self.left_out = 0
        self.start_ns = warm_up_ns
        self.last_done_ns = 0
        self._first_done_ns = -1
        self._cards = cards
        self._latencies, self._gaps = Means(), Means()
        self._held: dict[tuple[int, str], tuple[Busy, float]] = {}

    def take(self, recorder: Recorder) -> None:
        """Measure the records there are and take them out of the recorder."""
        names = recorder.names
        self.add(Recorder.of(names, recorder.take()).array(), names)

    def add(self, array: Array, names: tuple[str, ...]) -> None:
        """Measure the next records."""
        if not len(array):
            return
        self.requests += len(array)
        self._add_busy(array, names)
        rest = array[array["submitted"] >= self.start_ns]
        self.left_out += len(array) - len(rest)
        answered = rest[rest["outcome"] == 0]
        self.failed += len(rest) - len(answered)
        self._add_times(answered)

    def _add_times(self, answered: Array) -> None:
        if not len(answered):
            return
        done = answered["done"].astype(np.int64)
        took = done - answered["submitted"].astype(np.int64)
        self.latency.add(took)
        self._latencies.add(took)
        if self._first_done_ns < 0:
            self._first_done_ns = int(done[0])
            self._gaps.add(np.diff(done))
        else:
            self._gaps.add(np.diff(done, prepend=self.last_done_ns))
        self.last_done_ns = int(done[-1])

    def _add_busy(self, array: Array, names: tuple[str, ...]) -> None:
        """Held time from the end of the warm-up, in server-nanoseconds."""
        end = int(array["done"].max())
        length = max(end - self.start_ns, 0)
        for one in busy(array, names, self._cards, self.start_ns, end):
            key = one.adapter, one.station
            before = self._held.get(key, (one, 0.0))[1]
            self._held[key] = one, before + one.utilisation * length

    def mean(self, confidence: float) -> Estimate:
        """The mean latency in ns."""
        return self._latencies.estimate(self.latency.mean, confidence)

    def throughput(self, confidence: float) -> Estimate:
        """Completions per second."""
        span, gaps = self.last_done_ns - self._first_done_ns, len(self.latency) - 1
        if gaps < 1 or span <= 0:
            return Estimate(0.0, None, confidence, 1)
        gap = self._gaps.estimate(span / gaps, confidence)
        rate, error = 1e9 / gap.mean, gap.relative_error
        return gap._replace(mean=rate, half_width=None if error is None else error * rate)

    def stations(self) -> tuple[Busy, ...]:
        """How busy they were, from the end of the warm-up to the last completion."""
        length = max(self.last_done_ns - self.start_ns, 1)
        return tuple(one._replace(utilisation=held / length) for one, held in self._held.values())

    def mean_under_way(self) -> float:
        """By Little's law."""
        span = self.last_done_ns - self.start_ns
        return self.latency.mean * len(self.latency) / span if span > 0 else 0.0
