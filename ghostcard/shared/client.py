"""A program's end of a shared card: its connections, a channel for each calling thread.

With the server gone a call is told so at once (ENODEV), and the next one connects anew. A request
that the server has taken is never sent a second time; one that it cannot have taken is, once.
"""

import errno
import mmap
import os
import select
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from ghostcard.driver.errors import DriverError
from ghostcard.driver.native import Performed
from ghostcard.shared import wire
from ghostcard.shared.place import connect
from ghostcard.shared.wire import (
    AREA,
    MESSAGE_MOST,
    REFUSED,
    VERSION,
    Kind,
    Reply,
    SharedWireError,
)

_PATIENCE_S: Final = 10.0  # for the answer to a message; calls have all the time they need
_DESCRIPTORS: Final = 3
_SERIALS: Final = 1 << 32


class ServerError(Exception):
    """No server, or one that refuses; the message is one line that names the socket."""


def ask(path: str, what: str) -> tuple[dict[str, Any], list[int]]:
    """One question to the server: its answer, and the files that came with it, which the caller
    closes. ServerError.
    """
    try:
        with connect(path) as connection:
            return _ask(connection, what)
    except OSError as error:
        raise ServerError(f"{path}: no server: {error.strerror or error}") from None
    except ServerError as error:
        raise ServerError(f"{path}: {error}") from None


def describe(path: str) -> tuple[dict[str, Any], int]:
    """The configuration of the server's cards, as far as this user may use them, and the file that
    says which of them are in operation, which the caller closes. ServerError.
    """
    answer, files = ask(path, "describe")
    config = answer.get("config")
    if not isinstance(config, dict) or len(files) != 1:
        for file in files:
            os.close(file)
        raise ServerError(f"{path}: the answer to 'describe' is none")
    return config, files[0]


def _ask(
    connection: socket.socket, what: str, thread: int | None = None
) -> tuple[dict[str, Any], list[int]]:
    import json  # not where no card is shared

    connection.settimeout(_PATIENCE_S)
    with suppress(BrokenPipeError, ConnectionResetError):  # it may have said why
        said = VERSION if thread is None else [VERSION, thread]
        connection.send(json.dumps({what: said}).encode(), socket.MSG_NOSIGNAL)
    try:
        message, files, _, _ = socket.recv_fds(connection, MESSAGE_MOST, _DESCRIPTORS)
    except ConnectionResetError:  # it has hung up before we spoke, and may have said why
        message, files, _, _ = socket.recv_fds(connection, MESSAGE_MOST, _DESCRIPTORS)
    try:
        if not message:
            raise ServerError("the server has hung up")
        answer = json.loads(message)
        if not isinstance(answer, dict):
            raise ServerError("the server's answer is none")
        if "error" in answer:
            raise ServerError(str(answer["error"]))
    except BaseException as error:
        for file in files:
            os.close(file)
        if isinstance(error, ValueError):
            raise ServerError("the server's answer is no JSON") from None
        raise
    connection.settimeout(None)
    return answer, files


class Gone(Exception):
    """The server is not there any more; whether it had taken the request."""

    def __init__(self, had_taken: bool) -> None:
        self.had_taken = had_taken


class Channel:
    """A thread's channel; it ends with the thread, or when it is forgotten."""

    _is_closed = False

    def __init__(self, path: str) -> None:
        self._socket = connect(path)
        self._serial = 0
        try:
            _, files = _ask(self._socket, "attach", threading.get_native_id())
            try:
                area, self._bell, heard = files
                self._map = mmap.mmap(area, AREA)
            except BaseException:
                for file in files:
                    os.close(file)
                raise
            os.close(area)
        except BaseException:
            self._socket.close()
            raise
        self._area = memoryview(self._map)
        self._heard = heard
        # By edges: nothing need be read from the eventfd, and the end of the connection is heard.
        self._poll = select.epoll(2)
        self._poll.register(heard, select.EPOLLIN | select.EPOLLET)
        self._poll.register(self._socket, select.EPOLLIN | select.EPOLLRDHUP)

    def exchange(self, kind: int, function: int, qid: int, targets: bytes, body: bytes) -> Reply:
        """Have something done, and wait for it; `Gone`."""
        area, wait = self._area, self._poll.poll
        serial = self._serial = (self._serial + 1) % _SERIALS or 1
        wire.write_request(area, serial, kind, function, qid, targets, body)
        os.eventfd_write(self._bell, 1)
        while True:
            ready = wait()
            if wire.replied(area) == serial:
                return wire.read_reply(area)
            for file, _ in ready:
                if file != self._heard:
                    raise Gone(wire.taken(area) == serial)

    def close(self) -> None:
        """Give up the channel; also in the child of a fork, where the parent keeps his."""
        if self._is_closed:  # its numbers of files are others' by now
            return
        self._is_closed = True
        with suppress(OSError, AttributeError, BufferError):
            self._socket.close()
            self._poll.close()
            self._area.release()
            self._map.close()
            os.close(self._bell)
            os.close(self._heard)

    def __del__(self) -> None:
        self.close()


class Link(threading.local):
    """The way to a server: a channel for each thread that calls.

    Implements `ghostcard.driver.jobs.Jobs`. ``function`` and ``targets`` say of the next request
    what its block does not (`ghostcard.driver.port.Port.call`); ``kind``, whether it is queued for
    `begin`; ``queued`` are.
    """

    function = 0
    targets = b""
    kind = Kind.CALL
    queued = 0

    def __init__(self, path: str) -> None:
        self.path = path
        self._channel: Channel | None = None
        self._operations: dict[bytes, str] = {}

    def perform(self, qid: int, block: bytes) -> Performed:
        """One attempt at a request, as `Bus.perform`; DriverError(ENODEV) when the server is gone.

        EINVAL for a block that is longer than any message.
        """
        kind = self.kind
        reply = self._do(kind, block, self.function, qid, self.targets)
        self.queued += kind == Kind.QUEUE
        _, status, named, payload_bytes, answer = reply
        operation = self._operations.get(named)
        if operation is None:
            operation = self._operations[named] = named.decode(errors="replace")
        return status, answer, operation, payload_bytes

    def enter(self) -> None:
        """Have the thread known to the server's timeline before its first call."""
        self._do(Kind.ENTER, b"")

    def announce(self) -> None:
        """Have every process look again at what its cards can do (`Sockets.announce`)."""
        self._do(Kind.ANNOUNCE, b"")

    def begin(self, forgotten: Sequence[int]) -> int:
        """Have under way what was queued: a ticket's number, 0 if it is over. Those ``forgotten``
        are asked for no more.
        """
        return wire.unpack_number(self._do(Kind.BEGIN, wire.pack_numbers(forgotten)).body)

    def is_done(self, ticket: int) -> bool:
        """Whether a ticket is done; ENODEV for one of another server."""
        return bool(self._do(Kind.POLL, wire.pack_number(ticket)).payload_bytes)

    def wait(self, wait: wire.Wait) -> int:
        """The ticket that was done first, or 0; ENODEV if one is another server's."""
        return wire.unpack_number(self._do(Kind.WAIT, wire.pack_wait(wait)).body)

    def accompany(self, ticket: int, beside: int) -> bool:
        """Whether somebody waits for ``beside``, who now waits for ``ticket``, too."""
        return bool(self._do(Kind.ACCOMPANY, wire.pack_numbers((ticket, beside))).payload_bytes)

    def abandon(self, ticket: int) -> None:
        """Nobody will ask for a ticket."""
        self._do(Kind.ABANDON, wire.pack_numbers((ticket,)))

    def put(self, blob: bytes) -> int:
        """See `ghostcard.driver.jobs.Jobs`."""
        return wire.unpack_number(self._do(Kind.PUT, blob).body)

    def claim(self, number: int) -> bytes | None:
        """See `ghostcard.driver.jobs.Jobs`."""
        reply = self._do(Kind.CLAIM, wire.pack_number(number))
        return reply.body if reply.payload_bytes else None

    def release(self, number: int) -> None:
        """See `ghostcard.driver.jobs.Jobs`; a server that has gone has let go of it."""
        with suppress(DriverError):
            self._do(Kind.RELEASE, wire.pack_number(number))

    def remove(self, number: int) -> None:
        """See `ghostcard.driver.jobs.Jobs`."""
        self._do(Kind.REMOVE, wire.pack_number(number))

    def forget(self) -> None:
        """Close the thread's channel; in the child of a fork, that of its parent's thread."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _do(
        self, kind: Kind, body: bytes, function: int = 0, qid: int = 0, targets: bytes = b""
    ) -> Reply:
        """A reply that is no refusal. What the server cannot have taken is sent a second time."""
        for is_first in (True, False):
            channel = self._channel or self._attach()
            try:
                reply = channel.exchange(kind, function, qid, targets, body)
            except Gone as gone:
                self.forget()
                if gone.had_taken or not is_first:
                    break
            except SharedWireError as error:
                raise DriverError(errno.EINVAL, str(error)) from None
            else:
                if reply.status >= REFUSED:
                    why = reply.body.decode(errors="replace")
                    raise DriverError(reply.status - REFUSED, why)
                return reply
        raise DriverError(errno.ENODEV, f"{self.path}: the server has gone")

    def _attach(self) -> Channel:
        try:
            channel = self._channel = Channel(self.path)
        except (OSError, ServerError) as error:
            raise DriverError(errno.ENODEV, f"{self.path}: {error}") from None
        return channel
