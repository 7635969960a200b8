"""A thread of a program in paced mode."""

from ghostcard.driver.caller import Caller
from ghostcard.driver.lonetrack import Request
from ghostcard.driver.sleepers import AWAKE

Kind = tuple[tuple[int, ...], int, int, int, bytes]
"""What a request looks like when it comes: targets, the queue that it is bound to or -1, function,
bytes, mechanism."""


class _Unwatched:
    """Nobody asks whether a thread sleeps: time goes on by itself."""

    runs = 0

    @property
    def inside(self) -> "_Unwatched":
        """See `Sleeper`."""
        return self

    def look(self) -> int:
        """See `Sleeper`."""
        return AWAKE

    def has_stirred(self) -> bool:
        """See `Sleeper`."""
        return True

    def close(self) -> None:
        """See `Sleeper`."""


_UNWATCHED = _Unwatched()


class PacedCaller(Caller):
    """A thread that calls. ``arrived_ns`` and ``done_ns`` are of its last request, on the cards'
    clock; it is ``over`` when simulated time has come to the latter. ``expected`` is what it was
    taken for when it came; ``offsets`` the times of such a request on an idle card.
    """

    __slots__ = ("arrived_ns", "done_ns", "expected", "kind", "offsets", "over", "thought_ns")

    def __init__(self, thread: int, number: int) -> None:
        super().__init__(thread, _UNWATCHED)
        self.number = number
        self.kind: Kind | None = None
        self.expected: Request | None = None
        self.offsets: tuple[int, ...] = ()
        self.arrived_ns = self.done_ns = self.thought_ns = 0
        self.over = True
