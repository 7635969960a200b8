"""The report of a comparison: what changed, in words, in a table, in the latencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostcard.benchmarks.comparison import THROUGHPUT, Comparison, Ratio, sentence
from ghostcard.benchmarks.reporting import sections
from ghostcard.benchmarks.reporting.document import (
    NS,
    PER_S,
    TIMES,
    Cell,
    Column,
    Document,
    Listing,
    Section,
    Table,
)
from ghostcard.benchmarks.scenario_rows import ALL


def document(
    found: Sequence[Comparison],
    confidence: float,
    origin: Mapping[str, object],
    listings: tuple[Listing, ...],
) -> Document:
    """The report."""
    a, b = found[0].a.name, found[0].b.name
    return Document(
        title=f"{a} against {b}",
        subtitle=f"Ratios are B / A, {b} to {a}, with {confidence:.0%} confidence. All times are "
        "simulated.",
        summary=tuple(map(sentence, found)),
        tiles=(),
        sections=(_figures(found), *map(_latency, found)),
        origin=origin,
        listings=listings,
    )


def _figures(found: Sequence[Comparison]) -> Section:
    rows = tuple(row for one in found for row in _rows(one))
    columns = (
        Column("load"), Column("of"), Column(f"throughput per s, {found[0].a.name}", PER_S),
        Column(f"throughput per s, {found[0].b.name}", PER_S), *_RATIO,
    )  # fmt: skip
    times = (
        Column("load"), Column("of"), Column("latency"), Column(found[0].a.name, NS),
        Column(found[0].b.name, NS), *_RATIO,
    )  # fmt: skip
    rates = tuple((r[0], r[1], *r[3:]) for r in rows if r[2] == THROUGHPUT)
    took = tuple(row for row in rows if row[2] != THROUGHPUT)
    tables = (
        Table("throughput", "Throughput", columns, rates),
        Table("latency", "Latency", times, took),
    )
    text = (
        "A difference is significant where the interval of the ratio does not hold 1. Replications "
        "under one seed are compared in pairs, everything else by Welch's t.",
    )
    return Section("figures", "Figures", text, tables)


_RATIO = (Column("B / A", TIMES), Column("from", TIMES), Column("to", TIMES), Column("significant"))


def _rows(one: Comparison) -> list[tuple[Cell, ...]]:
    return [
        (one.title or ALL, change.of, change.figure, change.a, change.b, *_ratio(change.ratio))
        for change in one.changes
    ]


def _ratio(ratio: Ratio | None) -> tuple[Cell, ...]:
    if ratio is None:
        return None, None, None, None
    told = {True: "yes", False: "no", None: "not known"}[ratio.is_significant]
    return ratio.value, ratio.low, ratio.high, told


def _latency(one: Comparison) -> Section:
    key = f"-{one.title.lower().replace(' ', '-')}" if one.title else ""
    named = [(one.a.name, one.a.latency), (one.b.name, one.b.latency)]
    made = sections.latency(named, "Of all requests; of replications the first.")
    [plot] = made.blocks
    return made._replace(
        key=f"latency{key}",
        title=f"Latency: {one.title}" if one.title else made.title,
        blocks=(plot._replace(key=f"latency-cdf{key}"),),
    )
