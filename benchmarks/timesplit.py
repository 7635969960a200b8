"""Where the time of each operation went on average; waiting is told from the rest by `owntime`."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.export.intervals import INTERVALS
from ghostcard.benchmarks.export.owntime import OwnTimes, durations
from ghostcard.benchmarks.export.requests import Chunk, Requests


class MeanPart(NamedTuple):
    """One interval of an operation's requests; means in nanoseconds."""

    name: str
    kind: str  # of what is not waiting: host, transfer, service; or waiting
    mean_ns: float
    mean_waiting_ns: float
    share: float  # of the mean latency, 0 to 1


class TimeSplit(NamedTuple):
    """The requests of one operation that were on a card, whatever the card answered."""

    operation: str
    requests: int
    given_up: int  # not among the requests: they passed no stage
    mean_latency_ns: float
    parts: tuple[MeanPart, ...]


def split(requests: Requests) -> list[TimeSplit]:
    """The mean time of each operation in each interval, the operation that took most first."""
    own = OwnTimes(requests)
    sums: dict[str, _Sums] = {}
    for chunk in requests.chunks():
        for code in np.unique(chunk.array["operation"]).tolist():
            of_operation = sums.setdefault(requests.names[code], _Sums())
            of_operation.add(chunk.take(chunk.array["operation"] == code), own)
    splits = [each.split(operation) for operation, each in sums.items()]
    return sorted(splits, key=lambda one: (-one.mean_latency_ns * one.requests, one.operation))


class _Sums:
    """What the requests of one operation add up to, in whole nanoseconds."""

    def __init__(self) -> None:
        self.requests = self.given_up = 0
        self.spent_ns: Counter[str] = Counter()
        self.waited_ns: Counter[str] = Counter()

    def add(self, chunk: Chunk, own: OwnTimes) -> None:
        """Count some requests in."""
        passed = chunk.take(~chunk.given_up())
        self.requests += len(passed.numbers)
        self.given_up += len(chunk.numbers) - len(passed.numbers)
        for interval in INTERVALS:
            self.spent_ns[interval.name] += int(durations(interval, passed).sum())
            self.waited_ns[interval.name] += int(own.waiting(interval, passed).sum())

    def split(self, operation: str) -> TimeSplit:
        """The means."""
        total, count = self.spent_ns.total(), max(1, self.requests)
        parts = tuple(
            MeanPart(
                interval.name,
                interval.kind,
                self.spent_ns[interval.name] / count,
                self.waited_ns[interval.name] / count,
                self.spent_ns[interval.name] / total if total else 0.0,
            )
            for interval in INTERVALS
        )
        return TimeSplit(operation, self.requests, self.given_up, total / count, parts)
