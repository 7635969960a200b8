"""Figures as people read them, in tables of the terminal and of reports alike."""

import math

_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def duration(ns: float) -> str:
    """A time: three digits and the unit that fits."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if ns >= size:
            return f"{ns / size:.{2 - min(2, len(str(int(ns / size))) - 1)}f} {unit}"
    return f"{ns:.0f} ns"


def rate(per_second: float) -> str:
    """A rate: thousands separated, a decimal below a hundred."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


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
