"""A cell of a table as text, and as the raw value that is copied."""

from __future__ import annotations

from collections.abc import Callable

from ghostcard.benchmarks.estimation import Estimate
from ghostcard.benchmarks.reporting.document import (
    BYTES,
    NS,
    NUMBER,
    PER_S,
    SHARE,
    TIMES,
    Cell,
    Table,
)
from ghostcard.benchmarks.wording import (
    NOTHING,
    duration,
    estimated,
    estimated_rate,
    number,
    rate,
    ratio,
    share,
    size,
)

UNIT_NAMES = {NS: "ns", SHARE: "part of 1", BYTES: "bytes"}

_TEXTS: dict[str, Callable[[float], str]] = {
    NS: lambda ns: duration(ns).replace("us", "µs"),
    PER_S: rate,
    NUMBER: number,
    SHARE: share,
    BYTES: size,
    TIMES: ratio,
}


def shown(cell: Cell, unit: str) -> str:
    """For people: with the unit, and the half-width of the interval in percent."""
    if cell is None:
        return NOTHING
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Estimate):
        return estimated_rate(cell) if unit == PER_S else estimated(cell, _TEXTS[unit])
    return _TEXTS[unit](cell)


def raw(cell: Cell) -> str | int | float | None:
    """For programs; of an estimate its mean."""
    return cell.mean if isinstance(cell, Estimate) else cell


def half_width(cell: Cell) -> float | None:
    """Of an estimate, in the unit of its mean."""
    return cell.half_width if isinstance(cell, Estimate) else None


def heads(table: Table) -> list[str]:
    """The titles of the columns with the units of raw values, where the title has none."""
    named = ((one.title, UNIT_NAMES.get(one.unit, "")) for one in table.columns)
    return [f"{title} ({unit})" if unit else title for title, unit in named]
