"""Tenants of scenarios: both engines leave the same records, of every kind of load."""

from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard.benchmarks.scenario import (
    ARRIVALS,
    BURSTY,
    CLOSED,
    DISTRIBUTIONS,
    TRACE,
    Arrival,
    Change,
    Kind,
    MachineSpec,
    Phase,
    Scenario,
    Tenant,
    Think,
)
from ghostcard.benchmarks.scenario_run import replicate

KINDS = st.builds(
    Kind,
    st.sampled_from(["rsa2048-verify", "aes-256-gcm", "sha256"]),
    st.sampled_from([32, 64]),
    st.integers(1, 3),
)
RATES = st.sampled_from([Fraction(1000), Fraction(90_000), Fraction(10**6, 3)])
GAPS = st.integers(0, 100_000)


@st.composite
def tenants(draw: st.DrawFn) -> Tenant:
    targets = draw(st.lists(st.sampled_from([0, 1, 256, 257]), min_size=1, unique=True))
    mix = draw(st.lists(KINDS, min_size=1, max_size=3))
    arrivals = draw(st.sampled_from(ARRIVALS))
    tenant = Tenant("one", tuple(targets), arrivals, tuple(mix))
    if arrivals == CLOSED:
        distribution = draw(st.sampled_from(DISTRIBUTIONS))
        think = Think(draw(GAPS), distribution, draw(st.integers(0, 1000)))
        return tenant._replace(clients=draw(st.integers(1, 20)), think=think, ramp_ns=draw(GAPS))
    if arrivals == BURSTY:
        phases = st.lists(
            st.builds(Phase, RATES, st.integers(1_000, 100_000)), min_size=1, max_size=3
        )
        return tenant._replace(phases=tuple(draw(phases)))
    if arrivals == TRACE:
        times = sorted(draw(st.lists(GAPS, min_size=1, max_size=30)))
        return tenant._replace(trace=tuple(Arrival(at, draw(st.none() | KINDS)) for at in times))
    ramp: dict[str, Any] = {}
    if draw(st.booleans()):
        ramp = {"ramp_to_per_s": draw(RATES), "ramp_ns": draw(GAPS) + 1}
    return tenant._replace(rate_per_s=draw(RATES), **ramp)


CHANGES = st.lists(
    st.builds(
        Change,
        st.integers(0, 500_000),
        st.integers(0, 1),
        st.sampled_from(["engines.symmetric.operations.sha256.fixed_ns", "firmware.decode_ns"]),
        st.integers(0, 50_000),
    ),
    max_size=3,
).map(lambda found: tuple(sorted(found)))


def scenario(**parts: Any) -> Scenario:
    usual: dict[str, Any] = {
        "name": "test",
        "description": "",
        "machine": MachineSpec(("cex8p", "cex8p"), 2, True),
        "tenants": (Tenant("one", (0, 256), CLOSED, (Kind("sha256", 64, 1),), clients=3),),
        "seed": 1,
        "duration_ns": None,
        "requests": 100,
        "warm_up_ns": None,
        "replications": 1,
        "histogram": False,
        "confidence": 0.95,
        "stop": None,
    }
    return Scenario(**usual | parts)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(tenants(), min_size=1, max_size=3),
    st.booleans(),
    st.integers(0, 1 << 48),
    st.integers(1, 150),
    st.none() | st.integers(1, 500_000),
    CHANGES,
)
def test_records_of_any_tenants_are_equal(
    load: list[Tenant],
    interrupts: bool,
    seed: int,
    requests: int,
    duration_ns: int | None,
    changes: tuple[Change, ...],
) -> None:
    """Of null cards too, on which everything happens at one instant."""
    for profile in ("cex8p", "null"):
        machine = MachineSpec((profile, profile), 2, interrupts)
        one = scenario(
            machine=machine, tenants=tuple(load), seed=seed, requests=requests,
            duration_ns=duration_ns, changes=changes,
        )  # fmt: skip
        simpy, recursion = (replicate(one, 1, engine=engine) for engine in ("simpy", "recursion"))
        assert simpy.recorder.to_bytes() == recursion.recorder.to_bytes()
        assert (simpy.engine, recursion.engine) == ("simpy", "recursion")
