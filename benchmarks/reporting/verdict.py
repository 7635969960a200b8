"""In plain words: what limits, how far it is to the knee, what to change.

Only the operational laws are used, which hold for whatever was measured: a station that is busy for
the share U at X requests per second can serve X / U of this mix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ghostcard.benchmarks.reporting.cells import shown
from ghostcard.benchmarks.reporting.document import NS, PER_S
from ghostcard.benchmarks.scenario_result import SATURATED
from ghostcard.benchmarks.scenario_stations import Busy
from ghostcard.benchmarks.wording import counted

NEAR = 1.1  # a next limit that close to the first is no help


class Ceiling(NamedTuple):
    """What all stations of one name, on all cards, can serve of this mix."""

    title: str
    per_second: float
    utilisation: float  # their mean


class Facts(NamedTuple):
    """What the verdict is about."""

    per_second: float
    p50_ns: float
    p99_ns: float
    failed: int
    clients: float | None  # of a closed loop; None where requests come by themselves
    knee: float | None  # at how many of them queueing begins
    counted: str  # what they are
    places_full: bool
    ceilings: tuple[Ceiling, ...]  # the least first
    workers: int = 0  # processors of the host that limit a closed loop; 0: none do


def ceilings(stations: Sequence[Busy], per_second: float) -> tuple[Ceiling, ...]:
    """Stations that were not used are left out."""
    found: dict[str, list[float]] = {}
    for one in stations:
        found.setdefault(one.title, []).append(one.utilisation)
    means = {title: sum(shares) / len(shares) for title, shares in found.items()}
    every = [Ceiling(t, per_second / share, share) for t, share in means.items() if share > 0]
    return tuple(sorted(every, key=lambda one: (one.per_second, -one.utilisation)))


def verdict(facts: Facts) -> tuple[str, ...]:
    """A few sentences."""
    return tuple(_sentences(facts))


def _sentences(facts: Facts) -> Iterator[str]:
    took = f"{shown(facts.p50_ns, NS)}, 99 % at most {shown(facts.p99_ns, NS)}."
    if facts.per_second:
        served = shown(facts.per_second, PER_S)
        yield f"The cards serve {served} requests per second; half of them take at most {took}"
    else:
        yield f"Half of the requests take at most {took}"
    if facts.failed:
        lost = counted(facts.failed, "request")
        yield f"{lost} failed, and {_verb(facts.failed)} in none of the rates and latencies."
    if not facts.ceilings:
        yield "Nothing takes time on these cards, so nothing limits the throughput."
        return
    if not facts.per_second:
        yield "There are too few requests for a rate, and so for what limits it."
        return
    top, rest = facts.ceilings[0], facts.ceilings[1:]
    is_full = top.utilisation >= SATURATED
    if is_full:
        yield f"What limits it: the {top.title}, busy {top.utilisation:.1%} of the time."
    elif facts.workers:
        yield f"What limits it: the {facts.workers} workers of the host, on which clients think."
    elif facts.places_full:
        yield "What limits it: the places of the queues, all of which are taken."
    else:
        yield (
            f"What limits it: only the load. Nothing is saturated; the busiest {_are(top.title)} "
            f"the {top.title}, at {top.utilisation:.1%}."
        )
    yield _distance(facts, top)
    yield _change(facts, top, rest, is_full)


def _distance(facts: Facts, top: Ceiling) -> str:
    """How far to the knee."""
    limit = shown(top.per_second, PER_S)
    if facts.clients is None or facts.knee is None:
        if top.utilisation >= SATURATED:
            return f"To the knee: it is passed; of this mix, {limit} per second is the most."
        return (
            f"To the knee: the {top.title} can serve {limit} requests per second of this mix, "
            f"{max(top.per_second / facts.per_second, 1):.2f} times the present rate."
        )
    clients, knee = facts.clients, facts.knee
    where = (
        f"To the knee: requests begin to wait at about {knee:.1f} {facts.counted}, and here "
        f"{_verb(round(clients, 2))} {clients:.3g}"
    )
    if clients < 0.8 * knee:
        return f"{where}, so there is room for {knee / clients:.1f} times as many."
    if clients <= 1.2 * knee:
        return f"{where}: this is the knee, the best of throughput and latency."
    return f"{where}, {clients / knee:.1f} times as many: they wait longer and get no more done."


def _are(title: str) -> str:
    """The verb of a station: a link is one, engines and cores are many."""
    return "are" if title.endswith("s") else "is"


def _verb(count: float) -> str:
    return "is" if count == 1 else "are"


def _change(facts: Facts, top: Ceiling, rest: Sequence[Ceiling], is_full: bool) -> str:
    if is_full:
        if rest and rest[0].per_second < NEAR * top.per_second:
            return (
                f"What to change: another card. Faster {top.title} alone would not help, since the "
                f"{rest[0].title} {_are(rest[0].title)} at {rest[0].utilisation:.1%} already."
            )
        until = (
            f": up to {shown(rest[0].per_second, PER_S)} per second, where the next limit of "
            f"a card is its {rest[0].title}"
            if rest
            else ""
        )
        return f"What to change: another card, or more or faster {top.title}{until}."
    if facts.workers:
        return "What to change: more workers, or less work of theirs; the cards have time."
    if facts.places_full:
        return "What to change: more domains or deeper queues, so that more is in hardware."
    if facts.clients is not None and facts.knee is not None and facts.clients > 0.8 * facts.knee:
        return "What to change: another card, before there are more requests in flight."
    if facts.clients is not None:
        return "What to change: more requests in flight; the cards have time for them."
    return "What to change: nothing, while the load stays as it is."
