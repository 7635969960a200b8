"""Native hosts: the threads of a real program, function now and timing behind (docs/design.md, 3).

A call is executed at once, in its thread and outside any lock, and then accounted for on the timing
track, which may choose another of several queues than the one that executed it. Where no records
are kept nothing is accounted for.
"""

import errno
from collections.abc import Callable, Mapping
from threading import Lock, get_ident
from typing import TYPE_CHECKING

from ghostcard.driver.errors import DriverError
from ghostcard.driver.port import Noted, Result
from ghostcard.driver.triage import ADMIN, outcome, refusal, triage
from ghostcard.emulator.meter import Unmetered
from ghostcard.emulator.status import (
    INVALID_DOMAIN,
    MESSAGE_TOO_BIG,
    REQ_FAC_NOT_INST,
    RESPONSE_NAMES,
)

if TYPE_CHECKING:
    from ghostcard.driver.timingtrack import Request, TimingTrack
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.meter import Meter
    from ghostcard.emulator.record import Recorder

# DigestInit, EncryptInit, DecryptInit, SignInit, VerifyInit: what follows goes to the APQN that
# served them, in simulated time too. Other cards have classes of RSA requests by such numbers.
_OPENING = frozenset((5, 11, 12, 23, 27))
_EP11_OK = b"\x86\x02\x00\x00"  # what `triage` looks at first, here without the call
_CCA, _EP11 = b"\2", b"\4"  # the version of the CPRB, behind the header's 48 bytes and its length

Performed = tuple[int, bytes, str, int]  # what Bus.perform gives


class NativePort:
    """The port of a real program's threads; any number of them may call at once."""

    def __init__(self, bus: "Bus", recorder: "Recorder", meter: "Meter | None" = None) -> None:
        """``meter`` counts what is asked."""
        self._perform = bus.perform
        self._perform_whole = bus.perform_whole
        self._counts: memoryview | list[int] = [0]
        self._slots: dict[tuple[int, str, int], int] = Unmetered() if meter is None else meter.slots
        self._meter = meter
        self._offline: frozenset[int] = frozenset()
        self._cards = bus.cards
        self._turn = 0
        self._track: TimingTrack | None = None
        self._account: Callable[[Request], None] | None = None
        self._told: Callable[[Request], None] | None = None  # that, while nobody takes notes
        self._notes: dict[int, list[Request]] = {}  # by thread
        self._notes_lock = Lock()
        if recorder.keeps:
            self._start_track(bus, recorder)

    def _start_track(self, bus: "Bus", recorder: "Recorder") -> None:
        from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues
        from ghostcard.driver.timingtrack import TimingTrack

        self._track = TimingTrack(bus, Dispatcher(dispatch_queues(bus)), recorder)
        self._account = self._told = self._track.account

    @property
    def parked(self) -> int:
        """How often an idle thread was left behind; at 0 the records do not depend on the host."""
        return self._track.parked if self._track else 0

    def enter(self) -> None:
        """Make the calling thread known before its first call (`TimingTrack.enter`)."""
        if self._track:
            self._track.enter()

    def caller(self) -> int:
        """The number that the calling thread's records carry; 0 where nothing is accounted for."""
        return self._track.caller() if self._track else 0

    def finish(self) -> None:
        """Bring the records up to date with every call that has returned."""
        if self._track:
            self._track.finish()

    def withdraw(self, adapter: int, is_away: bool) -> None:
        """Take a card out of operation, or bring it back; its contexts and open keys are lost."""
        if self._track:
            self._track.withdraw(adapter, is_away)
        else:
            self._cards[adapter].withdraw(is_away)

    def switch_off(self, offline: frozenset[int]) -> None:
        """Send nothing to these queues from now on, and to all others (AP sheet 4.4)."""
        if self._track:
            self._track.switch_off(offline)
        self._offline = offline

    def observe(self, observer: "Callable[[Request], None]") -> None:
        """Tell ``observer`` of every request that was served, too, in its own thread."""
        account = self._told

        def both(request: "Request") -> None:
            if account is not None:
                account(request)
            observer(request)

        self._account = self._told = both

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        """Have a request served by one of ``targets``; see `ghostcard.driver.port.Port`.

        DriverError: ENODEV when no target is available, EINVAL when the request is at fault, EIO
        when ten attempts were told to try elsewhere.
        """
        if self._offline:
            targets = self._online(targets)
        qid = targets[0] if len(targets) == 1 else self._next(targets)
        block = render(qid & 0xFF)
        performed = self._perform(qid, block)
        code, reply, operation, payload_bytes = performed
        if code or ((reply[1:5] != _EP11_OK or reply[50:51] == _CCA) and triage(reply, block)):
            return self._call_again(function, render, targets, qid, block, performed)
        try:
            self._counts[self._slots[qid, operation, payload_bytes]] += 1
        except KeyError:
            self._learn(qid, operation, payload_bytes)
        account = self._account
        if account is not None:
            if function in _OPENING and reply[1:5] == _EP11_OK and reply[50:51] == _EP11:
                targets = (qid,)
            account((targets, function, operation, payload_bytes, len(block), len(reply), 0))
        return reply, qid

    def _learn(self, qid: int, operation: str, payload_bytes: int) -> None:
        """Count a request of a new kind."""
        assert self._meter is not None
        self._meter.learn(qid, operation, payload_bytes)
        self._counts = self._meter.counts

    def _count(self, qid: int, operation: str, payload_bytes: int) -> None:
        kind = (qid, operation, payload_bytes)
        if kind in self._slots or self._meter is None:
            self._counts[self._slots[kind]] += 1
        else:
            self._learn(*kind)

    def noting(
        self, action: Callable[[], Result], targets: tuple[int, ...]
    ) -> tuple[Result, Noted | None]:
        """See `ghostcard.driver.port.WholePort`."""
        me, notes = get_ident(), list["Request"]()
        with self._notes_lock:
            self._notes[me] = notes
            self._account = self._note
        try:
            result = action()
        finally:
            with self._notes_lock:
                del self._notes[me]
                if not self._notes:
                    self._account = self._told
        return result, _noted(notes, self._online(targets))

    def _note(self, request: "Request") -> None:
        """Account for a request while a thread takes notes, be it this or another."""
        notes = self._notes.get(get_ident())
        if notes is not None:
            notes.append(request)
        if self._told is not None:
            self._told(request)

    def perform_whole(
        self,
        verb: int,
        mechanism: bytes,
        key: bytes,
        data: memoryview,
        out: memoryview,
        targets: tuple[int, ...],
        known: Mapping[int, Noted],
    ) -> int | None:
        """See `ghostcard.driver.port.WholePort`; on the queue that the first request would get."""
        if self._offline:
            targets = self._online(targets)
            if not targets:
                return None
        turn, count = self._turn, len(targets)
        qid = targets[turn % count]
        size = self._perform_whole(qid, verb, mechanism, key, data, out)
        noted = known.get(size)
        if noted is None:
            return None
        is_bound, requests = noted
        if count > 1:
            self._turn = turn + (1 if is_bound else len(requests))
        counts, slots = self._counts, self._slots
        for request in requests:
            try:
                counts[slots[qid, request[1], request[2]]] += 1
            except KeyError:
                self._learn(qid, request[1], request[2])
                counts = self._counts
            if not is_bound:
                turn += 1
                qid = targets[turn % count]
        account = self._account
        if account is not None:
            asked = (qid,) if is_bound else targets
            for request in requests:
                account((asked, *request))
        return size

    def _online(self, targets: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(qid for qid in targets if qid not in self._offline)

    def _next(self, targets: tuple[int, ...]) -> int:
        """Executing is spread evenly; load is a matter of simulated time."""
        if not targets:
            raise DriverError(errno.ENODEV, "no queue to send to")
        turn = self._turn
        self._turn = turn + 1
        return targets[turn % len(targets)]

    def _call_again(
        self,
        function: int,
        render: Callable[[int], bytes],
        targets: tuple[int, ...],
        qid: int,
        block: bytes,
        performed: Performed,
    ) -> tuple[bytes, int]:
        """After a failed first attempt: other queues, nine attempts more (AP sheet 4.3)."""
        from ghostcard.driver.dispatcher import ATTEMPTS

        left = list(targets)
        if function == ADMIN and not performed[0]:
            if self._judge(function, qid, block, performed) == 0:
                return performed[1], qid
            raise DriverError(errno.EIO, "an administrative request is tried once")
        for _ in range(ATTEMPTS - 1):
            code, reply, _, _ = performed
            if code:
                left.remove(qid)
                _refuse(code, len(block), left)
            elif self._judge(function, qid, block, performed) == 0:
                return reply, qid
            qid = left[(left.index(qid) + 1) % len(left)] if qid in left else left[0]
            block = render(qid & 0xFF)
            performed = self._perform(qid, block)
        if not performed[0] and self._judge(function, qid, block, performed) == 0:
            return performed[1], qid
        raise DriverError(errno.EIO, f"{ATTEMPTS} attempts were refused")

    def _judge(self, function: int, qid: int, block: bytes, performed: Performed) -> int:
        """Account for what a card answered; 0 or EAGAIN, DriverError when another try is no use."""
        _, reply, operation, payload_bytes = performed
        self._count(qid, operation, payload_bytes)
        verdict = triage(reply, block)
        ended = outcome(reply) if verdict else 0
        sizes = (len(block), len(reply))
        if self._account is not None:
            self._account(((qid,), function, operation, payload_bytes, *sizes, ended))
        if verdict == errno.EINVAL:
            raise DriverError(errno.EINVAL, refusal(reply))
        return errno.EAGAIN if verdict else 0


def _noted(notes: "list[Request]", targets: tuple[int, ...]) -> Noted | None:
    """The requests of one operation, unless one was refused or sent elsewhere than it would be in
    a second such operation.
    """
    from ghostcard.firmware.abi.operations import ERROR  # a millisecond of the start

    asked = {request[0] for request in notes}
    is_bound = bool(notes) and notes[0][1] in _OPENING
    as_planned = len(asked) == 1 if is_bound else asked == {targets}
    served = all(operation != ERROR and not ended for _, _, operation, *_, ended in notes)
    return (
        Noted(is_bound, tuple(request[1:] for request in notes)) if as_planned and served else None
    )


def _refuse(code: int, request_bytes: int, left: list[int]) -> None:
    """The bus did not take the request: is there any use in trying what is left?"""
    name = RESPONSE_NAMES.get(code, f"response code {code:02x}")
    if code == MESSAGE_TOO_BIG:
        raise DriverError(errno.EINVAL, f"a request of {request_bytes} bytes is too big")
    if code in (REQ_FAC_NOT_INST, INVALID_DOMAIN):
        raise DriverError(errno.EINVAL, f"the bus does not take the request ({name})")
    if not left:
        raise DriverError(errno.ENODEV, f"no queue is available ({name})")
