"""A scenario under more and less load: the curve on which its saturation and its knee are seen.

Of closed tenants the load is the number of clients, shared among them as the scenario has them. Of
open ones it is the rate, in percent of what the busiest station can serve; closed tenants beside
them stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from ghostcard.benchmarks.analysis import Answer, answers, loads
from ghostcard.benchmarks.engine_choice import AUTO
from ghostcard.benchmarks.scenario import CLOSED, Scenario, Tenant
from ghostcard.benchmarks.scenario_result import Result, evaluate
from ghostcard.benchmarks.scenario_run import machine_of, replicate
from ghostcard.emulator.card import Card

CLIENTS, PERCENT = "clients", "percent of capacity"
POINT_REQUESTS = 20_000  # at most, of a point: a curve needs less than the scenario itself
PERCENTS = (10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95)
CLIENTS_BESIDE = (1, 2, 4, 8, 16, 32, 64)


class Point(NamedTuple):
    """The scenario at a load; `offered_per_s` is None where clients decide."""

    load: int
    offered_per_s: float | None
    result: Result
    theory: tuple[Answer, ...]


class Curve(NamedTuple):
    """Points by load; without any, `reason` says why."""

    of: str  # CLIENTS or PERCENT
    points: tuple[Point, ...]
    reason: str = ""


def kind_of(scenario: Scenario) -> str:
    """What the load of a scenario is."""
    is_closed = all(tenant.arrivals == CLOSED for tenant in scenario.tenants)
    return CLIENTS if is_closed else PERCENT


def usual_loads(scenario: Scenario) -> tuple[int, ...]:
    """The loads that are looked at when none are asked for, the scenario's own among them."""
    if kind_of(scenario) == PERCENT:
        return PERCENTS
    own = sum(tenant.clients for tenant in scenario.tenants)
    least = len(scenario.tenants)
    return tuple(sorted({own} | {n for n in CLIENTS_BESIDE if least <= n} | {2 * own, 4 * own}))


def obstacle(scenario: Scenario) -> str:
    """Why there is no curve; "" if there can be one."""
    if any(tenant.trace for tenant in scenario.tenants):
        return "a trace has the load it has"
    if scenario.changes:
        return "a figure changes on the way, so that there is no steady state to compare"
    if any(tenant.ramp_to_per_s is not None for tenant in scenario.tenants):
        return "the rate of a tenant grows during the run"
    return ""


def under(scenario: Scenario, load: int, cards: Mapping[int, Card]) -> Scenario:
    """The scenario at that load, for a point of the curve: short, in one run."""
    most = min(scenario.requests or POINT_REQUESTS, POINT_REQUESTS)
    scenario = scenario._replace(requests=most, replications=1, histogram=False, stop=None)
    if kind_of(scenario) == CLIENTS:
        return scenario._replace(tenants=tuple(_with_clients(scenario.tenants, load)))
    factor = Fraction(load, 100) / Fraction(loads(scenario, cards)[0].load)
    return scenario._replace(tenants=tuple(_faster(one, factor) for one in scenario.tenants))


def _with_clients(tenants: Sequence[Tenant], clients: int) -> Iterator[Tenant]:
    """Shared in proportion, at least one each; rounding goes to the first ones."""
    left, weight = clients, sum(tenant.clients for tenant in tenants)
    for number, tenant in enumerate(tenants):
        later = len(tenants) - number - 1
        own = min(max(1, round(left * tenant.clients / weight)), left - later)
        left, weight = left - own, weight - tenant.clients
        yield tenant._replace(clients=own)


def _faster(tenant: Tenant, factor: Fraction) -> Tenant:
    phases = tuple(p._replace(rate_per_s=p.rate_per_s * factor) for p in tenant.phases)
    return tenant._replace(rate_per_s=tenant.rate_per_s * factor, phases=phases)


def points(
    scenario: Scenario, at: Sequence[int], cards: Mapping[int, Card], engine: str = AUTO
) -> Iterator[Point]:
    """One after the other, under the scenario's seed: common random numbers along the curve."""
    for load in at:
        loaded = under(scenario, load, cards)
        run = replicate(loaded, 0, engine=engine)
        rates = [tenant.mean_rate_per_s() for tenant in loaded.tenants]
        offered = float(sum(rate for rate in rates if rate is not None))
        yield Point(
            load,
            offered if kind_of(scenario) == PERCENT else None,
            evaluate(loaded, [run]),
            tuple(answers(loaded, machine_of(loaded, loaded.seed).bus.cards)),
        )
        if run.interrupted:
            return
