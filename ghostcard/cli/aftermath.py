"""What is told of a program that has run: its account, the capture it leaves, and a forecast."""

import os
from pathlib import Path
from typing import NamedTuple, TextIO

from ghostcard.benchmarks.capture import own
from ghostcard.benchmarks.capture.file import Capture
from ghostcard.benchmarks.capture.forecast import beginning, forecasts
from ghostcard.cli.account import Account, account, collect, show
from ghostcard.cli.output import document
from ghostcard.config import Config
from ghostcard.guests import deepened


class Ran(NamedTuple):
    """A program that has run: its name, how it ended, how long it took, and what it left where."""

    program: str
    exit_code: int
    host_ns: int
    machine: Config
    folder: Path


def tell(
    ran: Ran, scratch: Path, file: TextIO, keep: str | None, has_forecast: bool, as_json: bool
) -> None:
    """Print the account of a run, and write its capture to `keep`."""
    found = collect(ran.folder, ran.machine)
    program = os.path.basename(ran.program)
    captured = own.collect(ran.folder, ran.machine, program, found.runs)
    if keep is not None:
        captured.capture.save(keep)
    think_ns = int(captured.capture.rows["think_ns"].sum())
    damaged = [*found.damaged, *captured.damaged]
    whole = account([*found.runs.values()], damaged, ran.machine, ran.host_ns, think_ns)
    if has_forecast:
        whole = forecast(whole, captured.capture, ran.machine, scratch)
    # the program by its name alone: there may be a PIN among its arguments
    if as_json:
        ending = {"program": ran.program, "exit_code": ran.exit_code}
        document({**ending, **whole.plain()}, file)
    else:
        show(whole, ran.program, file)


def forecast(
    whole: Account,
    capture: Capture,
    machine: Config,
    scratch: Path,
    think: str = "captured",
    scale: float = 1.0,
) -> Account:
    """The account with what other machines would have done."""
    part = beginning(capture)
    if not len(part.rows):
        return whole

    def deep(name: str, depth: int) -> str:
        return deepened(name, depth, str(scratch))

    found = forecasts(part, machine, think, scale, deep)
    return whole._replace(forecast=tuple(found), forecast_of=len(part.rows))
