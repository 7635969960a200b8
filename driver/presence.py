"""That a thread is there: it is told when it has ended, which nobody else tells."""

from typing import Protocol


class Mortal(Protocol):
    """What a track knows a thread by."""

    gone: bool


class Presence:
    """Lies in a thread's local storage and tells, by going away, that the thread has ended."""

    __slots__ = ("_thread",)

    def __init__(self, thread: Mortal) -> None:
        self._thread = thread

    def __del__(self) -> None:
        self._thread.gone = True
