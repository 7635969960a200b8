"""The bus as a process: a Unix socket on which one driver after the other has the cards.

The socket is for its owner alone (0600). Whoever comes while a driver is connected is told so and
sent away; the cards stay as the driver before left them.
"""

import os
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from ghostcard.emulator.apport import ApPort
from ghostcard.emulator.bussession import Connection, Session, readable, serve
from ghostcard.emulator.buswire import pack_failure
from ghostcard.emulator.errors import EmulatorError

PATH_MAX: Final = 107  # bytes, of Linux's sockaddr_un with its zero
TAKEN: Final = "another driver is connected to this bus"


class BusSocket:
    """A listening socket at `path`, which goes when it is closed; a context manager.

    EmulatorError when the path is too long, is something else, or another process listens there.
    What a killed process has left is taken away.
    """

    def __init__(self, path: str) -> None:
        if len(os.fsencode(path)) > PATH_MAX:
            raise EmulatorError(f"{path}: a socket's path has at most {PATH_MAX} bytes")
        _remove_stale(path)
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(0o177)
        try:
            self.listener.bind(path)
        except OSError as error:
            self.listener.close()
            raise EmulatorError(f"{path}: {error.strerror}") from None
        finally:
            os.umask(mask)
        self.listener.listen()

    def __enter__(self) -> "BusSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more."""
        self.listener.close()
        os.unlink(self.path)

    def refuse(self) -> None:
        """Send away whoever waits."""
        visitor, _ = self.listener.accept()
        with visitor, suppress(OSError):  # he may be gone already
            visitor.sendall(pack_failure(TAKEN), socket.MSG_NOSIGNAL)


def run(place: BusSocket, port: ApPort, ends: Iterable[int] = ()) -> None:
    """Serve one driver after the other; for ever, or until one of the files `ends` is readable."""
    listener = place.listener.fileno()
    ends = tuple(ends)
    others = (listener, *ends)

    def look() -> bool:
        ready = readable(others, 0)
        if listener in ready:
            place.refuse()
        return not any(end in ready for end in ends)

    while True:
        ready = readable(others)
        if any(end in ready for end in ends):
            return
        stream, _ = place.listener.accept()
        with stream:
            serve(Session(Connection(stream, others, look), port), port)


def _remove_stale(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise EmulatorError(f"{path}: is there already, and no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError as error:
            raise EmulatorError(f"{path}: {error.strerror}") from None
    raise EmulatorError(f"{path}: another bus listens there")
