"""A captured process at work on a simulated port: SimPy's side of a replay."""

from __future__ import annotations

from collections import defaultdict

from ghostcard.benchmarks.capture.lines import Lines
from ghostcard.driver.errors import DriverError
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.emulator.job import Job


class Play:
    """All clients of one process, from the time of the port."""

    def __init__(self, port: SimulatedPort, lines: Lines) -> None:
        self._port = port
        self._agenda = port.timeline.agenda
        self._lines = lines
        self._next = dict.fromkeys(lines.of, 0)
        self._ended = bytearray(len(lines.requests))
        self._waiting: dict[int, list[int]] = defaultdict(list)
        self._jobs = {client: Job(client=client) for client in lines.of}
        self._current: dict[int, int] = {}
        self._done = self._over
        self._thought = (self._submit,)

    def run(self) -> None:
        """From the first request to the last; what waits for one that never came goes on then."""
        for client in sorted(self._lines.of):
            self._go_on(client)
        self._port.timeline.run()
        while self._waiting:
            first = min(self._waiting)
            for client in sorted(self._waiting.pop(first)):
                self._begin(client)
            self._port.timeline.run()

    def _go_on(self, client: int) -> None:
        line, place = self._lines.of[client], self._next[client]
        if place == len(line):
            return
        after = self._lines.follows[line[place]]
        if after >= 0 and not self._ended[after]:
            self._waiting[after].append(client)
        else:
            self._begin(client)

    def _begin(self, client: int) -> None:
        number = self._lines.of[client][self._next[client]]
        self._next[client] += 1
        self._current[client] = number
        job, gap_ns = self._jobs[client], self._lines.gaps[number]
        if gap_ns:
            job.callbacks = self._thought
            self._agenda.at(self._agenda.now + gap_ns, job)
        else:
            self._submit(job)

    def _submit(self, job: Job) -> None:
        work, outcome, targets = self._lines.requests[self._current[job.client]]
        job.operation, job.function, job.outcome = work.operation, work.function, outcome
        job.payload_bytes = work.payload_bytes
        job.request_bytes, job.reply_bytes = work.request_bytes, work.reply_bytes
        try:
            self._port.submit(job, targets, self._done)
        except DriverError as error:
            self._port.refuse(job, error)
            self._over(job)

    def _over(self, job: Job) -> None:
        client = job.client
        self._jobs[client] = job  # the driver may have let go of the one that it was given
        number = self._current[client]
        self._ended[number] = 1
        self._go_on(client)
        for other in sorted(self._waiting.pop(number, ())):
            self._begin(other)
