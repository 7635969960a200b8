"""The card: link in -> firmware cores -> engine pool -> reply builders -> link out, and the fast path of a lone request.

Every station serves first come first served, and a decision is taken when its time has come, so that a reset can take
away whatever still waits. Where order is kept on the way to a single server (both directions of the link; the reply
builder, if there is one) the end of service follows from the server's next free time at once, without an event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappush, heapreplace
from typing import TYPE_CHECKING, Any

from ghostcard.emulator.engine import EnginePool
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.job import (
    ARRIVED,
    BUILT,
    DECODED,
    ENQUEUED,
    FETCHED,
    FINISHED,
    REPLIED,
    STARTED,
    UNWRAPPED,
    Job,
)
from ghostcard.emulator.link import LinkDirection
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.queue import NEVER, CommandQueue, Interrupt
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.status import ADAPTER_MAX, MODE_FACILITY, hardware_info

if TYPE_CHECKING:
    from ghostcard.emulator.image import Image
    from ghostcard.emulator.timeline import Timeline

NORMAL_PRIORITY = 1  # simpy.events.NORMAL; SimPy stays off this module's import path
LONE_CACHE_MAX = 4096  # shapes of lone requests kept; beyond it the cache starts anew

Shape = tuple[str, int, int, int]
Offsets = tuple[int, int, int, int, int, int, int, int, int, int, int]


class Remnant:
    """What stays of a message that a reset took away in the middle of a service: it still holds its server."""

    __slots__ = ("_defused", "callbacks", "pool")
    _ok = True
    _value = None

    def __init__(self, job: Job, callbacks: Any) -> None:
        self.callbacks = callbacks
        self.pool = getattr(job, "pool", None)


class Card:
    """One adapter (AP sheet 1.1): its image, its domains' command queues, its stations.

    The card is also what its image sees of it (`image.Services`). `adapter` is 0..255, `domains` the APQIs it serves,
    each below the profile's number of domains; anything else raises `EmulatorError`. The image is booted at once.
    Without a timeline a card executes (`Bus.perform`) and prices lone requests (`lone`); time passes after `attach`.
    """

    def __init__(
        self,
        adapter: int,
        profile: Profile,
        image: Image,
        nvram: Nvram,
        random: RandomSource,
        domains: tuple[int, ...],
        function: str = "real",
    ) -> None:
        self.adapter = adapter
        self.profile = profile
        self.image = image
        self.nvram = nvram
        self.random = random
        self.domains = tuple(domains)
        self.function = function
        self._require_possible()
        self.configured = True
        self.checkstopped = False
        depth = profile.queue.depth
        self.queues = {domain: CommandQueue(self, domain, depth) for domain in self.domains}
        self._lone: dict[Shape, Offsets] = {}
        self._clear_stations()
        self._timeline: Timeline | None = None
        self.deliver_interrupt: Callable[[int], None] = _nobody_listens
        image.boot(self)

    def _require_possible(self) -> None:
        profile, image = self.profile, self.image
        if not 0 <= self.adapter <= ADAPTER_MAX:
            raise EmulatorError(f"adapter {self.adapter} is not one of 0..{ADAPTER_MAX}")
        if self.function not in ("real", "null"):
            raise EmulatorError(f"function {self.function!r} is neither 'real' nor 'null'")
        if image.mode != profile.mode:
            raise EmulatorError(
                f"profile {profile.name} is for mode {profile.mode}, the image is {image.mode}"
            )
        if not image.facilities & MODE_FACILITY[profile.mode]:
            raise EmulatorError(
                f"facility word {image.facilities:#010x} lacks the bit of mode {profile.mode}"
            )
        if not self.domains or len(set(self.domains)) != len(self.domains):
            raise EmulatorError(f"domains {self.domains} must be given, each once")
        for domain in self.domains:
            if not 0 <= domain < profile.queue.domains:
                raise EmulatorError(
                    f"domain {domain} is not one of 0..{profile.queue.domains - 1} "
                    f"(queue.domains of profile {profile.name})"
                )

    # What the card states about itself

    @property
    def hardware_info(self) -> int:
        """The 64-bit GR2 of TAPQ (AP sheet 1.4), the same on every queue of the card."""
        profile = self.profile
        return hardware_info(
            self.image.facilities,
            profile.hardware_type,
            profile.queue.domains,
            profile.queue.max_message_bytes,
            profile.queue.depth,
        )

    def configure(self, configured: bool) -> None:
        """Put the adapter into operation or into standby ("config off"), which loses what is in hardware."""
        self.configured = configured
        self._change_service()

    def checkstop(self, checkstopped: bool) -> None:
        """Let the adapter have a hardware error, or have it repaired; it loses what is in hardware."""
        self.checkstopped = checkstopped
        self._change_service()

    def _change_service(self) -> None:
        in_service = self.configured and not self.checkstopped
        for queue in self.queues.values():
            self.purge(queue)
            queue.available_from = 0 if in_service else NEVER

    # A lone request: arithmetic

    def lone(
        self,
        start_ns: int,
        operation: str,
        payload_bytes: int,
        request_bytes: int,
        reply_bytes: int,
    ) -> tuple[int, ...]:
        """The twelve times of a request submitted at `start_ns` to an idle card, its queue with interrupts on.

        Equal to the nanosecond to what the stations give, at a fraction of the cost.
        """
        shape = (operation, payload_bytes, request_bytes, reply_bytes)
        try:
            a, b, c, d, e, f, g, h, i, j, k = self._lone[shape]
        except KeyError:
            a, b, c, d, e, f, g, h, i, j, k = self._price(shape)
        s = start_ns
        return (s, s + a, s + b, s + c, s + d, s + e, s + f, s + g, s + h, s + i, s + j, s + k)

    def _price(self, shape: Shape) -> Offsets:
        operation, payload_bytes, request_bytes, reply_bytes = shape
        plan = self.image.plan(operation, payload_bytes)
        host = self.profile.host
        enqueued = host.submit_ns
        arrived = enqueued + self._link_in.times[request_bytes] + self._link_in.latency_ns
        decoded = arrived + plan.decode_ns
        unwrapped = decoded + plan.unwrap_ns
        finished = unwrapped + plan.engine_ns
        built = finished + plan.build_ns
        replied = built + self._link_out.times[reply_bytes] + self._link_out.latency_ns
        notified = replied + host.interrupt_ns
        done = notified + host.dequeue_ns
        offsets = (
            enqueued, arrived, arrived, decoded, unwrapped, unwrapped,
            finished, built, replied, notified, done,
        )  # fmt: skip
        if len(self._lone) >= LONE_CACHE_MAX:
            self._lone.clear()
        self._lone[shape] = offsets
        return offsets

    # Stations

    def attach(self, timeline: Timeline) -> None:
        """Let time pass on `timeline` from now on; every station is idle."""
        self._timeline = timeline
        self._heap = timeline.heap
        self._serial = timeline.serial
        self._clear_stations()

    def _clear_stations(self) -> None:
        profile = self.profile
        self._link_in = LinkDirection(profile.link)
        self._link_out = LinkDirection(profile.link)
        self._idle_cores = profile.firmware.cores
        self._awaiting_core: deque[Job] = deque()
        self.pools = {
            engine.name: EnginePool(engine.name, engine.count) for engine in profile.engines
        }
        self._builders_free = [0] * profile.firmware.reply_builders
        self._one_builder = profile.firmware.reply_builders == 1
        self._interrupt_ns = profile.host.interrupt_ns
        self._on_arrived = (self._arrived,)
        self._on_unwrapped = (self._unwrapped,)
        self._on_finished = (self._finished,)
        self._on_built = (self._built,)
        self._on_interrupt = (self._interrupt,)

    def accept(self, queue: CommandQueue, job: Job, now: int) -> None:
        """Take a message that NQAP has admitted; the card owns the job until DQAP hands it back."""
        job.queue = queue
        times = job.times
        times[ENQUEUED] = now
        times[ARRIVED] = arrived = self._link_in.send(now, job.request_bytes)
        job.callbacks = self._on_arrived
        heappush(self._heap, (arrived, NORMAL_PRIORITY, next(self._serial), job))

    def _arrived(self, job: Job) -> None:
        if self._idle_cores:
            self._idle_cores -= 1
            self._fetch(job)
        else:
            self._awaiting_core.append(job)

    def _fetch(self, job: Job) -> None:
        """A core takes the message: the image executes it (if it has bytes) and says what it costs."""
        times = job.times
        times[FETCHED] = now = self._timeline._now
        if job.block is not None:
            reply, job.operation, job.payload_bytes = self.image.perform(
                job.queue.domain, job.block
            )
            job.reply = reply
            job.reply_bytes = len(reply)
        job.plan = plan = self.image.plan(job.operation, job.payload_bytes)
        times[DECODED] = decoded = now + plan.decode_ns
        times[UNWRAPPED] = unwrapped = decoded + plan.unwrap_ns
        job.callbacks = self._on_unwrapped
        heappush(self._heap, (unwrapped, NORMAL_PRIORITY, next(self._serial), job))

    def _unwrapped(self, job: Job) -> None:
        self._free_core()
        plan = job.plan
        job.engine = engine = plan.engine
        if not engine:
            now = job.times[UNWRAPPED]
            job.times[STARTED] = job.times[FINISHED] = now
            self._build(job, now)
            return
        job.pool = pool = self.pools[engine]
        if pool.idle:
            pool.idle -= 1
            self._start(job, job.times[UNWRAPPED])
        else:
            pool.waiting.append(job)

    def _free_core(self, _remnant: object = None) -> None:
        if self._awaiting_core:
            self._fetch(self._awaiting_core.popleft())
        else:
            self._idle_cores += 1

    def _start(self, job: Job, now: int) -> None:
        times = job.times
        times[STARTED] = now
        times[FINISHED] = finished = now + job.plan.engine_ns
        job.callbacks = self._on_finished
        heappush(self._heap, (finished, NORMAL_PRIORITY, next(self._serial), job))

    def _finished(self, job: Job) -> None:
        now = job.times[FINISHED]
        pool = job.pool
        if pool.waiting:
            self._start(pool.waiting.popleft(), now)
        else:
            pool.idle += 1
        self._build(job, now)

    def _free_engine(self, remnant: Remnant) -> None:
        pool = remnant.pool
        assert pool is not None
        if pool.waiting:
            self._start(pool.waiting.popleft(), self._timeline._now)
        else:
            pool.idle += 1

    def _build(self, job: Job, now: int) -> None:
        free = self._builders_free
        start = free[0]
        if start < now:
            start = now
        job.times[BUILT] = built = start + job.plan.build_ns
        if self._one_builder:
            free[0] = built
            self._send(job, built)
        else:
            heapreplace(free, built)
            job.callbacks = self._on_built
            heappush(self._heap, (built, NORMAL_PRIORITY, next(self._serial), job))

    def _built(self, job: Job) -> None:
        self._send(job, job.times[BUILT])

    def _send(self, job: Job, built: int) -> None:
        """Put the reply on the link; from its last byte on DQAP finds it."""
        job.times[REPLIED] = replied = self._link_out.send(built, job.reply_bytes)
        queue = job.queue
        queue.replies.append(job)
        if queue.interrupts_from <= replied < queue.interrupts_until:
            now = self._timeline._now
            due = queue.interrupt_due
            if now < due and replied <= due:
                return  # the interrupt on its way will find this reply too
            queue.interrupt_due = due = replied + self._interrupt_ns
            queue.interrupt.callbacks = self._on_interrupt
            heappush(self._heap, (due, NORMAL_PRIORITY, next(self._serial), queue.interrupt))

    def _interrupt(self, event: Interrupt) -> None:
        event.callbacks = self._on_interrupt  # another one of this queue may be on the timeline
        queue = event.queue
        if queue.replies and queue.interrupts_enabled(self._timeline._now):
            self.deliver_interrupt(queue.qid)

    # Reset

    def purge(self, queue: CommandQueue) -> None:
        """Take every message of `queue` away. What waits is gone; a service in progress holds its server to its end
        and its result is dropped; a transfer NQAP has arranged is carried out and dropped on arrival."""
        queue.clear()
        self._awaiting_core = deque(job for job in self._awaiting_core if job.queue is not queue)
        for pool in self.pools.values():
            pool.waiting = deque(job for job in pool.waiting if job.queue is not queue)
        if self._timeline is not None:
            self._leave_remnants(queue)

    def _leave_remnants(self, queue: CommandQueue) -> None:
        """Replace each job in service by a remnant, in place: the host may send the very same job again."""
        remains = {
            self._on_arrived: (_drop,),
            self._on_unwrapped: (self._free_core,),
            self._on_finished: (self._free_engine,),
            self._on_built: (_drop,),
        }
        heap = self._heap
        for place, (time, priority, serial, event) in enumerate(heap):
            if isinstance(event, Job) and event.callbacks in remains and event.queue is queue:
                remnant = Remnant(event, remains[event.callbacks])
                heap[place] = (time, priority, serial, remnant)


def _drop(_remnant: object) -> None:
    """A message taken away by a reset arrives, or its reply is built, and nobody wants it."""


def _nobody_listens(_qid: int) -> None:
    """No host has registered for interrupts."""
