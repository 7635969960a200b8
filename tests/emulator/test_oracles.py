"""Sample-path oracles: what queueing theory says of every single request, to the nanosecond.

The recursions below know nothing of events; `line_of_resources` is the same card as plain SimPy
processes and resources.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from heapq import heapify, heapreplace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard.emulator.image import Plan
from ghostcard.emulator.job import (
    ARRIVED,
    BUILT,
    DONE,
    ENQUEUED,
    FETCHED,
    FINISHED,
    NOTIFIED,
    REPLIED,
    STARTED,
    SUBMITTED,
    UNWRAPPED,
    Job,
)
from ghostcard.emulator.profile import LinkProfile

if TYPE_CHECKING:
    from ghostcard.emulator.profile import Profile
    from tests.emulator.conftest import Rig

    MakeProfile = Callable[..., Profile]

Span = tuple[int, int]  # start and end of a service, ns


class Request(NamedTuple):
    """A request of a random workload; times in nanoseconds."""

    at: int
    unwrap: int
    pool: str
    engine: int
    build: int
    request_bytes: int
    reply_bytes: int


requests = st.lists(
    st.builds(
        Request,
        at=st.integers(0, 40),
        unwrap=st.integers(1, 5),
        pool=st.sampled_from(["big", "small"]),
        engine=st.integers(1, 9),
        build=st.integers(1, 6),
        request_bytes=st.integers(0, 20),
        reply_bytes=st.integers(0, 20),
    ),
    min_size=1,
    max_size=40,
)  # times so short that many coincide

# 4 bytes take 1 ns, 16 bytes are a packet of 1 ns
LINK = LinkProfile(latency_ns=11, bytes_per_us=4000, packet_bytes=16, packet_overhead_ns=1)


def transfer(size_bytes: int) -> int:
    """The link's closed form for LINK; half a nanosecond is rounded up."""
    return (size_bytes + 2) // 4 + (size_bytes + 15) // 16


def kiefer_wolfowitz(arrivals: list[int], services: list[int], servers: int) -> list[Span]:
    """FIFO G/G/c: each request takes the server that is free first; ties in order of number."""
    free = [0] * servers
    heapify(free)
    spans = [(0, 0)] * len(arrivals)
    for number in sorted(range(len(arrivals)), key=lambda number: (arrivals[number], number)):
        start = max(arrivals[number], free[0])
        spans[number] = (start, start + services[number])
        heapreplace(free, spans[number][1])
    return spans


def run(rig: Rig, workload: list[Request]) -> list[Job]:
    """Submit the workload; its jobs in order of submission."""
    order = sorted(range(len(workload)), key=lambda number: workload[number].at)
    jobs = []
    for number in order:
        request = workload[number]
        jobs.append(
            Job(
                payload_bytes=number,
                request_bytes=request.request_bytes,
                reply_bytes=request.reply_bytes,
            )
        )
        rig.submit_at(request.at, jobs[-1])
    rig.timeline.run()
    assert len(rig.done) == len(workload)
    return jobs


def plans_of(workload: list[Request]) -> list[Plan]:
    """One plan per request; the payload of its job is its index."""
    return [Plan(0, r.unwrap, r.pool, r.engine, r.build) for r in workload]


def spans_of(jobs: list[Job], first: int, last: int) -> list[Span]:
    return [(job.times[first], job.times[last]) for job in jobs]


@settings(max_examples=200)
@given(
    arrivals=st.lists(st.integers(0, 100), min_size=1, max_size=40).map(sorted),
    services=st.lists(st.integers(0, 30), min_size=40, max_size=40),
    servers=st.integers(1, 5),
)
def test_pool_equals_kiefer_wolfowitz(
    rig: type[Rig],
    profile: MakeProfile,
    arrivals: list[int],
    services: list[int],
    servers: int,
) -> None:
    workload = [
        Request(at, 0, "pool", service, 0, 0, 0)
        for at, service in zip(arrivals, services, strict=False)
    ]
    jobs = run(rig(profile({"pool": servers}), plans_of(workload)), workload)
    expected = kiefer_wolfowitz(arrivals, services, servers)
    assert spans_of(jobs, STARTED, FINISHED) == expected


@settings(max_examples=200)
@given(
    times=st.lists(
        st.tuples(*(st.integers(0, 12) for _ in range(5))),
        min_size=1,
        max_size=40,
    ),
)
def test_tandem_of_single_servers(
    rig: type[Rig], profile: MakeProfile, times: list[tuple[int, int, int, int, int]]
) -> None:
    """D[k][n] = max(D[k-1][n], D[k][n-1]) + S[k][n] for link in, core, engine, builder, link."""
    card = profile()._replace(
        link=LinkProfile(latency_ns=0, bytes_per_us=1000, packet_bytes=4096, packet_overhead_ns=0)
    )
    workload = [Request(5 * n, b, "pool", c, d, a, e) for n, (a, b, c, d, e) in enumerate(times)]
    jobs = run(rig(card, plans_of(workload)), workload)
    departure = [0] * 5
    for n, (job, services) in enumerate(zip(jobs, times, strict=True)):
        before = 5 * n
        for stage, service in enumerate(services):
            before = departure[stage] = max(before, departure[stage]) + service
        stages = [job.times[s] for s in (ARRIVED, UNWRAPPED, FINISHED, BUILT, REPLIED)]
        assert stages[-1] == departure[-1]
        assert stages == departure


@settings(max_examples=200)
@given(
    workload=requests,
    cores=st.integers(1, 3),
    big=st.integers(1, 3),
    builders=st.integers(1, 3),
)
def test_whole_card_equals_the_recursion_station_by_station(
    rig: type[Rig],
    profile: MakeProfile,
    workload: list[Request],
    cores: int,
    big: int,
    builders: int,
) -> None:
    card = profile({"big": big, "small": 1}, cores, builders)._replace(link=LINK)
    jobs = run(rig(card, plans_of(workload)), workload)
    ordered = sorted(workload, key=lambda request: request.at)
    expected = recursion(ordered, cores, {"big": big, "small": 1}, builders)
    for job, times in zip(jobs, expected, strict=True):
        assert [job.times[s] for s in STATIONS] == times


STATIONS = (ARRIVED, FETCHED, UNWRAPPED, STARTED, FINISHED, BUILT, REPLIED)


def recursion(
    workload: list[Request], cores: int, pools: dict[str, int], builders: int
) -> list[list[int]]:
    """The times of STATIONS of each request: one station after the other, all requests at once."""
    link_in = kiefer_wolfowitz(
        [r.at for r in workload], [transfer(r.request_bytes) for r in workload], 1
    )
    arrived = [end + LINK.latency_ns for _, end in link_in]
    fetched = kiefer_wolfowitz(arrived, [r.unwrap for r in workload], cores)
    engine = [(0, 0)] * len(workload)
    for pool, servers in pools.items():
        mine = [n for n, r in enumerate(workload) if r.pool == pool]
        spans = kiefer_wolfowitz(
            [fetched[n][1] for n in mine], [workload[n].engine for n in mine], servers
        )
        for n, span in zip(mine, spans, strict=True):
            engine[n] = span
    built = kiefer_wolfowitz([end for _, end in engine], [r.build for r in workload], builders)
    link_out = kiefer_wolfowitz(
        [end for _, end in built], [transfer(r.reply_bytes) for r in workload], 1
    )
    return [
        [arrived[n], *fetched[n], *engine[n], built[n][1], link_out[n][1] + LINK.latency_ns]
        for n in range(len(workload))
    ]


def line_of_resources(
    environment: simpy.Environment,
    request: Request,
    stations: dict[str, simpy.Resource],
    times: list[float],
) -> Generator[simpy.Event, None, None]:
    """One request as a SimPy process: the model a reader of SimPy's manual would write."""
    yield environment.timeout(request.at)
    for station, service, latency in (
        ("link in", transfer(request.request_bytes), LINK.latency_ns),
        ("core", request.unwrap, 0),
        (request.pool, request.engine, 0),
        ("builder", request.build, 0),
        ("link out", transfer(request.reply_bytes), LINK.latency_ns),
    ):
        with stations[station].request() as turn:
            yield turn
            yield environment.timeout(service)
        yield environment.timeout(latency)
        times.append(environment.now)


@pytest.mark.parametrize("seed", range(6))
def test_whole_card_equals_processes_and_resources(
    rig: type[Rig], profile: MakeProfile, seed: int
) -> None:
    """300 requests at a load near 1, times large enough that no two coincide at a station."""
    random = Random(seed)
    workload = [
        Request(
            at=random.randrange(30_000_000),
            unwrap=random.randrange(1, 200_000),
            pool=random.choice(["big", "small"]),
            engine=random.randrange(1, 350_000),
            build=random.randrange(1, 150_000),
            request_bytes=random.randrange(1, 40_000),
            reply_bytes=random.randrange(1, 40_000),
        )
        for _ in range(300)
    ]
    workload.sort(key=lambda request: request.at)
    card = profile({"big": 3, "small": 2}, cores=2, builders=2)._replace(link=LINK)
    card = card._replace(queue=card.queue._replace(max_message_bytes=61440))
    jobs = run(rig(card, plans_of(workload)), workload)

    environment = simpy.Environment()
    sizes = {"link in": 1, "core": 2, "big": 3, "small": 2, "builder": 2, "link out": 1}
    stations = {name: simpy.Resource(environment, size) for name, size in sizes.items()}
    expected: list[list[float]] = [[] for _ in workload]
    for request, times in zip(workload, expected, strict=True):
        environment.process(line_of_resources(environment, request, stations, times))
    environment.run()
    assert [
        [job.times[s] for s in (ARRIVED, UNWRAPPED, FINISHED, BUILT, REPLIED)] for job in jobs
    ] == expected
    assert any(job.times[STARTED] > job.times[UNWRAPPED] for job in jobs)  # they do queue


@settings(max_examples=150)
@given(
    gaps=st.lists(st.integers(0, 12), min_size=1, max_size=40),
    services=st.lists(st.integers(0, 20), min_size=40, max_size=40),
    depth=st.integers(1, 6),
)
def test_finite_buffer(
    rig: type[Rig], profile: MakeProfile, gaps: list[int], services: list[int], depth: int
) -> None:
    """A queue of depth b lets request n in when request n - b has been dequeued."""
    at, workload = 0, []
    for gap, service in zip(gaps, services, strict=False):
        at += gap
        workload.append(Request(at, 0, "pool", service, 0, 0, 0))
    jobs = run(rig(profile(depth=depth), plans_of(workload)), workload)
    enqueued: list[int] = []
    done: list[int] = []
    for n, request in enumerate(workload):
        room = done[n - depth] if n >= depth else 0
        enqueued.append(max(request.at, room))
        done.append(max(enqueued[n], done[-1] if done else 0) + request.engine)
    assert [job.times[ENQUEUED] for job in jobs] == enqueued
    assert [job.times[DONE] for job in jobs] == done
    assert max(job.depth for job in jobs) <= depth


def number_in_flight(jobs: list[Job]) -> int:
    """The integral over time of the number of requests between submitted and done."""
    changes = sorted(
        [(job.times[SUBMITTED], 1) for job in jobs] + [(job.times[DONE], -1) for job in jobs]
    )
    integral = level = before = 0
    for time, change in changes:
        integral += level * (time - before)
        level, before = level + change, time
    assert level == 0
    return integral


@given(workload=requests, depth=st.integers(1, 8))
def test_identities(
    rig: type[Rig], profile: MakeProfile, workload: list[Request], depth: int
) -> None:
    """Little's law, the utilisation law, conservation and the order of the twelve times."""
    card = profile({"big": 2, "small": 1}, cores=2, depth=depth)._replace(link=LINK)
    stand = rig(card, plans_of(workload))
    jobs = run(stand, workload)
    assert number_in_flight(jobs) == sum(job.times[DONE] - job.times[SUBMITTED] for job in jobs)
    for pool in ("big", "small"):
        busy = sum(j.times[FINISHED] - j.times[STARTED] for j in jobs if j.engine == pool)
        assert busy == sum(r.engine for r in workload if r.pool == pool)
    assert sorted(job.payload_bytes for job in stand.done) == list(range(len(workload)))
    assert stand.card.queues[0].in_hardware == 0
    assert all(job.times == sorted(job.times) for job in jobs)
    assert all(job.times[NOTIFIED] == job.times[REPLIED] for job in jobs)


@given(
    arrivals=st.lists(st.integers(0, 50), min_size=1, max_size=30).map(sorted),
    services=st.lists(st.integers(1, 20), min_size=30, max_size=30),
    seed=st.integers(0, 1000),
)
def test_busy_periods_do_not_depend_on_the_order_of_service(
    rig: type[Rig], profile: MakeProfile, arrivals: list[int], services: list[int], seed: int
) -> None:
    """Against a single server that takes any waiting request at random (work conservation)."""
    workload = [
        Request(at, 0, "pool", service, 0, 0, 0)
        for at, service in zip(arrivals, services, strict=False)
    ]
    jobs = run(rig(profile(), plans_of(workload)), workload)
    spans = sorted(spans_of(jobs, STARTED, FINISHED))
    ends = [end for (_, end), (start, _) in pairwise(spans) if end < start]
    assert [*ends, spans[-1][1]] == busy_ends_in_any_order(workload, Random(seed))


def busy_ends_in_any_order(workload: list[Request], random: Random) -> list[int]:
    waiting: list[Request] = []
    coming = list(workload)
    now, ends = 0, []
    while coming or waiting:
        if not waiting:
            now = max(now, coming[0].at)
        while coming and coming[0].at <= now:
            waiting.append(coming.pop(0))
        now += waiting.pop(random.randrange(len(waiting))).engine
        if not waiting and not (coming and coming[0].at <= now):
            ends.append(now)
    return ends


@pytest.mark.parametrize("clients", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("think", [0, 700])
def test_deterministic_closed_loop(
    rig: type[Rig], profile: MakeProfile, clients: int, think: int
) -> None:
    """X(N) = min(N / (D + Z), 1 / Dmax), exactly, once the transient is over."""
    demand = (110, 300, 90)  # core, engine, builder
    stand = rig(profile(), [Plan(0, 110, "pool", 300, 90)])
    left = 400

    def again(job: Job) -> None:
        nonlocal left
        stand.done.append(job)
        completions.append(job.times[DONE])
        left -= 1
        if left > 0:
            stand.submit_at(stand.timeline.now + think, job)

    completions: list[int] = []
    stand.on_done = again
    for _ in range(clients):
        stand.submit_at(0, Job())
    stand.timeline.run()
    bottleneck = clients * max(demand) >= sum(demand) + think
    cycle = clients * max(demand) if bottleneck else sum(demand) + think
    steady = completions[100:380]
    assert [b - a for a, b in zip(steady, steady[clients:], strict=False)] == [cycle] * (
        len(steady) - clients
    )


@pytest.mark.parametrize(
    ("size_bytes", "expected_ns"),
    [
        (0, 0),
        (1, 7),  # 0.256 ns rounded down, one packet
        (2, 8),  # 0.513 ns rounded up
        (256, 73),  # 65.6 -> 66, one packet
        (257, 80),  # 65.9 -> 66, two packets
        (12288, 3487),  # 3150.8 -> 3151, 48 packets
    ],
)
def test_link_in_closed_form(
    rig: type[Rig], profile: MakeProfile, size_bytes: int, expected_ns: int
) -> None:
    """bytes / 3,900 bytes per us + 7 ns per packet of 256 bytes, and the latency of 1,000 ns."""
    link = LinkProfile(latency_ns=1000, bytes_per_us=3900, packet_bytes=256, packet_overhead_ns=7)
    stand = rig(profile()._replace(link=link), [Plan(0, 0, "pool", 0, 0)])
    job = Job(request_bytes=size_bytes, reply_bytes=size_bytes)
    stand.submit_at(50, job)
    stand.timeline.run()
    assert job.times[ARRIVED] - job.times[ENQUEUED] == expected_ns + 1000
    assert job.times[REPLIED] - job.times[BUILT] == expected_ns + 1000


def test_a_latency_holds_nothing(rig: type[Rig], profile: MakeProfile) -> None:
    """Two messages at once: the second arrives one transfer later, not one transfer and latency."""
    stand = rig(profile()._replace(link=LINK), [Plan(0, 0, "pool", 0, 0)])
    first, second = Job(request_bytes=10), Job(request_bytes=10)
    stand.submit_at(0, first)
    stand.submit_at(0, second)
    stand.timeline.run()
    assert first.times[ARRIVED] == transfer(10) + LINK.latency_ns
    assert second.times[ARRIVED] == 2 * transfer(10) + LINK.latency_ns
