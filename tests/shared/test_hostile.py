"""Whoever sends garbage, scribbles over his memory or has no permission hurts himself alone."""

import errno
import os
import random
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ghostcard.shared import wire
from ghostcard.shared.client import Channel, ServerError, ask
from ghostcard.shared.place import connect
from ghostcard.shared.server import CONNECTIONS_MOST, GARBAGE_MOST
from tests.shared.forked import Forked, digest, ended, fork

MESSAGES = 100_000
SCRIBBLES = 3_000
NOBODY = 65534


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forked]:
    """In a folder where others may look for the socket."""
    monkeypatch.setenv("GHOSTCARD_HOME", "")
    with tempfile.TemporaryDirectory(prefix="ghostcard-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Forked(Path(folder))


def end(server: int) -> None:
    os.kill(server, signal.SIGTERM)
    assert ended(server) == 0


def garbage(draw: random.Random) -> bytes:
    """A message that is none."""
    kind = draw.randrange(5)
    if kind == 0:
        return draw.randbytes(draw.randrange(1, 200))
    if kind == 1:
        return b"[" * draw.randrange(1, 60_000)
    if kind == 2:
        return b'{"attach": %d}' % draw.randrange(2, 1 << 70)
    if kind == 3:
        return draw.choice((b"{}", b"null", b'{"attach":1,"x":2}', b'{"fire":1}', b'{"1":null}'))
    return b'{"describe": "' + draw.randbytes(5).hex().encode()


def test_a_hundred_thousand_messages_of_garbage(forked: Forked) -> None:
    server = forked.start()
    stop = os.eventfd(0, os.EFD_NONBLOCK)

    def witness() -> None:
        host, number = forked.host(), 0
        while True:
            digest(host, number)
            number += 1
            with suppress(BlockingIOError):
                os.eventfd_read(stop)
                return

    other = fork(witness)
    draw, left = random.Random(3), MESSAGES
    messages = [garbage(draw) for _ in range(GARBAGE_MOST)]
    while left:
        with connect(forked.socket) as connection:
            for message in messages[:left]:
                connection.send(message)
                left -= 1
                with suppress(BlockingIOError):
                    while connection.recv(1 << 16, socket.MSG_DONTWAIT):
                        pass
    os.eventfd_write(stop, 1)
    assert ended(other) == 0
    end(server)


def test_whoever_sends_too_much_of_it_is_hung_up_on(forked: Forked) -> None:
    server = forked.start()
    with connect(forked.socket) as connection:
        for _ in range(GARBAGE_MOST):
            connection.send(b"?")
            assert connection.recv(1000).startswith(b'{"error": ')
        connection.send(b"?")
        assert connection.recv(1000).startswith(b'{"error": ')
        assert connection.recv(1000) == b""
    end(server)


def test_scribbling_over_the_shared_memory(forked: Forked) -> None:
    """Any head of a request, at any time; then the same channel does what it should."""
    server = forked.start()
    host, draw = forked.host(), random.Random(4)
    channel = Channel(forked.socket)
    area, bell = channel._area, channel._bell
    for number in range(SCRIBBLES):
        area[: wire.REQUEST_HEAD] = draw.randbytes(wire.REQUEST_HEAD)
        if number % 2:  # plausible lengths
            area[10:12] = draw.randrange(3).to_bytes(2, "little")
            area[12:16] = draw.randrange(300).to_bytes(4, "little")
            area[4:6] = draw.randrange(1, max(wire.Kind) + 2).to_bytes(2, "little")
        area[wire.REQUEST_HEAD : wire.REQUEST_HEAD + 32] = draw.randbytes(32)
        area[wire.HALF : wire.HALF + 32] = draw.randbytes(32)
        os.eventfd_write(bell, 1)
        if number % 100 == 0:
            digest(host, number)
    digest(host, 1)
    area[:] = bytes(wire.AREA)
    assert channel.exchange(wire.Kind.ENTER, 0, 0, b"", b"").status == 0
    channel.close()
    end(server)


def test_the_memory_cannot_be_taken_away(forked: Forked) -> None:
    """Who shrank it would end the server (SIGBUS)."""
    server = forked.start()
    with connect(forked.socket) as connection:
        connection.send(b'{"attach": 1}')
        _, files, _, _ = socket.recv_fds(connection, 1000, 3)
        for size in (0, 1 << 30):
            with pytest.raises(PermissionError):
                os.ftruncate(files[0], size)
        os.set_blocking(files[1], False)  # the server would turn round and round
        os.eventfd_write(files[1], 1)
        os.eventfd_write(files[2], (1 << 64) - 2)  # and not get its answer out
    for file in files:
        os.close(file)
    digest(forked.host(), 1)
    end(server)


@pytest.mark.parametrize(
    ("function", "qid", "targets", "code"),
    [
        (10, 0, (), errno.EACCES),
        (10, 0, (0, 0), errno.EACCES),
        (10, 0x700, (0x700,), errno.EACCES),
        (10, 1, (0,), errno.EINVAL),
        (64, 0, (0,), errno.EINVAL),
        (0xFFFF, 0, (0,), errno.EINVAL),
    ],
)
def test_requests_that_would_upset_the_timeline(
    forked: Forked, function: int, qid: int, targets: tuple[int, ...], code: int
) -> None:
    server = forked.start()
    channel = Channel(forked.socket)
    packed = wire.pack_targets(targets)
    reply = channel.exchange(wire.Kind.CALL, function, qid, packed, b"x")
    assert reply.status == wire.REFUSED + code
    digest(forked.host(), 1)
    channel.close()
    end(server)


def as_nobody(forked: Forked, mode: int) -> str:
    """What a process of another user is told when it asks for the cards, or "yes"."""
    out, into = os.pipe()

    def other() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            answer, files = ask(forked.socket, "describe")
            for file in files:
                os.close(file)
            said = f"yes {[slot['apqns'] for slot in answer['config']['slots']]}"
        except ServerError as error:
            said = str(error)
        try:
            Channel(forked.socket).close()
            said += ", attached"
        except (ServerError, OSError) as error:
            said += f", {error}"
        os.write(into, said.encode())

    assert ended(fork(other)) == 0
    os.close(into)
    with os.fdopen(out) as told:
        return told.read()


def test_another_user_cannot_attach_by_the_mode_of_the_socket(forked: Forked) -> None:
    server = forked.start(0o600)
    assert as_nobody(forked, 0o600).count("Permission denied") == 2
    end(server)


def test_nor_by_his_credentials_though_the_socket_is_open_to_all(forked: Forked) -> None:
    server = forked.start(0o666)
    assert as_nobody(forked, 0o666).count(f"user {NOBODY} has no access to these cards") == 2
    end(server)


def test_who_may_use_one_queue_sees_and_uses_no_other() -> None:
    with tempfile.TemporaryDirectory(prefix="ghostcard-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        rules = [{"uid": NOBODY, "apqns": ["00.0001"]}]
        forked = Forked(Path(folder), {"access": rules})
        server = forked.start(0o666)
        assert as_nobody(forked, 0o666) == "yes [['00.0001']], attached"
        with pytest.raises(ServerError, match="has no access"):
            ask(forked.socket, "describe")
        end(server)


def test_connections_of_a_user_are_counted(forked: Forked) -> None:
    server = forked.start()
    open_ones = []
    refused = b""
    for _ in range(CONNECTIONS_MOST + 1):
        connection = connect(forked.socket)
        open_ones.append(connection)
    for connection in open_ones:
        connection.settimeout(5)
        with suppress(OSError):
            connection.send(b"?", socket.MSG_NOSIGNAL)
        refused = connection.recv(1000)
        if b"too many" in refused:
            break
    assert b"has too many connections" in refused
    for connection in open_ones:
        connection.close()
    deadline = time.monotonic() + 5
    while True:
        try:
            digest(forked.host(), 1)
            break
        except Exception:
            assert time.monotonic() < deadline
    end(server)
