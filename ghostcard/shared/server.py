"""The server of a shared card: who connects, who has gone, and the records of what they did.

One thread looks after connections and never waits for anybody; each channel has a thread of its own
(`served.py`). What a program has ends with the program: the kernel tells of it (pidfd), whoever has
inherited its connection.
"""

import errno
import json
import os
import resource
import select
import socket
import sys
import time
from contextlib import suppress
from typing import Any, Final

from ghostcard.configtables import as_tables
from ghostcard.driver.hosting import Identity
from ghostcard.driver.jobfolder import JobFolder
from ghostcard.driver.timing import BEHIND, Timing
from ghostcard.emulator.journal import Journal
from ghostcard.machine import Machine
from ghostcard.shared.access import Peer, peer_of, permitted, view
from ghostcard.shared.listener import Listener
from ghostcard.shared.live import Live, Program
from ghostcard.shared.peers import Peers
from ghostcard.shared.served import Channel, Owner
from ghostcard.shared.tickets import Tickets
from ghostcard.shared.wire import MESSAGE_MOST, VERSION

CONNECTIONS_MOST: Final = 1024  # of one user; each may have a channel of 256 KiB
GARBAGE_MOST: Final = 1000  # messages that are none, from one connection
GRACE_S: Final = 1.0  # that a thread may be awake without calling, while others wait for it
LOOK_S: Final = 0.5  # between two looks at the records
_FILES_LEFT: Final = 32  # for what else a server opens
_FILES_EACH: Final = 6
_JOIN_S: Final = 2.0  # for requests under way at the end
_GONE_MOST: Final = 64  # processes remembered that have gone


class Connection:
    """A thread of a program, or somebody who asks."""

    def __init__(self, connection: socket.socket, peer: Peer, queues: frozenset[int]) -> None:
        self.socket = connection
        self.peer = peer
        self.queues = queues
        self.channel: Channel | None = None
        self.thread = 0  # as the kernel calls it, by what it says
        self.garbage = 0


class Process:
    """A process that is attached: its connections, and what tells of its end."""

    def __init__(self, peer: Peer, owner: Owner) -> None:
        self.peer = peer
        self.owner = owner
        self.name = _name(peer.pid)
        self.connections: set[Connection] = set()
        self._past: list[Identity] = []  # of channels that have ended
        try:
            self.end = os.pidfd_open(peer.pid)
        except OSError:  # it has gone already
            self.end = -1

    @property
    def program(self) -> Program:
        """For a snapshot."""
        threads = sum(one.channel is not None for one in self.connections)
        return Program(self.peer.pid, self.name, self.peer.uid, threads)

    @property
    def clients(self) -> set[int]:
        """The numbers of its threads in the records."""
        channels = [one.channel for one in self.connections if one.channel is not None]
        identities = [*self._past, *(each for one in channels for each in one.identities)]
        return {number for each in identities for number in each.numbers} - {-1}

    def outlive(self, channel: Channel) -> None:
        """Keep who it was."""
        self._past.extend(channel.identities)


class Server:
    """Serves the cards of ``machine`` until `stop`; the caller closes listener and machine."""

    def __init__(
        self,
        machine: Machine,
        listener: Listener,
        jobs: str,
        journal: Journal | None = None,
        timing: Timing | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        """``jobs``: the folder of detached jobs; ``journal`` takes the records, if there is one.
        By the strict order nobody waits longer than ``grace_s`` for a thread that is awake.
        """
        assert machine.sockets is not None
        self._machine = machine
        self._sockets = machine.sockets
        self._listener = listener
        self._jobs = jobs
        self._journal = journal
        self._live = Live({card.adapter: card.profile for card in machine.bus.cards.values()})
        self._modes = {
            queue.qid: card.profile.mode
            for card in machine.bus.cards.values()
            for queue in card.queues.values()
        }
        self._poll = select.epoll()
        self._ring = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._connections: dict[int, Connection] = {}
        self._processes: dict[int, Process] = {}  # by pid
        self._ends: dict[int, Process] = {}  # by pidfd
        self._gone: list[tuple[Program, set[int]]] = []
        self._ending: set[Channel] = set()
        self._is_stopped = False
        self._peers = Peers()
        machine.native.serve(self._peers, timing or Timing(BEHIND), grace_s)
        machine.native.is_ending = lambda: self._is_stopped
        self._accept_from = 0.0
        self._most = _raise_file_limit()
        self._poll.register(listener.socket, select.EPOLLIN)
        self._poll.register(self._ring, select.EPOLLIN)

    def stop(self) -> None:
        """End `run` soon; also from a signal handler or another thread."""
        self._is_stopped = True
        os.eventfd_write(self._ring, 1)

    def run(self) -> None:
        """Serve until somebody calls `stop`; then no program has anything of ours any more."""
        look_at = time.monotonic() + LOOK_S
        while not self._is_stopped:
            now = time.monotonic()
            if now >= look_at:
                self._look()
                look_at = time.monotonic() + LOOK_S
            for file, _ in self._poll.poll(max(look_at - now, 0.01)):
                self._hear_whatever_happens(file)
        self._end()

    def _hear_whatever_happens(self, file: int) -> None:
        """What goes wrong with one connection is that connection's."""
        try:
            self._hear(file)
        except Exception as error:  # not foreseen; the others have nothing to do with it
            print(f"ghostcard serve: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            if file in self._connections:
                self._hang_up(self._connections[file])

    def _hear(self, file: int) -> None:
        if file == self._listener.socket.fileno():
            self._accept()
        elif file == self._ring:
            with suppress(BlockingIOError):
                os.eventfd_read(self._ring)
        elif file in self._ends:
            self._bury(self._ends[file])
        elif file in self._connections:
            self._listen(self._connections[file])

    def _end(self) -> None:
        self._poll.unregister(self._listener.socket)
        for process in list(self._processes.values()):
            self._bury(process)
        deadline = time.monotonic() + _JOIN_S
        for channel in list(self._ending):
            channel.join(max(deadline - time.monotonic(), 0))
        self._machine.native.finish()
        self._look()
        self._poll.close()
        os.close(self._ring)

    # Connections

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
                time.sleep(0.01)  # whoever ends gives some back
            return
        connection.setblocking(False)
        peer = peer_of(connection)
        queues = permitted(self._machine.config, peer)
        if queues is None:
            _send(connection, {"error": f"user {peer.uid} has no access to these cards"})
            connection.close()
            return
        mine = sum(
            len(process.connections)
            for process in self._processes.values()
            if process.peer.uid == peer.uid
        )
        if mine >= min(CONNECTIONS_MOST, self._most) or len(self._connections) >= self._most:
            _send(connection, {"error": f"user {peer.uid} has too many connections"})
            connection.close()
            return
        self._know(Connection(connection, peer, queues))

    def _know(self, one: Connection) -> None:
        process = self._processes.get(one.peer.pid)
        if process is None:
            jobs, tickets = JobFolder(self._jobs, one.peer.uid), Tickets(self._machine.native)
            owner = Owner(one.peer.pid, jobs, tickets, self._peers)
            process = self._processes[one.peer.pid] = Process(one.peer, owner)
            if process.end >= 0:
                self._ends[process.end] = process
                self._poll.register(process.end, select.EPOLLIN)
        process.connections.add(one)
        self._connections[one.socket.fileno()] = one
        self._poll.register(one.socket, select.EPOLLIN | select.EPOLLRDHUP)

    def _listen(self, one: Connection) -> None:
        """One message: everybody has his turn."""
        try:
            message = one.socket.recv(MESSAGE_MOST)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._hang_up(one)
        elif not self._answer(one, message):
            one.garbage += 1
            if one.garbage > GARBAGE_MOST:
                self._hang_up(one)

    def _hang_up(self, one: Connection) -> None:
        self._poll.unregister(one.socket)
        del self._connections[one.socket.fileno()]
        one.socket.close()
        process = self._processes[one.peer.pid]
        if one.channel is not None:
            process.outlive(one.channel)
            self._ending.add(one.channel)
            if not one.channel.end():
                self._ending.discard(one.channel)
            one.channel = None
        process.connections.discard(one)
        if not process.connections:
            self._forget(process)

    def _bury(self, process: Process) -> None:
        """A process has ended, whoever has its files still."""
        for one in list(process.connections):
            self._hang_up(one)

    def _forget(self, process: Process) -> None:
        del self._processes[process.peer.pid]
        if process.end >= 0:
            self._poll.unregister(process.end)
            del self._ends[process.end]
            os.close(process.end)
        process.owner.tickets.end()
        process.owner.jobs.close()
        clients = process.clients
        if clients:
            self._gone.append((process.program, clients))
            if len(self._gone) > _GONE_MOST:
                self._live.forget(self._gone.pop(0)[1])

    # Messages

    def _answer(self, one: Connection, message: bytes) -> bool:
        """Do what a message asks for; False if it asks for nothing that there is."""
        try:
            asked = json.loads(message)
            ((what, version),) = asked.items()
            version, thread = _thread(version)
        except (ValueError, AttributeError, TypeError, RecursionError):
            _send(one.socket, {"error": "a message is a JSON object with one member"})
            return False
        doing = {"describe": self._describe, "attach": self._attach, "snapshot": self._snapshot}
        if not isinstance(what, str) or what not in doing:
            _send(one.socket, {"error": "takes one of describe, attach, snapshot"})
            return False
        if version != VERSION:
            _send(one.socket, {"error": f"this server speaks version {VERSION}"})
            return False
        one.thread = thread
        return doing[what](one)

    def _describe(self, one: Connection) -> bool:
        config = self._machine.config
        if not one.queues:
            return _send(one.socket, {"error": f"user {one.peer.uid} may look on, and use no card"})
        file = os.open(self._sockets.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _send(one.socket, {"config": as_tables(view(config, one.queues))}, [file])
        finally:
            os.close(file)

    def _attach(self, one: Connection) -> bool:
        if one.channel is not None or not one.queues:
            why = "is attached already" if one.queues else "may look on, and use no card"
            _send(one.socket, {"error": f"user {one.peer.uid} {why}"})
            return False
        queues = {qid: self._modes[qid] for qid in one.queues}
        owner = self._processes[one.peer.pid].owner
        try:
            parts = (self._machine.native, queues, owner, one.thread, self._sockets.announce)
            channel = Channel(*parts, self._over)
        except OSError as error:
            return _send(one.socket, {"error": f"no channel: {error.strerror}"})
        if not _send(one.socket, {"attached": VERSION}, channel.files):
            channel.close()
            return False
        one.channel = channel
        try:
            channel.start()
        except RuntimeError:  # no more threads
            one.channel = None
            channel.close()
            self._hang_up(one)
        return True

    def _over(self, channel: Channel) -> None:
        """In the channel's own thread, at its end."""
        self._ending.discard(channel)

    def _snapshot(self, one: Connection) -> bool:
        self._look()
        native = self._machine.native
        programs = [*self._gone]
        for process in self._processes.values():
            numbers = process.clients
            if numbers:
                programs.append((process.program, numbers))
        told = self._live.snapshot(native.now_ns, native.parked, programs)
        data = json.dumps(told).encode()
        file = os.memfd_create("ghostcard-snapshot", os.MFD_CLOEXEC)
        try:
            with suppress(OSError):
                os.write(file, data)
            return _send(one.socket, {"snapshot": len(data)}, [file])
        finally:
            os.close(file)

    # Records

    def _look(self) -> None:
        """Take the records that are there."""
        self._machine.follow()
        recorder = self._machine.recorder
        records = self._machine.native.catch_up(recorder.take)
        names = recorder.names
        self._live.absorb(names, records)
        if self._journal is not None:
            self._journal.learn(*names)
            self._journal.extend(records)
            self._journal.dropped += recorder.dropped
            recorder.dropped = 0


def _send(
    connection: socket.socket, answer: dict[str, Any], files: list[int] | None = None
) -> bool:
    """Send an answer, if there is room for it: nobody is waited for. Whether it was sent."""
    try:
        data = json.dumps(answer).encode()
        socket.send_fds(connection, [data], files or [], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except OSError:
        return False
    return True


def _thread(version: object) -> tuple[object, int]:
    """A version, and the thread's number beside it if there is one."""
    if isinstance(version, list) and len(version) == 2 and isinstance(version[1], int):
        return version[0], version[1] if 0 < version[1] < 1 << 31 else 0
    return version, 0


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read(64).decode(errors="replace").strip()
    except OSError:
        return "?"


def _raise_file_limit() -> int:
    """As many connections as this process may have files for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else max(soft, 1 << 16)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max((most - _FILES_LEFT) // _FILES_EACH, 1)
