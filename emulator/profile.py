"""A card as data: link, queues, cores, engine pools, host costs. TOML in, named tuples out.

Times are whole nanoseconds, sizes bytes; the unit is in the key. Every figure of the file is
`{ value = .., source = ".." }` and keeps its source in `Profile.sources`.
"""

import os
from typing import NamedTuple

from ghostcard.emulator.errors import ProfileError

FOLDER = os.path.join(os.path.dirname(__file__), "profiles")


class LinkProfile(NamedTuple):
    """One direction of the link between host and card; both are alike."""

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

    def decode_time_ns(self, payload_bytes: int) -> int:
        """Fetch and decode a block with so much payload, rounded to the nearest nanosecond."""
        return self.decode_ns + (self.decode_per_kib_ns * payload_bytes + 512 >> 10)


class HostProfile(NamedTuple):
    """What the host's side of a request costs."""

    submit_ns: int  # from the call to NQAP
    dequeue_ns: int  # from the notification to the caller
    interrupt_ns: int  # from the reply in host memory to the interrupt handler
    poll_ns: int  # period of the fast poll timer, used where interrupts are off


class EngineProfile(NamedTuple):
    """A pool of `size` identical engines (`count` in the file)."""

    name: str
    size: int


class Operation(NamedTuple):
    """Which engine serves an operation ("": none, the cores are enough) and for how long."""

    engine: str
    fixed_ns: int
    per_kib_ns: int

    def service_ns(self, payload_bytes: int) -> int:
        """The time one engine is held, rounded to the nearest nanosecond."""
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
