"""Scheduling policies: whose turn it is before the cores and before each pool of engines.

Each is an `emulator.image.Line`, small and without time. `scheduler` makes them as a profile asks
(`[firmware] scheduler = ".."`); an image of one's own returns any other from its `scheduler`
(docs/firmware.md). FIFO needs no class: it is a `deque`. None of them interrupts a service.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import chain

from ghostcard.emulator.image import Line, Scheduler
from ghostcard.emulator.job import Job
from ghostcard.emulator.profile import FirmwareProfile

_SHARE = 1 << 32  # virtual time of one unit of cost at weight 1; whole numbers, so that it is exact


class RoundRobin:
    """One job of each domain that has any, in turn; first come, first served within a domain.

    A domain that had none joins behind those that wait.
    """

    def __init__(self) -> None:
        self._lines: dict[int, deque[Job]] = {}  # in order of turn; none is empty

    def append(self, job: Job) -> None:
        """A job joins the line of its domain."""
        self._lines.setdefault(job.queue.domain, deque()).append(job)

    def popleft(self) -> Job:
        """The oldest job of the domain whose turn it is."""
        domain, line = next(iter(self._lines.items()))
        job = line.popleft()
        del self._lines[domain]
        if line:
            self._lines[domain] = line
        return job

    def remove(self, job: Job) -> None:
        """Take a job out; ValueError if it is not there."""
        line = self._lines.get(job.queue.domain, deque())
        if job not in line:
            raise ValueError("the job is not in this line")
        line.remove(job)
        if not line:
            del self._lines[job.queue.domain]

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[Job]:
        return chain.from_iterable(self._lines.values())


class _Ordered:
    """Jobs in order of a key, and of arrival where keys are equal."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Job]] = []
        self._arrivals = 0

    def _put(self, key: int, job: Job) -> None:
        heappush(self._heap, (key, self._arrivals, job))
        self._arrivals += 1

    def remove(self, job: Job) -> None:
        """Take a job out; ValueError if it is not there."""
        left = [entry for entry in self._heap if entry[2] is not job]
        if len(left) == len(self._heap):
            raise ValueError("the job is not in this line")
        self._heap = left
        heapify(left)

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Job]:
        return (job for _, _, job in sorted(self._heap, key=lambda entry: entry[:2]))


class Priority(_Ordered):
    """The lowest class first, by domain (0 where none is stated); FIFO within a class."""

    def __init__(self, classes: Mapping[int, int]) -> None:
        super().__init__()
        self._classes = classes

    def append(self, job: Job) -> None:
        """A job joins its class."""
        self._put(self._classes.get(job.queue.domain, 0), job)

    def popleft(self) -> Job:
        """The oldest job of the lowest class there is."""
        return heappop(self._heap)[2]


class Shares(_Ordered):
    """Service in proportion to the domains' weights (1 where none is stated) while all have work.

    Self-clocked fair queueing: a job finishes, in virtual time, its cost / weight after the one
    before it of its domain, or after the job last taken if that is later; the least goes first.
    What a domain does not use goes to the others, and is not owed to it later.
    """

    def __init__(self, weights: Mapping[int, int]) -> None:
        super().__init__()
        self._weights = weights
        self._virtual = 0
        self._last: dict[int, int] = {}

    def append(self, job: Job) -> None:
        """A job joins behind what its domain has had of its share."""
        domain = job.queue.domain
        begins = max(self._virtual, self._last.get(domain, 0))
        ends = begins + job.cost_ns * _SHARE // self._weights.get(domain, 1)
        self._last[domain] = ends
        self._put(ends, job)

    def popleft(self) -> Job:
        """The job that finishes first in virtual time."""
        self._virtual, _, job = heappop(self._heap)
        return job


def scheduler(firmware: FirmwareProfile) -> Scheduler:
    """The maker of lines that a profile asks for; each station gets a line of its own."""
    policies: dict[str, Callable[[], Line]] = {
        "fifo": deque,
        "round-robin": RoundRobin,
        "priority": lambda: Priority(dict(firmware.priorities)),
        "shares": lambda: Shares(dict(firmware.weights)),
    }
    make = policies[firmware.scheduler]
    return lambda station: make()
