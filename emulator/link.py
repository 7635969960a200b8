"""The link between host and card: how long a message occupies one direction of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.emulator.profile import LinkProfile


class TransferTimes(dict[int, int]):
    """Message bytes -> ns on the link: bytes / bandwidth + overhead of each packet, rounded.

    The latency is propagation: it delays a message and holds nothing, so it is not in here. The
    entries are computed as they are asked for; there are no more of them than sizes of messages.
    """

    __slots__ = ("_link",)

    def __init__(self, link: LinkProfile) -> None:
        super().__init__()
        self._link = link

    def __missing__(self, size_bytes: int) -> int:
        link = self._link
        packets = -(-size_bytes // link.packet_bytes)
        wire = (2000 * size_bytes + link.bytes_per_us) // (2 * link.bytes_per_us)
        time = self[size_bytes] = wire + packets * link.packet_overhead_ns
        return time


class LinkDirection:
    """One direction: one server, first come first served; `free_at` is when it is idle again."""

    __slots__ = ("free_at", "latency_ns", "times")

    def __init__(self, times: TransferTimes, latency_ns: int) -> None:
        self.times = times
        self.latency_ns = latency_ns
        self.free_at = 0

    def send(self, now: int, size_bytes: int) -> int:
        """Take a message at `now`; returns when its last byte is at the other end."""
        start = self.free_at
        if start < now:
            start = now
        self.free_at = end = start + self.times[size_bytes]
        return end + self.latency_ns
