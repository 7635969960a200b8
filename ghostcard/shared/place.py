"""Where the socket of a server lies, and how it is reached however long its path is."""

import os
import socket
from collections.abc import Callable
from typing import Final

from ghostcard.home import home

SERVER: Final = "GHOSTCARD_SERVER"
"""Environment variable: the socket of the server whose cards a program is to use."""

_ADDRESS_MOST: Final = 107  # bytes of a sockaddr_un without its zero


def default() -> str:
    """The socket that `GHOSTCARD_SERVER` names, else `server.sock` in the state folder."""
    return os.environ.get(SERVER) or os.path.join(home(), "server.sock")


def reach(path: str, call: Callable[[str], None]) -> None:
    """Bind or connect; a path longer than an address is reached through its folder."""
    if len(os.fsencode(path)) <= _ADDRESS_MOST:
        call(path)
        return
    folder, name = os.path.split(path)
    place = os.open(folder or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        call(f"/proc/self/fd/{place}/{name}")
    finally:
        os.close(place)


def connect(path: str) -> socket.socket:
    """A connection to the server at ``path``; OSError when none listens there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        reach(path, connection.connect)
    except BaseException:
        connection.close()
        raise
    return connection
