"""What commands print: tables for people, JSON for programs; colours only on a terminal."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

_WIDE = 200  # columns where there is no terminal: a table in a file is never folded


def console(file: TextIO | None = None) -> Console:
    """A console on ``file`` (standard output); plain text when that is no terminal."""
    file = file or sys.stdout
    return Console(file=file, width=None if file.isatty() else _WIDE, highlight=False)


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], file: TextIO | None = None
) -> None:
    """Prints a table; a column whose name starts with ``>`` is aligned right."""
    shown = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        right = column.startswith(">")
        shown.add_column(column.lstrip(">"), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        shown.add_row(*map(str, row))
    console(file).print(shown)


def document(value: object, file: TextIO | None = None) -> None:
    """Prints ``value`` as JSON, indented, keys in the order given."""
    print(json.dumps(value, indent=2), file=file or sys.stdout)
