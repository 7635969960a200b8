"""Which queue a request goes to: by load, weight and earlier attempts (AP sheet 4.3).

The load of a card or queue is the sum of the weights of its requests in flight. Where the kernel
adds the weight of the card it happened to examine last, this adds the winner's.
"""

import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ghostcard.driver.errors import DriverError
from ghostcard.driver.ratings import weights

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus

ATTEMPTS: Final = 10  # a request that was told EAGAIN so often fails with EIO
CARD_PENALTY: Final = 1_000  # for the card of the attempt before
QUEUE_PENALTY: Final = 10_000  # for the queue of the attempt before


class DispatchCard:
    """A card as the dispatcher sees it."""

    __slots__ = ("adapter", "load", "max_message_bytes", "online", "requests", "weights")

    def __init__(
        self, adapter: int, mode: str, hardware_type: int, facilities: int, max_message_bytes: int
    ) -> None:
        self.adapter = adapter
        self.weights = weights(mode, hardware_type, facilities)
        self.max_message_bytes = max_message_bytes
        self.online = True  # and configured, and not checkstopped
        self.load = 0
        self.requests = 0  # ever dispatched


class DispatchQueue:
    """A queue as the dispatcher sees it."""

    __slots__ = ("card", "in_service", "load", "online", "qid", "requests", "usable")

    def __init__(self, card: DispatchCard, qid: int) -> None:
        self.card = card
        self.qid = qid
        self.online = True  # as somebody has switched it
        self.in_service = True  # configured, not checkstopped, and its device operating
        self.usable = True  # both
        self.load = 0
        self.requests = 0  # ever dispatched

    def switch(self, online: bool, in_service: bool) -> None:
        """Take it off the list of those to choose from, or put it there again."""
        self.online, self.in_service = online, in_service
        self.usable = online and in_service


def dispatch_queues(bus: "Bus") -> list[DispatchQueue]:
    """The queues of every card on the bus, as a dispatcher takes them."""
    return [
        DispatchQueue(seen, queue.qid)
        for adapter, card in bus.cards.items()
        for seen in (dispatch_card(bus, adapter),)
        for queue in card.queues.values()
    ]


def dispatch_card(bus: "Bus", adapter: int) -> DispatchCard:
    """A card on the bus, as a dispatcher takes it."""
    card = bus.cards[adapter]
    profile = card.profile
    most = profile.queue.max_message_bytes
    facilities = card.image.facilities
    return DispatchCard(adapter, profile.mode, profile.hardware_type, facilities, most)


Loaded = DispatchCard | DispatchQueue
Route = tuple[tuple[DispatchCard, tuple[DispatchQueue, ...]], ...]


class Dispatcher:
    """Picks a queue for each request and keeps the loads; one per host, not thread-safe."""

    __slots__ = ("_queues", "_routes")

    def __init__(self, queues: Iterable[DispatchQueue]) -> None:
        self._queues = {queue.qid: queue for queue in queues}
        self._routes: dict[tuple[int, ...], Route] = {}

    def pick(
        self, targets: tuple[int, ...], function: int, message_bytes: int, last_qid: int = 0
    ) -> DispatchQueue:
        """The queue for a request of ``message_bytes``, charged with its weight until `drop`.

        ``last_qid`` is the queue of the attempt before; as 0 stands for none, queue 00.0000 is
        never penalised. Raises DriverError ENODEV when no target can take the request.
        """
        if len(targets) == 1:  # as `_best` would find, with less ado
            queue = self._queues.get(targets[0])
        else:
            queue = self._best(self._route(targets), function, message_bytes, last_qid)
        if queue is None:
            raise DriverError(errno.ENODEV, _nobody(targets))
        card = queue.card
        weight = card.weights[function]
        in_service = queue.usable and card.online
        if not in_service or weight is None or message_bytes > card.max_message_bytes:
            raise DriverError(errno.ENODEV, _nobody(targets))
        card.load += weight
        queue.load += weight
        card.requests += 1
        queue.requests += 1
        return queue

    def add(self, queue: DispatchQueue) -> None:
        """Take a queue that has appeared. One that has gone stays: its requests may still be on
        their way, and what they weigh is taken off it; so it is taken again if it comes back.
        """
        known = self._queues.get(queue.qid)
        if known is None or known.card.weights != queue.card.weights:
            self._queues[queue.qid] = queue
            self._routes.clear()

    def card(self, adapter: int) -> DispatchCard | None:
        """The card of that number, if one has ever been there."""
        for queue in self._queues.values():
            if queue.card.adapter == adapter:
                return queue.card
        return None

    def drop(self, qid: int, function: int) -> None:
        """The request is over, whatever its end: take its weight off."""
        queue = self._queues[qid]
        card = queue.card
        weight = card.weights[function]
        if weight:
            card.load -= weight
            queue.load -= weight

    @property
    def qids(self) -> list[int]:
        """All queues there are, or have been."""
        return list(self._queues)

    def queue(self, qid: int) -> DispatchQueue:
        """The queue of this number; KeyError if there is none."""
        return self._queues[qid]

    def _route(self, targets: tuple[int, ...]) -> Route:
        """The targets by card, in order of adapter: that of the driver's list."""
        route = self._routes.get(targets)
        if route is None:
            known = sorted({qid for qid in targets if qid in self._queues})
            cards = {self._queues[qid].card.adapter: self._queues[qid].card for qid in known}
            route = self._routes[targets] = tuple(
                (card, tuple(self._queues[qid] for qid in known if qid >> 8 == adapter))
                for adapter, card in cards.items()
            )
        return route

    def _best(
        self, route: Route, function: int, message_bytes: int, last_qid: int
    ) -> DispatchQueue | None:
        best: DispatchQueue | None = None
        best_weight = 0  # with its penalties; the card of the best carries it too
        for card, queues in route:
            weight = card.weights[function]
            if not card.online or weight is None or message_bytes > card.max_message_bytes:
                continue
            if last_qid and last_qid >> 8 == card.adapter:
                weight += CARD_PENALTY
            if best is not None and not _better(card, weight, best.card, best_weight):
                continue
            for queue in queues:
                if not queue.usable:
                    continue
                penalty = QUEUE_PENALTY if last_qid and last_qid == queue.qid else 0
                if best is None or _better(queue, weight + penalty, best, best_weight):
                    best, best_weight = queue, weight + penalty
        return best


def _better(one: Loaded, weight: int, best: Loaded, best_weight: int) -> bool:
    """Whether ``one`` is cheaper than the best so far, or as cheap and less used."""
    cost, best_cost = one.load + weight, best.load + best_weight
    return cost < best_cost or (cost == best_cost and one.requests < best.requests)


def _nobody(targets: tuple[int, ...]) -> str:
    names = ", ".join(f"{qid >> 8:02x}.{qid & 0xFF:04x}" for qid in targets)
    return f"no usable queue among {names}" if names else "no queue to send to"
