"""What an asynchronous call leaves behind: requests under way in simulated time.

What one call asked of the cards follows each other; the ticket is over when the last request is
done. It travels on a *lane*, the number of a client in the records: the thread's own where that is
free, so that one thread with N tickets leaves the records of N clients.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.driver.caller import Caller
    from ghostcard.driver.lonetrack import Request


class Ticket:
    """One asynchronous call; `NativePort.begin` gives it, and nobody else needs to look inside."""

    __slots__ = ("abandoned", "lane", "line", "over_as", "owner", "reported", "waiters")

    def __init__(self, owner: "Caller", requests: "deque[Request]") -> None:
        self.owner = owner
        self.line = requests
        self.lane = -1
        self.over_as = -1 if requests else 0  # its place in the order of completions
        self.abandoned = False
        self.reported = False
        self.waiters: list[Caller] = []

    @property
    def is_over(self) -> bool:
        """Whether all its requests are done, at the time that simulated time has come to."""
        return self.over_as >= 0

    def take_lane(self, own: int, fresh: Callable[[], int]) -> int:
        """The least free number of its owner, whose first is ``own``; or a ``fresh`` one."""
        lanes = self.owner.lanes
        if lanes is None:
            lanes = self.owner.lanes = [own]
        self.lane = heappop(lanes) if lanes else fresh()
        return self.lane

    def free_lane(self) -> None:
        """Others may travel on its lane."""
        if self.owner.lanes is not None and self.lane >= 0:
            heappush(self.owner.lanes, self.lane)
            self.lane = -1
