"""Native hosts: the threads of a real program, function now and then its time (docs/design.md, 3).

A call is executed at once, in its thread and outside any lock, and then accounted for on the timing
track (`driver/accounting.py`), which may choose another of several queues than the one that
executed it.
"""

import errno
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, get_ident
from typing import TYPE_CHECKING

from ghostcard.driver.accounting import Accounting
from ghostcard.driver.errors import DriverError
from ghostcard.driver.port import Noted, Result
from ghostcard.driver.timing import Timing
from ghostcard.driver.triage import ADMIN, outcome, refusal, triage
from ghostcard.emulator.meter import uncounted
from ghostcard.emulator.status import (
    INVALID_DOMAIN,
    MESSAGE_TOO_BIG,
    REQ_FAC_NOT_INST,
    RESPONSE_NAMES,
)

if TYPE_CHECKING:
    from ghostcard.driver.lonetrack import Request
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.meter import Meter
    from ghostcard.emulator.record import Recorder

# DigestInit, EncryptInit, DecryptInit, SignInit, VerifyInit: what follows goes to the APQN that
# served them, in simulated time too. Other cards have classes of RSA requests by such numbers.
_OPENING = frozenset((5, 11, 12, 23, 27))
_EP11_OK = b"\x86\x02\x00\x00"  # what `triage` looks at first, here without the call
_CCA, _EP11 = b"\2", b"\4"  # the version of the CPRB, behind the header's 48 bytes and its length

Performed = tuple[int, bytes, str, int]  # what Bus.perform gives


class NativePort(Accounting):
    """The port of a real program's threads; any number of them may call at once."""

    def __init__(
        self,
        bus: "Bus",
        recorder: "Recorder",
        meter: "Meter | None" = None,
        timing: Timing | None = None,
        think: Callable[[], int] | None = None,
    ) -> None:
        """``meter`` counts what is asked; ``think`` gives the nanoseconds of its own time that the
        calling thread has taken since it was last asked.
        """
        self._perform = bus.perform
        self._perform_whole = bus.perform_whole
        self._count = uncounted if meter is None else meter.count
        self._turn = 0
        self._notes: dict[int, list[Request]] = {}  # by thread
        self._notes_lock = Lock()
        super().__init__(bus, recorder, Timing() if timing is None else timing, think)

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
        if self._paced is None:
            performed = self._perform(qid, block)
        else:
            performed = self._perform_paced(function, targets, qid, block)
        code, reply, operation, payload_bytes = performed
        if code or ((reply[1:5] != _EP11_OK or reply[50:51] == _CCA) and triage(reply, block)):
            return self._call_again(function, render, targets, qid, block, performed)
        self._count(qid, operation, payload_bytes)
        account = self._account
        if account is not None:
            if function in _OPENING and reply[1:5] == _EP11_OK and reply[50:51] == _EP11:
                targets = (qid,)
            sizes = (payload_bytes, len(block), len(reply))
            account((targets, function, operation, *sizes, 0, self._think() if self._think else 0))
        return reply, qid

    def attempt(self, function: int, qid: int, targets: tuple[int, ...], block: bytes) -> Performed:
        """One attempt at a request by ``qid``, for somebody who makes the others himself (`call`);
        in simulated time it goes to one of ``targets``. What the bus answers, whatever it is.
        """
        performed = self._perform(qid, block)
        code, reply, operation, payload_bytes = performed
        if code:
            return performed
        if (reply[1:5] != _EP11_OK or reply[50:51] == _CCA) and triage(reply, block):
            with suppress(DriverError):  # the other side finds that out for itself
                self._judge(function, qid, block, performed)
            return performed
        self._count(qid, operation, payload_bytes)
        if self._account is not None:
            if function in _OPENING and reply[1:5] == _EP11_OK and reply[50:51] == _EP11:
                targets = (qid,)
            sizes = (payload_bytes, len(block), len(reply))
            self._account((targets, function, operation, *sizes, 0, 0))
        return performed

    def _perform_paced(
        self, function: int, targets: tuple[int, ...], qid: int, block: bytes
    ) -> Performed:
        """Have a request executed, which is under way meanwhile if time is paced."""
        if self._paced is None:
            return self._perform(qid, block)
        bound = qid if function in _OPENING else -1
        return self._paced.perform(self._perform, function, targets, bound, qid, block)

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
        if self._paced is not None:
            return None  # each request takes its time
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
        for request in requests:
            self._count(qid, request[1], request[2])
            if not is_bound:
                turn += 1
                qid = targets[turn % count]
        account = self._account
        if account is not None:
            asked = (qid,) if is_bound else targets
            for request in requests:
                account((asked, *request, self._think() if self._think else 0))
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
            performed = self._perform_paced(function, (qid,), qid, block)
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
            think_ns = self._think() if self._think else 0
            self._account(((qid,), function, operation, payload_bytes, *sizes, ended, think_ns))
        if verdict == errno.EINVAL:
            raise DriverError(errno.EINVAL, refusal(reply))
        return errno.EAGAIN if verdict else 0


def _noted(notes: "list[Request]", targets: tuple[int, ...]) -> Noted | None:
    """The requests of one operation, unless one was refused or sent elsewhere than it would be in
    a second such operation.
    """
    from ghostcard.driver.lonetrack import THINK
    from ghostcard.firmware.abi.operations import ERROR  # a millisecond of the start

    asked = {request[0] for request in notes}
    is_bound = bool(notes) and notes[0][1] in _OPENING
    as_planned = len(asked) == 1 if is_bound else asked == {targets}
    served = all(operation != ERROR and not ended for _, _, operation, *_, ended, _ in notes)
    return (
        Noted(is_bound, tuple(request[1:THINK] for request in notes))
        if as_planned and served
        else None
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
