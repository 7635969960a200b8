"""What is told of a program that has run: its account, the capture it leaves, and a forecast."""

import os
from pathlib import Path
from typing import NamedTuple, TextIO

from ghostcard.benchmarks.capture import own, through
from ghostcard.benchmarks.capture.file import Capture
from ghostcard.benchmarks.capture.forecast import beginning, forecasts, used
from ghostcard.benchmarks.capture.machine import on_machine
from ghostcard.benchmarks.capture.replay import Left, replay
from ghostcard.cli.account import Account, account, collect, show, show_left
from ghostcard.cli.order import pace, standing
from ghostcard.cli.output import document
from ghostcard.config import Config
from ghostcard.driver.capture import SUFFIX
from ghostcard.guests import deepened


class Ran(NamedTuple):
    """A program that has run: its name, how it ended, how long it took, and what it left where."""

    program: str
    exit_code: int
    host_ns: int
    machine: Config
    folder: Path
    through: str | None = None  # the other library that it used


class Told(NamedTuple):
    """Where the account goes, and what is in it; `keep` is a file for the capture."""

    file: TextIO
    keep: str | None
    has_forecast: bool
    as_json: bool


class Cards(NamedTuple):
    """The cards that a program on another library is told of; None: the usual."""

    profile: str | None
    cards: int | None
    depth: int | None


def tell(ran: Ran, told: Told, scratch: Path) -> None:
    """Print the account of a run, and write its capture."""
    found = collect(ran.folder, ran.machine)
    captured = own.collect(ran.folder, ran.machine, _name(ran), found.runs)
    for journal in ran.folder.glob(f"*{SUFFIX}"):
        journal.unlink()
    if told.keep is not None:
        captured.capture.save(told.keep)
    think_ns = int(captured.capture.rows["think_ns"].sum())
    damaged = [*found.damaged, *captured.damaged]
    whole = account([*found.runs.values()], damaged, ran.machine, ran.host_ns, think_ns)
    whole = whole._replace(standing=standing(ran.folder, ran.machine))
    whole = whole._replace(pace=pace(ran.folder, ran.machine))
    if told.has_forecast:
        whole = forecast(whole, captured.capture, ran.machine, scratch)
    _print(ran, told, whole, [])


def tell_through(ran: Ran, told: Told, cards: Cards, scratch: Path) -> None:
    """The same of a program on another library: what cards would have done for it."""
    assert ran.through is not None
    found = through.collect(ran.folder, _name(ran), ran.through)
    if told.keep is not None:
        found.capture.save(told.keep)
    captured, config, left = on_machine(found.capture, cards.profile, cards.cards)
    if cards.depth is not None:
        config = with_depth(config, cards.depth, scratch)
    played = replay(captured, config)
    whole = account(played.runs, found.damaged, config, ran.host_ns, played.think_ns)
    if told.has_forecast:
        whole = forecast(whole, captured, config, scratch)
    _print(ran, told, whole, [*left, *played.left])


def with_depth(config: Config, depth: int, scratch: Path) -> Config:
    """The machine with queues of that depth; the profiles are written to `scratch`."""
    same = (
        card._replace(profile=deepened(card.profile, depth, str(scratch))) for card in config.cards
    )
    return config._replace(cards=tuple(same))


def _name(ran: Ran) -> str:
    """The program by its name alone: there may be a PIN among its arguments."""
    return os.path.basename(ran.program)


def _print(ran: Ran, told: Told, whole: Account, left: list[Left]) -> None:
    if told.as_json:
        ending = {"program": ran.program, "exit_code": ran.exit_code}
        plain = {**ending, **whole.plain()}
        if ran.through is not None:
            plain["left_out"] = [each._asdict() for each in left]
        document(plain, told.file)
        return
    show(whole, ran.program, told.file)
    show_left(left, told.file)


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

    alike = used(part, machine)
    if alike is None:
        return whole._replace(no_forecast="cards of several profiles had requests")

    def deep(name: str, depth: int) -> str:
        return deepened(name, depth, str(scratch))

    found = forecasts(part, alike, think, scale, deep)
    return whole._replace(forecast=tuple(found), forecast_of=len(part.rows))
