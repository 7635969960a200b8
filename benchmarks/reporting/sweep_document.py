"""The report of a sweep: its cases over the first key that is varied in numbers, a line for each
combination of the others; replications are averaged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ghostcard import __version__
from ghostcard.benchmarks.estimation import Estimate, interval
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.reporting.cells import shown
from ghostcard.benchmarks.reporting.document import (
    NS,
    NUMBER,
    PER_S,
    SHARE,
    TEXT,
    Axis,
    Cell,
    Column,
    Document,
    Plot,
    Section,
    Series,
    Table,
)
from ghostcard.benchmarks.reporting.sections import MOST_CURVES
from ghostcard.benchmarks.sweep import columns
from ghostcard.benchmarks.sweep.rows import METADATA
from ghostcard.benchmarks.wording import counted

SUFFIX, FILE = ".parquet", "sweep.parquet"
_NEARLY = 0.95  # of a line's greatest throughput: from there on more load gains little


class Case(NamedTuple):
    """A combination of values, over its replications; latencies in ns."""

    values: tuple[Any, ...]
    per_second: Estimate
    mean_ns: Estimate
    p50_ns: float
    p99_ns: float
    busiest: str
    utilisation: float


class Sweep(NamedTuple):
    """What a file of a sweep holds; `names` are the varied keys."""

    names: tuple[str, ...]
    cases: tuple[Case, ...]
    failed: int
    about: Mapping[str, Any]


def read(path: Path) -> Sweep:
    """The file that `ghostcard sweep` wrote, or its folder; ExportError for what is none."""
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise ExportError("a sweep needs pyarrow: pip install 'ghostcard[sweep]'") from None
    try:
        table = parquet.read_table(path / FILE if path.is_dir() else path)
        about = json.loads((table.schema.metadata or {})[METADATA])
        rows: list[dict[str, Any]] = table.to_pylist()
    except OSError:  # pyarrow's, which names no reason
        raise ExportError(f"{path}: cannot be read") from None
    except (ArrowInvalid, KeyError, ValueError):
        raise ExportError(f"{path}: not a table of `ghostcard sweep`") from None
    try:
        return _sweep(path, about, rows)
    except (AttributeError, KeyError, TypeError):
        version = about.get("version", "unknown") if isinstance(about, dict) else "unknown"
        raise ExportError(
            f"{path}: not the columns that ghostcard {__version__} reads; it was written by "
            f"ghostcard {version}"
        ) from None


def _sweep(path: Path, about: Mapping[str, Any], rows: Sequence[dict[str, Any]]) -> Sweep:
    names = tuple(about["vary"])
    done = [row for row in rows if row["status"] == columns.DONE]
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in done:
        grouped.setdefault(tuple(row[name] for name in names), []).append(row)
    if not grouped:
        raise ExportError(f"{path}: no case of the sweep is done")
    cases = [_case(values, each, about["confidence"]) for values, each in grouped.items()]
    return Sweep(names, tuple(cases), len(rows) - len(done), about)


def _case(values: tuple[Any, ...], rows: Sequence[Mapping[str, Any]], confidence: float) -> Case:
    def over(name: str) -> float:
        return sum(float(row[name]) for row in rows) / len(rows)

    def known(name: str, half: str) -> Estimate:
        told = [row for row in rows if row[name] is not None]
        if not told:  # too few requests for a rate
            return Estimate(0.0, None, confidence, 0)
        if len(told) > 1:
            return interval([float(row[name]) for row in told], confidence)
        return Estimate(float(told[0][name]), told[0][half], confidence, 1)

    return Case(
        values,
        known("per_second", "per_second_half_width"),
        known("mean_ns", "mean_half_width_ns"),
        over("p50_ns"),
        over("p99_ns"),
        rows[0]["busiest"],
        over("busiest_utilisation"),
    )


def document(sweep: Sweep, origin: Mapping[str, object]) -> Document:
    """The report."""
    about, place = sweep.about, _axis(sweep)
    plots = _plots(sweep, place) if place is not None else ()
    failed = f" {counted(sweep.failed, 'case')} failed." if sweep.failed else ""
    runs = counted(about["replications"], "replication")
    return Document(
        title=about["description"].strip() or about["scenario"],
        subtitle=f"Sweep of scenario {about['scenario']} over {', '.join(sweep.names)}: "
        f"{counted(len(sweep.cases), 'case')}, {runs} each.{failed} All "
        "times are simulated.",
        summary=tuple(_summary(sweep, place)),
        tiles=(),
        sections=(
            Section("load", "Throughput and latency", _told(sweep, place), (*plots, _table(sweep))),
        ),
        origin={**origin, "sweep": dict(about)},
    )


def _axis(sweep: Sweep) -> int | None:
    """The place of the first key with several values, all of them numbers."""
    for place in range(len(sweep.names)):
        values = {case.values[place] for case in sweep.cases}
        if len(values) > 1 and all(isinstance(value, int | float) for value in values):
            return place
    return None


def _lines(sweep: Sweep, place: int) -> dict[str, list[Case]]:
    """The cases of each combination of the other keys, by the values along the axis."""
    found: dict[str, list[Case]] = {}
    for case in sorted(sweep.cases, key=lambda one: one.values[place]):
        others = [
            f"{name} {value}"
            for n, (name, value) in enumerate(zip(sweep.names, case.values, strict=True))
            if n != place
        ]
        found.setdefault(", ".join(others) or "simulated", []).append(case)
    return found


def _summary(sweep: Sweep, place: int | None) -> Iterator[str]:
    top = max(sweep.cases, key=lambda one: one.per_second.mean)
    quick = min(sweep.cases, key=lambda one: one.p99_ns)
    served = shown(top.per_second.mean, PER_S)
    if top.per_second.mean:
        yield (
            f"Most throughput: {served} per second with {_said(sweep, top)}; its busiest station "
            f"is {top.busiest}, at {top.utilisation:.1%}."
        )
    else:
        yield "Throughput is not known: too few requests were answered."
    yield f"Least 99 % latency: {shown(quick.p99_ns, NS)} with {_said(sweep, quick)}."
    if place is None or not top.per_second.mean:
        return
    for name, cases in list(_lines(sweep, place).items())[:MOST_CURVES]:
        most = max(case.per_second.mean for case in cases)
        first = next(case for case in cases if case.per_second.mean >= _NEARLY * most)
        of = "" if name == "simulated" else f"of {name}, "
        if first is cases[-1]:
            yield f"Knee: {of}none up to {sweep.names[place]} {first.values[place]}."
            continue
        yield (
            f"Knee: {of}{_NEARLY:.0%} of the most "
            f"throughput is reached at {sweep.names[place]} {first.values[place]}, with a 99 % "
            f"latency of {shown(first.p99_ns, NS)}."
        )


def _said(sweep: Sweep, case: Case) -> str:
    pairs = zip(sweep.names, case.values, strict=True)
    return ", ".join(f"{name} {value}" for name, value in pairs)


def _told(sweep: Sweep, place: int | None) -> tuple[str, ...]:
    if place is None:
        return ("No key is varied in numbers: there is nothing to draw a line over.",)
    drawn = len(_lines(sweep, place))
    more = f" The first {MOST_CURVES} of {drawn} combinations are drawn." * (drawn > MOST_CURVES)
    return (f"Bands are confidence intervals.{more}",)


def _plots(sweep: Sweep, place: int) -> tuple[Plot, ...]:
    lines = list(_lines(sweep, place).items())[:MOST_CURVES]
    values = [case.values[place] for case in sweep.cases]
    is_wide = min(values) > 0 and max(values) >= 8 * min(values)
    x = Axis(sweep.names[place], NUMBER, 2 if is_wide else 0)
    rates, tails, busy = [], [], []
    for name, cases in lines:
        at = tuple(float(case.values[place]) for case in cases)
        served = [case.per_second for case in cases]
        low = tuple(one.mean - (one.half_width or 0.0) for one in served)
        high = tuple(one.mean + (one.half_width or 0.0) for one in served)
        rates.append(Series(name, at, tuple(one.mean for one in served), low=low, high=high))
        tails.append(Series(name, at, tuple(case.p99_ns for case in cases)))
        busy.append(Series(name, at, tuple(case.utilisation for case in cases)))
    log = 10 if x.log else 0
    return (
        Plot("throughput", "Throughput", x, Axis("requests per second", PER_S, log), tuple(rates)),
        Plot("latency-load", "99 % latency", x, Axis("latency, simulated time", NS, 10),
             tuple(tails)),
        Plot("busiest", "The busiest station", x, Axis("busy", SHARE), tuple(busy)),
    )  # fmt: skip


def _table(sweep: Sweep) -> Table:
    numbers = [
        NUMBER if all(isinstance(case.values[n], int | float) for case in sweep.cases) else TEXT
        for n in range(len(sweep.names))
    ]
    keys = [Column(name, unit) for name, unit in zip(sweep.names, numbers, strict=True)]
    rows: list[tuple[Cell, ...]] = []
    for case in sweep.cases:
        values = zip(case.values, numbers, strict=True)
        cells = [value if unit == NUMBER else str(value) for value, unit in values]
        rows.append((*cells, *case[1:]))
    figures = (Column("per s", PER_S), Column("mean", NS), Column("50 %", NS), Column("99 %", NS),
               Column("busiest"), Column("busy", SHARE, bar=True))  # fmt: skip
    return Table("cases", "Cases", (*keys, *figures), tuple(rows))
