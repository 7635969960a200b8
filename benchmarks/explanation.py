"""Where the nanoseconds of one request went, and what it waited for; read from the records alone.

What is exact and what is inferred: the two waits for a server and all services are in the record.
In the other intervals waiting is what a request took beyond the least on record (see `owntime`).
"""

import math
from collections import Counter
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.intervals import INTERVALS, WAITING, Interval
from ghostcard.benchmarks.export.owntime import OwnTimes, durations
from ghostcard.benchmarks.export.requests import Array, Chunk, Requests

HOLDERS_NAMED = 5


class Holder(NamedTuple):
    """A request that held a server for which another waited."""

    request: int
    operation: str
    client: int


class Wait(NamedTuple):
    """What stood between a request and a server when it came to it.

    `held` requests were being served then, the first few of which are `holders` (both empty for
    link and reply builder: the record does not say when their service began); `ahead` others
    waited already and were served no later; `overtaken` came later and were served before.
    """

    waits_for: str
    held: int
    holders: tuple[Holder, ...]
    ahead: int
    overtaken: int


class Part(NamedTuple):
    """One interval of a request's life; times in nanoseconds, `start_ns` after its submission."""

    name: str
    kind: str  # of what is not waiting: host, transfer, service; or waiting
    start_ns: int
    duration_ns: int
    waiting_ns: int
    share: float  # of the latency, 0 to 1
    waited: Wait | None  # None if it did not wait, or there is nothing to wait for


class Explanation(NamedTuple):
    """One request; `kinds_ns` adds the parts up by kind, all waiting together."""

    request: int
    card: int
    domain: int
    client: int
    operation: str
    engine: str
    outcome: int
    fault: str  # the last that happened to it, "" if none did
    depth: int
    request_bytes: int
    reply_bytes: int
    payload_bytes: int
    submitted_ns: int
    latency_ns: int
    given_up: bool
    kinds_ns: dict[str, int]
    parts: tuple[Part, ...]


class Station(NamedTuple):
    """A resource in the record: a request stands before it from `ready`, is in it up to `end`.

    Where `begin` is None the record does not say when a request's turn came.
    """

    ready: str
    begin: str | None
    end: str
    of: str  # queue, card or pool: requests of which they share it


_STATIONS = {
    "a place in the queue": Station("submitted", "enqueued", "done", "queue"),
    "the link in": Station("enqueued", None, "arrived", "card"),
    "a core": Station("arrived", "fetched", "unwrapped", "card"),
    "an engine": Station("unwrapped", "started", "finished", "pool"),
    "a reply builder": Station("finished", None, "built", "card"),
    "the link out": Station("built", None, "replied", "card"),
}


def slowest(requests: Requests) -> int:
    """The number of the request that took longest; of several, the first."""
    return percentile(requests, 100)


def percentile(requests: Requests, percent: float) -> int:
    """The number of the request at that percentile of latency, by nearest rank; 0 < percent <= 100.

    Of the requests that were answered without an error; `ExportError` if there is none.
    """
    numbers, latencies = [], []
    for chunk in requests.chunks():
        answered = chunk.take(chunk.array["outcome"] == 0)
        numbers.append(answered.numbers)
        latencies.append(answered.times("done") - answered.times("submitted"))
    latency = np.concatenate(latencies)
    if not len(latency):
        raise ExportError("no request was answered without an error: say --request N")
    rank = max(0, math.ceil(percent * len(latency) / 100) - 1)
    value = np.partition(latency, rank)[rank]
    return int(np.concatenate(numbers)[np.flatnonzero(latency == value)[0]])


def explain(requests: Requests, number: int) -> Explanation:
    """Explain the request of that number; `ExportError` when there is none."""
    whole = Requests(requests.array, requests.names, requests.dropped)
    only = next(whole.select(number, number).chunks())
    record = only.array[0]
    given_up = bool(only.given_up()[0])
    parts = () if given_up else _parts(whole, only)
    submitted = int(record["submitted"])
    return Explanation(
        request=number,
        card=int(record["qid"]) >> 8,
        domain=int(record["qid"]) & 0xFF,
        client=int(record["client"]),
        operation=whole.names[record["operation"]],
        engine=whole.names[record["engine"]],
        outcome=int(record["outcome"]),
        fault=whole.names[record["fault"] - 1] if record["fault"] else "",
        depth=int(record["depth"]),
        request_bytes=int(record["request_bytes"]),
        reply_bytes=int(record["reply_bytes"]),
        payload_bytes=int(record["payload_bytes"]),
        submitted_ns=submitted,
        latency_ns=int(record["done"]) - submitted,
        given_up=given_up,
        kinds_ns=_kinds(parts),
        parts=parts,
    )


def _parts(whole: Requests, only: Chunk) -> tuple[Part, ...]:
    own = OwnTimes(whole)
    submitted, done = int(only.times("submitted")[0]), int(only.times("done")[0])
    latency = done - submitted
    parts = []
    for interval in INTERVALS:
        duration = int(durations(interval, only)[0])
        waiting = int(own.waiting(interval, only)[0])
        parts.append(
            Part(
                name=interval.name,
                kind=interval.kind,
                start_ns=int(only.times(interval.start)[0]) - submitted,
                duration_ns=duration,
                waiting_ns=waiting,
                share=duration / latency if latency else 0.0,
                waited=_wait(whole, only, interval, duration - waiting) if waiting else None,
            )
        )
    return tuple(parts)


def _kinds(parts: tuple[Part, ...]) -> dict[str, int]:
    kinds: Counter[str] = Counter()
    for part in parts:
        kinds[WAITING] += part.waiting_ns
        kinds[part.kind] += part.duration_ns - part.waiting_ns
    return {kind: kinds[kind] for kind in sorted(kinds) if kinds[kind]}


# -- what it waited for -------------------------------------------------------------------------


def _wait(whole: Requests, only: Chunk, interval: Interval, own_ns: int) -> Wait:
    """Look at the resource when the request came to it: `own_ns` into a submission."""
    station = _STATIONS[interval.waits_for]
    lag = own_ns if station.of == "queue" else 0
    held, ahead, overtaken = 0, 0, 0
    holders: list[Holder] = []
    for chunk in whole.chunks():
        rivals = chunk.take(_shares(station, chunk, only))
        serving, before, passing = _standing(station, rivals, only, lag)
        held += int(serving.sum())
        ahead += int(before.sum())
        overtaken += int(passing.sum())
        holders += _holders(whole, rivals.take(serving), HOLDERS_NAMED - len(holders))
    return Wait(interval.waits_for, held, tuple(holders), ahead, overtaken)


def _shares(station: Station, chunk: Chunk, only: Chunk) -> Array:
    """Which other requests use the same queue, card or engine pool."""
    record = only.array[0]
    mask: Array = (chunk.numbers != only.numbers[0]) & ~chunk.given_up()
    mask &= chunk.adapters() == record["qid"] >> 8
    if station.of == "queue":
        mask &= chunk.array["qid"] == record["qid"]
    elif station.of == "pool":
        mask &= chunk.array["engine"] == record["engine"]
    return mask


def _standing(
    station: Station, rivals: Chunk, only: Chunk, lag_ns: int
) -> tuple[Array, Array, Array]:
    """Which rivals were being served when the request came, stood before it, or overtook it."""
    ready, mine = rivals.times(station.ready), only.times(station.ready)[0]
    end = rivals.times(station.end)
    came = mine + lag_ns
    earlier = (ready < mine) | ((ready == mine) & (rivals.numbers < only.numbers[0]))
    if station.begin is None:
        my_end = only.times(station.end)[0]
        nobody = np.zeros(len(ready), bool)
        return nobody, (end > came) & (end < my_end) & (ready <= mine), nobody
    begin, my_begin = rivals.times(station.begin), only.times(station.begin)[0]
    serving = (begin <= came) & (end > came)
    before = (begin > came) & (begin <= my_begin) & earlier
    return serving, before, (begin > came) & (begin < my_begin) & ~earlier


def _holders(whole: Requests, serving: Chunk, wanted: int) -> list[Holder]:
    named = serving.take(slice(0, max(0, wanted)))
    operations = named.array["operation"].tolist()
    clients = named.array["client"].tolist()
    return [
        Holder(number, whole.names[operation], client)
        for number, operation, client in zip(
            named.numbers.tolist(), operations, clients, strict=True
        )
    ]
