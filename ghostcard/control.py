"""Faults while a program runs: a socket in ``GHOSTCARD_HOME/control``, one for each process.

Whoever may write there is the user himself (folder 0700, socket 0600). A request is a line of JSON,
its answer is one:

    {"add": {"kind": "drop", "nth": 1}}   {"number": 3}
    {"list": null}                        {"faults": [{"number": 3, "kind": "drop", ..}]}
    {"clear": 3}, or null for all         {"cleared": 1}
    anything else                         {"error": "kind: got 'rust', takes one of .."}
"""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from ghostcard.emulator.faultplan import FaultPlanError, Rule
from ghostcard.faults import rule
from ghostcard.home import home, make_folder

if TYPE_CHECKING:
    from ghostcard.driver.faultynative import ProgramFaults
    from ghostcard.emulator.injector import Armed

LINE_MOST = 1 << 16
_SUFFIX = ".sock"
_SILENCE_S = 1.0  # after which a caller is left
_TIMEOUT_S = 5.0  # after which a program is given up


class ControlError(Exception):
    """A program does not take what it is asked, or has gone; the message says which and why."""


class Control:
    """Listens in a thread, which waits in `accept` and does nothing else."""

    def __init__(self, faults: "ProgramFaults") -> None:
        self._faults = faults
        self._process = os.getpid()
        self._name = f"{self._process}{_SUFFIX}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder(), self._name))
        _at(self._name, self._socket.bind)
        os.chmod(os.path.join(folder(), self._name), 0o600)
        self._socket.listen()
        self._thread = Thread(target=self._listen, name="ghostcard-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more; in the child of a fork the socket is the parent's."""
        if self._process == os.getpid():
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(folder(), self._name))
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(_SILENCE_S)  # he holds up the next, and C_Finalize
                connection.sendall(self._answer(_line(connection)))

    def _answer(self, line: bytes) -> bytes:
        try:
            answer = self._do(json.loads(line))
        except (FaultPlanError, ValueError, RecursionError) as error:
            answer = {"error": str(error)}
        return json.dumps(answer).encode() + b"\n"

    def _do(self, asked: Any) -> dict[str, object]:
        if not isinstance(asked, dict) or len(asked) != 1:
            raise ValueError("takes one of add, list, clear")
        ((what, value),) = asked.items()
        if what == "add":
            return {"number": self._faults.add(rule(value))}
        if what == "list" and value is None:
            return {"faults": [told(number, one) for number, one in self._faults.armed()]}
        if what == "clear" and (value is None or type(value) is int):
            return {"cleared": self._faults.remove(value)}
        raise ValueError("takes one of add, list, clear")


def told(number: int, armed: "Armed") -> dict[str, object]:
    """A rule as `list` tells of it: what it says, and how often it was asked and struck."""
    said: dict[str, object] = {"number": number, "seen": armed.seen, "struck": armed.struck}
    defaults = Rule._field_defaults
    for key, value in armed.rule._asdict().items():
        if key not in defaults or value != defaults[key]:
            said[key] = value
    return said


def processes() -> list[int]:
    """The processes that listen, or did when they were killed."""
    names = [name.removesuffix(_SUFFIX) for name in os.listdir(folder()) if name.endswith(_SUFFIX)]
    return sorted(int(name) for name in names if name.isdecimal())


def ask(process: int, request: dict[str, object]) -> dict[str, Any]:
    """Ask a process; ControlError for what it refuses. FileNotFoundError if it listens no more."""
    name = f"{process}{_SUFFIX}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_TIMEOUT_S)
        try:
            _at(name, connection.connect)
        except ConnectionRefusedError:  # it was killed
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(folder(), name))
            raise FileNotFoundError(name) from None
        connection.sendall(json.dumps(request).encode() + b"\n")
        try:
            answer = json.loads(_line(connection))
        except ValueError:
            raise ControlError(f"process {process}: the answer is no JSON") from None
    if "error" in answer:
        raise ControlError(answer["error"])
    return dict(answer)


def folder() -> str:
    """Where the sockets are."""
    path = os.path.join(home(), "control")
    make_folder(path)
    return path


def _at(name: str, call: Callable[[str], None]) -> None:
    """Bind or connect by a short path: the address of a socket holds 107 bytes."""
    place = os.open(folder(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        call(f"/proc/self/fd/{place}/{name}")
    finally:
        os.close(place)


def _line(connection: socket.socket) -> bytes:
    data = b""
    while b"\n" not in data and len(data) < LINE_MOST:
        part = connection.recv(LINE_MOST)
        if not part:
            break
        data += part
    return data
