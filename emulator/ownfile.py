"""A file that is open in somebody else's process.

A program may close every descriptor that it finds open, and is given their numbers for files of its
own, or the library is: nothing of ours may be written there, and none of them closed.
"""

import errno
import os
from collections.abc import Callable


class Descriptor:
    """The number of an open file of ours, which is closed when nobody has this any more."""

    __slots__ = ("_identity", "number")

    def __init__(self, number: int) -> None:
        self.number = -1
        self._identity = os.fstat(number)
        self.number = number

    def is_ours(self, fstat: Callable[[int], os.stat_result] = os.fstat) -> bool:
        """Whether the number still is that of the file."""
        try:
            found = fstat(self.number)
        except OSError:
            return False
        known = self._identity
        return found.st_ino == known.st_ino and found.st_dev == known.st_dev

    def close(self, close: Callable[[int], None] = os.close) -> None:
        """Close it, if it is ours; also at a program's end, when modules have no names any more."""
        if self.is_ours():
            close(self.number)
        self.number = -1

    def __del__(self) -> None:
        self.close()


class OwnFile:
    """A new file to append to; OSError if it cannot be made."""

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = Descriptor(os.open(path, flags, 0o600))

    def write(self, data: bytes) -> int:
        """Append; how many bytes the file took. OSError, EBADF if it is not open any more."""
        if not self._file.is_ours():
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return os.write(self._file.number, data)

    def close(self) -> None:
        """Close it, if it is open."""
        self._file.close()
