"""A capture on a machine: every captured thread is a simulated client with its sequence.

Each process has the cards for itself, from their time 0, as it had them. On the machine of the
capture, with the times thought as they were on its timeline, the records are the same bytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.file import Array, Capture
from ghostcard.config import CardConfig, Config, SlotConfig, qid
from ghostcard.driver.errors import DriverError
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.emulator.job import Job
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
    capture: Capture, config: Config, think: str = "captured", scale: float = 1.0
) -> Replayed:
    """Run a capture of requests on a machine; `think` is one of THINKS, times `scale`.

    CaptureError when its cards are of another mode, or it can do nothing that was asked.
    """
    routes = _routes(capture, config)
    rows, left = _possible(capture, config)
    gaps = _gaps(capture.rows, think, scale)
    runs = []
    for process in np.unique(capture.rows["process"][rows]).tolist():
        mine = rows[capture.rows["process"][rows] == process]
        recorder = Recorder()
        in_memory = Machine(config._replace(function="null"), in_memory=True, recorder=recorder)
        _Play(in_memory.simulated(), capture, mine, routes, gaps).run()
        runs.append(recorder)
    return Replayed(config, runs, left, int(gaps[rows].sum()))


def _gaps(rows: Array, think: str, scale: float) -> Array:
    """Nanoseconds of thought before each request."""
    if think == "none":
        return np.zeros(len(rows), np.int64)
    field = "wall_ns" if think == "wall" else "think_ns"
    if scale == 1.0:
        return rows[field].astype(np.int64)
    return np.rint(rows[field].astype(np.float64) * scale).astype(np.int64)


def _possible(capture: Capture, config: Config) -> tuple[Array, list[Left]]:
    """The rows that cards of this machine can be asked for; what is left out is counted."""
    known = set.intersection(*(set(load_profile(card.profile).operations) for card in config.cards))
    names = capture.names
    can = np.array([name in known for name in names] or [True])
    chosen = can[capture.rows["operation"]]
    lost = Counter(capture.rows["operation"][~chosen].tolist())
    profile = config.cards[0].profile
    left = [Left(names[n], count, f"profile {profile} has no such operation")
            for n, count in lost.most_common()]  # fmt: skip
    rows = np.flatnonzero(chosen)
    if len(capture.rows) and not len(rows):
        raise CaptureError(f"profile {profile} can do nothing of what was captured")
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


class _Play:
    """One process at work on a port."""

    def __init__(
        self,
        port: SimulatedPort,
        capture: Capture,
        places: Array,
        routes: list[tuple[int, ...]],
        gaps: Array,
    ) -> None:
        rows = capture.rows[places]
        self._port = port
        self._agenda = port.timeline.agenda
        self._names = capture.names
        self._routes = routes
        kinds = (
            "operation", "function", "payload_bytes", "request_bytes", "reply_bytes", "outcome",
            "targets",
        )  # fmt: skip
        self._requests: list[tuple[Any, ...]] = list(
            zip(*(rows[kind].tolist() for kind in kinds), strict=True)
        )
        self._gaps = gaps[places].tolist()
        self._after = _own_numbers(rows["after"], places)
        self._lines: dict[int, list[int]] = defaultdict(list)
        for number, client in enumerate(rows["client"].tolist()):
            self._lines[client].append(number)
        self._next = dict.fromkeys(self._lines, 0)
        self._ended = bytearray(len(rows))
        self._waiting: dict[int, list[int]] = defaultdict(list)
        self._jobs = {client: Job(client=client) for client in self._lines}
        self._current: dict[int, int] = {}
        self._done = self._over
        self._thought = (self._submit,)

    def run(self) -> None:
        """From the first request to the last; what waits for one that never came goes on then."""
        for client in sorted(self._lines):
            self._go_on(client)
        self._port.timeline.run()
        while self._waiting:
            first = min(self._waiting)
            for client in sorted(self._waiting.pop(first)):
                self._begin(client)
            self._port.timeline.run()

    def _go_on(self, client: int) -> None:
        line, place = self._lines[client], self._next[client]
        if place == len(line):
            return
        after = self._after[line[place]]
        if after >= 0 and not self._ended[after]:
            self._waiting[after].append(client)
        else:
            self._begin(client)

    def _begin(self, client: int) -> None:
        number = self._lines[client][self._next[client]]
        self._next[client] += 1
        self._current[client] = number
        job, gap_ns = self._jobs[client], self._gaps[number]
        if gap_ns:
            job.callbacks = self._thought
            self._agenda.at(self._agenda.now + gap_ns, job)
        else:
            self._submit(job)

    def _submit(self, job: Job) -> None:
        operation, function, payload, request, reply, outcome, targets = self._requests[
            self._current[job.client]
        ]
        job.operation, job.function, job.outcome = self._names[operation], function, outcome
        job.payload_bytes, job.request_bytes, job.reply_bytes = payload, request, reply
        try:
            self._port.submit(job, self._routes[targets], self._done)
        except DriverError as error:
            self._port.refuse(job, error)
            self._over(job)

    def _over(self, job: Job) -> None:
        client = job.client
        self._jobs[client] = job
        number = self._current[client]
        self._ended[number] = 1
        self._go_on(client)
        for other in sorted(self._waiting.pop(number, ())):
            self._begin(other)


def _own_numbers(after: Array, places: Array) -> list[int]:
    """What each request follows, as a number among those at `places`; -1: nothing but its own."""
    number = {place: n for n, place in enumerate(places.tolist())}
    return [number.get(row - 1, -1) if row else -1 for row in after.tolist()]


def on_cards(profile: str, cards: int) -> Config:
    """A machine for captures of other libraries: cards with one domain behind one slot."""
    plugged = tuple(CardConfig(adapter, profile, (0,)) for adapter in range(cards))
    return Config(plugged, (SlotConfig(0, "", tuple(qid(n, 0) for n in range(cards))),))
