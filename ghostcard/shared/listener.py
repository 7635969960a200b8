"""The socket on which a server listens: one server to a path; the dead are in nobody's way."""

import errno
import fcntl
import os
import socket
import stat
from contextlib import suppress

from ghostcard.shared.place import reach


class ListenError(Exception):
    """Nothing can listen there; the message is one line that names the path."""


class Listener:
    """Listens at ``path``, a context manager; the socket goes with it.

    Whoever listens holds a lock on `PATH.lock`, so that what a dead server has left is known for
    that, and nobody takes away what a living one has. ``group`` may be given with the mode.
    """

    def __init__(self, path: str, mode: int = 0o600, group: int | None = None) -> None:
        self.path = path
        self._lock = _locked(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            _remove_stale(path)
            mask = os.umask(0o777)  # nobody connects before it is as it should be
            try:
                reach(path, self.socket.bind)
            finally:
                os.umask(mask)
            if group is not None:
                os.chown(path, -1, group)
            os.chmod(path, mode)
            self.socket.listen(64)
            self.socket.setblocking(False)
        except OSError as error:
            self.socket.close()
            os.close(self._lock)
            raise ListenError(f"{path}: {error.strerror or error}") from None
        except BaseException:
            self.socket.close()
            os.close(self._lock)
            raise

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more; the path is free."""
        self.socket.close()
        for path in (self.path, f"{self.path}.lock"):
            with suppress(FileNotFoundError):
                os.unlink(path)
        os.close(self._lock)


def _locked(path: str) -> int:
    """The lock of a path; ListenError while another holds it."""
    name = f"{path}.lock"
    while True:
        try:
            lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise ListenError(f"{name}: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if error.errno not in (errno.EACCES, errno.EAGAIN):
                raise ListenError(f"{name}: {error.strerror}") from None
            raise ListenError(f"{path}: another server listens there") from None
        with suppress(FileNotFoundError):
            if os.stat(name).st_ino == os.fstat(lock).st_ino:
                return lock
        os.close(lock)  # the one before us has just taken it away


def _remove_stale(path: str) -> None:
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise ListenError(f"{path}: is there already, and no socket")
        os.unlink(path)
