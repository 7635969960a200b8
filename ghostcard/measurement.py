"""Crypto measurements: entries of each mode, and what an interval makes of two samples.

(AP sheet 6.3.) A sample has for each device, card or queue, accumulated nanoseconds on engines and
a count per entry; both only grow. Times of several engines add up, so a utilisation may be above 1.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ghostcard.emulator.meter import Measured, Totals

ENTRIES: dict[str, tuple[str, ...]] = {
    "accelerator": (
        *("RSA 1024 ME", "RSA 2048 ME", "RSA 1024 CRT", "RSA 2048 CRT"),
        *("RSA 4096 ME", "RSA 4096 CTR"),  # as zcryptstats spells it
    ),
    "cca": ("All", "RSA Key-gen"),
    "ep11": ("Asym. Slow", "Asym. Fast", "Symm. Partial", "Symm. Complete", "Asym. Key-gen"),
}
TOTAL = "Total"
ALL = "All"  # of modes that have it, the total
NOTHING = Measured(0, 0)


class Rate(NamedTuple):
    """An entry in an interval: operations, per second, share of the time, seconds each."""

    counter: str
    ops: int
    rate: float
    utilization: float
    duration_s: float


def rates(
    mode: str, before: Totals, after: Totals, qids: Iterable[int], seconds: float
) -> list[Rate]:
    """The entries of a device that is these queues, and the total at the end."""
    queues = tuple(qids)
    names = ENTRIES[mode]
    spent = [
        _difference(_sum(before, queues, number), _sum(after, queues, number))
        for number in range(1, len(names) + 1)
    ]
    total = spent[names.index(ALL)] if ALL in names else _add(spent)
    rows = zip((*names, TOTAL), (*spent, total), strict=True)
    return [_rate(name, measured, seconds) for name, measured in rows]


def _sum(totals: Totals, qids: tuple[int, ...], number: int) -> Measured:
    return _add(totals.get((qid, number), NOTHING) for qid in qids)


def _add(many: Iterable[Measured]) -> Measured:
    pairs = list(many)
    return Measured(sum(one.time_ns for one in pairs), sum(one.ops for one in pairs))


def _difference(before: Measured, after: Measured) -> Measured:
    return Measured(after.time_ns - before.time_ns, after.ops - before.ops)


def _rate(name: str, spent: Measured, seconds: float) -> Rate:
    busy_s = spent.time_ns / 1e9
    each_s = busy_s / spent.ops if spent.ops else 0.0
    return Rate(name, spent.ops, spent.ops / seconds, busy_s / seconds, each_s)
