"""The order of a program's threads in simulated time: what is asked for, and how it was kept."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from ghostcard.cli.output import duration
from ghostcard.config import Config
from ghostcard.driver.pace import LATE_NS, TOLERABLE, Pace
from ghostcard.driver.timing import (
    DILATION,
    LEAST_DILATION,
    ORDERS,
    PACE_SUFFIX,
    PACED,
    STANDING_SUFFIX,
    STRICT,
    THINKS,
    Standing,
    Timing,
)

Command = TypeVar("Command", bound=Callable[..., Any])


def paced_option(command: Command) -> Command:
    """The option `paced`: the dilation, or None for the clock that is configured."""
    return click.option(
        "--paced",
        "dilation",
        type=click.FloatRange(LEAST_DILATION, 1e6),
        is_flag=False,
        flag_value=str(DILATION),
        metavar="[DILATION]",
        help="A call lasts as long as on the cards, times DILATION (10), on the wall's clock.",
    )(command)


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
    before = Timing(STRICT) if machine.time.clock == PACED else machine.time
    return machine._replace(time=Timing(**{**before._asdict(), **asked}))


def paced(machine: Config, dilation: float) -> Config:
    """The machine with the paced clock."""
    return machine._replace(time=Timing(STRICT, clock=PACED, dilation=dilation))


def pace(folder: Path, config: Config) -> Pace | None:
    """How punctual the calls of a paced run were in those of its processes that could say."""
    if config.time.clock != PACED:
        return None
    whole = Pace(config.time.dilation)
    for path in folder.glob(f"*{PACE_SUFFIX}"):
        try:
            whole = whole.joined(Pace.of_text(path.read_text()))
        except (OSError, ValueError):  # of a process that was killed meanwhile
            continue
    return whole


def standing(folder: Path, config: Config) -> Standing | None:
    """The order of a run, and how it was kept by those of its processes that could say; None if it
    was paced.
    """
    if config.time.clock == PACED:
        return None
    kept = [0, 0, 0]
    for found in _standings(folder.glob(f"*{STANDING_SUFFIX}")):
        kept = [sum(pair) for pair in zip(kept, found[-3:], strict=True)]
    return Standing(*config.time.kept, *kept)


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


def punctuality(pace: Pace) -> str:
    """How punctual paced calls were."""
    said = f"{pace.dilation:g} times as slow as the cards; "
    if not pace.calls:
        return f"{said}no call has returned"
    mean, worst = duration(round(pace.mean_ns)), duration(pace.worst_ns)
    return (
        f"{said}{pace.late:,} of {pace.calls:,} calls later than {duration(LATE_NS)}, "
        f"mean {mean}, latest {worst}"
    )


def verdict(pace: Pace) -> str:
    """Whether the figures of a paced run are those of the cards, and if not, what to do."""
    if pace.is_valid:
        return f"valid: at most {TOLERABLE:.0%} of the completions were late"
    said = f"not valid: {pace.late / pace.calls:.1%} of the completions were late"
    if pace.misjudged:
        said += f", {pace.misjudged / pace.calls:.1%} were another request than they seemed"
    if pace.would_do is not None:
        said += f"; a dilation of {pace.would_do:g} would do"
    if pace.woken_late > pace.calls * TOLERABLE:
        said += f"; the host is too busy: {pace.woken_late / pace.calls:.1%} were woken late"
    return said
