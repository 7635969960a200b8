"""Which of several like servers did what: the record names the pool, a track needs the server."""

from collections.abc import Sequence
from heapq import heappop, heappush


class Lanes:
    """Servers of one resource, numbered from 0; a request gets the lowest that is free.

    Replayed in order of start, so that no two requests of a lane overlap and there are as many
    lanes as were ever busy at once.
    """

    __slots__ = ("_busy", "_free", "count")

    def __init__(self) -> None:
        self.count = 0
        self._free: list[int] = []
        self._busy: list[tuple[int, int]] = []  # end, lane

    def assign(self, start_ns: int, end_ns: int) -> int:
        """The lane of a request; `start_ns` is no less than that of any request before."""
        busy, free = self._busy, self._free
        while busy and busy[0][0] <= start_ns:
            heappush(free, heappop(busy)[1])
        if free:
            lane = heappop(free)
        else:
            lane = self.count
            self.count += 1
        heappush(busy, (end_ns, lane))
        return lane


def assign(
    lanes: dict[int, Lanes], keys: Sequence[int], starts: Sequence[int], ends: Sequence[int]
) -> list[int]:
    """The lane of each request on the resource `keys` names; `lanes` goes on from call to call."""
    for key in set(keys) - lanes.keys():
        lanes[key] = Lanes()
    return [
        lanes[key].assign(start, end) for key, start, end in zip(keys, starts, ends, strict=True)
    ]
