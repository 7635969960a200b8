"""The curve over the load in a scenario's report: other clients or rates, theory beside."""

from __future__ import annotations

from collections.abc import Sequence

from ghostcard.benchmarks.analysis import MVA, Answer
from ghostcard.benchmarks.estimation import Estimate
from ghostcard.benchmarks.load_curve import CLIENTS, Curve
from ghostcard.benchmarks.reporting.document import (
    DASHED,
    NS,
    NUMBER,
    PER_S,
    SHARE,
    Axis,
    Column,
    Mark,
    Plot,
    Section,
    Series,
    Table,
)
from ghostcard.benchmarks.reporting.verdict import Facts
from ghostcard.benchmarks.scenario_rows import PERMILLE


def load(curve: Curve, facts: Facts, has_closed: bool) -> Section:
    """The section; without a point it says why. `has_closed`: some tenant is a closed loop."""
    if not curve.points:
        why = f"There is no curve over the load: {curve.reason}."
        return Section("load", "Throughput and latency against load", (why,), ())
    is_closed = curve.of == CLIENTS
    x = Axis("clients", NUMBER, 2) if is_closed else Axis("load, percent of capacity", NUMBER)
    loads = tuple(float(point.load) for point in curve.points)
    marks = [Mark(facts.knee, "knee")] if facts.knee else []
    if is_closed and facts.clients is not None:
        marks.append(Mark(facts.clients, "this scenario"))
    shown = tuple(mark for mark in marks if loads[0] <= mark.x <= loads[-1])
    others = "numbers of clients" if is_closed else "rates"
    said = [
        f"The same scenario with other {others}, each a simulation of its own with the same seed; "
        "bands are the intervals of batch means."
    ]
    if has_closed and not is_closed:
        said.append("Rates are those of the open tenants; closed ones stay as they are.")
    if _formulas(curve):
        said.append("Dashed is theory, on the same axes.")
    text = (" ".join(said),)
    plots = (_throughput(curve, x, loads, shown), _latencies(curve, x, loads, shown))
    return Section("load", "Throughput and latency against load", text, (*plots, _points(curve)))


_OF_THEORY = 3  # the first colour of formulas: the same in both plots


def _throughput(curve: Curve, x: Axis, at: tuple[float, ...], marks: tuple[Mark, ...]) -> Plot:
    rows = [point.result.rows[0] for point in curve.points]
    measured = _with_band("simulated", at, [row.throughput_per_s for row in rows])
    theory = [
        Series(name, at, tuple(a.throughput_per_s for a in given), DASHED, colour=colour)
        for colour, (name, given) in enumerate(_formulas(curve).items(), _OF_THEORY)
    ]
    axis = Axis("requests per second", PER_S, 10 if x.log else 0)
    return Plot("throughput", "Throughput", x, axis, (measured, *theory), marks=marks)


def _latencies(curve: Curve, x: Axis, at: tuple[float, ...], marks: tuple[Mark, ...]) -> Plot:
    rows = [point.result.rows[0] for point in curve.points]
    median, nines = PERMILLE.index(500), PERMILLE.index(990)
    series = [
        _with_band("mean", at, [row.mean_ns for row in rows]),
        Series("median", at, tuple(row.percentiles_ns[median].mean for row in rows)),
        Series("99 %", at, tuple(row.percentiles_ns[nines].mean for row in rows)),
    ]
    series += [
        Series(f"mean: {name}", at, tuple(a.latency_ns for a in given), DASHED, colour=colour)
        for colour, (name, given) in enumerate(_formulas(curve).items(), _OF_THEORY)
    ]
    axis = Axis("latency, simulated time", NS, 10)
    return Plot("latency-load", "Latency", x, axis, tuple(series), marks=marks)


def _with_band(name: str, at: tuple[float, ...], estimates: Sequence[Estimate]) -> Series:
    values = tuple(one.mean for one in estimates)
    halves = [one.half_width or 0.0 for one in estimates]
    low = tuple(value - half for value, half in zip(values, halves, strict=True))
    high = tuple(value + half for value, half in zip(values, halves, strict=True))
    return Series(name, at, values, low=low, high=high)


def _formulas(curve: Curve) -> dict[str, list[Answer]]:
    """The answers that every point has, by formula without what differs from point to point."""
    found: dict[str, list[Answer]] = {}
    for point in curve.points:
        for answer in point.theory:
            if answer.throughput_per_s is not None:
                found.setdefault(answer.formula.partition(",")[0], []).append(answer)
    names = {name: name if name != MVA else "mean value analysis (MVA)" for name in found}
    return {names[n]: given for n, given in found.items() if len(given) == len(curve.points)}


def _points(curve: Curve) -> Table:
    is_closed = curve.of == CLIENTS
    columns = [Column("clients", NUMBER)] if is_closed else [
        Column("percent of capacity", NUMBER), Column("offered per s", PER_S)]  # fmt: skip
    columns += [Column("per s", PER_S), Column("mean", NS), Column("50 %", NS),
                Column("99 %", NS), Column("busiest"), Column("busy", SHARE, bar=True)]  # fmt: skip
    rows = []
    for point in curve.points:
        row, top = point.result.rows[0], max(point.result.stations, key=lambda b: b.utilisation)
        first = (point.load,) if is_closed else (point.load, point.offered_per_s)
        percentiles = [row.percentiles_ns[PERMILLE.index(p)] for p in (500, 990)]
        rows.append((*first, row.throughput_per_s, row.mean_ns, *percentiles, top.title,
                     top.utilisation))  # fmt: skip
    return Table("load", "Points of the curve", tuple(columns), tuple(rows))
