"""A card as data: link, queues, cores, engine pools, host costs. TOML in, named tuples out.

Times are whole nanoseconds, sizes bytes; the unit is in the key. Every figure of the file is
`{ value = .., source = ".." }` and keeps its source in `Profile.sources`.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from ghostcard.emulator.errors import ProfileError

if TYPE_CHECKING:
    from ghostcard.emulator.variates import Sampler

FOLDER = os.path.join(os.path.dirname(__file__), "profiles")


class LinkProfile(NamedTuple):
    """One direction of the link between host and card."""

    latency_ns: int  # propagation: delays a message, holds nothing
    bytes_per_us: int  # bandwidth
    packet_bytes: int  # a message travels in packets of at most this size
    packet_overhead_ns: int  # per packet


class QueueProfile(NamedTuple):
    """The command queue of each APQN."""

    depth: int  # messages in hardware, 1..16
    domains: int  # domains of the adapter, 1..256
    max_message_bytes: int  # a multiple of 4096, at most 15 of them
    reset_ns: int  # how long RAPQ and ZAPQ take
    interrupt_enable_ns: int  # how long AQIC takes


class FirmwareProfile(NamedTuple):
    """The cores that run the image. One is held for decode and unwrap."""

    cores: int
    decode_ns: int  # fetch and decode a block
    decode_per_kib_ns: int  # the same, per KiB of payload
    unwrap_ns: int  # unwrap one key blob
    build_ns: int  # build the reply block
    reply_builders: int
    scheduler: str = "fifo"  # a policy of firmware/scheduling.py
    priorities: tuple[tuple[int, int], ...] = ()  # (domain, class) of "priority"; 0 goes first
    weights: tuple[tuple[int, int], ...] = ()  # (domain, weight) of "shares"; 1 where not stated

    def decode_time_ns(self, payload_bytes: int) -> int:
        """Fetch and decode a block with so much payload, rounded to the nearest nanosecond."""
        return self.decode_ns + (self.decode_per_kib_ns * payload_bytes + 512 >> 10)


class HostProfile(NamedTuple):
    """What the host's side of a request costs."""

    submit_ns: int  # from the call to NQAP
    dequeue_ns: int  # from the notification to the caller
    interrupt_ns: int  # from the reply in host memory to the interrupt handler
    poll_ns: int  # period of the fast poll timer, used where interrupts are off
    coalesce_count: int = 1  # replies of a queue for which one interrupt is raised,
    coalesce_ns: int = 0  # or for those of so long a time after the first of them

    @property
    def lone_notify_ns(self) -> int:
        """From a lone reply in host memory to the interrupt handler."""
        return self.interrupt_ns + (self.coalesce_ns if self.coalesce_count > 1 else 0)


class BatchProfile(NamedTuple):
    """One start of an engine for several small requests of a queue (`[engines.NAME.batch]`)."""

    most: int  # a batch is closed when it has so many requests (`count` in the file),
    wait_ns: int  # or so long after its first
    start_ns: int  # what a start takes, before the first request of a batch
    max_bytes: int  # payload of a small request; a larger one is a batch of its own at once

    def gathers(self, payload_bytes: int) -> bool:
        """Whether a request with so much payload waits for others."""
        return self.most > 1 and payload_bytes <= self.max_bytes


class EngineProfile(NamedTuple):
    """A pool of `size` identical engines (`count` in the file)."""

    name: str
    size: int
    batch: BatchProfile | None = None


class Distribution(NamedTuple):
    """How the service times of an operation spread around their mean (`variates`)."""

    kind: str = "constant"  # or "exponential", "uniform", "empirical"
    spread_permille: int = 0  # of "uniform": mean * (1 +- spread / 1000)
    permille: tuple[int, ...] = ()  # of "empirical": thousandths of the mean,
    weights: tuple[int, ...] = ()  # and how often each occurs

    def sampler(self) -> "Sampler | None":
        """The function that draws a service time; None if it is always the mean."""
        if self.kind == "constant":
            return None
        from ghostcard.emulator import variates

        if self.kind == "exponential":
            return variates.exponential
        if self.kind == "uniform":
            return variates.uniform(self.spread_permille)
        return variates.empirical(self.permille, self.weights)


class MemoryProfile(NamedTuple):
    """What requests occupy between the fetch by a core and the end of their engine service."""

    contexts: int  # requests at a time
    bytes: int  # of their request blocks


CONSTANT = Distribution()


class Operation(NamedTuple):
    """Which engine serves an operation ("": none, the cores are enough) and for how long."""

    engine: str
    fixed_ns: int
    per_kib_ns: int
    distribution: Distribution = CONSTANT

    def service_ns(self, payload_bytes: int) -> int:
        """The (mean) time one engine is held, rounded to the nearest nanosecond."""
        return self.fixed_ns + (self.per_kib_ns * payload_bytes + 512 >> 10)


class Profile(NamedTuple):
    """A card. `operations` maps each operation's name to the engine that serves it.

    `sources` maps the dotted name of each figure of the file to where it comes from.
    """

    name: str
    description: str
    mode: str  # ep11, accelerator, cca, or timing: a device that is no AP adapter
    hardware_type: int  # 10 (CEX4) .. 14 (CEX8), AP sheet 2
    scale_us_per_unit: float  # microseconds at saturation per unit of a speed rating
    link: LinkProfile
    queue: QueueProfile
    firmware: FirmwareProfile
    host: HostProfile
    engines: tuple[EngineProfile, ...]
    operations: dict[str, Operation]
    sources: dict[str, str]
    link_out: LinkProfile | None = None  # from card to host; None: as `link`
    memory: MemoryProfile | None = None  # None: never short of it

    @property
    def reply_link(self) -> LinkProfile:
        """The direction from card to host."""
        return self.link_out or self.link

    def batch_wait_ns(self, engine: str, payload_bytes: int) -> int:
        """How long a lone request waits for others to share an engine's start."""
        for pool in self.engines:
            if pool.name == engine and pool.batch and pool.batch.gathers(payload_bytes):
                return pool.batch.wait_ns
        return 0

    def batch_start_ns(self, engine: str) -> int:
        """What the start of one of a pool's engines takes."""
        return next((p.batch.start_ns for p in self.engines if p.name == engine and p.batch), 0)

    def beyond_fifo(self) -> str | None:
        """What the profile asks of a card besides constant times and first come, first served."""
        if self.firmware.scheduler != "fifo":
            return f"scheduler {self.firmware.scheduler}"
        if any(pool.batch for pool in self.engines):
            return "batches"
        if self.memory is not None:
            return "bounded memory"
        if self.host.coalesce_count > 1:
            return "coalesced interrupts"
        kinds = {operation.distribution.kind for operation in self.operations.values()}
        return next((f"{kind} service times" for kind in sorted(kinds - {"constant"})), None)


def names() -> list[str]:
    """The profiles that come with Ghostcard, sorted."""
    return [name for name in bases() if not name.startswith("_")]


def bases() -> list[str]:
    """What a profile may extend by name, sorted: the profiles, and pure bases (`_NAME`)."""
    return sorted(name[:-5] for name in os.listdir(FOLDER) if name.endswith(".toml"))


def profile_paths() -> list[str]:
    """The files of the profiles and bases that come with Ghostcard."""
    return [os.path.join(FOLDER, f"{name}.toml") for name in bases()]


def load(name_or_path: str) -> Profile:
    """The profile of that name, or in that TOML file (anything with a `/` or ending in `.toml`).

    `ProfileError` says which key is wrong, what it has and what it accepts.
    """
    from ghostcard.emulator.extension import document
    from ghostcard.emulator.profile_reader import read_profile

    name, path = _locate(name_or_path)
    return read_profile(name, document(path))


def is_path(name_or_path: str) -> bool:
    """Whether this is the path of a TOML file, not the name of a profile that comes along."""
    return "/" in name_or_path or name_or_path.endswith(".toml")


def _locate(name_or_path: str) -> tuple[str, str]:
    if is_path(name_or_path):
        return os.path.basename(name_or_path).removesuffix(".toml"), name_or_path
    if name_or_path not in names():
        raise ProfileError(
            f"there is no profile {name_or_path!r}; there are {', '.join(names())}, or give a path"
        )
    return name_or_path, os.path.join(FOLDER, f"{name_or_path}.toml")
