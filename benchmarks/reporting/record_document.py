"""The report of records: of a program's run, a capture, or a simulation that was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ghostcard.benchmarks.offload import Offload
from ghostcard.benchmarks.reporting import sections
from ghostcard.benchmarks.reporting.document import (
    DASHED,
    NS,
    NUMBER,
    PER_S,
    POINTS,
    SHARE,
    Axis,
    Column,
    Document,
    Listing,
    Mark,
    Plot,
    Section,
    Series,
    Table,
    Tile,
)
from ghostcard.benchmarks.reporting.observed import Observed
from ghostcard.benchmarks.reporting.verdict import Facts, ceilings, verdict
from ghostcard.benchmarks.scenario_result import SATURATED
from ghostcard.benchmarks.scenario_rows import PERMILLE
from ghostcard.emulator.card import Card
from ghostcard.emulator.profile import Profile

_BOUND_POINTS = 60
_BOUND = "asymptotic bound"
_SLACK = 1.1  # a part of a run is not from empty to empty


class Material(NamedTuple):
    """All that the report of records is made of; `title` says of what."""

    title: str
    observed: Observed
    cards: Mapping[int, Card]
    places: int  # queue places of all queues that were used
    offloads: Sequence[Offload]
    not_computed: Sequence[str]
    damaged: Sequence[str]  # files that could not be read, with the reason
    origin: Mapping[str, object]
    listings: tuple[Listing, ...] = ()


class Bounds(NamedTuple):
    """Of what was measured: X <= min(N / D, 1 / Dmax), N the requests under way. Seconds."""

    demand_s: float  # mean time of a request without waiting
    most_per_s: float

    def throughput_per_s(self, under_way: float) -> float:
        """The most that so many requests under way can get."""
        return min(under_way / self.demand_s, self.most_per_s)

    @property
    def knee(self) -> float:
        """The requests under way at which both meet."""
        return self.demand_s * self.most_per_s


def document(material: Material) -> Document:
    """The report; some request was answered."""
    observed = material.observed
    facts = _facts(material)
    runs = f"{observed.runs} runs" if observed.runs > 1 else "one run"
    return Document(
        title=material.title,
        subtitle=(
            f"{observed.requests:,} requests of {runs}, {observed.clients:,} clients, "
            f"{observed.span_ns / 1e9:.4g} s of simulated time. All times are simulated unless it "
            "says host time."
        ),
        summary=verdict(facts),
        tiles=_tiles(facts),
        sections=tuple(_sections(material, facts)),
        origin=material.origin,
        listings=material.listings,
    )


def _facts(material: Material) -> Facts:
    observed = material.observed
    whole = observed.kinds[0]
    assert whole.latency is not None
    limits = bounds(observed)
    mean_depth = sum(observed.in_hardware.mean) / len(observed.in_hardware.mean)
    under_way = whole.per_second * whole.latency.mean_ns / 1e9  # Little's law
    return Facts(
        per_second=whole.per_second,
        p50_ns=whole.latency.percentiles_ns[PERMILLE.index(500)],
        p99_ns=whole.latency.percentiles_ns[PERMILLE.index(990)],
        failed=whole.failed,
        clients=under_way if limits else None,
        knee=limits.knee if limits else None,
        counted="requests under way",
        places_full=mean_depth >= SATURATED * material.places,
        ceilings=ceilings(observed.stations, whole.per_second),
    )


def bounds(observed: Observed) -> Bounds | None:
    """From the mean times without waiting and the busiest station; None where nothing took time."""
    top = ceilings(observed.stations, observed.kinds[0].per_second)
    passed = sum(one.requests for one in observed.splits)
    own = sum(
        one.requests * (part.mean_ns - part.mean_waiting_ns)
        for one in observed.splits
        for part in one.parts
    )
    if not top or not own:
        return None
    return Bounds(own / passed / 1e9, top[0].per_second)


def _tiles(facts: Facts) -> tuple[Tile, ...]:
    tiles = [
        Tile("Throughput", facts.per_second, PER_S),
        Tile("Median latency", facts.p50_ns, NS),
        Tile("99 % latency", facts.p99_ns, NS),
    ]
    if facts.ceilings:
        top = facts.ceilings[0]
        tiles.append(Tile("Busiest", top.utilisation, SHARE, top.title))
    if facts.knee is not None:
        tiles.append(Tile("Knee", facts.knee, NUMBER, "requests under way, D / Dmax"))
    return tuple(tiles)


def _sections(material: Material, facts: Facts) -> list[Section]:
    observed = material.observed
    of = "Of the whole run." if observed.runs == 1 else "Of the longest run."
    named = [(kind.title, kind.latency) for kind in observed.kinds if kind.latency is not None]
    found = [
        _figures(material),
        *_load(observed, facts),
        sections.latency(named, "Of all requests that were answered."),
        sections.busy(observed.stations, "From the first submission to the last completion."),
        sections.depth(observed.under_way, observed.in_hardware, of),
        sections.stages(observed.splits, of),
    ]
    if material.offloads:
        profile = material.cards[min(material.cards)].profile.name
        found.append(sections.offloads(material.offloads, material.not_computed, profile))
    profiles: dict[str, Profile] = {c.profile.name: c.profile for c in material.cards.values()}
    table = sections.assumptions(profiles, [one.operation for one in observed.splits])
    text = ("These figures of the cards are assumed, since no device publishes them.",)
    return [*found, Section("assumed", "Assumed figures", text, (table,))]


def _figures(material: Material) -> Section:
    columns = (
        Column("requests of"), Column("number", NUMBER), Column("failed", NUMBER),
        Column("throughput per s", PER_S), Column("mean", NS),
        *(Column(f"{permille / 10:g} %", NS) for permille in PERMILLE), Column("most", NS),
    )  # fmt: skip
    rows = tuple(
        (kind.title, kind.requests, kind.failed, kind.per_second,
         *((one.mean_ns, *one.percentiles_ns, one.latency_ns[-1])
           if (one := kind.latency) is not None else (None,) * (len(PERMILLE) + 2)))
        for kind in material.observed.kinds
    )  # fmt: skip
    text = ["Exact, from every record: rates over the whole span, percentiles by nearest rank."]
    if material.observed.dropped:
        text.append(f"{material.observed.dropped:,} requests were not recorded.")
    text += [f"Damaged and left out: {what}" for what in material.damaged]
    table = Table("figures", "Throughput and latency", columns, rows)
    return Section("figures", "Figures", tuple(text), (table,))


def _load(observed: Observed, facts: Facts) -> list[Section]:
    """Parts of the run by their load: what was under way, what was served, how long it took."""
    limits = bounds(observed)
    if not observed.windows or limits is None:
        return []
    by_load = sorted(observed.windows, key=lambda one: one.under_way)
    x = tuple(one.under_way for one in by_load)
    axis = Axis("requests under way, mean of a part of the run", NUMBER)
    top = max(*x, 1.2 * limits.knee)
    along = tuple(top * (n + 1) / _BOUND_POINTS for n in range(_BOUND_POINTS))
    most = tuple(map(limits.throughput_per_s, along))
    least = tuple(n / rate * 1e9 for n, rate in zip(along, most, strict=True))
    holds = all(o.per_second <= _SLACK * limits.throughput_per_s(o.under_way) for o in by_load)
    marks = (Mark(limits.knee, "knee"),) if holds else ()
    bound = [Series(_BOUND, along, most, DASHED, colour=3)] if holds else []
    quickest = [Series(_BOUND, along, least, DASHED, colour=3)] if holds else []
    rates = Series("parts of the run", x, tuple(o.per_second for o in by_load), POINTS)
    took = Series("parts of the run", x, tuple(o.mean_ns for o in by_load), POINTS)
    served, mean = Axis("requests per second", PER_S), Axis("mean latency, simulated time", NS)
    plots = (
        Plot("throughput", "Throughput", axis, served, (rates, *bound), marks=marks),
        Plot("latency-load", "Latency", axis, mean, (took, *quickest), marks=marks),
    )
    text = (
        "The run in equal parts of time, each a point at the number of requests that were under "
        "way.",
        "Dashed are the bounds min(N / D, 1 / Dmax), with D the mean time of a request without "
        "waiting and Dmax from the busiest station, both as measured."
        if holds
        else "The mix of requests changes along the run, so that bounds by its mean would mislead: "
        "none are drawn.",
    )
    return [Section("load", "Throughput and latency against load", text, plots)]
