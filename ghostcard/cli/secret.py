"""Secrets a command is given: by option, file, environment or prompt; never echoed or printed."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from ghostcard.cli.failure import Failure

_LONGEST = 4096  # characters of a first line, its end included


def secret(
    name: str, option: str, value: str | None, file: TextIO | None, confirm: bool = False
) -> str:
    """A PIN or passphrase from wherever it was given; asked for at a terminal, twice if it is a new
    one. Failure (2) when there is no terminal.
    """
    if file is not None:
        try:
            line = file.readline(_LONGEST + 1)
        except UnicodeDecodeError:
            raise Failure(f"{file.name}: not a text in UTF-8") from None
        if len(line) > _LONGEST:
            raise Failure(f"{file.name}: the first line is too long for a {name}")
        return line.rstrip("\r\n")
    if value is not None:
        return value
    if not sys.stdin.isatty():
        raise Failure(f"the {name} is missing: give {option} or {option}-file", 2)
    typed: str = click.prompt(name, hide_input=True, confirmation_prompt=confirm, err=True)
    return typed


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until what is inside is done: a change is made or not made, and said to be.

    By a handler and no mask: any other thread would take a signal that is masked in this one.
    """
    came: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
