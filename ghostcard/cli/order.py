"""The order of a program's threads in simulated time: what is asked for, and how it was kept."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from ghostcard.config import Config
from ghostcard.driver.timing import ORDERS, STANDING_SUFFIX, THINKS, Standing, Timing

Command = TypeVar("Command", bound=Callable[..., Any])


def order_options(command: Command) -> Command:
    """The options `order`, `think`, `think_scale` and `clients`; None: as configured."""
    for option in (
        click.option(
            "--clients",
            type=click.IntRange(1, 1 << 16),
            help="Threads without which simulated time does not begin.",
        ),
        click.option(
            "--think-scale",
            type=click.FloatRange(0, 1e6),
            help="Times that time: 0.5, the program on a machine twice as fast.",
        ),
        click.option(
            "--think",
            type=click.Choice(THINKS),
            help="What passes between two calls of a thread: none, or its CPU time.",
        ),
        click.option(
            "--order",
            type=click.Choice(ORDERS),
            help="strict: a call takes its simulated time. behind: nobody waits; right for threads "
            "that do not depend on each other.",
        ),
    ):
        command = option(command)
    return command


def ordered(
    machine: Config,
    order: str | None,
    think: str | None,
    think_scale: float | None,
    clients: int | None,
) -> Config:
    """The machine with what was asked for."""
    said = {"order": order, "think": think, "think_scale": think_scale, "clients": clients}
    asked = {key: value for key, value in said.items() if value is not None}
    return machine._replace(time=Timing(**{**machine.time._asdict(), **asked}))


def standing(folder: Path, config: Config) -> Standing:
    """The order of a run, and how it was kept by those of its processes that could say."""
    kept = [0, 0, 0]
    for found in _standings(folder.glob(f"*{STANDING_SUFFIX}")):
        kept = [sum(pair) for pair in zip(kept, found[-3:], strict=True)]
    return Standing(*config.time, *kept)


def _standings(paths: Iterable[Path]) -> Iterator[Standing]:
    for path in paths:
        try:
            yield Standing.of_text(path.read_text())
        except (OSError, ValueError):  # of a process that was killed meanwhile
            continue


def sentence(standing: Standing) -> str:
    """What there is to know about the order of a run."""
    thought = standing.think
    if thought != "none" and standing.think_scale != 1:
        thought += f" x {standing.think_scale:g}"
    said = f"{standing.order}, think time {thought}"
    if standing.clients:
        said += f", {standing.clients:,} threads announced"
    measured = ["think time is measured"] if standing.think != "none" else []
    counts = measured + [
        f"{number:,} {what}"
        for number, what in (
            (standing.parked, "times a thread was left behind"),
            (standing.expired, "times a thread was waited for in vain"),
            (standing.late, "calls late"),
        )
        if number
    ]
    if standing.is_deterministic:
        return said
    return f"{said}; not deterministic: {', '.join(counts)}"
