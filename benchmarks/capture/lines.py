"""The requests of a captured process, in a line for each client, for either engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.capture.file import Array, Capture
from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.recursion.sources import Source, Supply


class Request(NamedTuple):
    """One request: what it is, the error it is answered with, and the queues it may go to."""

    work: Work
    outcome: int
    targets: tuple[int, ...]


class Lines:
    """`requests` of all clients, by number; `of[client]` are those of one, in order. Before each is
    a gap, from the end of its client's last, or of the request that it follows (-1: none).
    """

    def __init__(
        self, capture: Capture, places: Array, routes: Sequence[tuple[int, ...]], gaps: Array
    ) -> None:
        """The rows at ``places``, to the queues in ``routes`` for each of the capture's targets."""
        rows = capture.rows[places]
        fields = (
            "operation", "payload_bytes", "function", "request_bytes", "reply_bytes", "outcome",
            "targets",
        )  # fmt: skip
        columns = (rows[field].tolist() for field in fields)
        works: dict[tuple[int, ...], Request] = {}
        self.requests: list[Request] = []
        for kind in zip(*columns, strict=True):
            request = works.get(kind)
            if request is None:
                operation, *sizes, outcome, targets = kind
                work = Work(capture.names[operation], *sizes)
                request = works[kind] = Request(work, outcome, routes[targets])
            self.requests.append(request)
        self.gaps: list[int] = gaps[places].tolist()
        self.follows = _own_numbers(rows["after"], places)
        self.of: dict[int, list[int]] = {}
        for number, client in enumerate(rows["client"].tolist()):
            self.of.setdefault(client, []).append(number)

    def sources(self) -> list[Source] | None:
        """The clients as the recursion has them; None if it knows no such clients: with errors, or
        requests of one client to different queues.
        """
        if any(request.outcome for request in self.requests):
            return None
        place = {number: n for line in self.of.values() for n, number in enumerate(line)}
        index = {
            number: n for n, client in enumerate(sorted(self.of)) for number in self.of[client]
        }
        sources = []
        for client in sorted(self.of):
            line = self.of[client]
            targets = {self.requests[number].targets for number in line}
            if len(targets) > 1:
                return None
            follows = {
                n: (index[self.follows[number]], place[self.follows[number]] + 1)
                for n, number in enumerate(line)
                if self.follows[number] >= 0
            }
            begin_ns = self.gaps[line[0]] or None
            if 0 in follows:
                begin_ns = None
            works, supply = self._supply(line)
            sources.append(
                Source(client, targets.pop(), works, supply, begin_ns=begin_ns, follows=follows)
            )
        return sources

    def _supply(self, line: list[int]) -> tuple[tuple[Work, ...], Supply]:
        places: dict[Work, int] = {}
        kinds = np.array(
            [places.setdefault(self.requests[number].work, len(places)) for number in line]
        )
        gaps = np.array([self.gaps[number] for number in line], np.int64)

        def supply(first: int, count: int) -> tuple[Sequence[int], Sequence[int]]:
            end = first + count
            return gaps[first:end], kinds[first:end]  # type: ignore[return-value]

        return tuple(places), supply


def _own_numbers(after: Array, places: Array) -> list[int]:
    """What each request follows, as a number among those at `places`; -1: nothing but its own."""
    number = {place: n for n, place in enumerate(places.tolist())}
    return [number.get(row - 1, -1) if row else -1 for row in after.tolist()]
