"""The tenants of a scenario as sources: the second engine's side of `workload`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.recursion.sources import Constant, Source, Supply, Workers
from ghostcard.benchmarks.scenario import CLOSED, CONSTANT, Scenario, Tenant
from ghostcard.benchmarks.scenario_changes import orders
from ghostcard.benchmarks.workload import Choice, arrival_times, first_clients, thinker, work_of


def scenario_sources(scenario: Scenario, seed: int) -> list[Source]:
    """Every change and every client of every tenant, as `workload_traffic.Traffic` has them."""
    changes = [
        Source(
            order.client, (order.qid,), (order.work,), Constant(order.change.at_ns), is_open=True,
            requests=1, block=order.block,
        )
        for order in orders(scenario)
    ]  # fmt: skip
    firsts = zip(scenario.tenants, first_clients(scenario.tenants), strict=True)
    return changes + [
        source
        for tenant, first in firsts
        for source in (_closed if tenant.arrivals == CLOSED else _open)(tenant, seed, first)
    ]


def _closed(tenant: Tenant, seed: int, first: int) -> Iterator[Source]:
    choice, think = Choice(tenant, seed), tenant.think
    is_constant = len(choice.works) == 1 and think.distribution == CONSTANT
    is_constant = is_constant and (len(tenant.steps) < 2 or not think.mean_ns)
    workers = Workers(first, tenant.workers) if tenant.workers else None
    for place in range(tenant.clients):
        client = first + place
        supply = Constant(think.mean_ns) if is_constant else _thought(tenant, choice, seed, client)
        begin_ns = tenant.ramp_ns * place // tenant.clients
        places = client, tenant.targets, choice.works
        yield Source(*places, supply, begin_ns=begin_ns, workers=workers)


def _thought(tenant: Tenant, choice: Choice, seed: int, client: int) -> Supply:
    think_after = thinker(tenant, seed, client)
    places = {id(work): place for place, work in enumerate(choice.works)}

    def supply(first: int, count: int) -> tuple[Sequence[int], Sequence[int]]:
        numbers = range(first, first + count)
        gaps = [think_after(number - 1) if number else 0 for number in numbers]
        return gaps, [places[id(choice.work(client, number))] for number in numbers]

    return supply


def _open(tenant: Tenant, seed: int, client: int) -> Iterator[Source]:
    choice, times = Choice(tenant, seed), arrival_times(tenant, seed, client)
    kinds = [arrival.kind for arrival in tenant.trace]
    works = dict.fromkeys([*choice.works, *(work_of(kind) for kind in kinds if kind)])
    places = {work: place for place, work in enumerate(works)}

    def work(number: int) -> Work:
        kind = kinds[number] if kinds else None
        return work_of(kind) if kind else choice.work(client, number)

    def supply(first: int, count: int) -> tuple[Sequence[int], Sequence[int]]:
        gaps = list(islice(times, count))
        return gaps, [places[work(number)] for number in range(first, first + len(gaps))]

    yield Source(client, tenant.targets, tuple(works), supply, is_open=True)
