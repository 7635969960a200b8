"""What tenants ask for and when: streams of whole numbers, computed without a simulation.

Every draw comes from a counted stream (`emulator.variates`) of its purpose and client, so that it
depends neither on the order of events nor on the engine, and two systems that share a seed meet
the same requests.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate, count, cycle
from math import isqrt

from ghostcard.benchmarks.closed_loop import Work, sized
from ghostcard.benchmarks.scenario import (
    BURSTY,
    CONSTANT,
    EXPONENTIAL,
    POISSON,
    Kind,
    Phase,
    Tenant,
    Think,
)
from ghostcard.emulator.variates import (
    exponential,
    mix,
    stream_key,
    uniform,
    unit_exponential,
    word,
)

# Purposes of streams; the client's number fills the bits below.
_PURPOSE_SHIFT = 48
_ARRIVALS, _THINK, _MIX, _PHASES = range(1, 5)
_UNIT = 1 << 32  # one arrival, in the Q32 of `unit_exponential`
_NS_PER_S = 10**9
_REPLICATION = 1 << 56  # streams of which the seeds of replications are drawn

Inverse = Callable[[int], int]
"""Arrivals to be expected (Q32) -> the time in ns by which they are."""


def replication_seed(seed: int, replication: int) -> int:
    """The seed of a replication, 48 bits; that of the first is the scenario's own."""
    if not replication:
        return seed
    return mix(stream_key(seed, _REPLICATION + replication)) >> 16


def first_clients(tenants: Sequence[Tenant]) -> list[int]:
    """The number of each tenant's first client; an open stream is one client."""
    return [0, *accumulate(max(tenant.clients, 1) for tenant in tenants)][:-1]


def clients_of(tenants: Sequence[Tenant]) -> int:
    """How many clients all tenants have; they are numbered from 0."""
    return sum(max(tenant.clients, 1) for tenant in tenants)


def _key(seed: int, purpose: int, client: int) -> int:
    return stream_key(seed, purpose << _PURPOSE_SHIFT | client)


def work_of(kind: Kind) -> Work:
    """The requests of a kind, without their bytes."""
    return sized(kind.operation, kind.payload_bytes, kind.mode)


class Choice:
    """The kinds of a tenant's mix, or its steps: which one a client's n-th request is."""

    __slots__ = ("_bounds", "_keys", "_seed", "_steps", "works")

    def __init__(self, tenant: Tenant, seed: int) -> None:
        self.works: tuple[Work, ...] = tuple(work_of(kind) for kind in tenant.mix)
        places = {kind._replace(weight=1): place for place, kind in enumerate(tenant.mix)}
        self._steps = tuple(places[kind] for kind in tenant.steps)
        self._bounds = list(accumulate(kind.weight for kind in tenant.mix))
        self._seed = seed
        self._keys: dict[int, int] = {}

    def work(self, client: int, number: int) -> Work:
        """The client's request with this number, from 0."""
        if len(self.works) == 1:
            return self.works[0]
        if self._steps:
            return self.works[self._steps[number % len(self._steps)]]
        key = self._keys.get(client)
        if key is None:
            key = self._keys[client] = _key(self._seed, _MIX, client)
        drawn = word(key, number) * self._bounds[-1] >> 64
        return self.works[bisect_right(self._bounds, drawn)]


def thinker(tenant: Tenant, seed: int, client: int) -> Callable[[int], int]:
    """The client's think time in ns after its request with this number, from 0."""
    after, steps = _thinker(tenant.think, seed, client), len(tenant.steps)
    if steps < 2:
        return after
    return lambda number: 0 if (number + 1) % steps else after(number // steps)


def _thinker(think: Think, seed: int, client: int) -> Callable[[int], int]:
    mean = think.mean_ns
    if think.distribution == CONSTANT:
        return lambda number: mean
    key = _key(seed, _THINK, client)
    sample = exponential if think.distribution == EXPONENTIAL else uniform(think.spread_permille)
    return lambda number: sample(mean, word(key, number))


def arrival_times(tenant: Tenant, seed: int, client: int) -> Iterator[int]:
    """When an open tenant's requests arrive, ns from the start, in order; endless, or its trace."""
    if tenant.trace:
        yield from (arrival.at_ns for arrival in tenant.trace)
        return
    if tenant.arrivals == BURSTY:
        invert = _phased(tenant.phases, _key(seed, _PHASES, client))
    else:
        invert = _ramped(tenant)
    is_random = tenant.arrivals in (POISSON, BURSTY)
    key, expected, last = _key(seed, _ARRIVALS, client), 0, 0
    for number in count():
        if is_random:
            expected += unit_exponential(word(key, number))
        last = max(last, invert(expected))  # a root rounded down may go back by a nanosecond
        yield last
        if not is_random:
            expected += _UNIT


def _ramped(tenant: Tenant) -> Inverse:
    """A rate that goes in a straight line from one value to the other, and stays there."""
    start, end = tenant.rate_per_s, tenant.ramp_to_per_s
    if end is None:
        return _steady(start)
    ramp_ns, scale = tenant.ramp_ns, start.denominator * end.denominator
    low, high = int(start * scale), int(end * scale)
    whole = (low + high) * ramp_ns * _UNIT // (2 * scale * _NS_PER_S)  # expected on the ramp
    after = _steady(end)

    def invert(expected: int) -> int:
        if expected >= whole:
            return ramp_ns + after(expected - whole)
        # (high - low) t^2 + 2 ramp low t = x, solved without a difference of near numbers
        x = expected * (2 * ramp_ns * scale * _NS_PER_S) >> 32
        root = isqrt((ramp_ns * low) ** 2 + (high - low) * x)
        return x // (ramp_ns * low + root)

    return invert


def _steady(rate: Fraction) -> Inverse:
    numerator, denominator = rate.numerator << 32, rate.denominator * _NS_PER_S
    return lambda expected: expected * denominator // numerator


def _phased(phases: Sequence[Phase], key: int) -> Inverse:
    """Phases in turn, each for an exponential time: a Markov-modulated Poisson process."""
    turns, numbers = cycle(phases), count()
    begin_ns = end_ns = begin = end = 0  # of the phase: its time, and arrivals expected by then
    phase = phases[0]

    def invert(expected: int) -> int:
        nonlocal begin_ns, end_ns, begin, end, phase
        while expected >= end:
            phase, begin_ns, begin = next(turns), end_ns, end
            end_ns += exponential(phase.mean_ns, word(key, next(numbers)))
            rate = phase.rate_per_s
            grown = (end_ns - begin_ns) * rate.numerator * _UNIT
            end += grown // (rate.denominator * _NS_PER_S)
        return begin_ns + _steady(phase.rate_per_s)(expected - begin)

    return invert
