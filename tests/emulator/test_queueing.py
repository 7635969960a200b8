"""Queueing theory in the steady state, on the stations of a card in an open loop.

Each row is compared within the 95 % confidence interval of replications: ten clients, so ten
independent streams. Seeds are fixed, so a row always passes or always fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ghostcard.benchmarks.theory import erlang_b, erlang_c, mm1_percentile, mva
from ghostcard.emulator.image import Plan, Scheduler
from ghostcard.emulator.job import DONE, STARTED, SUBMITTED, UNWRAPPED, Job
from ghostcard.emulator.profile import Distribution, Operation, Profile
from ghostcard.emulator.status import Q_FULL, response_code
from ghostcard.emulator.variates import exponential, stream_key, word
from ghostcard.firmware.scheduling import scheduler

if TYPE_CHECKING:
    from tests.emulator.conftest import Rig

    MakeProfile = Callable[..., Profile]

MEAN = 1_000_000  # ns of an engine's service; rounding is below 1e-6 of it
REPLICATIONS = 10
T_975 = {10: 2.262, 30: 2.045}  # Student's t at 0.975, by the number of replications
ARRIVALS = 77  # seed of the arrivals; the card's own is 0
WARM_UP = 500  # requests

EXPONENTIAL = Distribution("exponential")
# Mean 1, variance 4: half the mean 16 times of 17, nine means once.
CV4 = Distribution("empirical", permille=(500, 9000), weights=(16, 1))


def within(values: list[float], expected: float) -> bool:
    """Whether the 95 % interval around the mean of the replications covers `expected`."""
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return abs(mean - expected) <= T_975[len(values)] * math.sqrt(variance / len(values))


def stand(rig: type[Rig], card: Profile, distribution: Distribution, domains: int = 1) -> Rig:
    """A card whose one operation, `x`, has this distribution, with the profile's policy."""
    card = card._replace(operations={"x": Operation("pool", MEAN, 0, distribution)})
    one = rig(card, [Plan(0, 0, "pool", MEAN, 0)], tuple(range(domains)))
    if card.firmware.scheduler != "fifo":

        class Scheduled(type(one.image)):  # type: ignore[misc]
            def scheduler(self) -> Scheduler | None:
                return scheduler(card.firmware)

        one.image.__class__ = Scheduled
        one.card.attach(one.timeline)
        for domain in range(domains):
            one.bus.aqic(domain, True)
    return one


def offered(
    one: Rig, load: float, requests: int, client: int, choose: Callable[[int], int]
) -> list[Job]:
    """Poisson arrivals at `load` times the rate of one engine, all run to the end."""
    key, gap, now = stream_key(ARRIVALS, client), int(MEAN / load), 0
    jobs = []
    for number in range(requests):
        now += exponential(gap, word(key, number))
        job = Job(client, choose(word(key, requests + number)), operation="x")
        job.number = number
        one.submit_at(now, job)
        jobs.append(job)
    one.timeline.run()
    return jobs


def mean_wait(jobs: list[Job]) -> float:
    """Mean wait for an engine, in mean services."""
    return math.fsum(job.times[STARTED] - job.times[UNWRAPPED] for job in jobs) / len(jobs) / MEAN


@pytest.mark.parametrize(
    ("name", "servers", "distribution", "load", "expected", "requests"),
    [
        ("M/M/1", 1, EXPONENTIAL, 0.8, 4.0, 12_000),
        ("M/M/2", 2, EXPONENTIAL, 1.6, 1.777777778, 8_000),
        ("M/M/8", 8, EXPONENTIAL, 6.4, 0.286028078, 8_000),
        ("M/M/16", 16, EXPONENTIAL, 14.4, 0.369589621, 8_000),
        ("M/D/1", 1, Distribution(), 0.8, 2.0, 8_000),
        ("M/G/1, cv^2 = 4", 1, CV4, 0.8, 10.0, 40_000),
    ],
)
def test_the_wait_is_that_of_theory(
    rig: type[Rig],
    profile: MakeProfile,
    name: str,
    servers: int,
    distribution: Distribution,
    load: float,
    expected: float,
    requests: int,
) -> None:
    waits = []
    for client in range(REPLICATIONS):
        one = stand(rig, profile({"pool": servers}), distribution)
        waits.append(mean_wait(offered(one, load, requests, client, lambda _: 0)[WARM_UP:]))
    assert within(waits, expected), (name, waits)


@pytest.mark.parametrize(
    ("servers", "load", "expected"), [(8, 6.4, 0.457644925442), (2, 1.6, 0.711111111111)]
)
def test_a_request_waits_with_the_probability_of_erlang_c(
    rig: type[Rig], profile: MakeProfile, servers: int, load: float, expected: float
) -> None:
    shares = []
    for client in range(REPLICATIONS):
        one = stand(rig, profile({"pool": servers}), EXPONENTIAL)
        jobs = offered(one, load, 6_000, client, lambda _: 0)[WARM_UP:]
        shares.append(sum(j.times[STARTED] > j.times[UNWRAPPED] for j in jobs) / len(jobs))
    assert erlang_c(servers, load) == pytest.approx(expected)
    assert within(shares, expected), shares


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_percentiles_of_m_m_1(rig: type[Rig], profile: MakeProfile, share: float) -> None:
    """t_p = -ln(1 - p) / (mu - lambda), of the time from the arrival to the end of the service."""
    found = []
    for client in range(REPLICATIONS):
        one = stand(rig, profile({"pool": 1}), EXPONENTIAL)
        jobs = offered(one, 0.8, 12_000, client, lambda _: 0)[WARM_UP:]
        took = sorted(job.times[DONE] - job.times[SUBMITTED] for job in jobs)
        found.append(took[int(share * len(took))] / MEAN)
    assert within(found, mm1_percentile(0.8, 1.0, share)), found


DEMANDS = (1.0, 0.5, 0.25)
THINK = 4.0


class Cycle:
    """A closed network: a client thinks, then asks for one station after the other.

    On the card each station is a pool of one engine with exponential service, and each step a
    request; nothing else takes time. `took` are the times from the end of thinking to the last
    reply, `ends` when that was.
    """

    def __init__(self, rig: type[Rig], profile: MakeProfile, clients: int, seed: int) -> None:
        pools = [f"pool{number}" for number in range(len(DEMANDS))]
        means = [int(demand * MEAN) for demand in DEMANDS]
        card = profile(dict.fromkeys(pools, 1), cores=clients)
        operations = {
            pool: Operation(pool, mean, 0, EXPONENTIAL)
            for pool, mean in zip(pools, means, strict=True)
        }
        plans = [Plan(0, 0, pool, mean, 0) for pool, mean in zip(pools, means, strict=True)]
        self.pools = pools
        self.one = rig(card._replace(operations=operations), plans)
        self.one.on_done = self.step
        self.keys = [stream_key(ARRIVALS, seed << 8 | client) for client in range(clients)]
        self.begun = [0] * clients
        self.first = seed << 8  # client of the card's draws
        self.took: list[int] = []
        self.ends: list[int] = []

    def run(self, cycles: int) -> None:
        """So many cycles of all clients together, and those under way."""
        self.left = cycles
        for client in range(len(self.keys)):
            self.think(Job(self.first + client))
        self.one.timeline.run()

    def think(self, job: Job) -> None:
        if not self.left:
            return
        self.left -= 1
        client = job.client - self.first
        gap = exponential(int(THINK * MEAN), word(self.keys[client], job.number))
        self.begun[client] = self.one.timeline.now + gap
        job.payload_bytes, job.operation = 0, self.pools[0]
        self.one.submit_at(self.begun[client], job)

    def step(self, job: Job) -> None:
        job.number += 1
        if job.payload_bytes + 1 < len(self.pools):
            job.payload_bytes += 1
            job.operation = self.pools[job.payload_bytes]
            self.one.submit_at(self.one.timeline.now, job)
            return
        now = self.one.timeline.now
        self.took.append(now - self.begun[job.client - self.first])
        self.ends.append(now)
        self.think(job)


@pytest.mark.parametrize(
    ("clients", "throughput", "response"),
    [
        (1, 0.173913043, 1.75),
        (4, 0.606776747, None),
        (8, 0.916575395, 4.728141785),
        (16, 0.999385158, None),
    ],
)
def test_a_closed_network_is_that_of_mean_value_analysis(
    rig: type[Rig],
    profile: MakeProfile,
    clients: int,
    throughput: float,
    response: float | None,
) -> None:
    rates, responses = [], []
    for seed in range(3 * REPLICATIONS):
        network = Cycle(rig, profile, clients, seed)
        network.run(3_000)
        ends = network.ends[WARM_UP : 3_000 - clients]
        rates.append((len(ends) - 1) / ((ends[-1] - ends[0]) / MEAN))
        took = network.took[WARM_UP : 3_000 - clients]
        responses.append(math.fsum(took) / len(took) / MEAN)
    exact = mva(DEMANDS, THINK, clients)
    assert exact.throughput == pytest.approx(throughput, abs=5e-10)
    assert within(rates, throughput), rates
    assert within(responses, exact.response_s if response is None else response), responses


def test_a_full_queue_loses_by_erlang_b(rig: type[Rig], profile: MakeProfile) -> None:
    """Depth 8 before 8 engines: who finds none free finds the queue full, and goes away."""
    shares = []
    for client in range(REPLICATIONS):
        one = stand(rig, profile({"pool": 8}, depth=8), EXPONENTIAL)
        lost = 0

        def attempt(job: Job, one: Rig = one) -> None:
            nonlocal lost
            lost += response_code(one.bus.nqap(0, job)) == Q_FULL

        one.submit = attempt  # type: ignore[method-assign]
        offered(one, 6.4, 6_000, client, lambda _: 0)
        assert len(one.done) + lost == 6_000
        shares.append(lost / 6_000)
    assert erlang_b(8, 6.4) == pytest.approx(0.144393889853)
    assert within(shares, erlang_b(8, 6.4)), shares


def test_priorities_wait_as_cobham_says(rig: type[Rig], profile: MakeProfile) -> None:
    """M/M/1, two classes of load 0.4: W_k = W0 / ((1 - s_{k-1}) (1 - s_k)), W0 = rho E[S]."""
    card = profile({"pool": 1})
    firmware = card.firmware._replace(scheduler="priority", priorities=((0, 1), (1, 0)))
    waits: dict[int, list[float]] = {0: [], 1: []}
    for client in range(REPLICATIONS):
        one = stand(rig, card._replace(firmware=firmware), EXPONENTIAL, domains=2)
        jobs = offered(one, 0.8, 12_000, client, lambda draw: draw & 1)[WARM_UP:]
        for domain, mine in waits.items():
            mine.append(mean_wait([job for job in jobs if job.qid == domain]))
    assert within(waits[1], 0.8 / 0.6), waits
    assert within(waits[0], 0.8 / (0.6 * 0.2)), waits


def test_engines_are_shared_by_weight_while_all_have_work(
    rig: type[Rig], profile: MakeProfile
) -> None:
    card = profile({"pool": 1}, cores=8)
    firmware = card.firmware._replace(scheduler="shares", weights=((0, 5), (1, 2)))
    one = stand(rig, card._replace(firmware=firmware), EXPONENTIAL, domains=3)
    for number in range(2100):
        one.submit_at(0, Job(number % 3, number % 3, operation="x"))
    one.timeline.run()
    order = sorted(one.done, key=lambda job: job.times[STARTED])[1:801]
    counts = [sum(job.qid == domain for job in order) for domain in range(3)]
    assert counts == [500, 200, 100]


def test_domains_take_turns_exactly(rig: type[Rig], profile: MakeProfile) -> None:
    card = profile({"pool": 1})
    firmware = card.firmware._replace(scheduler="round-robin")
    one = stand(rig, card._replace(firmware=firmware), Distribution(), domains=3)
    for domain in (0, 0, 0, 0, 1, 1, 2):
        one.submit_at(0, Job(0, domain, operation="x"))
    one.timeline.run()
    # The first found the engine idle and stood in no line.
    assert [job.qid for job in one.done] == [0, 0, 1, 2, 0, 1, 0]
    assert [job.times[DONE] for job in one.done] == [MEAN * n for n in range(1, 8)]
