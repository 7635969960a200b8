"""What queueing theory says of a scenario, beside its simulation: loads, formulas, assumptions.

The scenario is looked at as stations in line (`scenario_stations`). Where no formula applies, the
answer says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ghostcard.benchmarks import theory
from ghostcard.benchmarks.scenario import (
    CLOSED,
    DETERMINISTIC,
    POISSON,
    Kind,
    Scenario,
    Tenant,
)
from ghostcard.benchmarks.scenario_stations import delay_ns, demands
from ghostcard.emulator.card import Card
from ghostcard.emulator.profile import Distribution

BOUNDS, MVA = "asymptotic bounds", "mean value analysis"
MVA_CLIENTS = 500  # exact MVA takes the square of them
_S = 1e9


class Load(NamedTuple):
    """The utilisation law: what open tenants ask of a station. 1 is all that it has."""

    adapter: int
    station: str
    load: float
    tenants: tuple[str, ...]


class Answer(NamedTuple):
    """A formula's answer; None for what it does not give. Without a formula, why there is none."""

    formula: str
    assumes: str
    throughput_per_s: float | None = None
    latency_ns: float | None = None


class Visit(NamedTuple):
    """A station as one tenant's mean request meets it, by its place on the way."""

    station: str
    servers: int
    mean_ns: float
    squared_variation: float  # of the service time: variance / mean^2


def visits(tenant: Tenant, card: Card) -> list[Visit]:
    """The stations of a card in the mean over a tenant's requests; those it needs no time of are
    left out.

    No more servers are counted than requests can be on the card: its queues' places.
    """
    queues = sum(target >> 8 == card.adapter for target in tenant.targets)
    places = card.profile.queue.depth * queues
    weighed = _weighed(tenant)
    total = sum(kind.weight for kind in weighed)
    moments: dict[str, list[float]] = {}
    for operation, payload, weight, _ in weighed:
        spread = spread_of(card.profile.operations[operation].distribution)
        engine = card.image.plan(operation, payload).engine
        for demand in demands(card, operation, payload):
            moment = moments.setdefault(demand.station, [min(demand.servers, places), 0.0, 0.0])
            mean, square = spread if demand.station == engine else (1.0, 1.0)
            moment[1] += mean * demand.time_ns * weight / total
            moment[2] += square * demand.time_ns**2 * weight / total
    return [
        Visit(station, int(servers), mean, max(square / mean**2 - 1, 0.0))
        for station, (servers, mean, square) in moments.items()
        if mean
    ]


def spread_of(distribution: Distribution) -> tuple[float, float]:
    """Mean and mean square of a service time whose stated mean is 1."""
    if distribution.kind == "exponential":
        return 1.0, 2.0
    if distribution.kind == "uniform":
        return 1.0, 1.0 + (distribution.spread_permille / 1000) ** 2 / 3
    if distribution.kind == "empirical":
        pairs = list(zip(distribution.permille, distribution.weights, strict=True))
        total = sum(distribution.weights)
        mean = sum(value * weight for value, weight in pairs) / 1000 / total
        return mean, sum(value**2 * weight for value, weight in pairs) / 1000**2 / total
    return 1.0, 1.0


def _weighed(tenant: Tenant) -> Iterable[Kind]:
    """A trace's own kinds, if it names any, else those of the mix."""
    drawn = Counter(arrival.kind for arrival in tenant.trace if arrival.kind is not None)
    return [kind._replace(weight=times) for kind, times in drawn.items()] or tenant.mix


def _shares(tenant: Tenant, cards: Mapping[int, Card]) -> dict[int, float]:
    """Which part of a tenant's requests goes to each of its cards: in proportion to what its
    slowest station serves. The dispatcher goes by its own ratings; this is a bound on it."""
    rates = {}
    for adapter in sorted({target >> 8 for target in tenant.targets}):
        met = visits(tenant, cards[adapter])
        rates[adapter] = min((v.servers / v.mean_ns for v in met), default=1.0)
    total = sum(rates.values())
    return {adapter: rate / total for adapter, rate in rates.items()}


def loads(scenario: Scenario, cards: Mapping[int, Card]) -> list[Load]:
    """The load of every station that open tenants use, the greatest first."""
    found: dict[tuple[int, str], Load] = {}
    for tenant in scenario.tenants:
        rate = tenant.mean_rate_per_s()
        if rate is None:
            continue
        for adapter, share in _shares(tenant, cards).items():
            for visit in visits(tenant, cards[adapter]):
                key = adapter, visit.station
                before = found.get(key, Load(adapter, visit.station, 0.0, ()))
                more = float(rate) * share * visit.mean_ns / visit.servers / _S
                found[key] = before._replace(
                    load=before.load + more, tenants=(*before.tenants, tenant.name)
                )
    return sorted(found.values(), key=lambda one: -one.load)


def answers(scenario: Scenario, cards: Mapping[int, Card]) -> list[Answer]:
    """What theory says; at least one answer, if only that nothing applies."""
    if len(scenario.tenants) > 1:
        return [_none("several tenants share the stations")]
    if scenario.changes:
        return [_none("a figure changes on the way")]
    tenant = scenario.tenants[0]
    used = [cards[adapter] for adapter in sorted({target >> 8 for target in tenant.targets})]
    if any(card.profile != used[0].profile for card in used):
        return [_none("the cards are of different profiles")]
    if tenant.ramp_ns and tenant.arrivals != CLOSED:
        return [_none("the rate changes with time")]
    special = used[0].profile.beyond_fifo()
    if special is not None and not special.endswith("service times"):
        return [_none(f"the card has {special}")]
    met, delay = visits(tenant, used[0]), delay_ns(used[0], scenario.machine.interrupts)
    if not met:
        return [_none("no station takes any time")]
    if tenant.arrivals == CLOSED:
        return list(_closed(tenant, met, delay, len(used)))
    if tenant.arrivals in (POISSON, DETERMINISTIC):
        return [_open(tenant, met, delay, len(used))]
    return [_none(f"arrivals are of kind {tenant.arrivals}, for which there is no closed form")]


def _none(reason: str) -> Answer:
    return Answer("none applies", reason)


class Asymptotes(NamedTuple):
    """What bounds a closed loop: min(N / (D + Z), 1 / Dmax). Times in seconds."""

    think_s: float  # Z
    demand_s: float  # D, with what holds nothing
    slowest_s: float  # Dmax, of all servers of the slowest station together

    @property
    def knee(self) -> float:
        """N*, the clients at which both meet: (D + Z) / Dmax."""
        return theory.knee(self.think_s, self.demand_s, self.slowest_s)

    def throughput_per_s(self, clients: int) -> float:
        """The most that so many clients can get."""
        return theory.closed_bound(clients, self.think_s, self.demand_s, self.slowest_s)


def asymptotes(tenant: Tenant, met: list[Visit], delay: int, cards: int) -> Asymptotes:
    """Of a closed tenant on so many equal cards; there is a station that takes time."""
    think_s = tenant.mean_think_ns() / _S
    slowest_s = max(visit.mean_ns / visit.servers for visit in met) / cards / _S
    if tenant.workers:
        slowest_s = max(slowest_s, think_s / tenant.workers)
    return Asymptotes(think_s, (sum(visit.mean_ns for visit in met) + delay) / _S, slowest_s)


def _closed(tenant: Tenant, met: list[Visit], delay: int, cards: int) -> Iterator[Answer]:
    """Bounds, the knee, and mean value analysis where that is exact in itself."""
    limits = asymptotes(tenant, met, delay, cards)
    bound, think_s = limits.throughput_per_s(tenant.clients), limits.think_s
    yield Answer(
        f"{BOUNDS}, knee at {limits.knee:.1f} clients",
        "X <= min(N / (D + Z), 1 / Dmax); every reply waits for an interrupt of its own",
        bound,
        tenant.clients / bound * _S - tenant.mean_think_ns(),
    )
    if tenant.clients > MVA_CLIENTS:
        yield _none(f"mean value analysis: more than {MVA_CLIENTS} clients take too long")
        return
    stations = [visit for visit in met for _ in range(cards)]
    has_pool = tenant.workers and think_s  # a station more, after the cards
    network = theory.mva_servers(
        [visit.mean_ns / cards / _S for visit in stations] + [think_s] * bool(has_pool),
        [visit.servers for visit in stations] + [tenant.workers] * bool(has_pool),
        delay / _S + (0.0 if has_pool else think_s),
        tenant.clients,
    )
    pool_s = network.queue_lengths[-1] / network.throughput if has_pool else 0.0
    yield Answer(
        MVA,
        "exponential service at every station (constant service waits less), places enough",
        network.throughput,
        (network.response_s - pool_s) * _S + delay,
    )


def _open(tenant: Tenant, met: list[Visit], delay: int, cards: int) -> Answer:
    rate = float(tenant.rate_per_s)
    try:
        waits = [_wait(visit, rate / cards, tenant.arrivals) for visit in met]
    except theory.UnstableError as error:
        return _none(f"no steady state: {error}")
    mean = sum(visit.mean_ns for visit in met) + delay
    if len(met) == 1:
        name, assumes = waits[0][0], "exact, all waiting is at one station"
    elif tenant.arrivals == DETERMINISTIC:
        name, assumes = waits[0][0], "constant service at every station"
    else:
        name = "decomposition, station by station (Pollaczek-Khinchine, Erlang C)"
        assumes = "approximate: Poisson arrivals at every station"
    if cards > 1 and tenant.arrivals == POISSON:
        assumes = "approximate: each card gets a Poisson stream of its own, the same of all"
    if waits[0][0].startswith("none"):
        return _none("deterministic arrivals at a service that varies")
    return Answer(name, assumes, rate, mean + sum(wait for _, wait in waits))


def _wait(visit: Visit, rate: float, arrivals: str) -> tuple[str, float]:
    """The formula's name and the mean wait in ns at one station."""
    service_s, variation = visit.mean_ns / _S, visit.squared_variation
    exponential_s = theory.mmc_wait(rate, service_s, visit.servers)
    if arrivals == DETERMINISTIC:
        name = "D/D/c: nobody waits" if variation < 1e-9 else "none"
        return name, 0.0
    if visit.servers == 1:
        return "Pollaczek-Khinchine (M/G/1)", theory.mg1_wait(rate, service_s, variation) * _S
    if abs(variation - 1) < 1e-3:
        return "Erlang C (M/M/c)", exponential_s * _S
    return "Allen-Cunneen (M/G/c, approximate)", exponential_s * (1 + variation) / 2 * _S
