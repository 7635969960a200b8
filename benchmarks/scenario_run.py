"""One replication of a scenario: a machine built, loaded, and run to its end by either engine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ghostcard.benchmarks import engine_choice
from ghostcard.benchmarks.engine_choice import RECURSION, SIMPY
from ghostcard.benchmarks.recursion import engine as recursion
from ghostcard.benchmarks.recursion.scenario import scenario_sources
from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_changes import of_tenants
from ghostcard.benchmarks.scenario_series import latencies, slim, throughput, warm
from ghostcard.benchmarks.scenario_stream import CHUNK, Stream
from ghostcard.benchmarks.workload import replication_seed
from ghostcard.benchmarks.workload_traffic import Traffic
from ghostcard.config import CardConfig, Config, SlotConfig, qid
from ghostcard.emulator.card import Card
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

FIRST_LOOK = 2_000  # requests of the first run under a stop rule
_PROGRESS = 4_096  # requests between two calls of `watch`

Watch = Callable[[int], None]
"""Called now and then with the number of requests that have ended."""


class Replication(NamedTuple):
    """What came of it: records in order of completion, on cards that they belong to."""

    seed: int
    recorder: Recorder
    cards: dict[int, Card]
    engine: str = SIMPY
    reason: str = ""  # why it is this engine
    interrupted: bool = False
    settled: bool = False  # the metric of the stop rule is known as well as was asked for
    stream: Stream | None = None  # in place of records, where only a histogram is kept

    @property
    def ended(self) -> int:
        """Requests that have ended."""
        return len(self.recorder) if self.stream is None else self.stream.requests

    @property
    def answered(self) -> bool:
        """Whether any request was answered without an error."""
        if self.stream is not None:
            return len(self.stream.all.latency) > 0
        return bool((self.recorder.array()["outcome"] == 0).any())


def machine_of(scenario: Scenario, seed: int) -> Machine:
    """The scenario's cards in memory, without load."""
    spec = scenario.machine
    domains = tuple(range(spec.domains))
    cards = tuple(CardConfig(n, profile, domains) for n, profile in enumerate(spec.profiles))
    slots = tuple(
        SlotConfig(n, f"card {n}", tuple(qid(n, domain) for domain in domains))
        for n in range(len(cards))
    )
    plan = scenario.faults
    if plan is not None:  # each replication has faults of its own
        plan = plan._replace(seed=plan.seed + seed)
    config = Config(cards, slots, "null", seed)
    loaded = dict(zip(spec.profiles, spec.loaded, strict=True)) if spec.loaded else None
    return Machine(config, in_memory=True, faults=plan, profiles=loaded)


def replicate(
    scenario: Scenario,
    number: int,
    watch: Watch | None = None,
    engine: str = engine_choice.AUTO,
) -> Replication:
    """Run replication `number`, from 0; an interrupt ends it with what there is.

    Under a stop rule it is run with twice as many requests each time, from its beginning, until the
    metric is known well enough or the scenario ends: so both engines end at the same request.
    `EngineError` when an engine is asked for that does not apply.
    """
    seed = replication_seed(scenario.seed, number)
    if scenario.stop is None:
        return _run(scenario, seed, watch, engine)
    last: Replication | None = None
    requests = FIRST_LOOK
    while True:
        most = requests if scenario.requests is None else min(requests, scenario.requests)
        run = _run(scenario._replace(requests=most), seed, watch, engine)
        if run.interrupted:
            return last._replace(interrupted=True) if last is not None else run
        last = run._replace(settled=_is_settled(scenario, run))
        if last.settled or run.ended < requests or most == scenario.requests:
            return last
        requests *= 2


def _is_settled(scenario: Scenario, run: Replication) -> bool:
    stop = scenario.stop
    if stop is None or not run.ended:
        return False
    is_latency = stop.metric == "latency"
    if run.stream is not None:
        row = run.stream.all
        estimate = (row.mean if is_latency else row.throughput)(stop.confidence)
    else:
        array = of_tenants(scenario, slim(run.recorder.array()))
        answered = warm(array, scenario.warm_up_ns).answered
        estimate = (latencies if is_latency else throughput)(answered, stop.confidence)
    error = estimate.relative_error
    return error is not None and error <= stop.relative_error


def _run(scenario: Scenario, seed: int, watch: Watch | None, engine: str) -> Replication:
    machine = machine_of(scenario, seed)
    sources = scenario_sources(scenario, seed)
    obstacle = recursion.obstacle(machine.bus, machine.recorder, sources)
    choice = engine_choice.choose(engine, obstacle)
    if choice.engine == RECURSION:
        try:
            run = _by_recursion(scenario, seed, machine, watch)
            return run._replace(reason=choice.reason)
        except recursion.BeyondKernel as error:
            choice = engine_choice.choose(engine, str(error))
            machine = machine_of(scenario, seed)
    return _by_simpy(scenario, seed, machine, watch)._replace(reason=choice.reason)


def _by_simpy(scenario: Scenario, seed: int, machine: Machine, watch: Watch | None) -> Replication:
    recorder, run = machine.recorder, _begun(scenario, seed, machine, SIMPY)

    def told(ended: int) -> None:
        if run.stream is not None and not ended % CHUNK:
            run.stream.take(recorder)
        if watch is not None and not ended % _PROGRESS:
            watch(ended)

    traffic = Traffic(scenario, machine.simulated(scenario.machine.interrupts), seed, told)
    try:
        traffic.run()
    except KeyboardInterrupt:
        run = run._replace(interrupted=True)
    if run.stream is not None:
        run.stream.take(recorder)
    return run


def _by_recursion(
    scenario: Scenario, seed: int, machine: Machine, watch: Watch | None
) -> Replication:
    recorder, run = machine.recorder, _begun(scenario, seed, machine, RECURSION)
    with _interrupts_noted() as is_interrupted:

        def keep(records: bytes, names: tuple[str, ...]) -> None:
            recorder.learn(*names[len(recorder.names) :])
            recorder.extend(records)
            if run.stream is not None:
                run.stream.take(recorder)
            if watch is not None:
                watch(run.ended)
            if is_interrupted():
                raise KeyboardInterrupt

        limits = (scenario.requests, scenario.duration_ns, scenario.machine.interrupts)
        sources = scenario_sources(scenario, seed)
        try:
            recursion.run(machine.bus, recorder, sources, *limits, sink=keep)
        except KeyboardInterrupt:
            return run._replace(interrupted=True)
    return run


def _begun(scenario: Scenario, seed: int, machine: Machine, engine: str) -> Replication:
    cards = machine.bus.cards
    stream = Stream(scenario, cards) if scenario.histogram else None
    return Replication(seed, machine.recorder, cards, engine, stream=stream)


@contextmanager
def _interrupts_noted() -> Iterator[Callable[[], bool]]:
    """Ctrl-C is noted, not raised, while C calls Python: an exception cannot pass through C."""
    noted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield noted.is_set  # elsewhere no signal arrives
        return
    before = signal.signal(signal.SIGINT, lambda _signal, _frame: noted.set())
    try:
        yield noted.is_set
    finally:
        signal.signal(signal.SIGINT, before)
