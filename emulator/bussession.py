"""One driver process on the bus: its instructions are executed, its waits are answered.

The driver leads: it sends a frame and reads one. Who owns the session decides what a WAIT ends
with; the rest is done here.
"""

import select
import socket
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from ghostcard.emulator.apport import ApPort
from ghostcard.emulator.buswire import (
    LENGTH,
    BusWireError,
    Happening,
    Operation,
    Values,
    length_of,
    pack_answer,
    pack_failure,
    unpack_request,
)
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.queue import NEVER

_PIECE: Final = 1 << 16


class Wait(NamedTuple):
    """The driver has nothing to do before `until_ns`."""

    until_ns: int


class Done(NamedTuple):
    """The driver has ended a request: errno 0 with its reply, or another without one."""

    tag: int
    error: int
    reply: bytes


def readable(files: Iterable[int], seconds: float | None = None) -> list[int]:
    """Those of the files from which something may be read, or that have ended; waits for one.

    By poll: select knows no file beyond the 1,024th of a process.
    """
    waiting = select.poll()
    for file in files:
        waiting.register(file, select.POLLIN)
    return [file for file, _ in waiting.poll(None if seconds is None else seconds * 1000)]


class Connection:
    """A stream of frames; `others` are files that are looked at while a frame is waited for.

    `look()` is called when one of them has something; it returns False to end the connection.
    """

    def __init__(
        self,
        stream: socket.socket,
        others: Iterable[int] = (),
        look: Callable[[], bool] = lambda: True,
        patience_s: float | None = None,
    ) -> None:
        self._stream = stream
        self._others = tuple(others)
        self._look = look
        self._patience_s = patience_s
        self._bytes = bytearray()

    def receive(self) -> bytes | None:
        """The next frame without its length; None when the other side has gone.

        BusWireError for a length that none has; TimeoutError after `patience_s`.
        """
        deadline = None if self._patience_s is None else time.monotonic() + self._patience_s
        while True:
            if len(self._bytes) >= LENGTH:
                end = LENGTH + length_of(bytes(self._bytes[:LENGTH]))
                if len(self._bytes) >= end:
                    body = bytes(self._bytes[LENGTH:end])
                    del self._bytes[:end]
                    return body
            if not self._more(deadline):
                return None

    def _more(self, deadline: float | None) -> bool:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        stream = self._stream.fileno()
        ready = readable((stream, *self._others), left)
        if not ready:
            raise TimeoutError(f"the driver has said nothing for {self._patience_s} s")
        if stream not in ready:  # whose last words come first: another may wait for its place
            return self._look()
        try:
            piece = self._stream.recv(_PIECE)
        except ConnectionError:
            return False
        self._bytes += piece
        return bool(piece)

    def send(self, frame: bytes) -> None:
        """Send a frame; to one who has gone it goes nowhere, which `receive` tells."""
        try:
            self._stream.sendall(frame, socket.MSG_NOSIGNAL)  # whatever the process does of SIGPIPE
        except ConnectionError:
            return


class Session:
    """A driver on the other end of `connection`, and the port that it uses."""

    def __init__(self, connection: Connection, port: ApPort) -> None:
        self._connection = connection
        self._port = port

    def next(self) -> Wait | Done | None:
        """Execute instructions until the driver waits or has ended a request. None: it has gone.

        A frame that is none is answered with what is wrong with it, and raised: BusWireError.
        """
        while (body := self._connection.receive()) is not None:
            operation, values = unpack_request(body)
            if operation is Operation.WAIT:
                (until_ns,) = _numbers(values)
                if until_ns > NEVER:
                    raise BusWireError(f"WAIT: {until_ns} ns, up to {NEVER} were expected")
                return Wait(until_ns)
            if operation is Operation.DONE:
                tag, error, reply = values
                assert isinstance(tag, int)
                assert isinstance(error, int)
                assert isinstance(reply, bytes)
                self._answer(operation)
                return Done(tag, error, reply)
            self._answer(operation, *self._execute(operation, values))
        return None

    def tell(self, happening: Happening, detail: bytes = b"") -> None:
        """End the driver's WAIT."""
        self._answer(Operation.WAIT, happening, detail)

    def refuse(self, words: str) -> None:
        """Tell the driver what is wrong."""
        self._connection.send(pack_failure(words))

    def _answer(self, operation: Operation, *values: int | bytes) -> None:
        self._connection.send(pack_answer(operation, self._port.now, *values))

    def _execute(self, operation: Operation, values: Values) -> Values:
        port = self._port
        if operation is Operation.NQAP:
            qid, special, psmid, block = values
            assert isinstance(qid, int)
            assert isinstance(psmid, int)
            assert isinstance(block, bytes)
            return (port.nqap(qid, psmid, block, bool(special)),)
        numbers = _numbers(values)
        if operation is Operation.DQAP:
            qid, gr0, size = numbers
            got = port.dqap(qid, size, gr0)
            return got.status, got.psmid, got.residual, got.gr0, got.data
        if operation is Operation.AQIC:
            return (port.aqic(numbers[0], bool(numbers[1])),)
        if operation is Operation.QCI:
            return (port.qci(),)
        if operation is Operation.STEP:
            return (port.step(),)
        if operation is Operation.TAPQ:
            return port.tapq(numbers[0])
        return (port.rapq(*numbers) if operation is Operation.RAPQ else port.zapq(*numbers),)


def serve(session: Session, port: ApPort) -> None:
    """Let a driver use the port until it goes: its WAITs end with events, and with the time."""
    try:
        while (asked := session.next()) is not None:
            if isinstance(asked, Done):
                raise BusWireError("DONE: no request was given")
            event = port.wait(asked.until_ns)
            if event is None:
                session.tell(Happening.TIME)
            else:
                session.tell(Happening(event.signal), event.qid.to_bytes(2, "big"))
    except EmulatorError as error:
        session.refuse(str(error))


def _numbers(values: Values) -> tuple[int, ...]:
    return tuple(value for value in values if isinstance(value, int))
