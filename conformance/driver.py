"""The contract of a driver under test, and how one is found by its name."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from ghostcard.emulator.apport import ApPort


class Driver(Protocol):
    """A driver that is called when something happens, and acts on its port.

    It never waits: the clock stands still while it runs, and is never moved by it.
    """

    def submit(self, tag: int, qids: tuple[int, ...], block: bytes) -> None:
        """Have one of these queues serve a request; `done` is to be called once with its tag."""

    def interrupt(self, qid: int) -> None:
        """An adapter interrupt: this queue has a reply, and others may have."""

    def changed(self, adapter: int) -> None:
        """An adapter was plugged or unplugged."""

    def reset(self, qid: int) -> None:
        """The operator resets a queue: sysfs `reset` (AP sheet 1.7)."""

    def wake_at(self) -> int | None:
        """When `wake` is to be called, in nanoseconds of the port; None: not by the time alone."""

    def wake(self) -> None:
        """That time has come."""


Done: TypeAlias = Callable[[int, int, bytes], object]
"""`done(tag, error, reply)`: a request has ended; error 0 and its reply, or an errno and b""."""
MakeDriver: TypeAlias = Callable[[ApPort, Done], Driver]
"""Makes a driver for the queues of a port, which are there but have not been looked at."""


class DriverNotFoundError(Exception):
    """There is no such driver; the message says what was looked for."""


def find(name: str) -> MakeDriver:
    """`module:function` or `file.py:function`, whatever it raises when it is loaded."""
    where, colon, function = name.rpartition(":")
    if not colon or not where or not function:
        raise DriverNotFoundError(f"{name}: takes MODULE:FUNCTION, FILE.py:FUNCTION or a socket")
    module = _file(where) if where.endswith(".py") else importlib.import_module(where)
    found = getattr(module, function, None)
    if not callable(found):
        raise DriverNotFoundError(f"{name}: {where} has no function {function}")
    make: MakeDriver = found
    return make


def _file(path: str) -> object:
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not Path(path).exists():
        raise DriverNotFoundError(f"{path}: there is no such file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
