"""Figures as people read them, in tables of the terminal and of reports alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.benchmarks.estimation import Estimate

NOTHING = "-"  # what is not known
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def duration(ns: float) -> str:
    """A time: three digits and the unit that fits."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        scaled = ns / size
        if scaled >= 0.9995:  # what rounds to 1 is 1
            places = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{places}f} {unit}"
    return f"{ns:.0f} ns"


def rate(per_second: float) -> str:
    """A rate: thousands separated, a decimal below a hundred."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


def estimated(one: Estimate, text: Callable[[float], str]) -> str:
    """A figure, with the half-width of its interval in percent if it has one."""
    if math.isinf(one.mean):
        return NOTHING
    error = one.relative_error
    return text(one.mean) + ("" if error is None else f" ±{error:.1%}")


def estimated_rate(one: Estimate) -> str:
    """The same of a rate, which is 0 where too few requests were answered to tell it."""
    return estimated(one, rate) if one.mean else NOTHING


def counted(count: int, what: str) -> str:
    """So many of something, in the singular if it is one."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def number(value: float) -> str:
    """A number without unit: whole ones with their thousands separated, others with two digits."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.2f}"


def share(part: float) -> str:
    """A part of 1, in percent."""
    return f"{part:.1%}"


def size(count: float) -> str:
    """Bytes, in the binary unit that divides them, or else as they are."""
    for unit_bytes, unit in _SIZES:
        if count >= unit_bytes and count % (unit_bytes // 8) == 0:
            return f"{count / unit_bytes:g} {unit}"
    return f"{count:,.0f} B"


def ratio(value: float) -> str:
    """A ratio to three digits; near 1 four, where the last ones matter."""
    if not value:
        return "0"
    places = 3 if 0.9 <= value < 1.2 else max(0, 2 - math.floor(math.log10(value)))
    return f"{value:.{places}f}"
