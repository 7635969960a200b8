"""A host that polls one queue in simulated time, by bursts, as a crypto-perf tool does.

It enqueues a burst, dequeues what is there up to a burst, and begins again, on one processor that
does nothing else: no interrupts, no driver between. Each NQAP takes `host.submit_ns`, each DQAP
`host.dequeue_ns`, whether the queue was full, or empty, or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.emulator.job import Job
from ghostcard.emulator.status import Q_FULL, RESPONSE_CODE_SHIFT
from ghostcard.emulator.timeline import Timeline
from ghostcard.machine import Machine

_CODE = 0xFF


class Polled(NamedTuple):
    """What came of it. Times are simulated nanoseconds."""

    enqueued: int
    dequeued: int
    failed_enqueues: int  # bursts that were not accepted whole
    failed_dequeues: int  # polls that found nothing
    retries: int  # requests that a full queue refused, each time
    answered_with_error: int
    elapsed_ns: int
    submit_ns: int  # of it in NQAPs that were accepted
    poll_ns: int  # in DQAPs that gave a reply
    payload_bytes: int  # of all operations
    latencies_ns: tuple[int, ...]  # from before the NQAP to after the DQAP, in order of NQAP


def polled(machine: Machine, qid: int, works: Iterator[Work], total: int, burst: int) -> Polled:
    """Run `total` operations on a queue of a machine that has done nothing yet."""
    return _Host(machine, qid, works, total, burst).run()


class _Host:
    def __init__(
        self, machine: Machine, qid: int, works: Iterator[Work], total: int, burst: int
    ) -> None:
        self._timeline = Timeline()
        self._bus = machine.bus
        self._bus.attach(self._timeline)
        card = machine.bus.cards[qid >> 8]
        self._queue = card.queues[qid & 0xFF]
        self._submit_ns, self._dequeue_ns = (
            card.profile.host.submit_ns,
            card.profile.host.dequeue_ns,
        )
        self._qid, self._works, self._total, self._burst = qid, works, total, burst
        self._now = 0
        self._waiting: Job | None = None  # refused, to be tried again
        self._enqueued = self._dequeued = self._retries = self._errors = self._bytes = 0
        self._failed_enqueues = self._failed_dequeues = 0
        self._latencies = [0] * total

    def run(self) -> Polled:
        """Until everything is dequeued."""
        while self._dequeued < self._total:
            accepted, found = self._enqueue(), self._dequeue()
            if not accepted and not found:
                self._skip()
        return Polled(
            self._enqueued, self._dequeued, self._failed_enqueues, self._failed_dequeues,
            self._retries, self._errors, self._now, self._enqueued * self._submit_ns,
            self._dequeued * self._dequeue_ns, self._bytes, tuple(self._latencies),
        )  # fmt: skip

    def _pass(self, time_ns: int) -> None:
        self._now += time_ns
        self._timeline.run(until=self._now)

    def _enqueue(self) -> int:
        """A burst; how many of it the queue took."""
        wanted = min(self._burst, self._total - self._enqueued)
        for accepted in range(wanted):
            job = self._waiting or self._job()
            job.submitted = self._now
            self._pass(self._submit_ns)
            if self._bus.nqap(self._qid, job) >> RESPONSE_CODE_SHIFT & _CODE == Q_FULL:
                self._waiting = job
                self._retries += 1
                self._failed_enqueues += 1
                return accepted
            self._waiting = None
            self._enqueued += 1
        return wanted

    def _job(self) -> Job:
        work = next(self._works)
        self._bytes += work.payload_bytes
        return Job(
            0, self._qid, work.function, work.operation, work.payload_bytes, work.request_bytes,
            work.reply_bytes, psmid=self._enqueued,
        )  # fmt: skip

    def _dequeue(self) -> int:
        """Up to a burst of replies; how many there were."""
        for found in range(self._burst):
            self._pass(self._dequeue_ns)
            _, job = self._bus.dqap(self._qid)
            if job is None:
                self._failed_dequeues += not found
                return found
            self._dequeued += 1
            self._errors += job.outcome != 0
            self._latencies[job.psmid] = self._now - job.submitted
        return self._burst

    def _skip(self) -> None:
        """Rounds in which nothing changes are counted, not gone through one by one."""
        heap, replies = self._timeline.agenda.heap, self._queue.replies
        times = [heap[0][0]] if heap else []
        times += [replies[0].replied] if replies else []
        ahead = min(times) - self._now
        is_full = self._enqueued < self._total
        round_ns = self._dequeue_ns + (self._submit_ns if is_full else 0)
        if not round_ns:
            self._pass(max(ahead, 0) + 1)
            return
        rounds = max(0, ahead // round_ns)
        self._failed_dequeues += rounds
        if is_full:
            self._failed_enqueues += rounds
            self._retries += rounds
        self._pass(rounds * round_ns)
