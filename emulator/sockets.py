"""Which adapters are in operation, and which queues online: a file that all processes share.

An adapter's counter goes up when it is taken out of operation ("config off") and when it comes
back: odd, it is away; two more than before, it was away meanwhile. One counter goes up with each of
them, so that looking for changes costs a memory read. Behind the counters is a byte for each
adapter and each queue that somebody has set offline, and for each adapter that is away for a time
when it is due back, in nanoseconds of the wall clock: should whoever took it away be killed,
somebody else puts it back.
"""

import fcntl
import mmap
import os
import time

ADAPTERS = 256
_CHANGES = ADAPTERS
_COUNTERS = 4 * (ADAPTERS + 1)
_QUEUES = _COUNTERS + ADAPTERS  # where their bytes begin, by qid
_DUE = (_QUEUES + ADAPTERS * 256 + 7) & -8
_SIZE = _DUE + 8 * ADAPTERS
_NOBODY = bytes(8 * ADAPTERS)
_LIMIT = 1 << 32


class Sockets:
    """The counters in one file; `view[adapter]` is one, `changes[0]` another number after each
    change.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # room on the disk: a write to a page that has none would kill the process (SIGBUS)
            os.posix_fallocate(file, 0, _SIZE)
            self._map = mmap.mmap(file, _SIZE)
        finally:
            os.close(file)
        self._look()

    def _map_of(self, file: int) -> None:
        """Read the counters in a file that somebody else writes; ValueError if it is too short."""
        self.path = ""
        self._map = mmap.mmap(file, _SIZE, access=mmap.ACCESS_READ)
        self._look()

    def _look(self) -> None:
        self.view = memoryview(self._map)[:_COUNTERS].cast("I")
        self._offline = memoryview(self._map)[_COUNTERS:_DUE]
        self._due = memoryview(self._map)[_DUE:].cast("Q")
        self.changes = self.view[_CHANGES:]

    def close(self) -> None:
        """Let go of the file; nothing can be asked any more."""
        for view in (self.changes, self.view, self._offline, self._due):
            view.release()
        self._map.close()

    def is_there(self, adapter: int) -> bool:
        """Whether the adapter is in operation."""
        return self.view[adapter] % 2 == 0

    def announce(self) -> None:
        """Have every process look again at what its cards can do: an administrator changed it."""
        with open(self.path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._count(_CHANGES)

    def is_card_online(self, adapter: int) -> bool:
        """Whether nobody has set the card offline."""
        return not self._offline[adapter]

    def is_online(self, qid: int) -> bool:
        """Whether nobody has set the queue offline."""
        return not self._offline[ADAPTERS + qid]

    def set_card_online(self, adapter: int, online: bool) -> None:
        """Set a card offline with all its queues, or online again with all of them."""
        first = ADAPTERS + (adapter << 8)
        self._set_online([adapter, *range(first, first + 256)], online)

    def set_online(self, qid: int, online: bool) -> None:
        """Set a queue offline, or online again."""
        self._set_online([ADAPTERS + qid], online)

    def _set_online(self, places: list[int], online: bool) -> None:
        with open(self.path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for place in places:
                self._offline[place] = not online
            self._count(_CHANGES)

    def bring_back(self) -> bool:
        """Put back what was due; whether anything is still to come."""
        if not self.path or self._map[_DUE:] == _NOBODY:  # or whoever may write sees to it
            return False
        now = time.time_ns()
        for adapter, due in enumerate(self._due):
            if 0 < due <= now:
                self.switch(adapter, True)
        return self._map[_DUE:] != _NOBODY

    def switch(self, adapter: int, is_there: bool, due_ns: int = 0) -> bool:
        """Take an adapter out of operation, until it is due if a time is given, or bring it back;
        False if it is so already.
        """
        with open(self.path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if self.is_there(adapter) == is_there:
                return False
            self._due[adapter] = due_ns
            self._count(adapter)
            self._count(_CHANGES)
        return True

    def _count(self, counter: int) -> None:
        self.view[counter] = (self.view[counter] + 1) % _LIMIT
