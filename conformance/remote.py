"""A driver under test that is a process of its own: it connects to a socket for each case.

The process leads, as on any bus (`emulator/bussession.py`): it executes instructions until it
waits, and what happens is the answer to its WAIT. So a call of the kit's is an answer, and lasts
until the driver waits again.
"""

import select
import struct
import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from ghostcard.conformance.driver import Done
from ghostcard.conformance.stand import WrongError
from ghostcard.emulator.apport import ApPort
from ghostcard.emulator.busserver import BusSocket
from ghostcard.emulator.bussession import Connection, Session
from ghostcard.emulator.bussession import Done as Ended
from ghostcard.emulator.buswire import BusWireError, Happening
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.queue import NEVER

PATIENCE_S: Final = 30.0  # that a driver may take between two frames, or to connect
_TAG: Final = struct.Struct(">IB")
_CONNECTED_S: Final = 600.0  # where somebody starts it by hand


class Remote:
    """Takes a driver process from `place` for each case; `command`, if any, is started for it."""

    def __init__(self, place: BusSocket, command: Sequence[str] = ()) -> None:
        self._place = place
        self._command = tuple(command)
        self._driver: RemoteDriver | None = None

    def make_driver(self, port: ApPort, done: Done) -> "RemoteDriver":
        """`MakeDriver`: the next process that connects, the one before having been sent away."""
        self.close()
        process = subprocess.Popen(self._command) if self._command else None
        patience = PATIENCE_S if process else _CONNECTED_S
        ready, _, _ = select.select((self._place.listener,), (), (), patience)
        if not ready:
            _end(process)
            raise WrongError(f"does not connect to {self._place.path} within {patience:.0f} s")
        stream, _ = self._place.listener.accept()
        session = Session(Connection(stream, patience_s=PATIENCE_S), port)
        self._driver = RemoteDriver(session, done, stream.close, process)
        self._driver.serve()
        return self._driver

    def close(self) -> None:
        """Send the last driver away."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None


class RemoteDriver:
    """A `Driver` by way of its session."""

    def __init__(
        self,
        session: Session,
        done: Done,
        hang_up: Callable[[], None],
        process: "subprocess.Popen[bytes] | None",
    ) -> None:
        self._session, self._done = session, done
        self._hang_up, self._process = hang_up, process
        self._until = NEVER
        self._is_gone = False

    def submit(self, tag: int, qids: tuple[int, ...], block: bytes) -> None:
        """`Driver.submit`."""
        queues = b"".join(qid.to_bytes(2, "big") for qid in qids)
        self._tell(Happening.SUBMIT, _TAG.pack(tag, len(qids)) + queues + block)

    def interrupt(self, qid: int) -> None:
        """`Driver.interrupt`."""
        self._tell(Happening.INTERRUPT, qid.to_bytes(2, "big"))

    def changed(self, adapter: int) -> None:
        """`Driver.changed`."""
        self._tell(Happening.CHANGE, (adapter << 8).to_bytes(2, "big"))

    def reset(self, qid: int) -> None:
        """`Driver.reset`."""
        self._tell(Happening.RESET, qid.to_bytes(2, "big"))

    def wake_at(self) -> int | None:
        """`Driver.wake_at`: until then it waits."""
        return None if self._until >= NEVER else self._until

    def wake(self) -> None:
        """`Driver.wake`."""
        self._tell(Happening.TIME)

    def serve(self) -> None:
        """Execute what the driver asks for, until it waits."""
        asked = None
        try:
            while isinstance(asked := self._session.next(), Ended):
                self._done(asked.tag, asked.error, asked.reply)
        except BusWireError as error:
            raise self._gone(f"sends no frame: {error}") from None
        except (EmulatorError, TimeoutError) as error:
            raise self._gone(str(error)) from None
        if asked is None:
            raise self._gone("hangs up")
        self._until = asked.until_ns

    def close(self) -> None:
        """The case is over."""
        if not self._is_gone:
            self._session.tell(Happening.END)
        self._hang_up()
        _end(self._process)

    def _tell(self, happening: Happening, detail: bytes = b"") -> None:
        if self._is_gone:
            raise WrongError("has gone")
        self._session.tell(happening, detail)
        self.serve()

    def _gone(self, words: str) -> WrongError:
        self._is_gone = True
        self._session.refuse(words)
        return WrongError(words)


def _end(process: "subprocess.Popen[bytes] | None") -> None:
    """Wait for a driver that we have started; kill one that does not end when it is told to."""
    if process is None:
        return
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
