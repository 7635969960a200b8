"""A bar that shows how far a command is: on the terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from ghostcard.cli.output import console


@contextmanager
def bar_of(*columns: ProgressColumn) -> Iterator[Progress]:
    """A bar of these columns; at its end it is gone."""
    screen = console(sys.stderr)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        yield bar


@contextmanager
def progress(steps: int) -> Iterator[Callable[[str], None]]:
    """Of so many steps; what it gives is called after every one, with what was done."""
    told = TextColumn("{task.description}")
    with bar_of(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), told) as bar:
        task = bar.add_task("", total=steps)
        yield lambda text: bar.update(task, advance=1, description=text)
