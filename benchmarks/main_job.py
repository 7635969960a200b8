"""The simulated part of the main job: closed loops of 1 to 64 clients on one card.

The requests are sizes only (function `off`): the figures are those of real blocks, in a fraction
of the host's time.
"""

import time
from collections.abc import Iterator, Sequence

from ghostcard import statistics
from ghostcard.benchmarks.cases import CASES, Case
from ghostcard.benchmarks.closed_loop import ClosedLoop, Work, sized
from ghostcard.benchmarks.engine_choice import AUTO, RECURSION, SIMPY, choose
from ghostcard.benchmarks.point import Point
from ghostcard.benchmarks.recursion import engine as recursion
from ghostcard.benchmarks.recursion.sources import closed_loop
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.profile import load as load_profile
from ghostcard.machine import Machine

REQUESTS = 6400  # of one point, shared out among its clients: filling and draining hardly count


def possible(profile: Profile) -> list[Case]:
    """The cases whose operation a card of this profile has."""
    return [case for case in CASES if case.operation in profile.operations]


class Pace:
    """What simulating has cost the host so far: CPU time from the first event to the last."""

    def __init__(self) -> None:
        self.requests = 0
        self.seconds = 0.0
        self.engines: set[str] = set()

    @property
    def per_second(self) -> float:
        """Requests per second of host time; 0 before the first."""
        return self.requests / self.seconds if self.seconds else 0.0


def sweep(
    profile_name: str, cases: Sequence[Case], clients: Sequence[int], seed: int, pace: Pace
) -> Iterator[Point]:
    """A point for each case and number of clients, one after the other, each on a machine anew.

    `profile_name` is a name or a path, of a profile that has the operations of `cases`.
    """
    for case in cases:
        for number in clients:
            yield measure(profile_name, case, number, seed, pace)


def measure(profile_name: str, case: Case, clients: int, seed: int, pace: Pace) -> Point:
    """One point: `clients` clients in a closed loop without think time on one queue of one card."""
    machine = Machine.simulation(profile_name, seed=seed)
    profile = load_profile(profile_name)
    work = sized(case.operation, case.payload, profile.mode)
    _run(machine, work, clients, seed, pace)
    summary = statistics.summarise([machine.recorder], {0: profile})
    latency = summary.total.latency
    assert latency is not None
    return Point(
        case.operation,
        clients,
        summary.total.requests,
        summary.total.per_second,
        latency.mean_ns,
        latency.p50_ns,
        latency.p99_ns,
        {_title(one.name, profile): one.utilisation for one in summary.resources},
        _in_hardware(summary.total) / profile.queue.depth,
    )


def _run(machine: Machine, work: Work, clients: int, seed: int, pace: Pace) -> None:
    """By the recursion where it applies."""
    requests, targets = max(1, REQUESTS // clients), machine.targets(0)
    sources = closed_loop(targets, [work], clients, requests, seed=seed)
    choice = choose(AUTO, recursion.obstacle(machine.bus, machine.recorder, sources))
    began = time.process_time()
    try:
        if choice.engine == RECURSION:
            recursion.run(machine.bus, machine.recorder, sources)
    except recursion.BeyondKernel as error:
        choice = choose(AUTO, str(error))
    if choice.engine == SIMPY:
        ClosedLoop(machine.simulated(), targets, [work], clients, requests, seed=seed).run()
    pace.seconds += time.process_time() - began
    pace.requests += len(machine.recorder)
    pace.engines.add(choice.engine)


def _title(resource: str, profile: Profile) -> str:
    is_pool = any(engine.name == resource for engine in profile.engines)
    return f"{resource} engines" if is_pool else resource


def _in_hardware(total: statistics.Operations) -> float:
    """Mean number of requests between NQAP and DQAP, by Little's law."""
    outside = total.intervals_ns["host submit"] + total.intervals_ns["dequeue"]
    inside_ns = sum(total.intervals_ns.values()) - outside
    return total.per_second * inside_ns / 1e9
