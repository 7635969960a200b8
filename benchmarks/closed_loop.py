"""Simulated clients in a closed loop: each submits its next request when it has the last reply.

A request is an operation and sizes (`sized`, the function track off) or a block that the card
executes (`rendered`, on a machine with function real or null). The records are the same. A client
that has several kinds of work draws the next from a generator of its own, seeded by (seed, client),
so that it asks for the same things in the same order whatever the others do.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ghostcard.driver.native import NativePort
from ghostcard.driver.shapes import renderer, shape
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.emulator.agenda import Callbacks
from ghostcard.emulator.job import Job
from ghostcard.emulator.queue import NEVER
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine


class Work(NamedTuple):
    """One kind of request: what it is and how long its messages are, or how its block is made."""

    operation: str
    payload_bytes: int
    function: int
    request_bytes: int
    reply_bytes: int
    render: Callable[[int], bytes] | None = None


def sized(operation: str, payload_bytes: int, mode: str = "") -> Work:
    """Requests of an operation without their bytes, to cards of a mode (`driver.shapes.shape`);
    DriverError EINVAL for what cannot be asked.
    """
    return Work(operation, payload_bytes, *shape(operation, payload_bytes, mode))


def rendered(
    machine: Machine, targets: tuple[int, ...], operation: str, payload_bytes: int
) -> Work:
    """The same requests as blocks; keys and the like are made on the machine, outside its time."""
    aside = NativePort(machine.bus, Recorder(capacity=0))
    mode = machine.bus.cards[targets[0] >> 8].profile.mode
    _, render = renderer(operation, payload_bytes, aside, targets, mode)
    blocks = {qid & 0xFF: render(qid & 0xFF) for qid in targets}
    return sized(operation, payload_bytes, mode)._replace(render=blocks.__getitem__)


class ClosedLoop:
    """``clients`` clients on one port, with ``think_ns`` between a reply and the next request.

    They begin together, in order of their number, at the time of the port's timeline. Each sends
    ``requests`` requests, or goes on for ``duration_ns``, or whichever ends first.
    """

    def __init__(
        self,
        port: SimulatedPort,
        targets: tuple[int, ...],
        work: Sequence[Work],
        clients: int = 1,
        requests: int | None = None,
        duration_ns: int | None = None,
        think_ns: int = 0,
        seed: int = 0,
    ) -> None:
        if not work or clients < 1 or think_ns < 0:
            raise ValueError("a closed loop needs work, a client, and no negative think time")
        if requests is None and duration_ns is None:
            raise ValueError("say when to end: requests for each client, or a duration")
        self._port = port
        self._targets = targets
        self._work = tuple(work)
        self._one_work = len(work) == 1
        self._requests = NEVER if requests is None else requests
        start = port.timeline.now
        self._end_ns = NEVER if duration_ns is None else start + duration_ns
        self._agenda = port.timeline.agenda
        self._think_ns = think_ns
        self._on_done: Callable[[Job], None] = self._think if think_ns else self._next
        self._after_thought: Callbacks = (self._next,)
        self._clients = [_Client(number, seed) for number in range(clients)]

    def start(self) -> None:
        """Submit every client's first request; the timeline does the rest."""
        for client in self._clients:
            self._next(client.job)

    def run(self) -> None:
        """Start, and run the timeline until every client has ended."""
        self.start()
        self._port.timeline.run()

    def _next(self, job: Job) -> None:
        client = self._clients[job.client]
        if client.sent >= self._requests or self._agenda.now >= self._end_ns:
            return
        client.sent += 1
        work = self._work[0] if self._one_work else client.random.choice(self._work)
        if work is not client.work:  # what a job says stays as it is when it goes again
            client.take(work, job)
        job.outcome = 0
        self._port.submit(job, self._targets, self._on_done, work.render)

    def _think(self, job: Job) -> None:
        job.callbacks = self._after_thought  # the job is its own event
        self._agenda.at(self._agenda.now + self._think_ns, job)


class _Client:
    __slots__ = ("job", "random", "sent", "work")

    def __init__(self, number: int, seed: int) -> None:
        self.job = Job(client=number)
        self.random = random.Random(seed << 32 | number)
        self.sent = 0
        self.work: Work | None = None

    def take(self, work: Work, job: Job) -> None:
        """Have the job ask for this from now on."""
        self.work = work
        job.function = work.function
        if work.render is None:
            job.operation = work.operation
            job.payload_bytes = work.payload_bytes
            job.request_bytes = work.request_bytes
            job.reply_bytes = work.reply_bytes
