"""Where the time of a run's threads went, in five parts, and what kept them from being faster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.export.intervals import HOST, INTERVALS, TRANSFER, WAITING, Interval
from ghostcard.benchmarks.export.owntime import OwnTimes, durations
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.record import RECORD_BYTES, Recorder
from ghostcard.statistics import Resource, Statistics, summarise

APPLICATION, DRIVER, LINK, QUEUE, FIRMWARE, ENGINE = PARTS = (
    "application",
    "driver",
    "link",
    "queue",
    "firmware",
    "engine",
)
SATURATED = 0.95  # of its time, or of its places
_BY_KIND = {HOST: DRIVER, TRANSFER: LINK, WAITING: QUEUE}


class Limit(NamedTuple):
    """What limits a run: a station, the queues, the threads, or the application; in words too."""

    name: str
    sentence: str


def shares(runs: Sequence[Recorder], think_ns: int) -> dict[str, int]:
    """Nanoseconds of all threads together in each of PARTS; `think_ns` is the application's.

    Waiting, whatever for, is the queue's; what cores and reply builders do is the firmware's.
    """
    spent: Counter[str] = Counter({APPLICATION: think_ns})
    for run in runs:
        if not len(run):
            continue
        requests = Requests.of(run)
        own = OwnTimes(requests)
        for chunk in requests.chunks():
            passed = chunk.take(~chunk.given_up())
            for interval in INTERVALS:
                waited = int(own.waiting(interval, passed).sum())
                spent[QUEUE] += waited
                spent[_part(interval)] += int(durations(interval, passed).sum()) - waited
    return {part: spent[part] for part in PARTS}


def _part(interval: Interval) -> str:
    if interval.name == "engine":
        return ENGINE
    return _BY_KIND.get(interval.kind, FIRMWARE)


def steady(runs: Sequence[Recorder]) -> list[Recorder]:
    """Of each run the part in which all threads that asked for much were at work together: what
    one of them prepared for the others says nothing of what limits them. All, if that is little.
    """
    return [_steady(run) for run in runs]


def _steady(run: Recorder) -> Recorder:
    if not len(run):
        return run
    array = run.array()
    clients, place, counts = np.unique(array["client"], return_inverse=True, return_counts=True)
    first = np.full(len(clients), np.iinfo(np.uint64).max)
    last = np.zeros(len(clients), np.uint64)
    np.minimum.at(first, place, array["submitted"])
    np.maximum.at(last, place, array["done"])
    busy = counts * len(clients) * 4 >= len(array)
    begin, end = first[busy].max(), last[busy].min()
    inside = (array["submitted"] >= begin) & (array["done"] <= end)
    if inside.all() or inside.sum() * 2 < len(array):
        return run
    packed = Recorder.from_bytes(run.to_bytes()).take()
    records = np.frombuffer(packed, np.dtype((np.void, RECORD_BYTES)))
    return Recorder.of(run.names, records[inside].tobytes())


def limited(runs: Sequence[Recorder], profiles: Mapping[int, Profile], think_ns: int) -> Limit:
    """What limits the steady part of some runs, in which threads think as often as elsewhere."""
    parts = steady(runs)
    whole = sum(map(len, runs)) or 1
    return limit(summarise(parts, profiles), profiles, think_ns * sum(map(len, parts)) // whole)


def limit(statistics: Statistics, profiles: Mapping[int, Profile], think_ns: int) -> Limit:
    """What keeps the throughput from growing; `think_ns` is the application's."""
    busiest = statistics.busiest
    if busiest is None or not statistics.total.per_second:
        return Limit("nothing", "nothing: no request took any time")
    title = _title(busiest, profiles)
    station = f"the {title} of card {busiest.adapter:02x}"
    busy = f"{station}, the busiest station: {busiest.utilisation:.0%}"
    if busiest.utilisation >= SATURATED:
        return Limit(title, f"{station}: busy {busiest.utilisation:.0%} of the time")
    used = {resource.adapter: profiles[resource.adapter] for resource in statistics.resources}
    places = sum(profile.queue.depth for profile in used.values())
    if _in_hardware(statistics) >= SATURATED * places:
        return Limit("queue depth", f"the queues: all {places} places are taken ({busy})")
    total = statistics.total
    asked_ns = total.latency.mean_ns * total.requests if total.latency else 0.0
    thinks = think_ns / (think_ns + asked_ns) if think_ns else 0.0
    if thinks > 0.5:
        return Limit(APPLICATION, f"the application: {thinks:.0%} of the time is its own ({busy})")
    return Limit("clients", f"clients: more threads would help ({busy})")


def _title(resource: Resource, profiles: Mapping[int, Profile]) -> str:
    pools = {pool.name for pool in profiles[resource.adapter].engines}
    return f"{resource.name} engines" if resource.name in pools else resource.name


def _in_hardware(statistics: Statistics) -> float:
    """Mean number of requests between NQAP and DQAP, by Little's law."""
    total = statistics.total
    outside = total.intervals_ns["host submit"] + total.intervals_ns["dequeue"]
    return total.per_second * (sum(total.intervals_ns.values()) - outside) / 1e9
