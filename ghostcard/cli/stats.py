"""``ghostcard stats``: what programs ask of the cards, in the manner of zcryptstats."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from ghostcard.cli import zcryptstats
from ghostcard.cli.failure import Failure
from ghostcard.cli.zcryptstats import Device, Interval, Style
from ghostcard.config import apqn, load, own
from ghostcard.driver.facts import GENERATION_AT_CEX4
from ghostcard.emulator import meter
from ghostcard.emulator.meter import Measured, Totals
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.profile import load as load_profile
from ghostcard.emulator.sockets import Sockets
from ghostcard.firmware.abi.operations import category
from ghostcard.machine import meter_folder, sockets_path
from ghostcard.measurement import ENTRIES, rates

_KINDS = {
    "accelerator": ("A", "Accelerator"),
    "cca": ("C", "CCA co-processor"),
    "ep11": ("P", "EP11 co-processor"),
}
_CEX4 = 10
_NS_PER_S = 1_000_000_000


class Card(NamedTuple):
    """A card that is measured."""

    adapter: int
    mode: str
    hardware_type: int
    domains: tuple[int, ...]

    @property
    def type(self) -> str:
        letter, kind = _KINDS[self.mode]
        return f"CEX{self.hardware_type - _CEX4 + GENERATION_AT_CEX4}{letter} ({kind})"


Samples = Iterator[tuple[float, Totals]]
"""(seconds since the epoch, or of simulated time; what the counters are)."""


@click.command(
    "stats",
    epilog="""\b
Examples:
  ghostcard stats                                     every 10 seconds, until Ctrl-C
  ghostcard stats --interval 1 --count 60 --output csv
  ghostcard stats --records run.gcr --interval 0.01 00.0001
""",
)
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@click.option("-i", "--interval", default=10.0, show_default=True, type=click.FloatRange(1e-6),
              help="Seconds.")  # fmt: skip
@click.option("-c", "--count", type=click.IntRange(1), help="Intervals; until Ctrl-C without it.")
@click.option("-o", "--output", "form", default="default", show_default=True,
              type=click.Choice(["default", "table", "csv", "json"], case_sensitive=False),
              help="TABLE and CSV have totals only.")  # fmt: skip
@click.option("-t", "--no-totals", is_flag=True, help="Leave totals out.")
@click.option("-T", "--only-totals", is_flag=True, help="Leave everything else out.")
@click.option("-a", "--no-apqn", is_flag=True, help="Leave queues out.")
@click.option("-O", "--only-online", is_flag=True,
              help="Leave out what is not online at an interval's end.")  # fmt: skip
@click.option("--records", type=click.Path(dir_okay=False, path_type=Path),
              help="The requests of a run that is over, in simulated time.")  # fmt: skip
@click.option("--profile", help="Of the cards in --records, where they are not those configured.")
def command(
    devices: tuple[str, ...],
    interval: float,
    count: int | None,
    form: str,
    no_totals: bool,
    only_totals: bool,
    no_apqn: bool,
    only_online: bool,
    records: Path | None,
    profile: str | None,
) -> None:
    """Show what was asked of the cards in each interval, in the manner of zcryptstats.

    Without --records: what all programs with this GHOSTCARD_HOME ask, while they run. Intervals
    are those of the clock on the wall, times those on the engines of the cards, so that UTILIZATION
    says how busy the cards would be. With --records: a run's requests, in simulated time.

    DEVICE is a card (02), a queue (02.0005) or a domain (.0005); all without one.
    """
    if no_totals and only_totals:
        raise click.UsageError("--no-totals and --only-totals exclude each other")
    if profile and not records:
        raise click.UsageError("--profile is for --records")
    if only_online and records:
        raise click.UsageError("--only-online is not for --records: there all are")
    if records is None:
        cards = _configured()
        samples = _live(interval)
    else:
        cards, samples = _recorded(records, interval, profile)
    chosen = _chosen(cards, devices, no_apqn)
    is_shown = _is_online() if only_online else lambda shown: True
    intervals = _intervals(samples, chosen, interval, count, is_shown)
    _print(intervals, form, Style(not no_totals, only_totals))


# -- where the figures come from -------------------------------------------------------------------


def _configured() -> list[Card]:
    cards = []
    for card in own(load()).cards:
        found = load_profile(card.profile)
        if found.mode in ENTRIES:
            cards.append(_card(card.adapter, found, tuple(sorted(card.domains))))
    return sorted(cards)


def _card(adapter: int, profile: Profile, domains: tuple[int, ...]) -> Card:
    return Card(adapter, profile.mode, profile.hardware_type, domains)


def _live(interval: float) -> Samples:
    """A sample now, and one after each interval."""
    folder, begun = meter_folder(), time.monotonic()
    number = 0
    while True:
        yield time.time(), meter.totals(folder)
        number += 1
        time.sleep(max(0.0, begun + number * interval - time.monotonic()))


def _recorded(path: Path, interval: float, profile: str | None) -> tuple[list[Card], Samples]:
    """The cards of a file of records, and a sample at each interval's end."""
    from ghostcard.benchmarks.export.errors import ExportError
    from ghostcard.benchmarks.export.requests import Requests

    try:
        requests = Requests.load(path)
    except ExportError as error:
        raise Failure(f"{error}", 2) from None
    domains: dict[int, set[int]] = {}
    found: list[tuple[int, int, str, int]] = []  # finished, qid, operation, time on the engine
    for chunk in requests.chunks():
        served = chunk.take(~chunk.given_up())
        finished, started = served.times("finished"), served.times("started")
        columns = (finished, served.array["qid"], served.array["operation"], finished - started)
        for at, qid, operation, took in zip(*(each.tolist() for each in columns), strict=True):
            domains.setdefault(qid >> 8, set()).add(qid & 0xFF)
            found.append((at, qid, requests.names[operation], took))
    own = {card.adapter: load_profile(card.profile) for card in load().cards}
    given = load_profile(profile) if profile else None
    cards = []
    for adapter, used in sorted(domains.items()):
        of = given or own.get(adapter)
        if of is None or of.mode not in ENTRIES:
            raise Failure(f"card {adapter:02x} is not configured: --profile says what it is", 2)
        cards.append(_card(adapter, of, tuple(sorted(used))))
    modes = {card.adapter: card.mode for card in cards}
    found.sort()
    return cards, _simulated(found, modes, int(interval * _NS_PER_S))


def _simulated(
    found: list[tuple[int, int, str, int]], modes: dict[int, str], interval_ns: int
) -> Samples:
    totals: Totals = {}
    end = interval_ns
    yield 0.0, {}
    for finished, qid, operation, took in found:
        while finished > end:
            yield end / _NS_PER_S, dict(totals)
            end += interval_ns
        name = (qid, category(modes[qid >> 8], operation))
        time_ns, count = totals.get(name, (0, 0))
        totals[name] = Measured(time_ns + took, count + 1)
    yield end / _NS_PER_S, totals


# -- what is shown of them -------------------------------------------------------------------------


class Shown(NamedTuple):
    """A card or queue that is to be shown."""

    name: str
    card: Card
    is_card: bool
    qids: tuple[int, ...]


def _chosen(cards: list[Card], wanted: tuple[str, ...], no_apqn: bool) -> list[Shown]:
    """Each card followed by its queues; UsageError for a name that is none."""
    all_: list[Shown] = []
    for card in cards:
        qids = tuple(card.adapter << 8 | domain for domain in card.domains)
        all_.append(Shown(f"{card.adapter:02x}", card, True, qids))
        if not no_apqn:
            all_ += [Shown(apqn(qid), card, False, (qid,)) for qid in qids]
    if not wanted:
        return all_
    for name in wanted:
        if not any(_is_named(shown, name) for shown in all_):
            raise click.UsageError(f"device {name!r}: there are {', '.join(s.name for s in all_)}")
    return [shown for shown in all_ if any(_is_named(shown, name) for name in wanted)]


def _is_named(shown: Shown, name: str) -> bool:
    """A card's name stands for its queues too, a domain's for it on all cards."""
    if name.startswith("."):
        return not shown.is_card and shown.name.endswith(name)
    return shown.name == name or shown.name.startswith(f"{name}.")


def _is_online() -> Callable[[Shown], bool]:
    """Whether a card or queue is in operation, and nobody has set it offline."""
    sockets = Sockets(sockets_path())

    def is_online(shown: Shown) -> bool:
        adapter = shown.card.adapter
        switched = (
            sockets.is_card_online(adapter) if shown.is_card else sockets.is_online(*shown.qids)
        )
        return sockets.is_there(adapter) and switched

    return is_online


def _intervals(
    samples: Samples,
    chosen: list[Shown],
    seconds: float,
    count: int | None,
    is_shown: Callable[[Shown], bool],
) -> Iterator[Interval]:
    _, before = next(samples)
    for number, (at, after) in enumerate(samples, 1):
        devices = [
            Device(
                shown.name,
                shown.card.type,
                shown.is_card,
                rates(shown.card.mode, before, after, shown.qids, seconds),
            )
            for shown in chosen
            if is_shown(shown)
        ]
        yield Interval(number, at, devices)
        before = after
        if number == count:
            return


def _print(intervals: Iterator[Interval], form: str, style: Style) -> None:
    if form == "json":
        _print_json(intervals, style)
        return
    one: Callable[[Interval], str] = {
        "default": lambda interval: zcryptstats.plain(interval, style),
        "table": zcryptstats.table,
        "csv": zcryptstats.csv,
    }[form]
    heads = {
        "default": zcryptstats.heading,
        "table": zcryptstats.table_heading,
        "csv": zcryptstats.csv_heading,
    }
    click.echo(heads[form](), nl=False)
    for interval in intervals:
        click.echo(one(interval), nl=False)


def _print_json(intervals: Iterator[Interval], style: Style) -> None:
    """What was begun is brought to its end, Ctrl-C or not."""
    click.echo(zcryptstats.json_heading(), nl=False)
    try:
        for interval in intervals:
            is_first = interval.number == 1
            click.echo(zcryptstats.json_interval(interval, style, is_first), nl=False)
    finally:
        click.echo(zcryptstats.json_end(), nl=False)
