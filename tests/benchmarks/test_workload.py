"""Arrivals, think times and mixes: exact where there is a closed form, else by their moments."""

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from ghostcard.benchmarks.scenario import (
    BURSTY,
    CLOSED,
    DETERMINISTIC,
    EXPONENTIAL,
    POISSON,
    TRACE,
    UNIFORM,
    Arrival,
    Kind,
    Phase,
    Tenant,
    Think,
)
from ghostcard.benchmarks.workload import (
    Choice,
    arrival_times,
    first_clients,
    replication_seed,
    thinker,
)

SIGN = Kind("rsa2048-sign", 51, 1)


def open_tenant(arrivals: str, **more: object) -> Tenant:
    return Tenant("one", (0,), arrivals, (SIGN,))._replace(**more)  # type: ignore[arg-type]


def times(tenant: Tenant, count: int, seed: int = 1, client: int = 0) -> list[int]:
    return list(islice(arrival_times(tenant, seed, client), count))


def test_a_rate_that_does_not_divide_the_second_does_not_drift() -> None:
    steady = open_tenant(DETERMINISTIC, rate_per_s=Fraction(3))
    assert times(steady, 4) == [0, 333333333, 666666666, 1000000000]
    assert times(steady, 3_000_001)[-1] == 10**15


def test_a_ramp_in_closed_form() -> None:
    """From 0.5 to 1.5 requests/us in 8 us: 0.5 t + t^2 / 16 of them by t; then one in 2/3 us."""
    ramp = open_tenant(
        DETERMINISTIC, rate_per_s=Fraction(500_000), ramp_to_per_s=Fraction(1_500_000), ramp_ns=8000
    )
    expected = [int(1000 * (-4 + (16 + 16 * n) ** 0.5)) for n in range(9)]
    expected += [8000 + 2000 * n // 3 for n in range(1, 5)]
    assert times(ramp, 13) == pytest.approx(expected, abs=1)
    falling = open_tenant(
        DETERMINISTIC, rate_per_s=Fraction(1_500_000), ramp_to_per_s=Fraction(500_000), ramp_ns=8000
    )
    mirrored = [8000 - time for time in expected[8::-1]]
    assert times(falling, 9) == pytest.approx(mirrored, abs=1)


def test_a_ramp_that_does_not_change_the_rate_is_steady() -> None:
    flat = {"ramp_to_per_s": Fraction(7), "ramp_ns": 10**9}
    steady = open_tenant(POISSON, rate_per_s=Fraction(7))
    assert times(steady._replace(**flat), 50) == pytest.approx(times(steady, 50), abs=2)  # type: ignore[arg-type]


def test_poisson_moments() -> None:
    gaps = np.diff(times(open_tenant(POISSON, rate_per_s=Fraction(1000)), 100_001))
    assert gaps.mean() == pytest.approx(1e6, rel=0.01)  # 3 standard errors
    assert gaps.std() == pytest.approx(1e6, rel=0.02)
    assert np.corrcoef(gaps[:-1], gaps[1:])[0, 1] == pytest.approx(0, abs=0.01)


def test_on_and_off() -> None:
    """Mean rate 250/s; while it is off, nothing comes."""
    phases = (Phase(Fraction(1000), 10**8), Phase(Fraction(0), 3 * 10**8))
    arrived = np.array(times(open_tenant(BURSTY, phases=phases), 50_000))
    assert len(arrived) / arrived[-1] * 1e9 == pytest.approx(250, rel=0.1)
    gaps = np.diff(arrived)
    assert (gaps >= 0).all()
    assert gaps.std() / gaps.mean() > 3  # a Poisson stream has 1


def test_one_phase_is_a_poisson_stream() -> None:
    phases = (Phase(Fraction(1000), 10**7),)
    steady = times(open_tenant(POISSON, rate_per_s=Fraction(1000)), 100)
    assert times(open_tenant(BURSTY, phases=phases), 100) == pytest.approx(steady, abs=50)


def test_a_trace_is_itself() -> None:
    trace = (Arrival(5, None), Arrival(5, SIGN), Arrival(9, None))
    assert times(open_tenant(TRACE, trace=trace), 9) == [5, 5, 9]


def test_streams_depend_on_seed_and_client_alone() -> None:
    tenant = open_tenant(POISSON, rate_per_s=Fraction(1000))
    assert times(tenant, 5, 1, 0) == times(tenant, 5, 1, 0)
    different = {tuple(times(tenant, 5, seed, client)) for seed in (1, 2) for client in (0, 1)}
    assert len(different) == 4


def test_common_random_numbers() -> None:
    """Twice the rate: the same arrivals, in half the time."""
    slow = times(open_tenant(POISSON, rate_per_s=Fraction(1000)), 100)
    fast = times(open_tenant(POISSON, rate_per_s=Fraction(2000)), 100)
    assert [time // 2 for time in slow] == fast


def test_known_arrivals() -> None:
    """Computed when this was written: the same on every platform."""
    found = times(open_tenant(POISSON, rate_per_s=Fraction(1000)), 3, seed=1, client=2)
    assert found == [306613, 1846667, 2149195]


def thinking(think: Think) -> Tenant:
    return Tenant("thinks", (0,), CLOSED, (SIGN,), clients=1, think=think)


def test_think_times() -> None:
    constant = thinker(thinking(Think(500)), 1, 0)
    assert [constant(n) for n in range(3)] == [500] * 3
    uniform = thinker(thinking(Think(1000, UNIFORM, 500)), 1, 0)
    drawn = [uniform(n) for n in range(10_000)]
    assert 500 <= min(drawn) < 510
    assert 1490 < max(drawn) <= 1500
    exponential = thinker(thinking(Think(10**6, EXPONENTIAL)), 1, 0)
    assert np.mean([exponential(n) for n in range(20_000)]) == pytest.approx(1e6, rel=0.02)


def test_a_mix_by_its_weights() -> None:
    kinds = (Kind("sha256", 64, 3), Kind("aes-256-gcm", 1024, 1))
    tenant = Tenant("mixed", (0,), CLOSED, kinds, clients=1)
    choice = Choice(tenant, seed=1)
    drawn = [choice.work(5, number).operation for number in range(10_000)]
    assert drawn.count("sha256") == pytest.approx(7500, abs=130)  # 3 standard deviations
    assert choice.work(5, 17) is choice.work(5, 17)
    assert Choice(tenant._replace(mix=kinds[:1]), 1).work(0, 0).payload_bytes == 64


def test_replications_have_seeds_of_their_own() -> None:
    seeds = [replication_seed(7, number) for number in range(1000)]
    assert seeds[0] == 7
    assert len(set(seeds)) == 1000
    assert all(0 <= seed < 1 << 48 for seed in seeds)


def test_an_open_stream_is_one_client() -> None:
    closed = Tenant("many", (0,), CLOSED, (SIGN,), clients=5)
    stream = open_tenant(POISSON, rate_per_s=Fraction(1))
    assert first_clients([closed, stream, closed]) == [0, 5, 6]
