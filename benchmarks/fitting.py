"""Figures of a profile from the published rows marked `fit`: how each device's were found.

Exact arithmetic on the published decimals, rounded once to the whole number that the profile
states; so the same rows give the same figures anywhere. A method sees no row that is to judge.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from ghostcard.benchmarks.published import FIT, LATENCY, RATING, Row

_NS = 10**9


class FitError(ValueError):
    """The rows at hand do not determine the figures of a profile; the message says why."""


class Figure(NamedTuple):
    """A fitted figure: `key` of the operation, or of the pool that serves it (`count`).

    Without an operation it is a figure of the profile as a whole.
    """

    operation: str
    key: str  # fixed_ns, per_kib_ns, rating, count, scale_us_per_unit
    value: int


Method = Callable[[Sequence[Row]], list[Figure]]


def fit(profile: str, rows: Iterable[Row]) -> list[Figure]:
    """The figures of `profile` that `rows` determine; only its rows marked `fit` are looked at.

    `FitError` for a profile without a method, or without the rows that its method needs.
    """
    used = [row for row in rows if row.profile == profile and row.use == FIT]
    if not used:
        raise FitError(f"profile {profile}: no row to fit it on")
    method = ratings if profile.startswith("cex") else METHODS.get(profile)
    if method is None:
        raise FitError(f"profile {profile}: there is no method to fit it")
    return method(used)


def cycle_ns(row: Row) -> Fraction:
    """The time of one request of one client: published as a latency, or clients / rate."""
    return row.value * 10**6 if row.unit == LATENCY else _NS * row.clients / row.value


def payload_line(rows: Sequence[Row]) -> list[Figure]:
    """A fixed part and a part per KiB, through the two sizes of each operation."""
    figures = []
    for operation, both in _by_operation(rows):
        small, large = _two(operation, both, lambda row: row.simulated_bytes)
        span = large.simulated_bytes - small.simulated_bytes
        per_kib = round((cycle_ns(large) - cycle_ns(small)) * 1024 / span)
        fixed = round(cycle_ns(small) - Fraction(per_kib * small.simulated_bytes, 1024))
        figures += [Figure(operation, "fixed_ns", fixed), Figure(operation, "per_kib_ns", per_kib)]
    return figures


def serial(rows: Sequence[Row]) -> list[Figure]:
    """One engine, held for the published latency."""
    return [Figure(row.simulated_operation, "fixed_ns", round(cycle_ns(row))) for row in rows]


def capacity(rows: Sequence[Row]) -> list[Figure]:
    """One engine that is as fast as the device at saturation; its latency is not known."""
    return [Figure(row.simulated_operation, "fixed_ns", round(_NS / row.value)) for row in rows]


def parallelism(rows: Sequence[Row]) -> list[Figure]:
    """Service time from the lone request, number of engines from the rate with many in flight.

    By Little's law, rate x latency requests are served at once: the nearest whole number.
    """
    figures = []
    for operation, both in _by_operation(rows):
        alone, many = _two(operation, both, lambda row: row.clients)
        count = round(many.value * cycle_ns(alone) / _NS)
        figures += [
            Figure(operation, "fixed_ns", round(cycle_ns(alone))),
            Figure(operation, "count", count),
        ]
    return figures


def common_latency(rows: Sequence[Row]) -> list[Figure]:
    """One latency at any concurrency, with the least worst error of the rates of its two rows.

    A rate of clients / latency is off by (latency of the row) / latency - 1: equal and opposite
    for the mean of both latencies.
    """
    figures = []
    for operation, both in _by_operation(rows):
        few, many = _two(operation, both, lambda row: row.clients)
        figures.append(Figure(operation, "fixed_ns", round((cycle_ns(few) + cycle_ns(many)) / 2)))
    return figures


def ratings(rows: Sequence[Row]) -> list[Figure]:
    """Speed ratings as they are, and the scale from a rate of the operation, if there is one."""
    rated = {row.simulated_operation: row.value for row in rows if row.unit == RATING}
    figures = [Figure(operation, "rating", round(value)) for operation, value in rated.items()]
    for row in rows:
        if row.unit != RATING:
            scale = round(10**6 / (row.value * rated[row.simulated_operation]))
            figures.append(Figure("", "scale_us_per_unit", scale))
    return figures


METHODS: dict[str, Method] = {
    "ti-j721e-sa2ul": payload_line,
    "ti-j7200-sa2ul": payload_line,
    "ti-am65x-sa2ul": payload_line,
    "mt7621-eip93": payload_line,
    "intel-qat": parallelism,
    "aws-cloudhsm-classic": common_latency,
    "azure-managed-hsm": capacity,
    "thales-luna-a790": capacity,
    "tpm-infineon-slb9670": serial,
    "tpm-st33ktpm2xspi": serial,
    "tpm-jetson-orin-ftpm": serial,
    "yubikey5-piv": serial,
}


def _by_operation(rows: Iterable[Row]) -> Iterable[tuple[str, list[Row]]]:
    def name(row: Row) -> str:
        return row.simulated_operation

    return ((operation, list(group)) for operation, group in groupby(sorted(rows, key=name), name))


def _two(operation: str, rows: list[Row], order: Callable[[Row], int]) -> tuple[Row, Row]:
    """The two rows of an operation in order, or `FitError`."""
    if len({order(row) for row in rows}) != 2 or len(rows) != 2:
        raise FitError(f"{operation}: two different rows are needed, there are {len(rows)}")
    low, high = sorted(rows, key=order)
    return low, high
