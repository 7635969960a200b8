"""What a server tells of itself while it runs: counters that only grow, from the request records.

Who wants rates looks twice and takes the difference (`ghostcard top`). Latencies are counted in
buckets, 16 to a power of two: a percentile is exact within 4.4 %.
"""

import math
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ghostcard.emulator.record import Recorder
from ghostcard.statistics import summarise

if TYPE_CHECKING:
    import numpy

    from ghostcard.emulator.profile import Profile

    Array = numpy.ndarray[Any, Any]

PER_DOUBLE: Final = 16  # buckets


class Program(NamedTuple):
    """A process that is attached, or was."""

    pid: int
    name: str
    uid: int
    threads: int  # attached now; 0: it has gone


class Totals:
    """Of a process or a queue: requests, those that failed, latencies, messages met in hardware."""

    def __init__(self) -> None:
        self.requests = 0
        self.failed = 0
        self.latency_ns = 0
        self.depth = 0
        self.buckets: dict[int, int] = {}

    def add(self, records: "Array") -> None:
        """Count these."""
        import numpy

        answered = records[records["outcome"] == 0]
        self.requests += len(answered)
        self.failed += len(records) - len(answered)
        self.depth += int(records["depth"].sum())
        took = answered["done"] - answered["submitted"]
        self.latency_ns += int(took.sum())
        numbers = numpy.floor(numpy.log2(numpy.maximum(took, 1)) * PER_DOUBLE).astype(int)
        for bucket, count in zip(*numpy.unique(numbers, return_counts=True), strict=True):
            self.buckets[int(bucket)] = self.buckets.get(int(bucket), 0) + int(count)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "requests": self.requests,
            "failed": self.failed,
            "latency_ns": self.latency_ns,
            "depth": self.depth,
            "buckets": {str(bucket): count for bucket, count in sorted(self.buckets.items())},
        }


class Live:
    """The counters. `absorb` is called by one thread."""

    def __init__(self, profiles: Mapping[int, "Profile"]) -> None:
        self._profiles = profiles
        self._began = time.monotonic_ns()
        self._clients: dict[int, Totals] = {}
        self._queues: dict[int, Totals] = {}
        self._busy: dict[tuple[int, str], tuple[int, int]] = {}

    def absorb(self, names: tuple[str, ...], records: bytes) -> None:
        """Count packed records."""
        if not records:
            return
        run = Recorder.of(names, records)
        array = run.array()
        for field, found in (("client", self._clients), ("qid", self._queues)):
            column = array[field]
            for number in sorted(set(column.tolist())):
                found.setdefault(number, Totals()).add(array[column == number])
        for one in summarise([run], self._profiles).resources:
            _, busy_ns = self._busy.get((one.adapter, one.name), (0, 0))
            self._busy[one.adapter, one.name] = one.servers, busy_ns + one.busy_ns

    def forget(self, numbers: Iterable[int]) -> None:
        """Threads of a process that nobody asks about any more; queues and engines keep theirs."""
        for number in numbers:
            self._clients.pop(number, None)

    def snapshot(
        self, now_ns: int, parked: int, programs: Iterable[tuple[Program, Iterable[int]]]
    ) -> dict[str, Any]:
        """All counters; ``programs`` with the numbers that their threads have in the records."""
        return {
            "host_ns": time.monotonic_ns() - self._began,
            "simulated_ns": now_ns,
            "parked": parked,
            "processes": [
                {**program._asdict(), **_sum(self._clients, numbers).plain()}
                for program, numbers in programs
            ],
            "queues": [{"qid": qid, **self._queues[qid].plain()} for qid in sorted(self._queues)],
            "resources": [
                {"adapter": adapter, "name": name, "servers": servers, "busy_ns": busy_ns}
                for (adapter, name), (servers, busy_ns) in self._busy.items()
            ],
        }


def _sum(clients: Mapping[int, Totals], numbers: Iterable[int]) -> Totals:
    total = Totals()
    for number in numbers:
        one = clients.get(number)
        if one is not None:
            total.requests += one.requests
            total.failed += one.failed
            total.latency_ns += one.latency_ns
            total.depth += one.depth
            for bucket, count in one.buckets.items():
                total.buckets[bucket] = total.buckets.get(bucket, 0) + count
    return total


def percentile(buckets: Mapping[str, int], percent: float) -> float | None:
    """Of latencies in buckets, by nearest rank: the middle of its bucket, ns. None of none."""
    rank = math.ceil(sum(buckets.values()) * percent / 100)
    for bucket in sorted(buckets, key=int):
        rank -= buckets[bucket]
        if rank <= 0 and buckets[bucket]:
            return float(2 ** ((int(bucket) + 0.5) / PER_DOUBLE))
    return None
