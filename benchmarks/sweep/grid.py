"""All cases of a sweep, each looked at before anything runs: combinations times replications."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

from ghostcard.benchmarks import scenario_reader
from ghostcard.benchmarks.analysis import loads
from ghostcard.benchmarks.provenance import caveat
from ghostcard.benchmarks.scenario import MachineSpec, Scenario, ScenarioError
from ghostcard.benchmarks.scenario_limits import expected_requests, require_possible
from ghostcard.benchmarks.scenario_run import machine_of
from ghostcard.benchmarks.sweep.axis import Axis, named
from ghostcard.benchmarks.sweep.case import Case, key_of
from ghostcard.benchmarks.sweep.keys import key_of as dotted
from ghostcard.emulator import profile as profiles
from ghostcard.emulator.card import Card
from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.profile import Profile

CASES_MAX = 200_000
_CARDS_KEPT = 64  # machines looked at, of those met last


class Grid(NamedTuple):
    """A sweep: what it varies, and its cases in the order of the table."""

    name: str  # of the scenario
    description: str
    axes: tuple[Axis, ...]
    replications: int
    confidence: float
    caveats: tuple[str, ...]  # one for each profile
    cases: tuple[Case, ...]
    requests: int  # of one case, about

    def origin(self) -> dict[str, object]:
        """What the table has to say of itself."""
        return {
            "scenario": self.name,
            "description": self.description,
            "vary": {axis.name: list(axis.values) for axis in self.axes},
            "replications": self.replications,
            "confidence": self.confidence,
            "caveat": "; ".join(self.caveats),
        }


def grid(
    path: str, vary: Sequence[str], changes: Sequence[str] = (), replications: int | None = None
) -> Grid:
    """The sweep of a scenario's file over `vary`, texts such as ``clients=1..64``.

    `ScenarioError` and `ProfileError` name the values of the case they are about.
    """
    document = scenario_reader.read(path, changes)
    name, folder = scenario_reader.place(path)
    axes = _axes(vary, document)
    if replications is not None:
        document["replications"] = replications
    look = Look(name, folder)
    if not axes:  # a wrong scenario says so without the values of a case
        look.at(document)
    found: list[Case] = []
    asked = [1]
    for values in product(*(axis.values for axis in axes)):
        scenario = _combined(look, document, axes, values)
        asked.append(look.expected or 0)
        total = prod(len(axis.values) for axis in axes) * scenario.replications
        if total > CASES_MAX:
            raise ScenarioError(f"--vary: got {total:,} cases, takes at most {CASES_MAX:,}")
        found += (
            Case(values, number, scenario, key_of(scenario, number, look.digest))
            for number in range(scenario.replications)
        )
    first = found[0].scenario
    return Grid(
        name, first.description, axes, first.replications, first.confidence,
        tuple(look.caveats.values()), tuple(found), max(asked),
    )  # fmt: skip


def _axes(vary: Sequence[str], document: Mapping[str, Any]) -> tuple[Axis, ...]:
    axes: list[Axis] = []
    for name, values in map(named, vary):
        axis = Axis(name, dotted(name, document), values)
        if axis.key == "replications":
            raise ScenarioError("--vary replications: takes --replications N in its place")
        if any(axis.key == other.key for other in axes):
            raise ScenarioError(f"--vary {name}: got {axis.key} twice, takes each key once")
        axes.append(axis)
    return tuple(axes)


def _combined(
    look: Look, document: dict[str, Any], axes: Sequence[Axis], values: Sequence[object]
) -> Scenario:
    changed = deepcopy(document)
    try:
        for axis, value in zip(axes, values, strict=True):
            scenario_reader.put(changed, axis.key, value)
        return look.at(changed)
    except (ScenarioError, ProfileError) as error:
        case = " ".join(f"{axis.name}={value}" for axis, value in zip(axes, values, strict=True))
        raise ScenarioError(f"{case}: {error}" if case else str(error)) from None


class Look:
    """Reads scenarios one after the other; a profile and a machine that came before are kept."""

    def __init__(self, name: str, folder: str) -> None:
        self._place = name, folder
        self._load = cache(self._loaded)
        self._cards: dict[object, Mapping[int, Card]] = {}
        self.caveats: dict[str, str] = {}
        self.digest = ""  # of the profiles of the scenario that was looked at last
        self.expected: int | None = None  # its requests

    def at(self, document: Mapping[str, object], checked: bool = True) -> Scenario:
        """The scenario of a document; errors as those of `grid`, and for what would never end."""
        scenario = scenario_reader.parse(document, *self._place, self._load)
        if not checked:
            return scenario
        cards = self.cards(scenario)
        require_possible(scenario, cards, loads(scenario, cards))
        self.expected = expected_requests(scenario, cards)
        return scenario

    def _loaded(self, name: str) -> Profile:
        found = profiles.load(name)
        self.caveats[name] = caveat(found)
        return found._replace(sources={})  # nothing that runs reads them

    def cards(self, scenario: Scenario) -> Mapping[int, Card]:
        """The scenario's cards, to be asked for prices."""
        spec = scenario.machine
        self.digest = _digest(spec)
        known = (self.digest, spec.domains)
        if known not in self._cards:
            if len(self._cards) == _CARDS_KEPT:
                del self._cards[next(iter(self._cards))]
            self._cards[known] = machine_of(scenario, scenario.seed).bus.cards
        return self._cards[known]


def _digest(spec: MachineSpec) -> str:
    """Of profiles as they are, wherever their files may lie."""
    one = {name: repr(profile) for name, profile in zip(spec.profiles, spec.loaded, strict=True)}
    text = "\n".join(one[name] for name in spec.profiles)
    return hashlib.sha256(text.encode()).hexdigest()
