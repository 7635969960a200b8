"""The rows of a sweep out of its cases and what is finished, and their files."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghostcard import __version__
from ghostcard.benchmarks.sweep import columns
from ghostcard.benchmarks.sweep.case import Figures
from ghostcard.benchmarks.sweep.grid import Grid

if TYPE_CHECKING:
    import pyarrow

METADATA = b"ghostcard"  # key of the file's JSON about itself
Row = dict[str, object]
_FLAT = (columns.REPLICATION, columns.CASE, *columns.FIGURES)


def rows(grid: Grid, finished: Mapping[str, Figures]) -> list[Row]:
    """One for each finished case, in the order of the cases; what a failed one has not is None."""
    names = [axis.name for axis in grid.axes]
    return [
        {
            **dict(zip(names, case.values, strict=True)),
            columns.REPLICATION: case.replication,
            columns.CASE: case.key,
            **{name: figures.get(name) for name in (*columns.FIGURES, *columns.LISTS)},
        }
        for case in grid.cases
        if (figures := finished.get(case.key)) is not None
    ]


def as_csv(grid: Grid, found: Sequence[Row]) -> str:
    """All columns but the lists, with a heading."""
    names = [*(axis.name for axis in grid.axes), *_FLAT]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in found:
        writer.writerow({name: _plain(value) for name, value in row.items()})
    return text.getvalue()


def write_parquet(grid: Grid, found: Sequence[Row], path: Path) -> None:
    """The same bytes for the same rows; the file is there whole, or as it was before."""
    from pyarrow import parquet

    partial = path.with_name(path.name + ".part")
    parquet.write_table(table(grid, found), partial)
    os.replace(partial, path)


def table(grid: Grid, found: Sequence[Row]) -> pyarrow.Table:
    """The rows with their types, and what they are about in the metadata."""
    import pyarrow

    fields = [pyarrow.field(axis.name, _type_of(axis.values)) for axis in grid.axes]
    fields += [
        pyarrow.field(columns.REPLICATION, pyarrow.int64()),
        pyarrow.field(columns.CASE, pyarrow.string()),
    ]
    fields += [pyarrow.field(name, _named(kind)) for name, kind in columns.FIGURES.items()]
    fields += [
        pyarrow.field(name, pyarrow.list_(pyarrow.struct([(f, _named(k)) for f, k in of.items()])))
        for name, of in columns.LISTS.items()
    ]
    origin = json.dumps({**grid.origin(), "version": __version__})
    schema = pyarrow.schema(fields, metadata={METADATA: origin.encode()})
    data: dict[str, list[Any]] = {
        field.name: [row[field.name] for row in found] for field in fields
    }
    for axis in grid.axes:
        if schema.field(axis.name).type == pyarrow.string():
            data[axis.name] = [_text(value) for value in data[axis.name]]
    return pyarrow.table(data, schema=schema)


def _named(kind: str) -> Any:
    import pyarrow

    return pyarrow.type_for_alias(kind)


def _type_of(values: Sequence[object]) -> Any:
    """Of a varied key: numbers as such, anything else as a text."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return _named("bool")
    if kinds == {int}:
        return _named("int64")
    return _named("float64") if kinds <= {int, float} else _named("string")


def _text(value: object) -> str:
    """Of a column that has texts, and tables and numbers too."""
    return value if isinstance(value, str) else json.dumps(value)


def _plain(value: object) -> object:
    """A cell: tables and lists as JSON."""
    return json.dumps(value) if isinstance(value, dict | list | bool) else value
