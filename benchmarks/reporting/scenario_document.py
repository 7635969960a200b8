"""The report of a scenario: its simulation, the same under more and less load, theory beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ghostcard.benchmarks.analysis import Answer, Asymptotes, asymptotes, visits
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.benchmarks.load_curve import Curve
from ghostcard.benchmarks.offload import Offload
from ghostcard.benchmarks.reporting import sections
from ghostcard.benchmarks.reporting.document import (
    NS,
    NUMBER,
    PER_S,
    SHARE,
    Cell,
    Column,
    Document,
    Listing,
    Section,
    Table,
    Tile,
)
from ghostcard.benchmarks.reporting.envelope import envelope
from ghostcard.benchmarks.reporting.load_section import load
from ghostcard.benchmarks.reporting.quantiles import Distribution, of_histogram, of_values
from ghostcard.benchmarks.reporting.verdict import Facts, ceilings, verdict
from ghostcard.benchmarks.scenario import CLOSED, Scenario
from ghostcard.benchmarks.scenario_changes import of_tenants
from ghostcard.benchmarks.scenario_result import SATURATED, Result
from ghostcard.benchmarks.scenario_rows import ALL, PERMILLE
from ghostcard.benchmarks.scenario_run import Replication
from ghostcard.benchmarks.scenario_series import slim, warm
from ghostcard.benchmarks.scenario_stations import delay_ns
from ghostcard.benchmarks.timesplit import split
from ghostcard.benchmarks.wording import counted
from ghostcard.emulator.card import Card
from ghostcard.emulator.profile import Profile


class Material(NamedTuple):
    """All that the report of a scenario is made of."""

    scenario: Scenario
    runs: Sequence[Replication]
    result: Result
    cards: Mapping[int, Card]
    curve: Curve
    offloads: Sequence[Offload]
    not_computed: Sequence[str]  # operations that this host's software was not measured for
    theory: Sequence[Answer]
    origin: Mapping[str, object]
    listings: tuple[Listing, ...] = ()


def document(material: Material) -> Document:
    """The report."""
    scenario, result = material.scenario, material.result
    facts = _facts(material)
    row = result.rows[0]
    return Document(
        title=scenario.description.strip() or scenario.name,
        subtitle=_subtitle(material),
        summary=verdict(facts),
        tiles=_tiles(facts, row.requests),
        sections=tuple(_sections(material, facts)),
        origin=material.origin,
        listings=material.listings,
    )


def _subtitle(material: Material) -> str:
    scenario, result = material.scenario, material.result
    names = [material.cards[adapter].profile.name for adapter in sorted(material.cards)]
    cards = ", ".join(f"{names.count(n)} {n}" for n in dict.fromkeys(names))
    runs = f"{result.replications} replications" if result.replications > 1 else "one run"
    return (
        f"Scenario {scenario.name}: {cards}, seed {scenario.seed}, {runs} by engine "
        f"{result.engine}, {result.submitted:,} requests. All times are simulated unless it says "
        "host time."
    )


def _tiles(facts: Facts, requests: int) -> tuple[Tile, ...]:
    tiles = [Tile("Median latency", facts.p50_ns, NS), Tile("99 % latency", facts.p99_ns, NS)]
    if facts.per_second:
        measured = f"{counted(requests, 'request')} measured"
        tiles.insert(0, Tile("Throughput", facts.per_second, PER_S, measured))
    if facts.ceilings:
        top = facts.ceilings[0]
        tiles.append(Tile("Busiest", top.utilisation, SHARE, top.title))
    if facts.knee is not None:
        tiles.append(Tile("Knee", facts.knee, NUMBER, "clients, N* = (D + Z) / Dmax"))
    return tuple(tiles)


def _facts(material: Material) -> Facts:
    scenario, result = material.scenario, material.result
    row = result.rows[0]
    is_closed = all(tenant.arrivals == CLOSED for tenant in scenario.tenants)
    limits = _asymptotes(scenario, material.cards)
    full = sum(result.in_hardware.means) / len(result.in_hardware.means)
    return Facts(
        per_second=row.throughput_per_s.mean,
        p50_ns=row.percentiles_ns[PERMILLE.index(500)].mean,
        p99_ns=row.percentiles_ns[PERMILLE.index(990)].mean,
        failed=row.failed,
        clients=float(sum(t.clients for t in scenario.tenants)) if is_closed else None,
        knee=limits.knee if limits else None,
        counted="clients",
        places_full=full >= SATURATED * result.places,
        ceilings=ceilings(result.stations, row.throughput_per_s.mean),
        workers=scenario.tenants[0].workers if limits and _hosts_limit(scenario, limits) else 0,
    )


def _hosts_limit(scenario: Scenario, limits: Asymptotes) -> bool:
    """Whether the processors on which clients think are the slowest station, and there are enough
    clients to keep them busy."""
    [tenant] = scenario.tenants
    pool_s = limits.think_s / tenant.workers if tenant.workers else 0.0
    return pool_s >= limits.slowest_s and tenant.clients >= limits.knee


def _asymptotes(scenario: Scenario, cards: Mapping[int, Card]) -> Asymptotes | None:
    """Of one closed tenant on equal cards; None for anything else."""
    if len(scenario.tenants) != 1 or scenario.tenants[0].arrivals != CLOSED or scenario.changes:
        return None
    tenant = scenario.tenants[0]
    used = [cards[adapter] for adapter in sorted({target >> 8 for target in tenant.targets})]
    met = visits(tenant, used[0])
    if not met or any(card.profile != used[0].profile for card in used):
        return None
    delay = delay_ns(used[0], scenario.machine.interrupts)
    return asymptotes(tenant, met, delay, len(used))


def _sections(material: Material, facts: Facts) -> list[Section]:
    scenario, result = material.scenario, material.result
    has_closed = any(tenant.arrivals == CLOSED for tenant in scenario.tenants)
    found = [_figures(material), load(material.curve, facts, has_closed)]
    if scenario.histogram:
        found += _without_records(material)
    else:
        found += _with_records(material)
    found.insert(3, sections.busy(result.stations, "From the end of the warm-up to the end."))
    if material.offloads:
        profile = material.cards[min(material.cards)].profile.name
        found.append(sections.offloads(material.offloads, material.not_computed, profile))
    profiles: dict[str, Profile] = {c.profile.name: c.profile for c in material.cards.values()}
    operations = sorted({kind.operation for t in scenario.tenants for kind in t.mix})
    text = (
        "Most figures of a card are assumed, since no device publishes them. These are the assumed "
        "ones that this report rests on; a TOML profile of your own replaces them.",
    )
    table = sections.assumptions(profiles, operations)
    return [*found, Section("assumed", "Assumed figures", text, (table,))]


# -- figures ------------------------------------------------------------------------------------


def _figures(material: Material) -> Section:
    result, confidence = material.result, material.scenario.confidence
    columns = (
        Column("requests of"), Column("number", NUMBER), Column("failed", NUMBER),
        Column("throughput per s", PER_S), Column("mean", NS),
        *(Column(f"{permille / 10:g} %", NS) for permille in PERMILLE),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            row.title,
            row.requests,
            row.failed,
            row.throughput_per_s,
            row.mean_ns,
            *row.percentiles_ns,
        )
        for row in result.rows
    )
    how = (
        "batch means of one run"
        if result.replications == 1
        else f"{result.replications} replications"
    )
    note = f"± is the half-width of the {confidence:.0%} confidence interval, by {how}."
    tables = [Table("figures", "Throughput and latency", columns, rows, note)]
    if material.theory:
        tables.append(_theory(material.theory))
    left_out = result.left_out
    left = f"{counted(left_out, 'request')} {'is' if left_out == 1 else 'are'}"
    text = [f"{left if left_out else 'No requests are'} left out as warm-up."]
    if result.overloaded:
        text.append("Unstable: the requests under way grew to the end of the run.")
    if result.interrupted:
        text.append("Interrupted: the figures are of what was done until then.")
    return Section("figures", "Figures", tuple(text), tuple(tables))


def _theory(said: Sequence[Answer]) -> Table:
    columns = (Column("formula"), Column("per s", PER_S), Column("mean latency", NS),
               Column("assumes"))  # fmt: skip
    rows = tuple((a.formula, a.throughput_per_s, a.latency_ns, a.assumes) for a in said)
    return Table("theory", "What theory says", columns, rows)


# -- distributions, depth, stages ----------------------------------------------------------------


def _with_records(material: Material) -> list[Section]:
    """From the records of the first replication."""
    scenario, run = material.scenario, material.runs[0]
    of = _of_first(material)
    whole = run.recorder.array()
    own = of_tenants(scenario, slim(whole))
    steady = warm(own, scenario.warm_up_ns).answered
    took = steady["done"].astype("int64") - steady["submitted"].astype("int64")
    operations, names = steady["operation"], run.recorder.names
    codes = sorted(set(operations.tolist()))
    named: list[tuple[str, Distribution]] = [(ALL, of_values(took, PERMILLE))]
    if len(codes) > 1:
        named += [(names[c], of_values(took[operations == c], PERMILLE)) for c in codes]
    return [
        sections.latency(named, f"{of}, without the warm-up."),
        sections.depth(
            envelope(own["submitted"], own["done"]),
            envelope(own["enqueued"], own["done"]),
            f"{of}, warm-up included.",
        ),
        sections.stages(split(Requests.of(run.recorder)), f"{of}, warm-up included."),
    ]


def _without_records(material: Material) -> list[Section]:
    """From what a run in bounded memory leaves."""
    result, of = material.result, _of_first(material)
    stream = material.runs[0].stream
    assert stream is not None
    named = [(ALL, of_histogram(stream.all.latency, PERMILLE))]
    if len(stream.operations) > 1:
        named += [
            (name, of_histogram(row.latency, PERMILLE))
            for name, row in sorted(stream.operations.items())
            if len(row.latency)
        ]
    depths = (
        ("under way (submitted to done)", result.in_system.means),
        ("in hardware (NQAP to DQAP)", result.in_hardware.means),
    )
    return [
        sections.latency(named, f"{of}, from a histogram: too high by less than 1 in 1,024."),
        sections.mean_depth(depths, result.span_ns, f"{of}."),
    ]


def _of_first(material: Material) -> str:
    count = len(material.runs)
    return "Of the whole run" if count == 1 else f"Of the first of {count} replications"
