"""The change counter of a file: eight shared bytes that tell every process of a change.

A process looks at the counter before it relies on what it has read; that costs a memory read, where
asking the file costs system calls. Writers take turns under flock, which the kernel gives back when
a process dies.

    even  nothing is being written: whoever has read the file at this value knows all of it
    odd   a writer is at work, or died there: the file itself must be asked

A writer makes it odd before it writes and even when all is on the disk; the next writer repairs an
odd left-over.
"""

import fcntl
import mmap
import os

from ghostcard.emulator.ownfile import Descriptor

_SIZE = 8


class ChangeCounter:
    """The counter in one file; `view[0]` is its value."""

    def __init__(self, path: str) -> None:
        self._file = Descriptor(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        try:
            # room on the disk: a write to a page that has none would kill the process (SIGBUS)
            os.posix_fallocate(self._file.number, 0, _SIZE)
            self._map = mmap.mmap(self._file.number, _SIZE)
        except BaseException:
            self._file.close()
            raise
        self.view = memoryview(self._map).cast("Q")

    def begin(self) -> None:
        """Wait for one's turn to write, and say so."""
        fcntl.flock(self._file.number, fcntl.LOCK_EX)
        self.announce()

    def finish(self) -> None:
        """What was written is committed, or was given up."""
        self.conclude()
        fcntl.flock(self._file.number, fcntl.LOCK_UN)

    def announce(self) -> None:
        """A writer is at work; of one whose turn is regulated elsewhere."""
        self.view[0] |= 1

    def conclude(self) -> None:
        """It has ended."""
        self.view[0] = (self.view[0] + 1) & (1 << 64) - 1

    def close(self) -> None:
        """Let go of the file."""
        self.view.release()
        self._map.close()
        self._file.close()
