"""Asynchronous calls in simulated time: what is under way while their thread goes on.

A call (`begin`) leaves a `Ticket`. To submit takes the thread no time of its own: that is a stage
of the request. To poll takes what a DQAP takes, to wait what there is to wait for.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ghostcard.driver.deadline import Deadline
from ghostcard.driver.gate import BLOCKED
from ghostcard.driver.gatedtrack import GatedTrack
from ghostcard.driver.lonetrack import THINK, Request
from ghostcard.driver.ticket import Ticket
from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.driver.caller import Caller
    from ghostcard.driver.port import Result


class AsyncTrack(GatedTrack):
    """The strict order with asynchronous calls."""

    _tickets_over = 0

    def begin(self, action: Callable[[], "Result"]) -> "tuple[Result, Ticket]":
        """Perform ``action`` at once; what it asks for is under way when this returns.

        What it raises passes through, when the time of what it had asked for until then has passed.
        """
        result, requests = self.collect(action)
        return result, self.dispatch(requests)

    def collect(self, action: Callable[[], "Result"]) -> "tuple[Result, list[Request]]":
        """Perform ``action`` at once; what it asked for, of which nothing is under way yet.

        What it raises passes through, when the time of what it had asked for until then has passed.
        """
        thread = self._thread
        if thread.caller is None:
            self.enter()
        chain = thread.chain = list[Request]()
        try:
            result = action()
        except BaseException:
            thread.chain = None
            for request in chain:
                self.account(request)
            raise
        thread.chain = None
        return result, chain

    def dispatch(self, requests: Sequence[Request]) -> Ticket:
        """Have these requests under way, one after the other."""
        caller = self._thread.caller or self.enter()
        ticket = Ticket(caller, deque(requests))
        if requests:
            think_ns, caller.slept_ns = requests[0][THINK] - caller.slept_ns, 0
            with self._lock:
                self._settle()
                self._gate.post(caller, think_ns, lambda _: self._depart(ticket))
                self._elect()
        return ticket

    def is_done(self, ticket: Ticket) -> bool:
        """Whether it is over at the thread's host time; to ask takes time."""
        caller = self._thread.caller or self.enter()
        caller.awaited = (ticket,)
        self._go_through(caller, 0, self._poll)
        return self._taken(caller) is not None

    def wait(
        self, tickets: Sequence[Ticket], timeout_ns: int | None = None, wall_s: float | None = None
    ) -> Ticket | None:
        """Let time pass until the first of them is over, which is given.

        None: they were not within ``timeout_ns`` of simulated time, or ``wall_s`` of the host's,
        or one was abandoned and no other is left; or there are none.
        """
        if not tickets:
            return None
        caller = self._thread.caller or self.enter()
        caller.awaited = tuple(tickets)
        self._go_through(caller, 0, lambda one: self._await(one, timeout_ns), wall_s or 0.0)
        if caller.state == BLOCKED:
            with self._lock:
                if caller.state == BLOCKED:
                    self._gate.recall(caller)
                    for ticket in caller.awaited:
                        if caller in ticket.waiters:
                            ticket.waiters.remove(caller)
                    self._elect()
        return self._taken(caller)

    def abandon(self, ticket: Ticket) -> None:
        """Nobody will ask for it; of its requests those that are not under way are not made."""
        caller = self._thread.caller or self.enter()
        with self._lock:
            self._settle()
            self._gate.post(caller, 0, lambda _: self._drop(ticket))
            self._elect()

    def discard(self, tickets: Iterable[Ticket]) -> None:
        """Abandon them at once, for somebody who has gone; by a thread that is no client."""
        with self._lock:
            self._settle()
            for ticket in tickets:
                self._drop(ticket)
            self._elect()

    def accompany(self, ticket: Ticket, beside: Ticket) -> bool:
        """Whoever waits for ``beside`` waits for ``ticket``, too; False if nobody does now."""
        with self._lock:
            found = [each for each in self._gate.blocked if beside in each.awaited]
            for caller in (each for each in found if ticket not in each.awaited):
                if any(caller in each.waiters for each in caller.awaited):
                    ticket.waiters.append(caller)
                caller.awaited = (*caller.awaited, ticket)
        return bool(found)

    def _taken(self, caller: "Caller") -> Ticket | None:
        found, caller.found, caller.awaited = caller.found, None, ()
        return found

    # Steps and events, all on the timeline

    def _depart(self, ticket: Ticket) -> None:
        if ticket.abandoned:
            self._end(ticket)
            return
        own = self._gate.number(ticket.owner)
        job = Job(client=ticket.take_lane(own, lambda: self._fresh_lane(ticket.owner)))
        self._go_on(ticket, job)

    def _go_on(self, ticket: Ticket, job: Job) -> None:
        """The next of its requests, if there is one."""
        while ticket.line and not ticket.abandoned:
            if self._send(job, ticket.line.popleft(), lambda job: self._go_on(ticket, job)):
                return
        self._end(ticket)

    def _end(self, ticket: Ticket) -> None:
        self._tickets_over += 1
        ticket.over_as = self._tickets_over
        if ticket.abandoned:
            ticket.free_lane()
        for caller in ticket.waiters[:]:
            self._find(caller, ticket, self._gate.now_ns)

    def _find(self, caller: "Caller", ticket: Ticket | None, host_ns: int) -> None:
        """End a caller's wait."""
        for awaited in caller.awaited:
            if caller in awaited.waiters:
                awaited.waiters.remove(caller)
        caller.found = ticket
        if ticket is not None:
            ticket.free_lane()
            ticket.reported = True
        self._gate.release(caller, host_ns)

    def _poll(self, caller: "Caller") -> None:
        ticket = caller.awaited[0]
        now = self._gate.now_ns
        self._find(caller, ticket if ticket.is_over else None, now + self._poll_ns)

    def _await(self, caller: "Caller", timeout_ns: int | None) -> None:
        now = self._gate.now_ns
        over = [ticket for ticket in caller.awaited if ticket.is_over]
        if over:
            first = min(over, key=lambda ticket: ticket.over_as)
            # to be told the same thing again takes time, or one could ask for ever at one instant
            self._find(caller, first, now + (self._poll_ns if first.reported else 0))
            return
        under_way = [ticket for ticket in caller.awaited if not ticket.abandoned]
        if not under_way:
            self._find(caller, None, now + self._poll_ns)
            return
        for ticket in under_way:
            ticket.waiters.append(caller)
        if timeout_ns is not None:
            deadline = Deadline(lambda: self._time_out(caller, deadline))
            caller.deadline = deadline
            self._gate.deadlines += 1
            self._gate.machine.timeline.at(now + max(timeout_ns, self._poll_ns), deadline)

    def _time_out(self, caller: "Caller", deadline: Deadline) -> None:
        self._gate.deadlines -= 1
        if caller.deadline is deadline and caller.state == BLOCKED and caller.awaited:
            self._find(caller, None, self._gate.now_ns)

    def _drop(self, ticket: Ticket) -> None:
        ticket.abandoned = True
        if ticket.is_over:
            ticket.free_lane()
        for caller in ticket.waiters[:]:
            ticket.waiters.remove(caller)
            if not any(caller in other.waiters for other in caller.awaited):
                self._find(caller, None, self._gate.now_ns)

    @property
    def _poll_ns(self) -> int:
        """What a poll takes: a DQAP; the timeline must go on if somebody polls for ever."""
        return max(1, *(card.profile.host.dequeue_ns for card in self._bus.cards.values()))

    def _fresh_lane(self, caller: "Caller") -> int:
        caller.more.append(self._gate.numbers)
        self._gate.numbers += 1
        return self._gate.numbers - 1
