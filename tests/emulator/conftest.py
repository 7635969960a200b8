"""A card whose image does what the test says, and a host without costs of its own."""

from collections import deque
from collections.abc import Callable, Sequence

import pytest
from hypothesis import settings

from ghostcard.emulator.bus import Bus
from ghostcard.emulator.card import Card
from ghostcard.emulator.image import Plan, Services
from ghostcard.emulator.job import Job
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import EngineProfile, Profile, load
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.status import response_code
from ghostcard.emulator.timeline import Timeline

# A time limit per example would measure the machine the tests run on.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class ScriptedImage:
    """Prices a request by its payload: `plans[payload_bytes]`.

    A block is the payload, big-endian in four bytes, then the length of its reply in two.
    """

    mode = "ep11"
    facilities = 0x06800000

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = plans
        self.performed: list[tuple[int, bytes]] = []
        self.zeroized: list[int] = []
        self.services: Services | None = None

    def boot(self, services: Services) -> None:
        self.services = services

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        self.performed.append((domain, block))
        reply = bytes(int.from_bytes(block[4:6], "big"))
        return reply, "scripted", int.from_bytes(block[:4], "big")

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        return self.plans[payload_bytes]

    def zeroize(self, domain: int) -> None:
        self.zeroized.append(domain)


def block_of(plan: int, request_bytes: int, reply_bytes: int) -> bytes:
    """The block by which ScriptedImage performs `plans[plan]`."""
    head = plan.to_bytes(4, "big") + reply_bytes.to_bytes(2, "big")
    return head.ljust(request_bytes, b"\0")


class Rig:
    """One card on a bus, its queues' interrupts on, and a host that costs nothing.

    The host keeps what a queue does not take in a line of that queue, and dequeues every reply at
    the interrupt. `done` holds the jobs in that order.
    """

    def __init__(
        self, profile: Profile, plans: Sequence[Plan], domains: tuple[int, ...] = (0,)
    ) -> None:
        self.timeline = Timeline()
        self.bus = Bus(self.timeline)
        self.image = ScriptedImage(plans)
        self.card = Card(0, profile, self.image, Nvram(), RandomSource(1), domains)
        self.bus.plug(self.card)
        self.bus.on_interrupt(self._dequeue)
        for domain in domains:
            self.bus.aqic(domain, True)
        self.lines: dict[int, deque[Job]] = {domain: deque() for domain in domains}
        self.done: list[Job] = []
        self.on_done: Callable[[Job], None] = self.done.append

    def submit_at(self, time_ns: int, job: Job) -> None:
        """Have the host submit `job` at that time."""
        job.callbacks = (self.submit,)
        self.timeline.agenda.at(time_ns, job)

    def submit(self, job: Job) -> None:
        """Submit now."""
        job.submitted = self.timeline.now
        self.lines[job.qid].append(job)
        self._enqueue(job.qid)

    def _enqueue(self, qid: int) -> None:
        line = self.lines[qid]
        while line and response_code(self.bus.nqap(qid, line[0])) == 0:
            line.popleft()

    def _dequeue(self, qid: int) -> None:
        while True:
            _, job = self.bus.dqap(qid)
            if job is None:
                return
            job.notified = job.done = self.timeline.now
            self._enqueue(qid)
            self.on_done(job)


def free_profile(
    engines: dict[str, int] | None = None,
    cores: int = 1,
    builders: int = 1,
    depth: int = 1 << 30,
) -> Profile:
    """The `null` profile with these pools and numbers of servers; by default no queue is full."""
    null = load("null")
    pools = tuple(EngineProfile(name, size) for name, size in (engines or {"pool": 1}).items())
    return null._replace(
        engines=pools,
        queue=null.queue._replace(depth=depth),
        firmware=null.firmware._replace(cores=cores, reply_builders=builders),
    )


@pytest.fixture(scope="session")
def rig() -> type[Rig]:
    """The class `Rig`, for tests that build several."""
    return Rig


@pytest.fixture(scope="session")
def profile() -> Callable[..., Profile]:
    """`free_profile`."""
    return free_profile


@pytest.fixture(scope="session")
def block() -> Callable[[int, int, int], bytes]:
    """`block_of`."""
    return block_of
