"""What a card and its firmware image promise each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, runtime_checkable

from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.randomness import RandomSource

if TYPE_CHECKING:
    from ghostcard.emulator.job import Job


class Line(Protocol):
    """Jobs that wait for a server; `popleft` says whose turn it is. A `deque` is one: FIFO.

    A job is in a line at most once. Its domain is `job.queue.domain`; `job.cost_ns` is what its
    service is expected to take. Nothing else of it may decide, as blocks are opened by cores.
    Before engines, a line may hand over several at once: the first, with all in its `batch`.
    """

    def append(self, job: Job, /) -> None:
        """A job joins."""
        ...

    def popleft(self) -> Job:
        """Take the job whose turn it is; the stations ask only a line that is not empty."""
        ...

    def remove(self, job: Job, /) -> None:
        """Take a job that a reset has taken away out of the line."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Job]: ...


NOT_PERFORMED: Final = -1
"""The answer to a whole operation that an image leaves to requests."""

Scheduler = Callable[[str], Line]
"""Name of a station ("cores", or an engine pool's) -> the line before it, empty."""


class Plan(NamedTuple):
    """What one request costs on the card, in nanoseconds.

    A firmware core is held for `decode_ns + unwrap_ns`, one engine of the pool `engine` for
    `engine_ns`, a reply builder for `build_ns`. `engine` is the name of a pool of the profile, or
    "" for a request that needs no engine (then `engine_ns` is 0).
    """

    decode_ns: int
    unwrap_ns: int
    engine: str
    engine_ns: int
    build_ns: int


class Services(Protocol):
    """What a card sells to the image that runs on it. `Card` is the implementation."""

    @property
    def profile(self) -> Profile: ...

    @property
    def nvram(self) -> Nvram: ...

    @property
    def random(self) -> RandomSource: ...

    @property
    def function(self) -> str:
        """`real`: requests are executed; `null`: answered at the right size, no cryptography."""
        ...

    @property
    def domains(self) -> tuple[int, ...]:
        """The domains (APQIs) this card serves."""
        ...

    def change(self, key: str, value: int) -> int:
        """Change a figure of `profile`, which is then another object; returns what it was.

        ProfileError for a figure that cannot change, or a value that it cannot have.
        """
        ...


class Image(Protocol):
    """A firmware image: answers request blocks and prices them; it knows nothing of time."""

    @property
    def mode(self) -> str:
        """`ep11`, `accelerator`, `cca` or `timing`; equals the profile's mode."""
        ...

    @property
    def facilities(self) -> int:
        """The 32-bit function facility word (AP sheet 1.4)."""
        ...

    def boot(self, services: Services) -> None:
        """Called once, when the card is built."""
        ...

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """Answer a block: (reply block, operation, payload bytes). Never raises; thread-safe."""
        ...

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """The cost of one request; the same arguments give the same plan."""
        ...

    def zeroize(self, domain: int) -> None:
        """Forget the secrets of one domain (ZAPQ, AP sheet 1.2)."""
        ...


@runtime_checkable
class SchedulingImage(Protocol):
    """An image that also says who is served next; one that does not leaves it at FIFO."""

    def scheduler(self) -> Scheduler | None:
        """What makes the lines of the card's stations; None: first come, first served."""
        ...


@runtime_checkable
class DestructibleImage(Protocol):
    """An image with secrets that outlive a reset, and that tampering destroys."""

    def destroy(self, domain: int) -> None:
        """Destroy the secrets of one domain, those in NVRAM too; requests find it without any."""
        ...


@runtime_checkable
class WholeImage(Protocol):
    """An image that also does whole operations, with more data than a message holds and without a
    message: for the function track of native hosts, whose timing track has the messages.
    """

    def perform_whole(
        self,
        domain: int,
        function: int,
        mechanism: bytes,
        key: bytes,
        data: memoryview,
        out: memoryview,
    ) -> int:
        """Do what a verb does: the bytes written to `out`, which does not overlap `data`; neither
        is kept. Thread-safe; never raises.

        NOT_PERFORMED, whatever the reason: then the same is asked in requests, which tell it.
        """
        ...
