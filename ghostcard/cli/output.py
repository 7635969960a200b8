"""What commands print: tables for people, JSON for programs; colours only on a terminal."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from ghostcard.benchmarks.wording import counted, duration, estimated, estimated_rate, rate
from ghostcard.cli.failure import Failure

__all__ = [
    "console",
    "counted",
    "document",
    "duration",
    "estimated",
    "estimated_rate",
    "rate",
    "require_writable",
    "table",
]

_WIDE = 240  # columns where there is no terminal: nothing is folded in a file


def console(file: TextIO | None = None) -> Console:
    """A console on ``file`` (standard output); plain text when that is no terminal."""
    file = file or sys.stdout
    width = None if file.isatty() else _WIDE
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    file: TextIO | None = None,
    grouped: bool = False,
) -> None:
    """Prints a table; a column ``>name`` is aligned right, a column ``~name`` may be folded.

    ``grouped`` draws a line where the first cell changes, and shows that cell once. On a terminal
    too narrow for a line of the table every cell has a line of its own.
    """
    cells = [tuple(map(str, row)) for row in rows]
    screen = console(file)
    shown = _table(title, columns, cells, grouped)
    if screen.is_terminal and _width(shown, screen) > screen.width:
        shown = _upright(title, columns, cells)
    _print(shown, screen)


def table_of(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table as `table` prints it, for whoever shows several at once."""
    return _table(title, columns, [tuple(row) for row in rows], False)


def _table(
    title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]], grouped: bool
) -> Table:
    shown = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for index, column in enumerate(columns):
        folds, name = column.startswith("~"), column.lstrip(">~")
        longest = max(cell_len(cell) for cell in (name, *(row[index] for row in rows)))
        shown.add_column(
            name,
            justify="right" if column.startswith(">") else "left",
            no_wrap=not folds,
            min_width=None if folds else longest,
        )
    group: object = None
    for first, *rest in rows:
        if grouped and group not in (None, first):
            shown.add_section()
        shown.add_row("" if grouped and group == first else first, *rest)
        group = first
    return shown


def _width(shown: Table, screen: Console) -> int:
    """The least width at which nothing is cut."""
    return shown.__rich_measure__(screen, screen.options.update(max_width=_WIDE)).minimum


def _upright(title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    """The cells of a row below one another, each after the name of its column."""
    shown = Table(
        title=title, title_justify="left", title_style="bold", box=None, show_header=False
    )
    shown.add_column(overflow="fold")
    names = [column.lstrip(">~") for column in columns]
    margin = max(map(len, names)) + 2
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            shown.add_row(name.ljust(margin) + cell, style="bold" if name == names[0] else None)
        shown.add_row()
    return shown


def _print(shown: Table, screen: Console) -> None:
    if screen.is_terminal:
        screen.print(shown)
        return
    with screen.capture() as captured:
        screen.print(shown)
    for line in captured.get().splitlines():  # rich fills every line to the table's width
        print(line.rstrip(), file=screen.file)


def require_writable(path: Path) -> None:
    """Before hours of work: a file can be written there. Failure if not."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise Failure(f"{path}: there is no folder {path.parent}", 2)
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise Failure(f"{path}: no permission to write there", 2)


def document(value: object, file: TextIO | None = None) -> None:
    """Prints ``value`` as JSON, indented, keys in the order given."""
    print(json.dumps(value, indent=2), file=file or sys.stdout)
