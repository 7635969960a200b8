"""The tenants of a scenario at work on a simulated port: SimPy's side of `workload`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapreplace
from typing import Any

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.scenario import CLOSED, Scenario, Tenant
from ghostcard.benchmarks.scenario_changes import Order, orders
from ghostcard.benchmarks.workload import Choice, arrival_times, first_clients, thinker, work_of
from ghostcard.driver.errors import DriverError
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.job import Job

REFUSED_NS = 1_000_000  # that a client does nothing after it was told that there is no card

Told = Callable[[int], None]
"""Called with the number of requests that have ended, at each of them."""


PATIENCE_NS = 86_400 * 10**9  # a day of simulated time; a request times out after a quarter hour


class Stalled(EmulatorError):
    """Requests are under way and none of them ends: a fault happens to each attempt."""


def run_while_requests_end(port: SimulatedPort, ended: Callable[[], int]) -> None:
    """Run the timeline until nothing is under way; `Stalled` if no request ends for a day.

    A driver tries for ever to have a message answered that is lost each time, and looks for cards
    meanwhile, so that the timeline alone would never be empty.
    """
    timeline = port.timeline
    while timeline.agenda.heap:
        before, now = ended(), timeline.now
        timeline.advance(now + PATIENCE_NS)
        if not port.in_flight and timeline.now == now:
            return  # what is left lies further ahead, and is nobody's request
        if port.in_flight and ended() == before:
            raise Stalled(
                f"no request has ended for a day of simulated time, and {port.in_flight} are under "
                f"way at {timeline.now:,} ns: the faults leave none of them a way to end"
            )


class Traffic:
    """All tenants of a scenario, which share its number of requests and its end.

    Nothing is submitted at `duration_ns` or later; what is under way is served.
    """

    def __init__(
        self, scenario: Scenario, port: SimulatedPort, seed: int, told: Told | None = None
    ) -> None:
        self.port = port
        self.submitted = 0
        self.ended = 0
        self._told = told
        self._may_stall = scenario.faults is not None
        self._limit = scenario.requests
        self._end_ns = scenario.duration_ns
        firsts = zip(scenario.tenants, first_clients(scenario.tenants), strict=True)
        self._sources: list[_Order | _Clients | _Stream] = [
            _Order(self, order) for order in orders(scenario)
        ]
        self._sources += [
            (_Clients if tenant.arrivals == CLOSED else _Stream)(self, tenant, seed, first)
            for tenant, first in firsts
        ]

    def run(self) -> None:
        """From the first arrival until everything has ended; `Stalled` if that never comes."""
        for source in self._sources:
            source.start()
        if self._may_stall:
            run_while_requests_end(self.port, lambda: self.ended)
        self.port.timeline.run()

    def submit(
        self, job: Job, work: Work, targets: tuple[int, ...], after: Callable[[Job], None]
    ) -> bool:
        """Submit a request now, unless the scenario is at its end: then False."""
        if self.is_over():
            return False
        self.submitted += 1
        job.operation, job.payload_bytes = work.operation, work.payload_bytes
        job.function = work.function
        job.request_bytes, job.reply_bytes = work.request_bytes, work.reply_bytes
        job.outcome = 0
        try:
            self.port.submit(job, targets, after)
        except DriverError as error:  # no card is there: whoever asks is told after a while
            self.port.refuse(job, error)
            timeline = self.port.timeline
            job.callbacks = (after,)
            timeline.at(timeline.now + REFUSED_NS, job)
        return True

    def is_over(self) -> bool:
        """Whether the scenario is at its end: nothing is submitted any more."""
        if self._limit is not None and self.submitted >= self._limit:
            return True
        return self._end_ns is not None and self.port.timeline.now >= self._end_ns

    def count_end(self) -> None:
        """One more request has ended."""
        self.ended += 1
        if self._told is not None:
            self._told(self.ended)


class _Order:
    """A change of a figure, sent at its time. It is its own event."""

    _ok = True
    _value = None

    def __init__(self, traffic: Traffic, order: Order) -> None:
        self.callbacks: Any = (self._due,)
        self._traffic = traffic
        self._order = order

    def start(self) -> None:
        """Wait for the time of the change."""
        self._traffic.port.timeline.at(self._order.change.at_ns, self)

    def _due(self, _event: object) -> None:
        if self._traffic.is_over():
            return
        order = self._order
        job = Job(client=order.client, function=order.work.function)
        self._traffic.port.submit(job, (order.qid,), _nothing, lambda _domain: order.block)


def _nothing(_job: Job) -> None:
    """Nobody waits for the reply."""


class _Clients:
    """A closed loop: a client submits its next request when it has thought about the last reply."""

    def __init__(self, traffic: Traffic, tenant: Tenant, seed: int, first: int) -> None:
        self._traffic = traffic
        self._tenant = tenant
        self._first = first
        self._choice = Choice(tenant, seed)
        numbers = range(first, first + tenant.clients)
        self._think = [thinker(tenant, seed, client) for client in numbers]
        self._sent = [0] * tenant.clients
        self._free_ns = [0] * tenant.workers  # a heap: when each worker has nothing to do
        self._jobs = [Job(client=client) for client in numbers]

    def start(self) -> None:
        """All begin at once, or one by one within the ramp."""
        tenant, timeline = self._tenant, self._traffic.port.timeline
        for place, job in enumerate(self._jobs):
            job.callbacks = (self._next,)
            timeline.at(tenant.ramp_ns * place // tenant.clients, job)

    def _next(self, job: Job) -> None:
        place = job.client - self._first
        work = self._choice.work(job.client, self._sent[place])
        if self._traffic.submit(job, work, self._tenant.targets, self._after):
            self._sent[place] += 1

    def _after(self, job: Job) -> None:
        self._traffic.count_end()
        place = job.client - self._first
        think_ns = self._think[place](self._sent[place] - 1)
        if think_ns:
            timeline = self._traffic.port.timeline
            job.callbacks = (self._next,)  # the job is its own event: it thinks
            timeline.at(self._begun_ns(timeline.now, think_ns) + think_ns, job)
        else:
            self._next(job)

    def _begun_ns(self, now_ns: int, think_ns: int) -> int:
        """When a client begins to think: as soon as a worker is free, first come, first served."""
        if not self._free_ns:
            return now_ns
        begun_ns = max(now_ns, self._free_ns[0])
        heapreplace(self._free_ns, begun_ns + think_ns)
        return begun_ns


class _Stream:
    """An open stream: requests arrive whatever becomes of those before. It is its own event."""

    _ok = True
    _value = None

    def __init__(self, traffic: Traffic, tenant: Tenant, seed: int, first: int) -> None:
        self.callbacks: Any = None
        self._traffic = traffic
        self._targets = tenant.targets
        self._client = first
        self._works = _works(tenant, seed, first)
        self._times = arrival_times(tenant, seed, first)
        self._idle: list[Job] = []  # jobs that have ended, to be sent again

    def start(self) -> None:
        """Wait for the first arrival."""
        self._await()

    def _await(self) -> None:
        time = next(self._times, None)
        if time is not None:
            self.callbacks = (self._arrived,)
            self._traffic.port.timeline.at(time, self)

    def _arrived(self, _event: object) -> None:
        job = self._idle.pop() if self._idle else Job(client=self._client)
        if self._traffic.submit(job, next(self._works), self._targets, self._after):
            self._await()

    def _after(self, job: Job) -> None:
        self._idle.append(job)
        self._traffic.count_end()


def _works(tenant: Tenant, seed: int, client: int) -> Iterator[Work]:
    """What the stream's requests are, one after the other."""
    choice = Choice(tenant, seed)
    if not tenant.trace:
        number = 0
        while True:
            yield choice.work(client, number)
            number += 1
    for number, arrival in enumerate(tenant.trace):
        kind = arrival.kind
        yield choice.work(client, number) if kind is None else work_of(kind)
