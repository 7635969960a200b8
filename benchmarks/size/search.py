"""The smallest size that meets a target: cards first, then places of a queue, then clients.

By bisection over simulations, on what more cards, places and clients do: more cards shorten
latencies; more clients of a closed loop raise its throughput and its latencies. Where the search
begins, laws tell that need no simulation: of utilisation, and Little's. What it finds has been
simulated, and so has its neighbour that misses.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from ghostcard.benchmarks.analysis import loads, visits
from ghostcard.benchmarks.size.load import CARDS_MAX, Size, Varied
from ghostcard.benchmarks.size.lone import lone_ns
from ghostcard.benchmarks.size.measure import Measured, Scale
from ghostcard.benchmarks.size.target import MAX, MEAN, PERMILLE, Bound

CLIENTS_MAX = 100_000
NEIGHBOURS = 2  # cards more and less that the curve shows
_GROWTH = 1.002  # of the throughput by twice the clients; less is none


class Answer(NamedTuple):
    """The size, or why there is none; and what was simulated on the way, by cards and by depth."""

    best: Measured | None
    reason: str  # where there is none
    by_cards: tuple[Measured, ...]
    by_depth: tuple[Measured, ...]
    simulated: int  # requests


class Search:
    """For one target; `tell` is called with each size that was tried."""

    def __init__(self, varied: Varied, tell: Callable[[Measured], None] = lambda _: None) -> None:
        self._varied = varied
        self._scale = Scale(varied)
        self._tell = tell
        self._found: dict[tuple[int, int], Measured] = {}
        self._lone = lone_ns(varied)

    def answer(self) -> Answer:
        """The smallest size."""
        reason = self._hopeless()
        if reason:
            return Answer(None, reason, (), (), 0)
        cards = self._fewest_cards()
        if cards is None:
            reason = f"{CARDS_MAX} cards do not meet it: {self._failing()}"
            return self._close(None, reason, CARDS_MAX, ())
        deepest = self._varied.deepest
        depth = _first(lambda one: self._at(cards, one).meets, 1, deepest)
        shown = sorted({1, max(1, depth - 1), depth, deepest})
        by_depth = tuple(self._at(cards, one) for one in shown)
        return self._close(self._at(cards, depth), "", cards, by_depth)

    def _close(
        self, best: Measured | None, reason: str, cards: int, by_depth: tuple[Measured, ...]
    ) -> Answer:
        if best is not None:
            least = max(self._varied.fewest_cards, cards - NEIGHBOURS)
            for near in range(least, min(cards + NEIGHBOURS, CARDS_MAX) + 1):
                self._at(near, self._varied.deepest)
        deepest = self._varied.deepest
        curve = [one for (_, depth), one in sorted(self._found.items()) if depth == deepest]
        return Answer(best, reason, tuple(curve), by_depth, self._scale.simulated)

    def _at(self, cards: int, depth: int) -> Measured:
        """With as few clients as reach the rate there, if any do."""
        key = cards, depth
        if key not in self._found:
            is_varied = self._varied.is_closed and self._varied.target.rate_per_s is not None
            self._found[key] = (
                self._fewest_clients(cards, depth)
                if is_varied
                else self._measure(Size(cards, depth, self._own_clients()))
            )
        return self._found[key]

    def _measure(self, size: Size) -> Measured:
        found = self._scale.measure(size)
        self._tell(found)
        return found

    def _own_clients(self) -> int:
        return self._varied.tenants[0].clients

    def _fewest_cards(self) -> int | None:
        """None if not even the most meet it."""
        deepest = self._varied.deepest
        low = self._least_cards()
        if low > CARDS_MAX:
            return None
        step, failing = 1, low - 1
        cards = low
        while not self._at(cards, deepest).meets:
            failing = cards
            if cards == CARDS_MAX:
                return None
            cards, step = min(cards + step, CARDS_MAX), step * 2
        return _first(lambda one: self._at(one, deepest).meets, failing + 1, cards)

    def _least_cards(self) -> int:
        """Below that a station would have more than all it can do, by the utilisation law."""
        varied = self._varied
        scenario = varied.at(Size(varied.fewest_cards, varied.deepest, self._own_clients()))
        cards = varied.cards_of(scenario)
        load = max((one.load for one in loads(scenario, cards)), default=0.0)
        if varied.is_closed and varied.target.rate_per_s is not None:
            [tenant] = varied.tenants
            met = visits(tenant, cards[0])
            slowest_s = max((visit.mean_ns / visit.servers for visit in met), default=0.0) / 1e9
            load = float(varied.target.rate_per_s / varied.share(tenant)) * slowest_s
        return max(varied.fewest_cards, ceil(load * varied.fewest_cards * (1 - 1e-9)))

    def _fewest_clients(self, cards: int, depth: int) -> Measured:
        """The fewest that reach the rate; else those that come closest, or break a bound first."""
        tried: dict[int, Measured] = {}

        def at(clients: int) -> Measured:
            if clients not in tried:
                tried[clients] = self._measure(Size(cards, depth, clients))
            return tried[clients]

        def reaches(clients: int) -> bool:
            return "rate" not in at(clients).violated

        low = clients = self._least_clients()
        while not reaches(clients):
            low = clients + 1
            more = min(2 * clients, CLIENTS_MAX)
            if set(at(clients).violated) - {"rate"} or clients == CLIENTS_MAX:
                return at(clients)
            if at(more).per_second.mean < at(clients).per_second.mean * _GROWTH:
                return at(more)
            clients = more
        return at(_first(reaches, low, clients))

    def _least_clients(self) -> int:
        """Little's law: so many are needed if none of their requests ever waits."""
        [tenant] = self._varied.tenants
        rate = self._varied.target.rate_per_s
        assert rate is not None
        total = sum(kind.weight for kind in tenant.mix)
        lone = sum(self._lone[kind] * kind.weight for kind in tenant.mix) / total
        each_s = (lone + tenant.mean_think_ns()) / 1e9
        needed = float(rate / self._varied.share(tenant)) * each_s
        return max(1, min(int(needed * 0.9), CLIENTS_MAX))  # 0.9: service times may vary

    def _hopeless(self) -> str:
        """Why no number of cards can help, where one request alone tells it."""
        for bound in self._varied.target.bounds:
            why = self._too_slow_alone(bound)
            if why:
                return why
        return ""

    def _too_slow_alone(self, bound: Bound) -> str:
        kinds = [
            (kind.weight, self._lone[kind], kind.operation)
            for tenant in self._varied.tenants
            for kind in tenant.mix
            if self._varied.target.operation in ("", kind.operation)
        ]
        total = sum(weight for weight, *_ in kinds)
        slow = [one for one in kinds if one[1] > bound.limit_ns]
        if not total or not slow or len(self._varied.tenants) > 1:
            return ""
        if bound.metric == MEAN:
            is_so = sum(weight * alone for weight, alone, _ in kinds) > bound.limit_ns * total
        elif bound.metric == MAX:
            is_so = True
        else:
            beyond = 1000 - PERMILLE[bound.metric]
            is_so = sum(weight for weight, *_ in slow) * 1000 > beyond * total
        _, alone, operation = max(slow, key=lambda one: one[1])
        return (
            f"one {operation} alone takes {alone:,} ns on an idle card, "
            f"more than {bound.metric}<{bound.limit_ns:,} ns"
            if is_so
            else ""
        )

    def _failing(self) -> str:
        """What the last size that was tried does not meet."""
        if not self._found:
            return "a station would have more than all it can do"
        last = self._found[max(self._found)]
        target = self._varied.target
        if not last.per_second.mean:
            return "too few requests of the target were answered"
        if "rate" in last.violated:
            if target.rate_per_s is None:
                return f"{last.kept_up.mean:.1%} of the requests that come are served meanwhile"
            return f"{last.per_second.mean:,.0f} per second of {float(target.rate_per_s):,.0f}"
        each = zip(target.bounds, last.latencies_ns, strict=True)
        bound, got = next((b, e) for b, e in each if b.metric in last.violated)
        return f"{bound.metric} is {got.mean:,.0f} ns, not below {bound.limit_ns:,} ns"


def _first(meets: Callable[[int], bool], low: int, high: int) -> int:
    """The least number from `low` to `high` that meets it, given that `high` does and that whatever
    is above one that does, does too."""
    while low < high:
        middle = (low + high) // 2
        if meets(middle):
            high = middle
        else:
            low = middle + 1
    return low
