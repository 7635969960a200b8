"""CSV: a line per request, a header, every time absolute and in nanoseconds."""

import csv
import io
from os import PathLike

from ghostcard.benchmarks.export.columns import COLUMNS, Column
from ghostcard.benchmarks.export.requests import Chunk, Requests


def write(requests: Requests, path: str | PathLike[str]) -> None:
    """Write the columns of `columns.COLUMNS`; lines end in a line feed."""
    quoted = {
        column.name: [_quoted(name) for name in column.names(requests.names)]
        for column in COLUMNS
        if column.names is not None
    }
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(",".join(column.name for column in COLUMNS) + "\n")
        for chunk in requests.chunks():
            rows = zip(*(_texts(column, chunk, quoted) for column in COLUMNS), strict=True)
            file.writelines(",".join(row) + "\n" for row in rows)


def _texts(column: Column, chunk: Chunk, quoted: dict[str, list[str]]) -> list[str]:
    values = column.values(chunk).tolist()
    if column.names is None:
        return list(map(str, values))
    return list(map(quoted[column.name].__getitem__, values))


def _quoted(name: str) -> str:
    """A name as the csv module writes it; an operation may be called anything."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow((name, ""))
    return line.getvalue()[:-1]
