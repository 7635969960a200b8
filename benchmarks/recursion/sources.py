"""What clients ask for and when, as data: the workload of the second engine."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ghostcard.benchmarks.closed_loop import Work

Supply = Callable[[int, int], tuple[Sequence[int], Sequence[int]]]
"""(first, count) -> gaps and works of a client's requests from `first` on, at most `count`.

A gap is the think time before a request of a closed loop, or the time of an open one's arrival; a
work is an index. Asked for in order, each request once, until there are none: the client ends.
"""


class Constant(NamedTuple):
    """Every request alike."""

    gap_ns: int = 0
    work: int = 0


class Workers(NamedTuple):
    """Those who think for the clients of one tenant, first come, first served."""

    pool: int  # which
    number: int


class Source(NamedTuple):
    """One client. Times are nanoseconds of simulated time.

    In a closed loop it has one request in flight: the first is submitted at `begin_ns` (None: at
    time 0, before any event), the next a gap after the reply, in that very event if there is none.
    With `workers` a gap begins when one of them is free. An open one submits a request at each of
    its times, whatever became of those before. With a `block`, its one request is that: an admin
    request, which changes the card's prices when a core fetches it, and is not counted among those
    of the run.
    """

    client: int
    targets: tuple[int, ...]
    works: tuple[Work, ...]
    supply: Supply | Constant = Constant()
    is_open: bool = False
    begin_ns: int | None = None
    requests: int | None = None
    block: bytes | None = None
    follows: Mapping[int, tuple[int, int]] = {}
    workers: Workers | None = None


def closed_loop(
    targets: tuple[int, ...],
    work: Sequence[Work],
    clients: int = 1,
    requests: int | None = None,
    think_ns: int = 0,
    seed: int = 0,
) -> list[Source]:
    """The clients of a `ClosedLoop` with these arguments."""
    works = tuple(work)
    return [
        Source(number, targets, works, _drawn(works, think_ns, seed, number), requests=requests)
        for number in range(clients)
    ]


def _drawn(works: tuple[Work, ...], think_ns: int, seed: int, client: int) -> Supply | Constant:
    if len(works) == 1:
        return Constant(think_ns)
    choice, indices = random.Random(seed << 32 | client).choice, range(len(works))
    return lambda _first, count: ([think_ns] * count, [choice(indices) for _ in range(count)])
