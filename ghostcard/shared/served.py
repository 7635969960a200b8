"""The server's end of a channel: a thread that serves one thread of a program.

It copies a request out of the shared memory before it looks at it, so that whatever the program
does there meanwhile, or writes there at any time, comes back to that program alone.
"""

import errno
import mmap
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final, NamedTuple

from ghostcard.driver.errors import DriverError
from ghostcard.driver.ratings import FUNCTIONS
from ghostcard.shared import wire
from ghostcard.shared.peers import Peers, PeerThread
from ghostcard.shared.wire import AREA, REFUSED, Kind, Request, SharedWireError, unpack_targets

if TYPE_CHECKING:
    from ghostcard.driver.hosting import Identity
    from ghostcard.driver.jobfolder import JobFolder
    from ghostcard.driver.lonetrack import Request as Timed
    from ghostcard.driver.native import NativePort, Performed
    from ghostcard.shared.tickets import Tickets

_SEALS: Final = 0x0001 | 0x0002 | 0x0004  # F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW
_F_ADD_SEALS: Final = 1033
_TARGETS_KNOWN: Final = 64  # sets of targets remembered
_OPERATION_BYTES: Final = 255

Answer = tuple[int, bytes, int, bytes]  # status, operation, payload bytes, body


class Owner(NamedTuple):
    """What the channels of a process have in common."""

    process: int
    jobs: "JobFolder"
    tickets: "Tickets"
    peers: Peers


class Channel:
    """One thread's channel. ``queues`` are those that it may use, with the modes of their cards;
    ``thread`` is what the kernel calls it, 0 if that is not known.
    """

    def __init__(
        self,
        port: "NativePort",
        queues: Mapping[int, str],
        owner: "Owner",
        thread: int,
        announce: Callable[[], None],
        on_end: Callable[["Channel"], None],
    ) -> None:
        self.identities: list[Identity] = []  # who it was on the timeline, and is
        self._port = port
        self._queues = queues
        self._jobs = owner.jobs
        self._tickets = owner.tickets
        self._chain: list[Timed] = []  # what is queued
        self._peers = owner.peers
        self._group = owner.process
        self._thread_there = thread
        self._announce = announce
        self._on_end = on_end
        self._answered = 0  # the serial of the last reply that the program has been told of
        self._is_over = False
        self._is_closed = False
        self._closing = Lock()  # afterwards the numbers of its files are others'
        self._serial = 0
        self._targets: dict[bytes, tuple[int, ...]] = {}
        self._memory = _sealed_memory()
        self._map = mmap.mmap(self._memory, AREA)
        self._area = memoryview(self._map)
        self._bell = os.eventfd(0, os.EFD_CLOEXEC)
        self._heard = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = Thread(target=self._run, name="ghostcard-channel", daemon=True)
        self._doing: dict[int, Callable[[Request], Answer]] = {
            Kind.CALL: self._call,
            Kind.PUT: self._put,
            Kind.CLAIM: self._claim,
            Kind.RELEASE: self._release,
            Kind.REMOVE: self._remove,
            Kind.ENTER: self._enter,
            Kind.ANNOUNCE: self._tell_all,
            Kind.QUEUE: self._queue,
            Kind.BEGIN: self._begin,
            Kind.POLL: self._poll,
            Kind.WAIT: self._wait,
            Kind.ACCOMPANY: self._accompany,
            Kind.ABANDON: self._abandon,
        }

    @property
    def files(self) -> list[int]:
        """What the program is sent: the memory, the bell to ring, the bell to hear."""
        return [self._memory, self._bell, self._heard]

    def start(self) -> None:
        """Serve from now on; the program has its files."""
        os.close(self._memory)
        self._memory = -1
        self._thread.start()

    def end(self) -> bool:
        """The program has gone; the thread ends when it has done what it is at. False: it has."""
        with self._closing:
            if self._is_closed:
                return False
            self._is_over = True
            for file in (self._bell, self._heard):  # whoever has filled it: nobody waits for him
                os.set_blocking(file, False)
                with suppress(BlockingIOError):
                    os.eventfd_read(file)
            os.eventfd_write(self._bell, 1)
            return True

    def join(self, seconds: float) -> None:
        """Wait for the thread."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def close(self) -> None:
        """Give everything back; the thread has ended, or never began."""
        with self._closing:
            self._is_closed = True
            self._area.release()
            self._map.close()
            for file in (self._memory, self._bell, self._heard):
                if file >= 0:
                    os.close(file)

    def is_busy(self) -> bool:
        """Whether a request or a reply is on its way."""
        try:
            return wire.read_serial(self._area) != self._answered
        except ValueError:  # it is over
            return True

    def _run(self) -> None:
        self._peers.attach(PeerThread(self._group, self._thread_there, self.is_busy))
        try:
            while not self._is_over:
                try:
                    os.eventfd_read(self._bell)
                except BlockingIOError:  # the program has made it so: it would never wait again
                    return
                if not self._is_over and wire.read_serial(self._area) != self._serial:
                    self._serve()
        finally:
            self.close()
            self._peers.detach()
            self._on_end(self)

    def _serve(self) -> None:
        """One request, whatever it is."""
        try:
            request = wire.take_request(self._area)
        except SharedWireError as error:
            self._serial = wire.read_serial(self._area)
            self._reply(self._serial, _refused(errno.EINVAL, str(error)))
            return
        self._serial = request.serial
        try:
            answer = self._doing.get(request.kind, _unknown)(request)
        except DriverError as error:
            answer = _refused(error.code, error.message)
        except SharedWireError as error:
            answer = _refused(errno.EINVAL, str(error))
        me = self._port.identity()
        if me is not None and me not in self.identities:
            self.identities.append(me)
        self._reply(request.serial, answer)

    def _reply(self, serial: int, answer: Answer) -> None:
        try:
            wire.write_reply(self._area, serial, *answer)
        except SharedWireError as error:
            wire.write_reply(self._area, serial, *_refused(errno.EMSGSIZE, str(error)))
        with suppress(BlockingIOError):  # it rings already
            os.eventfd_write(self._heard, 1)
        self._answered = serial

    def _call(self, request: Request) -> Answer:
        if not self.identities:
            self._enter(request)
        return self._perform(request, lambda action: action())

    def _queue(self, request: Request) -> Answer:
        return self._perform(request, lambda action: self._tickets.collect(action, self._chain))

    def _perform(
        self, request: Request, how: Callable[[Callable[[], "Performed"]], "Performed"]
    ) -> Answer:
        """A request that goes to a card."""
        targets = self._targets.get(request.targets) or self._checked(request.targets)
        if request.qid not in targets or request.function >= FUNCTIONS:
            raise DriverError(errno.EINVAL, "no such function, or a queue that is no target")
        code, reply, operation, payload_bytes = how(
            lambda: self._port.attempt(request.function, request.qid, targets, request.body)
        )
        return code, operation.encode()[:_OPERATION_BYTES], payload_bytes, reply

    def _checked(self, packed: bytes) -> tuple[int, ...]:
        targets = unpack_targets(packed)
        modes = {self._queues.get(qid) for qid in targets}
        if len(modes) != 1 or None in modes or len(set(targets)) < len(targets):
            raise DriverError(errno.EACCES, "the queues are not for this user, or not of one mode")
        if len(self._targets) >= _TARGETS_KNOWN:
            self._targets.clear()
        self._targets[packed] = targets
        return targets

    def _enter(self, request: Request) -> Answer:
        if not self.identities:
            self._port.enter(self._group)
        return 0, b"", 0, b""

    def _begin(self, request: Request) -> Answer:
        self._tickets.forget(wire.unpack_numbers(request.body))
        chain, self._chain = self._chain, []
        if not chain:
            raise DriverError(errno.ENODEV, "the server that had the requests is gone")
        return 0, b"", 0, wire.pack_number(self._tickets.begin(chain))

    def _poll(self, request: Request) -> Answer:
        is_done = self._tickets.is_done(wire.unpack_number(request.body))
        return 0, b"", int(is_done), b""

    def _wait(self, request: Request) -> Answer:
        found = self._tickets.wait(wire.unpack_wait(request.body))
        return 0, b"", 0, wire.pack_number(found)

    def _accompany(self, request: Request) -> Answer:
        is_awaited = self._tickets.accompany(wire.unpack_numbers(request.body))
        return 0, b"", int(is_awaited), b""

    def _abandon(self, request: Request) -> Answer:
        self._tickets.abandon(wire.unpack_numbers(request.body))
        return 0, b"", 0, b""

    def _tell_all(self, request: Request) -> Answer:
        self._announce()
        return 0, b"", 0, b""

    def _put(self, request: Request) -> Answer:
        return 0, b"", 0, wire.pack_number(self._jobs.put(request.body))

    def _claim(self, request: Request) -> Answer:
        job = self._jobs.claim(wire.unpack_number(request.body))
        return 0, b"", int(job is not None), job or b""

    def _release(self, request: Request) -> Answer:
        self._jobs.release(wire.unpack_number(request.body))
        return 0, b"", 0, b""

    def _remove(self, request: Request) -> Answer:
        self._jobs.remove(wire.unpack_number(request.body))
        return 0, b"", 0, b""


def _sealed_memory() -> int:
    """Memory whose size nobody can change: who shrank it could end the other side (SIGBUS)."""
    import fcntl

    memory = os.memfd_create("ghostcard-channel", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, AREA)
    fcntl.fcntl(memory, _F_ADD_SEALS, _SEALS)
    return memory


def _refused(code: int, why: str) -> Answer:
    return REFUSED + code, b"", 0, why.encode()


def _unknown(request: Request) -> Answer:
    return _refused(errno.ENOSYS, f"request of kind {request.kind}")
