"""The same run on other machines: what a capture says of more cards and of deeper queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ghostcard.benchmarks.capture.file import Capture
from ghostcard.benchmarks.capture.replay import Replayed, arranged, replay
from ghostcard.benchmarks.timeshares import limited
from ghostcard.config import Config
from ghostcard.emulator.profile import load as load_profile
from ghostcard.statistics import Statistics, summarise

CARDS = (1, 2, 4, 8)
DEPTHS = (2, 4, 8, 16)
REQUESTS = 50_000  # of a capture, from its beginning: a forecast is to take a second or two

Deepened = Callable[[str, int], str]
"""A profile's name and a depth -> the profile with that depth."""


class Forecast(NamedTuple):
    """One other machine; times are simulated."""

    cards: int
    depth: int
    is_this: bool  # the machine of the run itself
    per_second: float
    p50_ns: int | None
    p99_ns: int | None
    limited_by: str


def forecasts(
    capture: Capture, config: Config, think: str, scale: float, deepened: Deepened
) -> Iterator[Forecast]:
    """1, 2, 4, 8 cards as these, then these with queues of other depths."""
    profile = config.cards[0].profile
    depth, here = load_profile(profile).queue.depth, len(config.cards)
    for cards in sorted({*CARDS, here}):
        other = config if cards == here else arranged(config, cards=cards)
        yield _of(replay(capture, other, think, scale), depth, cards == here)
    for other_depth in DEPTHS:
        if other_depth != depth:
            other = arranged(config, deepened(profile, other_depth))
            yield _of(replay(capture, other, think, scale), other_depth, False)


def used(capture: Capture, config: Config) -> Config | None:
    """The machine without the cards that had no request; None if the others are not all alike."""
    asked = {capture.targets[number] for number in set(capture.rows["targets"].tolist())}
    adapters = {queue >> 8 for targets in asked for queue in targets}
    cards = tuple(card for card in config.cards if card.adapter in adapters)
    if len({card.profile for card in cards}) != 1:
        return None
    slots = tuple(slot for slot in config.slots if {q >> 8 for q in slot.apqns} <= adapters)
    return config._replace(cards=cards, slots=slots)


def beginning(capture: Capture) -> Capture:
    """The first REQUESTS of a capture."""
    return capture if len(capture.rows) <= REQUESTS else capture._replace(
        rows=capture.rows[:REQUESTS]
    )  # fmt: skip


def _of(run: Replayed, depth: int, is_this: bool) -> Forecast:
    profiles = {card.adapter: load_profile(card.profile) for card in run.config.cards}
    statistics: Statistics = summarise(run.runs, profiles)
    latency = statistics.total.latency
    return Forecast(
        len(run.config.cards),
        depth,
        is_this,
        statistics.total.per_second,
        latency and latency.p50_ns,
        latency and latency.p99_ns,
        limited(run.runs, profiles, run.think_ns).name,
    )
