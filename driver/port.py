"""What a host library asks of whatever carries its request blocks to a card."""

from collections.abc import Callable
from typing import Protocol


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
