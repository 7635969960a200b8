"""Scenarios that would never end, or whose load must be a slip of the unit: refused beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostcard.benchmarks.analysis import Load, visits
from ghostcard.benchmarks.scenario import CLOSED, Scenario, ScenarioError, Tenant
from ghostcard.benchmarks.scenario_stations import delay_ns
from ghostcard.emulator.card import Card

REQUESTS_MAX = 200_000_000  # a day of host time
LOAD_MAX = 1_000  # times what a card can serve: the unit is wrong


def require_possible(
    scenario: Scenario, cards: Mapping[int, Card], offered: Sequence[Load]
) -> None:
    """`ScenarioError` for a load that makes no sense or a run that would not end."""
    for number, tenant in enumerate(scenario.tenants):
        is_endless = scenario.requests is None and tenant.arrivals == CLOSED
        if is_endless and _takes_no_time(scenario, tenant, cards):
            raise ScenarioError(
                f"tenants[{number}].think.mean_ns: got 0 on cards where nothing takes time, takes "
                "more than 0, or `requests` in place of duration_ns: the load is infinite"
            )
    if offered and offered[0].load > LOAD_MAX:
        top = offered[0]
        number = next(n for n, t in enumerate(scenario.tenants) if t.name == top.tenants[0])
        tenant = scenario.tenants[number]
        key = "phases" if tenant.phases else "rate_per_s"
        raise ScenarioError(
            f"tenants[{number}].{key}: got {float(tenant.mean_rate_per_s() or 0):,.0f} requests "
            f"per second, {top.load:,.0f} times what {top.station} of card {top.adapter} can "
            f"serve, takes at most {LOAD_MAX:,} times as much; rates are per second"
        )
    expected = expected_requests(scenario, cards)
    if expected is not None and expected > REQUESTS_MAX:
        key = "duration_ns" if scenario.requests is None else "requests"
        got = scenario.duration_ns if scenario.requests is None else scenario.requests
        raise ScenarioError(
            f"{key}: got {got}, about {expected:,} requests, takes what gives at most "
            f"{REQUESTS_MAX:,}; times are in nanoseconds"
        )


def expected_requests(scenario: Scenario, cards: Mapping[int, Card]) -> int | None:
    """About how many requests a replication will make, at most; None if that is not known."""
    limits = [] if scenario.requests is None else [scenario.requests]
    if all(tenant.trace for tenant in scenario.tenants):
        limits.append(sum(len(tenant.trace) for tenant in scenario.tenants))
    if scenario.duration_ns is not None:
        rates = [_rate(scenario, tenant, cards) for tenant in scenario.tenants]
        if None not in rates:
            limits.append(int(sum(rate or 0.0 for rate in rates) * scenario.duration_ns / 1e9))
    return min(limits, default=None)


def _rate(scenario: Scenario, tenant: Tenant, cards: Mapping[int, Card]) -> float | None:
    """Requests per second, at most."""
    rate = tenant.mean_rate_per_s()
    if rate is not None:
        return float(rate)
    if tenant.trace:
        return None
    adapters = {target >> 8 for target in tenant.targets}
    met = [visits(tenant, cards[adapter]) for adapter in adapters]
    if all(met):
        slowest = [max(v.mean_ns / v.servers for v in each) for each in met]
        served = sum(1e9 / each for each in slowest)
        return min(served, tenant.clients * 1e9 / max(tenant.mean_think_ns(), 1))
    think_ns = tenant.mean_think_ns()
    return tenant.clients * 1e9 / think_ns if think_ns else None


def _takes_no_time(scenario: Scenario, tenant: Tenant, cards: Mapping[int, Card]) -> bool:
    if tenant.think.mean_ns:
        return False
    used = [cards[adapter] for adapter in {target >> 8 for target in tenant.targets}]
    return any(
        not visits(tenant, card) and not delay_ns(card, scenario.machine.interrupts)
        for card in used
    )
