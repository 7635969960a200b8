"""What a set of records says: rates, latencies, utilisation, where the time goes.

Everything is computed from the request records and the profiles of the cards; times are simulated
nanoseconds. Each set of records is a *run* of a machine of its own, on a clock of its own, such as
one process of a program. The figures of several runs are those of the runs one after the other:
their spans add up.

A rate and a latency are of the requests that were answered; a request that the driver gave up
counts as failed, and as nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.link import TransferTimes
from ghostcard.emulator.record import STAGES

if TYPE_CHECKING:
    import numpy

    from ghostcard.emulator.profile import LinkProfile, Profile
    from ghostcard.emulator.record import Recorder

    Array = numpy.ndarray[Any, Any]

# What a request does, or waits for, between one stage of its record and the next.
INTERVALS: tuple[str, ...] = (
    "host submit",
    "link in",
    "wait for core",
    "decode",
    "unwrap",
    "wait for engine",
    "engine",
    "build reply",
    "link out",
    "notify",
    "dequeue",
)


class Latency(NamedTuple):
    """Of a number of requests; in nanoseconds, percentiles exact by nearest rank."""

    mean_ns: float
    p50_ns: int
    p99_ns: int
    least_ns: int
    greatest_ns: int


class Operations(NamedTuple):
    """The requests of one operation, or all of them (``operation`` is then "all")."""

    operation: str
    requests: int  # answered without refusal
    failed: int  # refused, or given up
    payload_bytes: int
    per_second: float  # requests, over the span of the runs
    latency: Latency | None  # None if there are no requests
    intervals_ns: dict[str, float]  # mean time in each of INTERVALS


class Resource(NamedTuple):
    """A station of a card: how much of its servers' time was used."""

    adapter: int
    name: str  # "link in", "cores", an engine pool, "reply builders", "link out"
    servers: int
    busy_ns: int
    utilisation: float  # busy / (servers x span), 0 to 1


class Statistics(NamedTuple):
    """The summary of some runs."""

    runs: int
    span_ns: int  # from the first submission to the last completion, added up over the runs
    clients: int
    dropped: int  # requests beyond the recorder's capacity: in none of the figures
    deepest: int  # most messages in hardware on one queue
    total: Operations
    operations: tuple[Operations, ...]  # in order of time spent, the greatest first
    resources: tuple[Resource, ...]  # by adapter, in the order of a request's way

    @property
    def busiest(self) -> Resource | None:
        """The resource with the greatest utilisation, which limits throughput if that is near 1."""
        return max(self.resources, key=lambda one: one.utilisation, default=None)

    def plain(self) -> dict[str, Any]:
        """As dictionaries, lists and numbers, for JSON."""
        plain: dict[str, Any] = _plain(self)
        return plain


def summarise(runs: Sequence["Recorder"], profiles: Mapping[int, "Profile"]) -> Statistics:
    """The statistics of the records of some runs; ``profiles`` by the adapter of each card."""
    import numpy

    arrays = [run.array() for run in runs]
    records = numpy.concatenate(arrays) if arrays else None
    if records is None or not len(records):
        return _nothing(runs)
    operation = numpy.concatenate([_named(run, "operation") for run in runs])
    engine = numpy.concatenate([_named(run, "engine") for run in runs])
    span = sum(_span(array) for array in arrays)
    kinds = [_of(name, records[operation == name], span) for name in numpy.unique(operation)]
    return Statistics(
        runs=len(runs),
        span_ns=span,
        clients=sum(len(numpy.unique(array["client"])) for array in arrays),
        dropped=sum(run.dropped for run in runs),
        deepest=int(records["depth"].max()),
        total=_of("all", records, span),
        operations=tuple(sorted(kinds, key=_time_spent, reverse=True)),
        resources=tuple(_resources(records, engine, profiles, span)),
    )


def _nothing(runs: Sequence["Recorder"]) -> Statistics:
    total = Operations("all", 0, 0, 0, 0.0, None, dict.fromkeys(INTERVALS, 0.0))
    dropped = sum(run.dropped for run in runs)
    return Statistics(len(runs), 0, 0, dropped, 0, total, (), ())


def _named(run: "Recorder", field: str) -> "Array":
    """A column of indices as the names themselves; each run has indices of its own."""
    import numpy

    names: Array = numpy.array(run.names or ("",))
    named: Array = names[run.array()[field]]
    return named


def _span(array: "Array") -> int:
    return int(array["done"].max() - array["submitted"].min()) if len(array) else 0


def _of(operation: str, records: "Array", span_ns: int) -> Operations:
    answered = records[records["outcome"] == 0]
    count = len(answered)
    return Operations(
        operation=str(operation),
        requests=count,
        failed=len(records) - count,
        payload_bytes=int(answered["payload_bytes"].sum()),
        per_second=count * 1e9 / span_ns if span_ns else 0.0,
        latency=_latency(answered) if count else None,
        intervals_ns=_intervals(answered),
    )


def _latency(records: "Array") -> Latency:
    import numpy

    took = numpy.sort(records["done"] - records["submitted"])
    return Latency(
        mean_ns=float(took.mean()),
        p50_ns=int(took[_rank(len(took), 50)]),
        p99_ns=int(took[_rank(len(took), 99)]),
        least_ns=int(took[0]),
        greatest_ns=int(took[-1]),
    )


def _rank(count: int, percent: int) -> int:
    """Index of a percentile in sorted values, by nearest rank: ceil(percent of count), from 1."""
    return max(-(-count * percent // 100), 1) - 1


def _intervals(records: "Array") -> dict[str, float]:
    if not len(records):
        return dict.fromkeys(INTERVALS, 0.0)
    steps = zip(INTERVALS, STAGES, STAGES[1:], strict=False)
    return {name: float((records[end] - records[start]).mean()) for name, start, end in steps}


def _time_spent(kind: Operations) -> float:
    return kind.latency.mean_ns * kind.requests if kind.latency else 0.0


def _resources(
    records: "Array", engine: "Array", profiles: Mapping[int, "Profile"], span_ns: int
) -> Iterable[Resource]:
    """Busy time of every station of every card that had requests, as the records tell it."""
    import numpy

    on_card = records["outcome"] < DRIVER_OUTCOME
    records, engine = records[on_card], engine[on_card]
    adapters = records["qid"] >> 8
    for adapter in numpy.unique(adapters):
        profile, here = profiles[int(adapter)], adapters == adapter
        for name, servers, busy_ns in _stations(profile, records[here], engine[here]):
            share = busy_ns / (servers * span_ns) if span_ns else 0.0
            yield Resource(int(adapter), name, servers, busy_ns, share)


def _stations(
    profile: "Profile", records: "Array", engine: "Array"
) -> Iterable[tuple[str, int, int]]:
    """Name, servers and busy time of a card's stations, in the order of a request's way."""
    yield "link in", 1, _transfers(profile.link, records["request_bytes"])
    yield "cores", profile.firmware.cores, _between(records, "fetched", "unwrapped")
    for pool in profile.engines:
        yield pool.name, pool.size, _between(records[engine == pool.name], "started", "finished")
    built = len(records) * profile.firmware.build_ns
    yield "reply builders", profile.firmware.reply_builders, built
    yield "link out", 1, _transfers(profile.reply_link, records["reply_bytes"])


def _between(records: "Array", start: str, end: str) -> int:
    return int((records[end] - records[start]).sum())


def _transfers(link: "LinkProfile", sizes: "Array") -> int:
    import numpy

    times = TransferTimes(link)
    kinds, counts = numpy.unique(sizes, return_counts=True)
    return sum(times[int(size)] * int(count) for size, count in zip(kinds, counts, strict=True))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _plain(entry) for key, entry in value._asdict().items()}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value
