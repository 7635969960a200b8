"""A thread of a program as a client of the strict order."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.driver.gate import Client
from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.driver.deadline import Deadline
    from ghostcard.driver.lonetrack import Request
    from ghostcard.driver.sleepers import Sleeper
    from ghostcard.driver.ticket import Ticket


class Caller(Client):
    """A thread that calls."""

    __slots__ = (
        "awaited",
        "deadline",
        "done",
        "found",
        "job",
        "lanes",
        "more",
        "request",
        "slept_ns",
        "token",
    )

    def __init__(self, thread: int, sleeper: "Sleeper") -> None:
        super().__init__(thread, sleeper, self.wake)
        self.token = threading.Lock()
        self.token.acquire()
        self.job = Job()
        self.request: Request | None = None
        self.done: Callable[[Job], None]
        self.lanes: list[int] | None = None  # free; None before the first ticket
        self.more: list[int] = []  # numbers of its lanes, besides its own
        self.awaited: tuple[Ticket, ...] = ()
        self.slept_ns = 0  # of the time before its next request, what has passed already
        self.found: Ticket | None = None
        self.deadline: Deadline | None = None

    @property
    def numbers(self) -> list[int]:
        """What records call it by, so far."""
        return [self.number, *self.more]

    def wake(self) -> None:
        """Let it look whether it may go on; with the gate's lock held."""
        if self.token.locked():
            self.token.release()
