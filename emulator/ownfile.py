"""A file that is open in somebody else's process.

A program may close every descriptor that it finds open, and is given their numbers for files of its
own, or the library is: nothing of ours may be written there, and none of them closed.
"""

import errno
import os


class OwnFile:
    """A new file to append to; OSError if it cannot be made."""

    def __init__(self, path: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._identity = self._found()

    def write(self, data: bytes) -> int:
        """Append; how many bytes the file took. OSError, EBADF if it is not open any more."""
        if self._found() != self._identity:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return os.write(self._file, data)

    def close(self) -> None:
        """Close it, if it is open."""
        try:
            is_ours = self._found() == self._identity
        except OSError:
            is_ours = False
        if is_ours:
            os.close(self._file)

    def _found(self) -> tuple[int, int]:
        status = os.fstat(self._file)
        return status.st_dev, status.st_ino
