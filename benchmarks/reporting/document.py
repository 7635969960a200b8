"""A report as values: sections of text, plots, tables and bars. Renderings know nothing else.

Values are raw (nanoseconds, per second, a part of 1, bytes); the unit says how people read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from ghostcard.benchmarks.estimation import Estimate

NS, PER_S, NUMBER, SHARE, BYTES, TEXT, TIMES = (
    "ns",
    "per_s",
    "number",
    "share",
    "bytes",
    "text",
    "times",
)
LINE, STEP, DASHED, POINTS, LINE_POINTS = "line", "step", "dashed", "points", "line-points"

Cell: TypeAlias = str | int | float | Estimate | None
"""None: nothing can be said."""


class Series(NamedTuple):
    """One line of a plot, x ascending; a band from `low` to `high` around it where they are given.

    `colour` chooses among the colours of a plot; None: the next one. Dashed lines are of theory.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    style: str = LINE_POINTS
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    colour: int | None = None


class Axis(NamedTuple):
    """What is along an axis; `log` is the base of a logarithmic one, 0 of a linear one."""

    title: str
    unit: str
    log: int = 0


class Mark(NamedTuple):
    """A vertical line at a value of x, with a word beside it."""

    x: float
    text: str


class Plot(NamedTuple):
    """Lines over one x axis; `key` names it in the page."""

    key: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    note: str = ""
    marks: tuple[Mark, ...] = ()


class Column(NamedTuple):
    """`bar`: a part of 1 is drawn behind its figure."""

    title: str
    unit: str = TEXT
    bar: bool = False


class Table(NamedTuple):
    """Rows of raw cells, one for each column."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


class Segment(NamedTuple):
    """A part of a bar; `kind` decides its colour."""

    name: str
    kind: str
    value: float


class Bar(NamedTuple):
    """A bar of segments one after the other."""

    title: str
    segments: tuple[Segment, ...]


class Bars(NamedTuple):
    """Bars of one unit, each as long as all: what is shown are the parts."""

    key: str
    title: str
    unit: str
    bars: tuple[Bar, ...]
    note: str = ""


Block: TypeAlias = Plot | Table | Bars


class Section(NamedTuple):
    """A heading, a few sentences, and what they are about."""

    key: str
    title: str
    text: tuple[str, ...]
    blocks: tuple[Block, ...]


class Tile(NamedTuple):
    """A figure at the top of the page."""

    title: str
    value: float
    unit: str
    note: str = ""


class Listing(NamedTuple):
    """A file as it was, such as the scenario."""

    name: str
    text: str


class Document(NamedTuple):
    """The whole report; `origin` and the listings are what one needs to make it again."""

    title: str
    subtitle: str
    summary: tuple[str, ...]
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    origin: Mapping[str, object]
    listings: tuple[Listing, ...] = ()


def tables(document: Document) -> list[Table]:
    """All tables, in order."""
    return [b for section in document.sections for b in section.blocks if isinstance(b, Table)]


def plots(document: Document) -> list[Plot]:
    """All plots, in order."""
    return [b for section in document.sections for b in section.blocks if isinstance(b, Plot)]
