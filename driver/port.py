"""What a host library asks of whatever carries its request blocks to a card."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

Result = TypeVar("Result")


class Noted(NamedTuple):
    """The requests of one operation: of `timingtrack.Request` all but the targets. ``is_bound``: to
    the queue that served the first; else each may go to any.
    """

    is_bound: bool
    requests: tuple[tuple[int, str, int, int, int, int], ...]


class Port(Protocol):
    """One way to the cards; `ghostcard.driver.native` has that of a real program's threads."""

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        """Have one of the APQNs ``targets`` (qids) serve a request: (reply block, serving qid).

        ``function`` is what the request weighs by (`ghostcard.driver.ratings`); ``render(domain)``
        gives the complete block for a domain and is called again when another queue is tried.
        The reply is of type 86 or 80 with reply code 0. Raises DriverError otherwise.
        """
        ...


@runtime_checkable
class WholePort(Port, Protocol):
    """A port on whose function track an operation need not be cut into requests."""

    def noting(
        self, action: Callable[[], Result], targets: tuple[int, ...]
    ) -> tuple[Result, Noted | None]:
        """What ``action`` gives, and the requests to ``targets`` that it made in this thread; None
        if one of them was refused, or sent elsewhere than it would be the next time.
        """
        ...

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
        """Do an operation in one piece (`ghostcard.emulator.image.WholeImage`), and account for the
        requests that it would have taken, which are ``known`` for each size of its result.

        The bytes written to ``out``; None if that cannot be done, and then nothing was.
        """
        ...
