"""One replication of a scenario: a machine built, loaded, and run to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ghostcard.benchmarks.scenario import Scenario, Stop
from ghostcard.benchmarks.scenario_series import latencies, throughput, warm
from ghostcard.benchmarks.workload import replication_seed
from ghostcard.benchmarks.workload_traffic import Traffic
from ghostcard.config import CardConfig, Config, SlotConfig, qid
from ghostcard.emulator.card import Card
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

FIRST_LOOK = 2_000  # requests before the stop rule looks for the first time
_PROGRESS = 4_096  # requests between two calls of `watch`

Watch = Callable[[int], None]
"""Called now and then with the number of requests that have ended."""


class Replication(NamedTuple):
    """What came of it: records in order of completion, on cards that they belong to."""

    seed: int
    recorder: Recorder
    cards: dict[int, Card]
    submitted: int
    last_submitted_ns: int
    interrupted: bool = False
    settled: bool = False  # the metric of the stop rule is known as well as was asked for


def machine_of(scenario: Scenario, seed: int) -> Machine:
    """The scenario's cards in memory, without load."""
    spec = scenario.machine
    domains = tuple(range(spec.domains))
    cards = tuple(CardConfig(n, profile, domains) for n, profile in enumerate(spec.profiles))
    slots = tuple(
        SlotConfig(n, f"card {n}", tuple(qid(n, domain) for domain in domains))
        for n in range(len(cards))
    )
    return Machine(Config(cards, slots, "null", seed), in_memory=True)


def replicate(scenario: Scenario, number: int, watch: Watch | None = None) -> Replication:
    """Run replication `number`, from 0, on SimPy; an interrupt ends it with what there is."""
    seed = replication_seed(scenario.seed, number)
    machine = machine_of(scenario, seed)
    stop, warm_up_ns = scenario.stop, scenario.warm_up_ns
    rule = _Rule(stop, machine.recorder, warm_up_ns) if stop else None

    def told(ended: int) -> None:
        if watch is not None and not ended % _PROGRESS:
            watch(ended)
        if rule is not None and rule.settled(ended):
            traffic.stop()

    traffic = Traffic(scenario, machine.simulated(scenario.machine.interrupts), seed, told)
    interrupted = False
    try:
        traffic.run()
    except KeyboardInterrupt:
        interrupted = True
    if rule is not None and not rule.met and len(machine.recorder):
        rule.look()
    return Replication(
        seed,
        machine.recorder,
        machine.bus.cards,
        traffic.submitted,
        traffic.last_submitted_ns,
        interrupted,
        rule is not None and rule.met,
    )


class _Rule:
    """The stop rule. It looks when the run has grown by half, so that looking often cannot find
    by chance what is not there."""

    def __init__(self, stop: Stop, recorder: Recorder, warm_up_ns: int | None) -> None:
        self._stop = stop
        self._warm_up_ns = warm_up_ns
        self._recorder = recorder
        self._next = FIRST_LOOK
        self.met = False

    def settled(self, ended: int) -> bool:
        """Whether the metric is known as well as was asked for."""
        if ended >= self._next and not self.met:
            self._next = ended * 3 // 2
            self.look()
        return self.met

    def look(self) -> None:
        """See whether it is known that well now."""
        answered = warm(self._recorder.array(), self._warm_up_ns).answered
        figure = latencies if self._stop.metric == "latency" else throughput
        error = figure(answered, self._stop.confidence).relative_error
        self.met = error is not None and error <= self._stop.relative_error
