"""What asynchronous sessions ask of a port: requests that are executed now and end later."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, runtime_checkable

Result = TypeVar("Result")


class Ticket(Protocol):
    """The requests that one action made, one after the other in simulated time."""

    @property
    def is_over(self) -> bool:
        """Whether all are done, at the time that simulated time has come to; none always are."""
        ...


@runtime_checkable
class AsyncPort(Protocol):
    """The port of a program's threads, as far as nobody waits for his requests. Any thread may ask
    for any ticket.
    """

    def begin(self, action: Callable[[], Result]) -> tuple[Result, Ticket]:
        """What ``action`` gives, which is done at once in the calling thread, and a ticket for the
        requests that it made.
        """
        ...

    def is_done(self, ticket: Ticket) -> bool:
        """Whether the last request of a ticket has ended, when the calling thread looks."""
        ...

    def wait(
        self, tickets: Sequence[Ticket], timeout_ns: int | None = None, wall_s: float | None = None
    ) -> Ticket | None:
        """Wait until one of the tickets is done: the one that was first. None after ``timeout_ns``
        of simulated time or ``wall_s`` of the host's, or if there is no ticket left to wait for.
        """
        ...

    def accompany(self, ticket: Ticket, beside: Ticket) -> bool:
        """Whoever waits for ``beside`` waits for ``ticket``, too; False if nobody does now."""
        ...

    def abandon(self, ticket: Ticket) -> None:
        """Nobody wants to know of these requests any more."""
        ...
