"""A capture on a machine: every captured thread is a simulated client with its sequence.

Each process has the cards for itself, from their time 0, as it had them. On the machine of the
capture, with the times thought as they were on its timeline, the records are the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.file import Array, Capture
from ghostcard.benchmarks.capture.lines import Lines
from ghostcard.benchmarks.capture.play import Play
from ghostcard.benchmarks.engine_choice import AUTO, SIMPY
from ghostcard.benchmarks.recursion import engine as recursion
from ghostcard.config import CardConfig, Config, qid
from ghostcard.emulator.profile import load as load_profile
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

THINKS = ("captured", "none", "wall")


class Left(NamedTuple):
    """Requests that the machine cannot have: how many of an operation, and why."""

    operation: str
    requests: int
    reason: str


class Replayed(NamedTuple):
    """What came of it: the records of each process, and what was left out."""

    config: Config
    runs: list[Recorder]
    left: list[Left]
    think_ns: int  # of all threads together


def arranged(config: Config, profile: str | None = None, cards: int | None = None) -> Config:
    """The captured machine with other cards: so many, of that profile, behind every slot."""
    name = profile or config.cards[0].profile
    if cards is None:
        same = tuple(card._replace(profile=profile or card.profile) for card in config.cards)
        return config._replace(cards=same)
    adapters = [card.adapter for card in config.cards][:cards]
    free = (number for number in range(256) if number not in adapters)
    adapters += [next(free) for _ in range(cards - len(adapters))]
    domains = tuple(sorted({domain for card in config.cards for domain in card.domains}))
    plugged = tuple(CardConfig(adapter, name, domains) for adapter in adapters)
    slots = tuple(slot._replace(apqns=_spread(slot.apqns, adapters)) for slot in config.slots)
    return config._replace(cards=plugged, slots=slots)


def _spread(queues: Sequence[int], adapters: Sequence[int]) -> tuple[int, ...]:
    domains = sorted({queue & 0xFF for queue in queues})
    return tuple(qid(adapter, domain) for adapter in adapters for domain in domains)


def replay(
    capture: Capture,
    config: Config,
    think: str = "captured",
    scale: float = 1.0,
    engine: str = AUTO,
) -> Replayed:
    """Run a capture of requests on a machine; `think` is one of THINKS, times `scale`.

    CaptureError when its cards are of another mode, or it can do nothing that was asked.
    """
    routes = _routes(capture, config)
    rows, left = _possible(capture, config, routes)
    gaps = _gaps(capture.rows, think, scale)
    runs = []
    for process in np.unique(capture.rows["process"][rows]).tolist():
        mine = rows[capture.rows["process"][rows] == process]
        runs.append(_run(config, Lines(capture, mine, routes, gaps), engine))
    return Replayed(config, runs, left, int(gaps[rows].sum()))


def _gaps(rows: Array, think: str, scale: float) -> Array:
    """Nanoseconds of thought before each request."""
    if think == "none":
        return np.zeros(len(rows), np.int64)
    field = "wall_ns" if think == "wall" else "think_ns"
    if scale == 1.0:
        return rows[field].astype(np.int64)
    return np.rint(rows[field].astype(np.float64) * scale).astype(np.int64)


def _possible(
    capture: Capture, config: Config, routes: Sequence[tuple[int, ...]]
) -> tuple[Array, list[Left]]:
    """The rows that the cards on their routes can be asked for; what is left out is counted."""
    known = {card.adapter: set(load_profile(card.profile).operations) for card in config.cards}
    can = np.array(
        [
            [all(name in known[queue >> 8] for queue in route) for name in capture.names]
            for route in routes
        ]
    )
    if not len(capture.rows):
        return np.arange(0), []
    chosen = can[capture.rows["targets"], capture.rows["operation"]]
    lost = Counter(capture.rows["operation"][~chosen].tolist())
    profiles = ", ".join(dict.fromkeys(card.profile for card in config.cards))
    left = [Left(capture.names[n], count, f"profile {profiles} has no such operation")
            for n, count in lost.most_common()]  # fmt: skip
    rows = np.flatnonzero(chosen)
    if not len(rows):
        raise CaptureError(f"profile {profiles} can do nothing of what was captured")
    return rows, left


def _routes(capture: Capture, config: Config) -> list[tuple[int, ...]]:
    """Where the requests of each captured list of targets go on this machine.

    All cards of a slot, if they went to all; else, for one of several, one in its place.
    """
    before = [card.adapter for card in capture.cards]
    now = [card.adapter for card in config.cards]
    domains = {card.adapter: card.domains for card in config.cards}
    whole = {tuple(sorted(slot.apqns)) for slot in capture.slots}

    def one(queue: int) -> int:
        adapter, domain = queue >> 8, queue & 0xFF
        if adapter not in now:
            adapter = now[before.index(adapter) % len(now)] if adapter in before else now[0]
        return qid(adapter, domain if domain in domains[adapter] else domains[adapter][0])

    def route(targets: tuple[int, ...]) -> tuple[int, ...]:
        if before != now and tuple(sorted(targets)) in whole:
            return _spread([one(queue) for queue in targets], now)
        return tuple(dict.fromkeys(map(one, targets)))

    return [route(targets) for targets in capture.targets]


def _run(config: Config, lines: Lines, engine: str) -> Recorder:
    """By the recursion where it applies, which takes a seventh of the time."""
    machine = _machine(config)
    sources = lines.sources() if engine != SIMPY else None
    if sources is None or recursion.obstacle(machine.bus, machine.recorder, sources) is not None:
        return _simulated(machine, lines)
    try:
        recursion.run(machine.bus, machine.recorder, sources)
    except recursion.BeyondKernel:
        return _simulated(_machine(config), lines)
    if len(machine.recorder) < len(lines.requests):  # somebody waits for one who never came
        return _simulated(_machine(config), lines)
    return machine.recorder


def _machine(config: Config) -> Machine:
    return Machine(config._replace(function="null"), in_memory=True, recorder=Recorder())


def _simulated(machine: Machine, lines: Lines) -> Recorder:
    Play(machine.simulated(), lines).run()
    return machine.recorder
