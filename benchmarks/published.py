"""Published figures of real devices, each with its source: the rows of `published.csv`.

A row is a figure as it was published (device, operation, bytes, in flight, value, unit, source) and
how it is used here: the profile and the operation that stand for it, the payload and the number of
clients it is simulated with, and whether the profile was fitted on it (`fit`) or is judged by it
(`judge`, never both), within which tolerance if one can be stated.
"""

import csv
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("published.csv")

RATE = "ops/s"
LATENCY = "ms"
RATING = "relative cost"  # a speed rating: lower is faster, ratios only
UNITS = (RATE, LATENCY, RATING)
FIT, JUDGE = "fit", "judge"


class Row(NamedTuple):
    """One published figure; the columns of the file."""

    profile: str
    device: str
    operation: str  # as published
    bytes: str  # as published, "" if it was not
    in_flight: str  # as published: a number, `saturated`, or ""
    value: Fraction
    unit: str  # one of UNITS
    simulated_operation: str
    simulated_bytes: int
    clients: int
    use: str  # FIT or JUDGE
    tolerance_percent: Fraction | None  # None: none can be stated
    source: str


@cache
def rows() -> tuple[Row, ...]:
    """Every row, in the order of the file; ValueError for a row that is not as it should be."""
    with FILE.open(newline="", encoding="utf-8") as file:
        return tuple(_row(cells) for cells in csv.DictReader(file))


def rows_of(profile: str, all_rows: Iterable[Row] | None = None) -> list[Row]:
    """The rows of one profile, by its name."""
    return [row for row in (rows() if all_rows is None else all_rows) if row.profile == profile]


def published_profiles() -> list[str]:
    """The names of the profiles of which something was published, in the order of the file."""
    return list(dict.fromkeys(row.profile for row in rows()))


def _row(cells: dict[str, str]) -> Row:
    tolerance = cells["tolerance_percent"]
    row = Row(
        profile=cells["profile"],
        device=cells["device"],
        operation=cells["operation"],
        bytes=cells["bytes"],
        in_flight=cells["in_flight"],
        value=Fraction(cells["value"]),
        unit=cells["unit"],
        simulated_operation=cells["simulated_operation"],
        simulated_bytes=int(cells["simulated_bytes"]),
        clients=int(cells["clients"]),
        use=cells["use"],
        tolerance_percent=Fraction(tolerance) if tolerance else None,
        source=cells["source"],
    )
    if row.value <= 0 or row.clients < 1 or row.unit not in UNITS or row.use not in (FIT, JUDGE):
        raise ValueError(f"{FILE.name}: value, clients, unit or use cannot be: {cells}")
    return row
