"""The bus on a socket: one driver at a time, garbage, who has gone, what is left on the disk."""

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ghostcard.emulator.apport import ApPort
from ghostcard.emulator.busserver import TAKEN, BusSocket, run
from ghostcard.emulator.bussession import Connection
from ghostcard.emulator.buswire import (
    BusWireError,
    Operation,
    Values,
    pack_request,
    unpack_answer,
)
from ghostcard.emulator.errors import EmulatorError
from ghostcard.firmware.abi import type50, type80
from ghostcard.firmware.abi.type50 import ModExpo
from ghostcard.machine import Machine

REQUEST = type50.pack(ModExpo(b"\3", b"\x0f", b"\2"), 1)
REPLY = type80.pack(bytes(127) + b"\x08")


class Client:
    """The driver's end of the socket."""

    def __init__(self, path: str) -> None:
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.connect(path)
        self._connection = Connection(self.stream, patience_s=20)
        self.now = 0

    def ask(self, operation: Operation, *values: int | bytes) -> Values:
        self.stream.sendall(pack_request(operation, *values))
        return self.read()

    def read(self) -> Values:
        body = self._connection.receive()
        assert body is not None, "the bus has hung up"
        _, self.now, answered = unpack_answer(body)
        return answered

    def is_over(self) -> bool:
        return self._connection.receive() is None


Connect = Callable[[str], Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes clients, which are gone after the test."""
    clients: list[Client] = []

    def made(path: str) -> Client:
        clients.append(Client(path))
        return clients[-1]

    yield made
    for client in clients:
        client.stream.close()


@contextmanager
def bus(folder: Path, profile: str = "cex8a") -> Iterator[tuple[str, ApPort]]:
    """A bus that is served by a thread until the end of the block."""
    port = ApPort(Machine.simulation(profile, function="real").bus)
    ended, end = os.pipe()
    with BusSocket(str(folder / "bus")) as place:
        server = threading.Thread(target=run, args=(place, port, (ended,)))
        server.start()
        try:
            yield place.path, port
        finally:
            os.write(end, b".")
            server.join(20)
            assert not server.is_alive()
            os.close(end)
            os.close(ended)


def test_a_request_over_the_socket(tmp_path: Path, connect: Connect) -> None:
    with bus(tmp_path) as (path, port):
        client = connect(path)
        assert client.ask(Operation.QCI) == (port.qci(),)
        assert client.ask(Operation.TAPQ, 0) == port.tapq(0)
        assert client.ask(Operation.AQIC, 0, 1) == (0x80000000,)
        assert client.ask(Operation.WAIT, 1_000_000) == (0, b"")
        assert client.now == 1_000_000
        assert client.ask(Operation.NQAP, 0, 0, 5, REQUEST) == (0x01000000,)
        assert client.ask(Operation.WAIT, (1 << 62) - 1) == (1, b"\0\0")
        status, psmid, left, gr0, data = client.ask(Operation.DQAP, 0, 0, 100)
        assert (status, psmid, left, data) == (0x41FF0000, 0, 44, REPLY[:100])
        assert client.ask(Operation.DQAP, 0, gr0, 100) == (0x81000000, 5, 0, 0, REPLY[100:])
        assert client.ask(Operation.ZAPQ, 0) == (0x80000000,)
        assert client.ask(Operation.STEP) == (0,)
        assert client.ask(Operation.RAPQ, 0) == (0x80020000,)


def test_one_driver_after_the_other_on_the_same_cards(tmp_path: Path, connect: Connect) -> None:
    with bus(tmp_path) as (path, _):
        first = connect(path)
        first.ask(Operation.NQAP, 0, 0, 5, REQUEST)
        second = connect(path)
        with pytest.raises(BusWireError, match=TAKEN):
            second.read()
        assert second.is_over()
        first.ask(Operation.WAIT, 1_000_000_000)  # the first is unharmed
        first.stream.close()
        third = connect(path)
        assert third.ask(Operation.DQAP, 0, 0, 200)[-1] == REPLY
        assert third.now == 1_000_000_000


GARBAGE = {
    "a length of nothing": (bytes(4), "a frame of 0 bytes"),
    "a length of too much": (b"GET / HTTP/1.1\r\n\r\n", "a frame of 1195725856 bytes"),
    "no operation": (b"\0\0\0\1\x77", "operation 77 is not known"),
    "a field too few": (b"\0\0\0\2\3\0", "TAPQ: 1 bytes, 2 were expected"),
    "no time": (
        pack_request(Operation.WAIT, 1 << 63),
        "WAIT: 9223372036854775808 ns, up to 4611686018427387903 were",
    ),
    "nothing to be done": (pack_request(Operation.DONE, 1, 0, b""), "DONE: no request was given"),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_answered_in_words_and_ends_the_connection_alone(
    tmp_path: Path, connect: Connect, name: str
) -> None:
    sent, words = GARBAGE[name]
    with bus(tmp_path) as (path, _):
        client = connect(path)
        client.stream.sendall(sent)
        if name == "nothing to be done":
            assert client.read() == ()
        with pytest.raises(BusWireError, match=words):
            client.read()
        assert client.is_over()
        assert connect(path).ask(Operation.TAPQ, 0)[0] == 0x80000000


def test_a_driver_that_goes_in_the_middle_of_a_frame(tmp_path: Path, connect: Connect) -> None:
    with bus(tmp_path) as (path, _):
        client = connect(path)
        client.stream.sendall(pack_request(Operation.NQAP, 0, 0, 5, REQUEST)[:-1])
        client.stream.close()
        other = connect(path)
        assert other.ask(Operation.TAPQ, 0)[0] == 0x80000000  # nothing was enqueued
        other.stream.sendall(pack_request(Operation.TAPQ, 0) * 1000)  # and reads no answer
        other.stream.close()
        assert connect(path).ask(Operation.TAPQ, 0)[0] == 0x80000000


def test_frames_may_come_in_any_pieces(tmp_path: Path, connect: Connect) -> None:
    with bus(tmp_path) as (path, _):
        client = connect(path)
        for byte in pack_request(Operation.TAPQ, 0) * 2:
            client.stream.sendall(bytes((byte,)))
        assert client.read() == client.read()


def test_the_socket_is_its_owners_and_goes_with_the_bus(tmp_path: Path) -> None:
    path = str(tmp_path / "bus")
    with BusSocket(path):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with pytest.raises(EmulatorError, match="another bus listens there"):
            BusSocket(path)
    assert not os.path.exists(path)


def test_what_a_killed_bus_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    path = str(tmp_path / "bus")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    with BusSocket(path):
        pass
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(EmulatorError, match="is there already, and no socket"):
        BusSocket(str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"mine"
    with pytest.raises(EmulatorError, match="at most 107 bytes"):
        BusSocket("/" + "x" * 107)
    with pytest.raises(EmulatorError, match="No such file"):
        BusSocket(str(tmp_path / "nowhere" / "bus"))
