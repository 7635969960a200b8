"""The default card's line of stations in other tools: a plain SimPy model, and Ciw.

Both have one queue for each station in a row, first come first served: link in, firmware cores,
engine pool, reply builder, link out, and the host's costs as delays. They know of no depth of a
queue, no driver and no interrupts, and keep no records: they compute less than either engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.emulator.card import Card


class Station(NamedTuple):
    """`servers` 0: a delay, in which nobody waits."""

    servers: int
    service_ns: int


def stations(card: Card, work: Work) -> list[Station]:
    """The way of one request, its times as a request alone on the card meets them."""
    operation, payload, _, request_bytes, reply_bytes, _ = work
    t = card.lone(0, operation, payload, request_bytes, reply_bytes)
    profile = card.profile
    latency_ns = profile.link.latency_ns
    pool = profile.operations[operation].engine
    engines = {engine.name: engine.size for engine in profile.engines}
    return [
        Station(0, t[1] - t[0]),
        Station(1, t[2] - t[1] - latency_ns),
        Station(0, latency_ns),
        Station(profile.firmware.cores, t[5] - t[3]),
        Station(engines[pool], t[7] - t[6]),
        Station(profile.firmware.reply_builders, t[8] - t[7]),
        Station(1, t[9] - t[8] - latency_ns),
        Station(0, latency_ns + t[11] - t[9]),
    ]


def plain_simpy(line: list[Station], clients: int, requests: int) -> list[int]:
    """Processes and Resources, as in SimPy's own examples: the latency of every request."""
    import simpy

    environment = simpy.Environment()
    resources = [simpy.Resource(environment, one.servers or 1) for one in line]
    latencies: list[int] = []

    def client() -> Iterator[Any]:
        for _ in range(requests // clients):
            begun = environment.now
            for station, resource in zip(line, resources, strict=True):
                if not station.servers:
                    yield environment.timeout(station.service_ns)
                    continue
                with resource.request() as turn:
                    yield turn
                    yield environment.timeout(station.service_ns)
            latencies.append(int(environment.now - begun))

    for _ in range(clients):
        environment.process(client())  # type: ignore[arg-type]
    environment.run()
    return latencies


def by_ciw(line: list[Station], clients: int, until_ns: int) -> int:
    """Ciw's network with `clients` customers that never leave: how many requests end by then."""
    import ciw

    count = len(line)
    nobody: list[Any] = [None] * (count - 1)
    routing = [[float(after == at + 1) for after in range(count)] for at in range(count)]
    routing[-1][0] = 1.0  # a client's next request
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([0, float("inf")]), *nobody],
        batching_distributions=[ciw.dists.Deterministic(clients)] * count,
        service_distributions=[ciw.dists.Deterministic(one.service_ns) for one in line],
        number_of_servers=[one.servers or float("inf") for one in line],
        routing=routing,
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(until_ns)
    return sum(record.node == count for record in simulation.get_all_records())
