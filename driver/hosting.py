"""What a native port does for the server of a shared card, whose threads call for those of others.

A program's calls are attempts of its own (`NativePort.attempt`); of an asynchronous one the
requests come one at a time, so they are collected before their time passes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ghostcard.driver.timing import GRACE_S, STRICT, Timing

if TYPE_CHECKING:
    from ghostcard.driver.asynctrack import AsyncTrack
    from ghostcard.driver.lonetrack import Request
    from ghostcard.driver.pacedasync import PacedAsyncTrack
    from ghostcard.driver.port import Result
    from ghostcard.driver.sleepers import Probe
    from ghostcard.driver.ticket import Ticket
    from ghostcard.driver.timingtrack import TimingTrack
    from ghostcard.emulator.record import Recorder


class Identity(Protocol):
    """A thread in the records."""

    @property
    def numbers(self) -> Sequence[int]:
        """What they call it by so far; -1 is nobody."""
        ...


class Hosting(ABC):
    """The part of a port that a server asks; it is by the virtual clock."""

    _recorder: "Recorder"
    _timing: Timing
    _behind: "TimingTrack | None"
    _gated: "AsyncTrack | None"
    _track: "TimingTrack | AsyncTrack | PacedAsyncTrack | None"
    _peers: "Probe | None" = None  # whose threads call, if they are not this process's
    _grace_s = GRACE_S

    def serve(self, peers: "Probe", timing: Timing, grace_s: float) -> None:
        """Threads of this process will call for those of others, which ``peers`` sees, in this
        order; before any call.
        """
        self._peers, self._timing, self._grace_s = peers, timing, grace_s
        self._behind = self._gated = None
        if self._recorder.keeps:
            self._start_track(timing.order == STRICT)
        if self._behind is not None:
            self._behind.announced = timing.clients

    def identity(self) -> Identity | None:
        """Who the calling thread is in the records, which may call it by more numbers as time goes
        on; None before it is known, and where no records are kept.
        """
        timed = self._gated or self._behind
        return timed.identity() if timed else None

    def catch_up(self, take: Callable[[], bytes]) -> bytes:
        """Bring the records up to date as far as the threads allow, and take them."""
        timed = self._gated or self._behind
        return timed.catch_up(take) if timed else take()

    @property
    def now_ns(self) -> int:
        """The simulated time that the accounting has come to."""
        timed = self._gated or self._behind
        return timed.now_ns if timed else 0

    def collect(self, action: "Callable[[], Result]") -> "tuple[Result, list[Request]]":
        """Perform ``action`` at once; the requests that it made, for `dispatch`."""
        return self._strictly().collect(action)

    def dispatch(self, requests: "Sequence[Request]") -> "Ticket":
        """Have requests of `collect` under way, one after the other."""
        return self._strictly().dispatch(requests)

    def discard(self, tickets: "Sequence[Ticket]") -> None:
        """Abandon them for a thread that has gone."""
        if self._gated is not None:
            self._gated.discard(tickets)

    @abstractmethod
    def _start_track(self, is_strict: bool) -> None:
        """Begin to account, in the strict order or behind."""

    @abstractmethod
    def _strictly(self) -> "AsyncTrack":
        """The strict order; it begins here if there was another, or none."""
