"""Queueing theory in closed form: what a simulation is held against.

Rates are per second, times are seconds; a load is offered work in servers. Every function refuses
values outside its domain with `TheoryError`, and an unstable queue with `UnstableError`, so that no
caller prints a negative wait.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class TheoryError(ValueError):
    """An argument for which the formula has no meaning; the message names it."""


class UnstableError(TheoryError):
    """The offered load is not below the capacity: no steady state exists."""


class ClosedNetwork(NamedTuple):
    """Exact solution of a closed product-form network with one class."""

    throughput: float
    response_s: float
    queue_lengths: tuple[float, ...]


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise TheoryError(f"{name} must be a positive number, got {value!r}")


def _utilisation(arrival_rate: float, service_s: float, servers: int) -> float:
    _positive(arrival_rate=arrival_rate, service_s=service_s, servers=servers)
    rho = arrival_rate * service_s / servers
    if rho >= 1:
        raise UnstableError(f"load is {rho:.3f} of the capacity of {servers} server(s)")
    return rho


def erlang_b(servers: int, load: float) -> float:
    """Probability that an arrival finds all servers busy and is lost (M/G/c/c)."""
    _positive(servers=servers, load=load)
    blocking = 1.0
    for n in range(1, servers + 1):
        blocking = load * blocking / (n + load * blocking)
    return blocking


def erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival has to wait (M/M/c); needs load < servers."""
    _positive(servers=servers, load=load)
    if load >= servers:
        raise UnstableError(f"load {load:g} is not below {servers} server(s)")
    blocking = erlang_b(servers, load)
    return blocking / (1 - load / servers * (1 - blocking))


def mmc_wait(arrival_rate: float, service_s: float, servers: int = 1) -> float:
    """Mean wait in queue of M/M/c, seconds."""
    rho = _utilisation(arrival_rate, service_s, servers)
    return erlang_c(servers, rho * servers) * service_s / (servers * (1 - rho))


def mm1_percentile(arrival_rate: float, service_s: float, quantile: float) -> float:
    """Quantile of the response time (wait and service) of M/M/1, seconds; 0 <= quantile < 1."""
    rho = _utilisation(arrival_rate, service_s, 1)
    if not 0 <= quantile < 1:
        raise TheoryError(f"quantile must be in [0, 1), got {quantile!r}")
    return -math.log1p(-quantile) * service_s / (1 - rho)


def mg1_wait(arrival_rate: float, service_s: float, squared_variation: float) -> float:
    """Mean wait of M/G/1 by Pollaczek-Khinchine, seconds.

    `squared_variation` is variance / mean^2 of the service time: 0 is M/D/1, 1 is M/M/1.
    """
    rho = _utilisation(arrival_rate, service_s, 1)
    if squared_variation < 0:
        raise TheoryError(f"squared_variation must not be negative, got {squared_variation!r}")
    return rho * service_s * (1 + squared_variation) / (2 * (1 - rho))


def cobham_waits(
    arrival_rates: Sequence[float], services_s: Sequence[float], second_moments: Sequence[float]
) -> tuple[float, ...]:
    """Mean wait per class of a non-preemptive priority M/G/1, most urgent first, seconds."""
    if not len(arrival_rates) == len(services_s) == len(second_moments):
        raise TheoryError("one rate, one service time and one second moment per class")
    _utilisation(sum(a * s for a, s in zip(arrival_rates, services_s, strict=True)), 1.0, 1)
    residual = sum(a * m for a, m in zip(arrival_rates, second_moments, strict=True)) / 2
    waits, above = [], 0.0
    for rate, service in zip(arrival_rates, services_s, strict=True):
        through = above + rate * service
        waits.append(residual / ((1 - above) * (1 - through)))
        above = through
    return tuple(waits)


def mva(demands_s: Sequence[float], think_s: float, clients: int) -> ClosedNetwork:
    """Exact mean value analysis of single-server stations with the given demands, seconds."""
    if clients < 1 or think_s < 0 or not demands_s or min(demands_s) < 0:
        raise TheoryError("mva needs a client, demands and a think time that are not negative")
    lengths = [0.0] * len(demands_s)
    throughput = response = 0.0
    for n in range(1, clients + 1):
        times = [d * (1 + q) for d, q in zip(demands_s, lengths, strict=True)]
        response = sum(times)
        if response + think_s == 0:
            raise TheoryError("mva needs a demand or a think time above zero")
        throughput = n / (response + think_s)
        lengths = [throughput * t for t in times]
    return ClosedNetwork(throughput, response, tuple(lengths))


def mva_servers(
    demands_s: Sequence[float], servers: Sequence[int], think_s: float, clients: int
) -> ClosedNetwork:
    """Exact mean value analysis with several servers per station (load-dependent rates).

    `demands_s[k]` is the demand on one server of station k. Marginal probabilities are carried
    along, so it is exact for exponential service in order of arrival, as product form demands.
    """
    if len(demands_s) != len(servers) or min(servers, default=0) < 1 or clients < 1:
        raise TheoryError("one number of servers, at least 1, per demand, and a client")
    shares = [[1.0] + [0.0] * clients for _ in demands_s]
    throughput = response = 0.0
    times = [0.0] * len(demands_s)
    for n in range(1, clients + 1):
        for k, (demand, count) in enumerate(zip(demands_s, servers, strict=True)):
            times[k] = demand * sum((j + 1) / min(j + 1, count) * shares[k][j] for j in range(n))
        response = sum(times)
        throughput = n / (response + think_s)
        for k, (demand, count) in enumerate(zip(demands_s, servers, strict=True)):
            before = shares[k][:]
            for j in range(1, n + 1):
                shares[k][j] = throughput * demand / min(j, count) * before[j - 1]
            shares[k][0] = max(0.0, 1.0 - sum(shares[k][1 : n + 1]))
    return ClosedNetwork(throughput, response, tuple(throughput * t for t in times))


def closed_bound(clients: int, think_s: float, demand_s: float, bottleneck_s: float) -> float:
    """Upper bound of the throughput of a closed loop: min(N / (D + Z), 1 / Dmax)."""
    _positive(clients=clients, demand_s=demand_s, bottleneck_s=bottleneck_s)
    return min(clients / (demand_s + think_s), 1 / bottleneck_s)


def knee(think_s: float, demand_s: float, bottleneck_s: float) -> float:
    """Number of clients at which the two asymptotes of a closed loop meet."""
    _positive(demand_s=demand_s, bottleneck_s=bottleneck_s)
    return (demand_s + think_s) / bottleneck_s
