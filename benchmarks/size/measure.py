"""A size tried by simulation: does it meet the target, and is that beyond chance?

Three replications, and twice as many each time until each figure differs from its limit by more
than the half-width of its confidence interval, or there are 24. Then the means decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.analysis import loads
from ghostcard.benchmarks.estimation import Array, Estimate, interval, percentile_of
from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_changes import of_tenants
from ghostcard.benchmarks.scenario_depth import backlog_grows
from ghostcard.benchmarks.scenario_run import Replication, replicate
from ghostcard.benchmarks.scenario_series import slim, throughput, warm
from ghostcard.benchmarks.size.load import Size, Varied
from ghostcard.benchmarks.size.target import MAX, MEAN, PERMILLE
from ghostcard.benchmarks.workload import clients_of, first_clients

FIRST, MOST = 3, 24  # replications
KEPT_UP = 0.99  # of the requests that came in a stable open system are served meanwhile
FEW = 20  # values beyond a percentile; with less it rests on too little


class Measured(NamedTuple):
    """What the simulation of a size says."""

    size: Size
    per_second: Estimate  # of the target's requests
    latencies_ns: tuple[Estimate, ...]  # of the target's bounds, in their order
    kept_up: Estimate  # served meanwhile, of those that came; 1 for a closed loop
    load: float  # of open tenants, on the station that has most to do; at 1 it can do no more
    replications: int
    meets: bool
    is_decided: bool  # beyond the half-widths of the intervals
    rests_on_few: bool
    violated: tuple[str, ...]  # "rate" and metrics


class _Sample(NamedTuple):
    """The target's requests of one replication."""

    per_second: float
    kept_up: float
    latencies_ns: tuple[float, ...]
    answered: int
    grows: bool


class Scale:
    """Tries sizes of a scenario, each once."""

    def __init__(self, varied: Varied) -> None:
        self._varied = varied
        self._known: dict[Size, Measured] = {}
        self.simulated = 0  # requests

    def measure(self, size: Size) -> Measured:
        """The size simulated until it is decided."""
        if size not in self._known:
            self._known[size] = self._measure(size)
        return self._known[size]

    def _measure(self, size: Size) -> Measured:
        scenario = self._varied.at(size)
        cards = self._varied.cards_of(scenario)
        load = max((one.load for one in loads(scenario, cards)), default=0.0)
        samples: list[_Sample] = []
        wanted = FIRST
        while True:
            samples += (self._sample(scenario, n) for n in range(len(samples), wanted))
            found = self._judge(size, samples, load)
            if found.is_decided or wanted >= MOST:
                return found
            wanted *= 2

    def _sample(self, scenario: Scenario, number: int) -> _Sample:
        run = replicate(scenario._replace(stop=None), number)
        if run.interrupted:
            raise KeyboardInterrupt
        self.simulated += run.ended
        array = of_tenants(scenario, slim(run.recorder.array()))
        steady = warm(array, scenario.warm_up_ns)
        own = steady.answered[self._is_own(scenario, run, steady.answered)]
        times = own["done"].astype(np.int64) - own["submitted"].astype(np.int64)
        per_second = throughput(own, scenario.confidence).mean
        return _Sample(
            per_second,
            1.0 if self._varied.is_closed else _kept_up(own, per_second),
            tuple(_figure(times, bound.metric) for bound in self._varied.target.bounds),
            len(own),
            not self._varied.is_closed and backlog_grows(array),
        )

    def _is_own(self, scenario: Scenario, run: Replication, array: Array) -> Array:
        bounds = [*first_clients(scenario.tenants), clients_of(scenario.tenants)]
        own = np.zeros(len(array), bool)
        for tenant in self._varied.chosen:
            low, high = bounds[tenant : tenant + 2]
            own |= (array["client"] >= low) & (array["client"] < high)
        operation = self._varied.target.operation
        if operation:
            names = np.array(run.recorder.names or ("",))
            own &= names[array["operation"]] == operation
        return own

    def _judge(self, size: Size, samples: Sequence[_Sample], load: float) -> Measured:
        confidence = self._varied.scenario.confidence
        target = self._varied.target
        per_second = interval([one.per_second for one in samples], confidence)
        kept_up = interval([one.kept_up for one in samples], confidence)
        bounds = [
            interval(each, confidence)
            for each in zip(*(one.latencies_ns for one in samples), strict=True)
        ]
        tests = [
            (b.metric, e, float(b.limit_ns)) for b, e in zip(target.bounds, bounds, strict=True)
        ]
        if target.rate_per_s is not None and self._varied.is_closed:
            tests.append(("rate", _negative(per_second), -float(target.rate_per_s)))
        elif not self._varied.is_closed:
            tests.append(("rate", _negative(kept_up), -KEPT_UP))
        is_overloaded = load >= 1 or all(one.grows for one in samples)
        violated = [name for name, estimate, limit in tests if estimate.mean > limit]
        sure = [_is_sure(estimate, limit) for _, estimate, limit in tests]
        surely_violated = any(
            s and e.mean > limit for s, (_, e, limit) in zip(sure, tests, strict=True)
        )
        if is_overloaded and "rate" not in violated:
            violated.append("rate")
        return Measured(
            size, per_second, tuple(bounds), kept_up, load, len(samples),
            meets=not violated,
            is_decided=load >= 1 or (surely_violated if violated else all(sure)),
            rests_on_few=any(
                _is_few(one.answered, bound.metric) for one in samples for bound in target.bounds
            ),
            violated=tuple(violated),
        )  # fmt: skip


def _kept_up(own: Array, per_second: float) -> float:
    """The throughput beside the rate at which the same requests came."""
    if len(own) < 2:
        return 0.0
    came_ns = int(own["submitted"].max()) - int(own["submitted"].min())
    return per_second * came_ns / (len(own) - 1) / 1e9


def _figure(times: Array, metric: str) -> float:
    if not len(times):
        return float("inf")
    if metric == MEAN:
        return float(times.mean())
    return float(times.max()) if metric == MAX else percentile_of(PERMILLE[metric])(times)


def _is_few(answered: int, metric: str) -> bool:
    return metric in PERMILLE and answered * (1000 - PERMILLE[metric]) < FEW * 1000


def _negative(estimate: Estimate) -> Estimate:
    return estimate._replace(mean=-estimate.mean)


def _is_sure(estimate: Estimate, limit: float) -> bool:
    if isinf(estimate.mean):  # a replication answered nothing
        return True
    half = estimate.half_width
    return half is not None and abs(estimate.mean - limit) >= half
