"""The tickets of a program at the server: its asynchronous calls, by numbers of its own.

What a program has under way is bounded. A call that finds no room takes its time at once, as one of
a session that is not asynchronous.
"""

import errno
from collections.abc import Callable, Iterable, Sequence
from secrets import randbits
from threading import Lock
from typing import TYPE_CHECKING, Final

from ghostcard.driver.errors import DriverError
from ghostcard.shared import wire

if TYPE_CHECKING:
    from ghostcard.driver.lonetrack import Request
    from ghostcard.driver.native import NativePort
    from ghostcard.driver.port import Result
    from ghostcard.driver.ticket import Ticket

TICKETS_MOST: Final = 4096  # of one process
REQUESTS_MOST: Final = 1 << 17  # in them
_LATEST_NS: Final = 1 << 62  # no time-out lies beyond: simulated time has 63 bits


class Tickets:
    """Those of one process, whose threads share them. Numbers begin anywhere, so that one of a
    server that has been killed is none of its successor's.
    """

    def __init__(self, port: "NativePort") -> None:
        self._port = port
        self._lock = Lock()
        self._tickets: dict[int, tuple[Ticket, int]] = {}  # and its requests
        self._next = randbits(60) + 1
        self._requests = 0

    def collect(self, action: "Callable[[], Result]", chain: "list[Request]") -> "Result":
        """Have a request served, whose time is to pass with that of others in ``chain``."""
        if len(chain) >= REQUESTS_MOST:
            raise DriverError(errno.ENOSPC, f"a call makes at most {REQUESTS_MOST} requests")
        result, requests = self._port.collect(action)
        chain.extend(requests)
        return result

    def begin(self, chain: "Sequence[Request]") -> int:
        """Have these under way: the number of a ticket, or 0 if they are over already."""
        with self._lock:
            is_full = len(self._tickets) >= TICKETS_MOST
            is_full |= self._requests + len(chain) > REQUESTS_MOST
            self._requests += 0 if is_full else len(chain)
        ticket = self._port.dispatch(chain)
        if is_full:
            self._port.wait((ticket,))
            return 0
        with self._lock:
            number = self._next
            self._next += 1
            self._tickets[number] = ticket, len(chain)
        return number

    def is_done(self, number: int) -> bool:
        """See `AsyncPort`."""
        return self._port.is_done(self._found(number))

    def wait(self, asked: "wire.Wait") -> int:
        """See `AsyncPort`: the number of the first, or 0."""
        by_ticket = {self._found(number): number for number in asked.tickets}
        timeout_ns = asked.timeout_ns
        if timeout_ns is not None and self._port.now_ns + timeout_ns > _LATEST_NS:
            timeout_ns = None
        found = self._port.wait(tuple(by_ticket), timeout_ns, asked.wall_s)
        return 0 if found is None else by_ticket[found]

    def accompany(self, numbers: Sequence[int]) -> bool:
        """See `AsyncPort`."""
        if len(numbers) != 2:
            raise DriverError(errno.EINVAL, f"{len(numbers)} tickets, takes two")
        ticket, beside = map(self._found, numbers)
        return self._port.accompany(ticket, beside)

    def abandon(self, numbers: Iterable[int]) -> None:
        """See `AsyncPort`; those that are unknown are abandoned already."""
        for number in numbers:
            known = self._tickets.get(number)
            if known is not None:
                self._port.abandon(known[0])

    def forget(self, numbers: Iterable[int]) -> None:
        """They are over, or abandoned, and nobody will ask for them."""
        with self._lock:
            for number in numbers:
                _, requests = self._tickets.pop(number, (None, 0))
                self._requests -= requests

    def end(self) -> None:
        """The process has ended."""
        with self._lock:
            left = [ticket for ticket, _ in self._tickets.values()]
            self._tickets.clear()
        self._port.discard([ticket for ticket in left if not ticket.reported])

    def _found(self, number: int) -> "Ticket":
        known = self._tickets.get(number)
        if known is None:
            raise DriverError(errno.ENODEV, "the call was lost with the server that had it")
        return known[0]
