"""What an asynchronous call leaves behind: requests under way in simulated time.

What one call asked of the cards follows each other; the ticket is over when the last request is
done. It travels on a *lane*, the number of a client in the records: the thread's own where that is
free, so that one thread with N tickets leaves the records of N clients.
"""

from collections import deque
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
