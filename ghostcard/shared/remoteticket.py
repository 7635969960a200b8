"""A program's end of a ticket, whose requests are the server's business."""

from collections import deque


class RemoteTicket:
    """One asynchronous call on a shared card; ``number`` 0: it made no requests, or they are over.
    ``forgotten`` takes its number when nobody has it any more.
    """

    __slots__ = ("_forgotten", "is_over", "number")

    def __init__(self, number: int, forgotten: deque[int]) -> None:
        self.number = number
        self.is_over = not number
        """Whether this process has been told that all its requests are done."""
        self._forgotten = forgotten

    def __del__(self) -> None:
        if self.number:
            self._forgotten.append(self.number)
