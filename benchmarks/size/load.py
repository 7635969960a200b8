"""What of a scenario is varied and looked at: cards, depth, and the target's tenants.

Of a closed loop the clients are varied; open streams are given the target's rate. Everything else
stays as the file has it. Each replication has the same streams for every number of cards (common
random numbers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from fractions import Fraction
from typing import Any, NamedTuple

from ghostcard.benchmarks import scenario_reader
from ghostcard.benchmarks.scenario import BURSTY, CLOSED, TRACE, Scenario, ScenarioError, Tenant
from ghostcard.benchmarks.size.target import Target
from ghostcard.benchmarks.sweep.grid import Look

CARDS_MAX = scenario_reader.CARDS_MAX


class Size(NamedTuple):
    """A machine and a load to be tried; `clients` is 0 for open streams."""

    cards: int
    depth: int
    clients: int


class Varied:
    """A scenario's file with a target; `ScenarioError` where it cannot be varied for it."""

    def __init__(
        self, path: str, changes: Sequence[str], target: Target, tenant: str, requests: int
    ) -> None:
        self.target = target
        self._document = _prepared(scenario_reader.read(path, changes), requests)
        name, folder = scenario_reader.place(path)
        self._look = Look(name, folder)
        self.scenario = self._look.at(self._document, checked=False)
        self.chosen = _chosen(self.scenario, target, tenant)
        tenants = [self.scenario.tenants[n] for n in self.chosen]
        self.is_closed = tenants[0].arrivals == CLOSED
        self._require_kinds(tenants)
        self.deepest = self.scenario.machine.loaded[0].queue.depth
        self.fewest_cards = 1 + max(
            (card for table in self._document["tenants"] for card in table.get("cards", [0])),
            default=0,
        )

    @property
    def caveats(self) -> tuple[str, ...]:
        """One for each profile."""
        return tuple(self._look.caveats.values())

    @property
    def tenants(self) -> list[Tenant]:
        """Those that are the target's, as the file has them."""
        return [self.scenario.tenants[number] for number in self.chosen]

    def share(self, tenant: Tenant) -> Fraction:
        """Which part of a tenant's requests the target is about."""
        return _share(tenant, self.target.operation)

    def at(self, size: Size) -> Scenario:
        """The scenario of that size."""
        document = deepcopy(self._document)
        machine: dict[str, Any] = document.setdefault("machine", {})
        machine["cards"], machine["depth"] = size.cards, size.depth
        for number, tenant in zip(self.chosen, self.tenants, strict=True):
            table = document["tenants"][number]
            if self.is_closed:
                table["clients"] = size.clients
            elif self.target.rate_per_s is not None:
                _speed_up(table, tenant, self.target.rate_per_s / self._rate())
        return self._look.at(document, checked=False)

    def cards_of(self, scenario: Scenario) -> Mapping[int, Any]:
        """The scenario's cards, to be asked for prices."""
        return self._look.cards(scenario)

    def _rate(self) -> Fraction:
        """Of the target's requests as the file has them: per second, from open tenants."""
        return sum(
            ((tenant.mean_rate_per_s() or Fraction(0)) * self.share(tenant)
             for tenant in self.tenants), Fraction(0),
        )  # fmt: skip

    def _require_kinds(self, tenants: Sequence[Tenant]) -> None:
        if any((tenant.arrivals == CLOSED) != self.is_closed for tenant in tenants):
            raise _choose("closed and open tenants", tenants)
        if self.is_closed and len(tenants) > 1:
            raise _choose("several closed tenants", tenants)
        for number, tenant in zip(self.chosen, tenants, strict=True):
            if "cards" in self._document["tenants"][number]:
                raise ScenarioError(
                    f"tenants[{number}].cards: takes all cards to vary their number"
                )
            if self.target.rate_per_s is not None and not self.is_closed:
                _require_rate(number, tenant)


def _prepared(document: dict[str, Any], requests: int) -> dict[str, Any]:
    """With an end of our own, and nothing that goes against replications of one length."""
    machine = document.get("machine")
    if isinstance(machine, Mapping) and "profiles" in machine:
        raise ScenarioError("machine.profiles: takes `profile`, one for all cards, to be sized")
    if document.get("percentiles") == "histogram":
        raise ScenarioError('percentiles: got "histogram", takes "exact" to be sized')
    if isinstance(machine, dict):
        machine.pop("cards", None)
        tenants = document.get("tenants")
        cards = (
            [c for t in tenants for c in t.get("cards", [])] if isinstance(tenants, list) else []
        )
        machine["cards"] = max(cards, default=0) + 1
    for key in ("stop", "duration_ns"):
        document.pop(key, None)
    document["requests"] = requests
    return document


def _chosen(scenario: Scenario, target: Target, tenant: str) -> list[int]:
    names = [one.name for one in scenario.tenants]
    if tenant and tenant not in names:
        raise ScenarioError(f"--tenant: got {tenant!r}, takes one of {', '.join(names)}")
    found = [
        number
        for number, one in enumerate(scenario.tenants)
        if tenant in ("", one.name) and _share(one, target.operation)
    ]
    if not found:
        there = sorted({kind.operation for one in scenario.tenants for kind in one.mix})
        takes = f"takes an operation of the scenario: {', '.join(there)}"
        raise ScenarioError(f"--target: got {target.operation!r}, {takes}")
    return found


def _share(tenant: Tenant, operation: str) -> Fraction:
    if tenant.arrivals == TRACE:
        kinds = [a.kind for a in tenant.trace if a.kind is not None]
        there = any(kind.operation == operation for kind in (*kinds, *tenant.mix))
        return Fraction(1 if there or not operation else 0)
    total = sum(kind.weight for kind in tenant.mix)
    own = sum(kind.weight for kind in tenant.mix if operation in ("", kind.operation))
    return Fraction(own, total)


def _choose(what: str, tenants: Sequence[Tenant]) -> ScenarioError:
    names = ", ".join(tenant.name for tenant in tenants)
    return ScenarioError(f"--target: is about {what} ({names}), takes one of them by --tenant")


def _require_rate(number: int, tenant: Tenant) -> None:
    if tenant.arrivals == TRACE:
        raise ScenarioError(f"tenants[{number}].arrivals: a trace has times, not a rate to be set")
    if tenant.ramp_to_per_s is not None:
        raise ScenarioError(f"tenants[{number}].ramp_to_per_s: takes one rate, to be set")


def _speed_up(table: dict[str, Any], tenant: Tenant, factor: Fraction) -> None:
    if tenant.arrivals == BURSTY:
        for entry, phase in zip(table["phases"], tenant.phases, strict=True):
            entry["rate_per_s"] = float(phase.rate_per_s * factor)
    else:
        table["rate_per_s"] = float(tenant.rate_per_s * factor)
