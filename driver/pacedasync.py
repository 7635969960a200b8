"""Asynchronous calls in paced mode: what is under way while its thread goes on.

As in `driver/asynctrack.py`, a call leaves a ticket. To poll takes as long as it takes.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues
from ghostcard.driver.lonetrack import Request
from ghostcard.driver.pacedcaller import PacedCaller
from ghostcard.driver.pacedtrack import LONGEST_NS, PacedTrack
from ghostcard.driver.ticket import Ticket
from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.driver.port import Result
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder

DOZE_NS = 1_000_000  # before its time, from when on a thread cannot be woken


class PacedTicket(Ticket):
    """A ticket that knows its times on the cards' clock, and the request that is under way."""

    __slots__ = ("began_ns", "executed_ns", "job", "offsets", "over_ns")

    def __init__(self, owner: PacedCaller, requests: deque[Request], began_ns: int) -> None:
        super().__init__(owner, requests)
        self.job = Job()
        self.offsets: tuple[int, ...] = ()
        self.began_ns = self.over_ns = began_ns
        self.executed_ns = time.monotonic_ns()  # on the wall's clock


class PacedAsyncTrack(PacedTrack):
    """Paced mode with asynchronous calls."""

    _tickets_over = 0

    def begin(self, action: "Callable[[], Result]") -> "tuple[Result, Ticket]":
        """Perform ``action`` at once; what it asks for has been under way since it began.

        What it raises passes through, when the time of what it had asked for until then has passed.
        """
        came_ns = time.monotonic_ns()
        thread = self._thread
        caller = thread.caller or self.enter()
        with self._lock:
            caller.arrived_ns = self._unknown[caller] = self._arrival(came_ns)
        chain = thread.chain = list[Request]()
        try:
            result = action()
        except BaseException:
            self._forget_arrival(caller)
            for request in chain:
                self.account(request)
            raise
        finally:
            thread.chain = None
        ticket = PacedTicket(caller, deque(chain), caller.arrived_ns)
        with self._lock:
            self._unknown.pop(caller, None)
            if chain:
                self._come(ticket.began_ns, lambda: self._depart(ticket))
        return result, ticket

    def is_done(self, ticket: Ticket) -> bool:
        """Whether it is over by the clock."""
        with self._lock:
            if self._machine is not None:
                self._advance()
            if ticket.is_over:
                self._report(ticket)
            return ticket.is_over

    def wait(
        self, tickets: Sequence[Ticket], timeout_ns: int | None = None, wall_s: float | None = None
    ) -> Ticket | None:
        """Wait until the first of them is over, which is given.

        None: they were not within ``timeout_ns`` of the cards' time, or ``wall_s`` of the wall's,
        or one was abandoned and no other is left; or there are none.
        """
        if not tickets:
            return None
        began_ns = time.monotonic_ns()
        limits = [] if wall_s is None else [int(wall_s * 1e9)]
        if timeout_ns is not None:
            limits.append(self._wall_time(timeout_ns) - self._began_ns)
        end_ns = began_ns + min(limits) if limits else None
        caller = self._thread.caller or self.enter()
        caller.awaited = tuple(tickets)
        with self._lock:
            self._waiting[caller] = None
        try:
            return self._await(caller, end_ns, began_ns)
        finally:
            with self._lock:
                del self._waiting[caller]
            caller.awaited = ()

    def abandon(self, ticket: Ticket) -> None:
        """Nobody will ask for it; of its requests those that are not under way are not made."""
        with self._lock:
            ticket.abandoned = True
            if ticket.is_over:
                ticket.free_lane()
            self._disturb(ticket)

    def accompany(self, ticket: Ticket, beside: Ticket) -> bool:
        """Whoever waits for ``beside`` waits for ``ticket``, too; False if nobody does now."""
        with self._lock:
            found = [each for each in self._waiting if beside in each.awaited]
            for caller in found:
                caller.awaited = (*caller.awaited, ticket)
            self._disturb(ticket)
        return bool(found)

    # -- with the lock held

    def _depart(self, ticket: PacedTicket) -> None:
        if ticket.abandoned:
            self._end(ticket)
            return
        assert isinstance(ticket.owner, PacedCaller)
        self._go_on(ticket, Job(client=ticket.take_lane(ticket.owner.number, self._fresh)))

    def _go_on(self, ticket: PacedTicket, job: Job) -> None:
        """The next of its requests, if there is one."""
        while ticket.line and not ticket.abandoned:
            request = ticket.line.popleft()
            ticket.job = anew = Job(client=job.client)
            ticket.offsets = self._offsets(request) if self._is_plain else ()
            if self._send(anew, request, lambda job: self._go_on(ticket, job)):
                return
        self._end(ticket)

    def _end(self, ticket: PacedTicket) -> None:
        self._tickets_over += 1
        ticket.over_as, ticket.over_ns = self._tickets_over, self.now_ns
        if ticket.abandoned:
            ticket.free_lane()
        self._disturb(ticket)

    def _disturb(self, ticket: Ticket) -> None:
        """Whoever waits for it looks again."""
        for caller in self._waiting:
            if ticket in caller.awaited:
                caller.wake()

    def _report(self, ticket: Ticket) -> None:
        ticket.free_lane()
        ticket.reported = True

    # -- waiting

    def _await(self, caller: PacedCaller, end_ns: int | None, began_ns: int) -> Ticket | None:
        while not self.is_ending():
            with self._lock:
                if self._machine is not None:
                    self._advance()
                found = self._found(caller.awaited)
                until_ns = self._next(caller.awaited)
            now_ns = time.monotonic_ns()
            if isinstance(found, PacedTicket):
                over_ns = self._wall_time(found.over_ns)
                if now_ns >= over_ns:
                    if over_ns > began_ns:  # it was waited for
                        self._count(found.began_ns, found.over_ns, found.executed_ns)
                    return found
                until_ns = over_ns
            elif until_ns is None or (end_ns is not None and now_ns >= end_ns):
                return None
            self._doze(caller, until_ns if end_ns is None else min(until_ns, end_ns), now_ns)
        return None

    def _doze(self, caller: PacedCaller, until_ns: int, now_ns: int) -> None:
        """Wait for a time, or to be woken as long as it is not near."""
        left_ns = until_ns - now_ns
        if left_ns > DOZE_NS:
            caller.token.acquire(True, min(left_ns - DOZE_NS, LONGEST_NS) / 1e9)
        else:
            self.pause(max(until_ns, now_ns + 1))

    def _found(self, tickets: tuple[Ticket, ...]) -> Ticket | None:
        over = [ticket for ticket in tickets if ticket.is_over]
        if not over:
            return None
        first = min(over, key=lambda ticket: ticket.over_as)
        self._report(first)
        return first

    def _next(self, tickets: tuple[Ticket, ...]) -> int | None:
        """The wall's time before which none is over; None if none will ever be."""
        under_way = [
            ticket
            for ticket in tickets
            if isinstance(ticket, PacedTicket) and not (ticket.abandoned or ticket.is_over)
        ]
        times = [self._earliest(ticket.job, ticket.offsets) for ticket in under_way]
        return self._wall_time(min(times)) if times else None

    def _forget_arrival(self, caller: PacedCaller) -> None:
        self._thread.chain = None
        with self._lock:
            self._unknown.pop(caller, None)


def paced_track(bus: "Bus", recorder: "Recorder", dilation: float) -> PacedAsyncTrack:
    """For the threads of this process, on these cards."""
    return PacedAsyncTrack(bus, Dispatcher(dispatch_queues(bus)), recorder, dilation)
