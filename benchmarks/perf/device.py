"""What is measured: a card in simulated time, the null device, or this host.

The null device is a card on which nothing takes time, polled by the host of profile cex8p: what is
left is the host's own cost, the baseline of every card. "host" has no card: the host library and
the firmware compute in this process, in host time, one operation after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import count, pairwise
from pathlib import Path
from time import perf_counter_ns
from typing import NamedTuple

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.perf.ring import Polled, polled
from ghostcard.benchmarks.scenario import CLOSED, Kind, ScenarioError, Tenant
from ghostcard.benchmarks.workload import Choice
from ghostcard.config import CardConfig, Config, SlotConfig
from ghostcard.driver.errors import DriverError
from ghostcard.driver.native import NativePort
from ghostcard.driver.shapes import CCA, asker, shape
from ghostcard.emulator.profile import Profile, load
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

HOST, NULL = "host", "null"
EP11 = "ep11"
_BASELINE = "cex8p"  # whose host polls the null device
SIMULATED_MHZ = 1000  # a cycle is a nanosecond
_WARM_UP = 20  # operations


class Device(NamedTuple):
    """Its name, its profile and the clock in which cycles are counted."""

    name: str
    profile: Profile
    clock_mhz: int

    @property
    def is_host(self) -> bool:
        """Whether times are the host's, not simulated."""
        return self.name == HOST

    @property
    def places(self) -> int:
        """Requests that its queue holds."""
        return 1 if self.is_host else self.profile.queue.depth

    def kinds(self, operation: str, sizes: Sequence[int]) -> list[Kind]:
        """The requests of an operation; `ScenarioError` for what cannot be asked for."""
        if operation not in self.profile.operations:
            close = get_close_matches(operation, self.profile.operations, 3, 0.4)
            near = ", ".join(close or sorted(self.profile.operations)[:3])
            raise ScenarioError(
                f"--operation: got {operation!r}, takes one of {self.name} such as {near}"
            )
        mode = CCA if self.profile.mode == CCA else ""
        for size in sizes:
            try:
                shape(operation, size, mode)
            except DriverError as error:
                takes = f"takes what {operation} can process ({error})"
                raise ScenarioError(f"--buffer-sz: got {size}, {takes}") from None
        return [Kind(operation, size, 1, mode) for size in sizes]

    def run(self, kinds: Sequence[Kind], total: int, burst: int, seed: int) -> Polled:
        """`total` operations, drawn of the kinds by their weights."""
        works = _drawn(kinds, seed)
        if self.is_host:
            return _on_host(self, kinds, works, total)
        return polled(self.machine("null", seed), 0, works, total, burst)

    def machine(self, function: str, seed: int) -> Machine:
        """One card of the profile, with one queue."""
        config = Config(
            (CardConfig(0, self.profile.name, (0,)),),
            (SlotConfig(0, "perf", (0,)),),
            function,
            seed,
        )
        return Machine(config, in_memory=True, profiles={self.profile.name: self.profile})


def device(name: str, clock_mhz: int | None) -> Device:
    """The device of a name: "host", "null", a profile or its file."""
    if name == HOST:
        return Device(name, load(NULL), clock_mhz or _host_mhz())
    profile = load(name)
    if name == NULL:
        profile = profile._replace(host=load(_BASELINE).host)
    return Device(name, profile, clock_mhz or SIMULATED_MHZ)


def _drawn(kinds: Sequence[Kind], seed: int) -> Iterator[Work]:
    choice = Choice(Tenant("perf", (0,), CLOSED, tuple(kinds)), seed)
    return (choice.work(0, number) for number in count())


def _on_host(device: Device, kinds: Sequence[Kind], works: Iterator[Work], total: int) -> Polled:
    machine = device.machine("real", 0)
    port = NativePort(machine.bus, Recorder(capacity=0))
    asked = {
        kind.payload_bytes: asker(kind.operation, kind.payload_bytes, port, machine.targets(0))
        for kind in kinds
    }
    for ask in asked.values():
        for _ in range(_WARM_UP):
            ask()
    sizes = [next(works).payload_bytes for _ in range(total)]
    times = [perf_counter_ns()]
    for size in sizes:
        asked[size]()
        times.append(perf_counter_ns())
    elapsed = times[-1] - times[0]
    each = tuple(later - before for before, later in pairwise(times))
    return Polled(total, total, 0, 0, 0, 0, elapsed, elapsed, 0, sum(sizes), each)


def _host_mhz() -> int:
    """The clock that the kernel states for the first processor."""
    found = re.search(r"^cpu MHz\s*:\s*(\d+)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return int(found[1]) if found else SIMULATED_MHZ
