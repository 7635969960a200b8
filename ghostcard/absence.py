"""A card that is away for a time of the host's: a thread sleeps and puts it back."""

import os
from threading import Event, Thread

from ghostcard.emulator.sockets import Sockets

_NS_PER_S = 1_000_000_000


class Absence:
    """The card is put back after ``for_ns`` nanoseconds, or at `end`, if that comes first."""

    def __init__(self, sockets: Sockets, adapter: int, for_ns: int) -> None:
        self._sockets = sockets
        self._adapter = adapter
        self._for_ns = for_ns
        self._over = Event()
        self._process = os.getpid()
        self._thread = Thread(target=self._wait, name="ghostcard-absence", daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        self._over.wait(self._for_ns / _NS_PER_S)
        self._sockets.switch(self._adapter, True)

    def end(self) -> None:
        """Put the card back now."""
        if self._process == os.getpid():  # else the thread is the parent's
            self._over.set()
            self._thread.join()
