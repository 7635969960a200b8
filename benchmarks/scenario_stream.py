"""A run measured as it goes, for runs too long to keep: bounded memory, no records.

Latencies are counted in a histogram; their mean and the throughput have intervals by batch means
whose batches double as the run grows. The warm-up is what the scenario says (`warm_up_ns`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ghostcard.benchmarks.estimation import BATCHES, Array, Estimate, interval
from ghostcard.benchmarks.histogram import Histogram
from ghostcard.benchmarks.scenario_changes import changed, of_tenants
from ghostcard.benchmarks.scenario_depth import RunningDepth
from ghostcard.benchmarks.scenario_stations import Busy, busy
from ghostcard.benchmarks.workload import clients_of, first_clients
from ghostcard.emulator.record import Recorder

if TYPE_CHECKING:
    from ghostcard.benchmarks.scenario import Scenario
    from ghostcard.emulator.card import Card

CHUNK = 1 << 14  # requests measured at a time: 2 MiB of records
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


class RowStream:
    """The figures of all requests, of a tenant's or an operation's, without the warm-up."""

    def __init__(self) -> None:
        self.latency = Histogram()
        self.failed = 0
        self._first_done_ns = self._last_done_ns = -1
        self._latencies, self._gaps = Means(), Means()

    def add(self, array: Array) -> None:
        """Measure the next records, in order of completion."""
        answered = array[array["outcome"] == 0]
        self.failed += len(array) - len(answered)
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
            self._gaps.add(np.diff(done, prepend=self._last_done_ns))
        self._last_done_ns = int(done[-1])

    def mean(self, confidence: float) -> Estimate:
        """The mean latency in ns."""
        return self._latencies.estimate(self.latency.mean, confidence)

    def throughput(self, confidence: float) -> Estimate:
        """Completions per second."""
        span, gaps = self._last_done_ns - self._first_done_ns, len(self.latency) - 1
        if gaps < 1 or span <= 0:
            return Estimate(0.0, None, confidence, 1)
        gap = self._gaps.estimate(span / gaps, confidence)
        rate, error = 1e9 / gap.mean, gap.relative_error
        return gap._replace(mean=rate, half_width=None if error is None else error * rate)


class Stream:
    """What has been seen of a run; records are given in order of completion.

    `tenants` and `operations` have a row for each name that has been met.
    """

    def __init__(self, scenario: Scenario, cards: dict[int, Card]) -> None:
        self.requests = 0  # of tenants, that have ended, the warm-up included
        self.left_out = 0
        self.start_ns = scenario.warm_up_ns or 0
        self.last_done_ns = 0
        self.all = RowStream()
        self.tenants = {tenant.name: RowStream() for tenant in scenario.tenants}
        self.operations: dict[str, RowStream] = {}
        self.in_system, self.in_hardware = RunningDepth(), RunningDepth()
        self.changed: dict[int, int] = {}  # client of a change -> when a core took it
        self._scenario = scenario
        self._bounds = [*first_clients(scenario.tenants), clients_of(scenario.tenants)]
        self._cards = cards
        self._held: dict[tuple[int, str], tuple[Busy, float]] = {}

    def take(self, recorder: Recorder) -> None:
        """Measure the records there are and take them out of the recorder."""
        names = recorder.names
        self.add(Recorder.of(names, recorder.take()).array(), names)

    def add(self, array: Array, names: tuple[str, ...]) -> None:
        """Measure the next records."""
        if not len(array):
            return
        self.last_done_ns = int(array["done"][-1])
        self._add_busy(array, names)
        self.in_hardware.add(array["enqueued"], array["done"])
        self.changed |= changed(self._scenario, array)
        array = of_tenants(self._scenario, array)
        self.requests += len(array)
        if len(array):
            self.in_system.add(array["submitted"], array["done"])
        rest = array[array["submitted"] >= self.start_ns]
        self.left_out += len(array) - len(rest)
        for row, part in self._parts(rest, names):
            row.add(part)

    def _parts(self, array: Array, names: tuple[str, ...]) -> Iterator[tuple[RowStream, Array]]:
        """Each row and the records that belong to it."""
        yield self.all, array
        if len(self.tenants) > 1:
            places = np.searchsorted(self._bounds, array["client"], side="right") - 1
            for number, row in enumerate(self.tenants.values()):
                yield row, array[places == number]
        for code in np.unique(array["operation"]).tolist():
            row = self.operations.setdefault(names[code], RowStream())
            yield row, array[array["operation"] == code]

    def _add_busy(self, array: Array, names: tuple[str, ...]) -> None:
        """Held time from the end of the warm-up, in server-nanoseconds."""
        end = int(array["done"].max())
        length = max(end - self.start_ns, 0)
        for one in busy(array, names, self._cards, self.start_ns, end):
            key = one.adapter, one.station
            before = self._held.get(key, (one, 0.0))[1]
            self._held[key] = one, before + one.utilisation * length

    def stations(self) -> tuple[Busy, ...]:
        """How busy they were, from the end of the warm-up to the last completion."""
        length = max(self.last_done_ns - self.start_ns, 1)
        return tuple(one._replace(utilisation=held / length) for one, held in self._held.values())
