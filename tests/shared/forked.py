"""Servers and programs as forks of one process that has loaded everything: they begin in
milliseconds, so that hundreds of them can be killed.
"""

import ctypes
import errno
import gc
import hashlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from ghostcard import config
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine, machine_of
from ghostcard.shared.client import ServerError, ask
from ghostcard.shared.listener import Listener
from ghostcard.shared.server import Server

SHA256 = (0x250).to_bytes(4, "big")
WRONG = 70  # exit code of a program that saw a wrong answer
FAILED = 71
PATIENCE_S = 30.0
_PR_SET_PDEATHSIG = 1


def fork(body: Callable[[], None]) -> int:
    """Run ``body`` in a child: its process. Exit code 0, or FAILED with a traceback."""
    sys.stdout.flush()
    gc.collect()
    child = os.fork()
    if child:
        return child
    code = FAILED
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing outlives a test
    try:
        body()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else FAILED
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(child: int, patience_s: float = PATIENCE_S) -> int:
    """Wait for a child: its exit code, or minus the signal."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("it hangs")


def kill(child: int) -> None:
    """Kill a child, and wait for its end."""
    os.kill(child, signal.SIGKILL)
    assert ended(child) == -signal.SIGKILL


class Forked:
    """A home with a socket; servers and programs in it."""

    def __init__(self, folder: Path, document: dict[str, object] | None = None) -> None:
        self.socket = str(folder / "cards.sock")
        self.jobs = str(folder / "jobs")
        self.config = config.parse({"time": {"order": "behind"}, **(document or {})})
        os.environ["GHOSTCARD_HOME"] = str(folder / "home")

    def start(self, mode: int = 0o600) -> int:
        """A server, which listens when this returns."""
        child = fork(lambda: self._serve(mode))
        deadline = time.monotonic() + PATIENCE_S
        while not self.listens():
            assert time.monotonic() < deadline
            time.sleep(0.002)
        return child

    def listens(self) -> bool:
        """Whether a server answers."""
        try:
            for file in ask(self.socket, "snapshot")[1]:
                os.close(file)
        except ServerError as error:
            return "access" in str(error)
        return True

    def _serve(self, mode: int) -> None:
        with Listener(self.socket, mode) as listener:
            machine = Machine(self.config, recorder=Recorder(1 << 16))
            server = Server(machine, listener, self.jobs)
            signal.signal(signal.SIGTERM, lambda *_: server.stop())
            server.run()
            machine.close()

    def machine(self) -> Machine:
        """What a program has; it is to be made in the child."""
        os.environ["GHOSTCARD_SERVER"] = self.socket
        try:
            return machine_of(config.load())
        finally:
            del os.environ["GHOSTCARD_SERVER"]

    def host(self) -> Ep11Host:
        """The same, as a host library."""
        machine = self.machine()
        return Ep11Host(machine.native, machine.targets(0), 61440)


def digest(host: Ep11Host, number: int) -> None:
    """One answer that can be told from a wrong one; leaves with WRONG."""
    data = number.to_bytes(8, "big") * (1 + number % 60)
    if host.digest_single(SHA256, data) != hashlib.sha256(data).digest():
        leave(WRONG)


def leave(code: int) -> NoReturn:
    """End this child."""
    raise SystemExit(code)


def digest_or_be_told(host: Ep11Host, number: int) -> bool:
    """The same while servers come and go; False if the card was gone."""
    try:
        digest(host, number)
    except DriverError as error:
        if error.code != errno.ENODEV:
            raise
        return False
    return True
