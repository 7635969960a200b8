"""Offload break-even (LogCA): from which length of message on a card is quicker than the host.

T0(g), the host's own software, is host time; T1(g), one request at a time on the card, is simulated
time of its profile. They are two clocks, and stand in columns of their own; what is compared is
whether the card, if it were the profile's, would answer before this host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ghostcard.benchmarks.analysis import spread_of
from ghostcard.benchmarks.host_software import HostTime, measure
from ghostcard.benchmarks.scenario_stations import delay_ns, demands
from ghostcard.emulator.card import Card

SIZES = tuple(1 << n for n in range(4, 16, 1))  # 16 B to 32 KiB: what one request of a card takes


class Offload(NamedTuple):
    """An operation of a card: both curves over the length of the message."""

    operation: str
    payloads: tuple[int, ...]
    card_ns: tuple[float, ...]  # simulated time
    host_ns: tuple[float, ...]  # host time
    submit_ns: int  # simulated: what the host's processor still has to do for a request

    @property
    def break_even_bytes(self) -> float | None:
        """The least length from which on the card is quicker, between those that were measured in
        a straight line; None if it never is. The least length that was measured may be it."""
        gains = [host - card for host, card in zip(self.host_ns, self.card_ns, strict=True)]
        if gains[-1] < 0:
            return None
        last = max((n for n, gain in enumerate(gains) if gain < 0), default=None)
        if last is None:
            return float(self.payloads[0])
        low, high = self.payloads[last : last + 2]
        return low + (high - low) * -gains[last] / (gains[last + 1] - gains[last])


def has_length(card: Card, operation: str) -> bool:
    """Whether the work of an operation grows with its message."""
    return card.profile.operations[operation].per_kib_ns > 0


def offload(card: Card, operation: str, payload: int, interrupts: bool) -> Offload | None:
    """Of an operation whose work grows with the message at `SIZES`, else at the payload given; None
    if this host does not compute it."""
    payloads = SIZES if has_length(card, operation) else (payload,)
    measured: Sequence[HostTime] = list(measure(operation, payloads))
    if not measured:
        return None
    return Offload(
        operation,
        payloads,
        tuple(lone_ns(card, operation, one, interrupts) for one in payloads),
        tuple(one.host_ns for one in measured),
        card.profile.host.submit_ns + card.profile.host.dequeue_ns,
    )


def lone_ns(card: Card, operation: str, payload: int, interrupts: bool) -> float:
    """A request that meets no other, on average."""
    mean, _ = spread_of(card.profile.operations[operation].distribution)
    engine = card.image.plan(operation, payload).engine
    asked = demands(card, operation, payload)
    held = sum(one.time_ns * (mean if one.station == engine else 1) for one in asked)
    return held + delay_ns(card, interrupts)
