"""From a machine and its clients to the figures of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.recursion.sources import Constant, Source, Workers
from ghostcard.driver.apdriver import REQUEST_TIMEOUT_NS
from ghostcard.driver.dispatcher import DispatchCard, dispatch_queues
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.link import TransferTimes
from ghostcard.emulator.variates import log2_table, stream_seed

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.card import Card
    from ghostcard.emulator.image import Plan
    from ghostcard.emulator.profile import Distribution
    from ghostcard.emulator.record import Recorder

NEVER = (1 << 63) - 1
_NOT_TAKEN = -1
_COUNT_MAX = (1 << 31) - 1
DRAWS = ("exponential", "uniform", "empirical")
"""The kinds of service times that vary, in the order of the kernel's enum."""


class Tables:
    """The figures of one run, and all memory they point to.

    `names` are the operations and engines, `works` the kinds of requests by the kernel's index;
    `places` are those of the works of clients, after which come those that change a figure.
    """

    def __init__(self, ffi: Any, bus: Bus, recorder: Recorder, sources: Sequence[Source]) -> None:
        self._ffi = ffi
        self._kept: list[Any] = []
        self.names: list[str] = []
        self._bus = bus
        self._dispatch = {queue.qid >> 8: queue.card for queue in dispatch_queues(bus)}
        self.queues = [queue.qid for card in bus.cards.values() for queue in card.queues.values()]
        usual = [source for source in sources if source.block is None]
        self._changes = [source for source in sources if source.block is not None]
        self.works = list(dict.fromkeys(work for source in usual for work in source.works))
        self.places = {work: place for place, work in enumerate(self.works)}
        self.works += [source.works[0] for source in self._changes]
        self._draws: dict[Distribution, int] = {}
        self._pools: dict[Workers, Any] = {}
        self.figures = ffi.new("machine_figures *")
        self._fill_machine()
        self._fill_routes(sources)
        self._fill_draws()
        known = {name: index for index, name in enumerate(recorder.names)}
        self.figures.names = len(self.names)
        self.figures.named = len(known)
        self.figures.name = self._array("int32_t[]", [known.get(name, -1) for name in self.names])

    def _array(self, kind: str, values: Sequence[Any]) -> Any:
        array = self._ffi.new(kind, values or 1)
        self._kept.append(array)
        return array

    def _name(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    # The machine

    def _fill_machine(self) -> None:
        figures, cards = self.figures, list(self._bus.cards.values())
        figures.cards, figures.queues, figures.works = len(cards), len(self.queues), len(self.works)
        figures.card = self._array("card_figures[]", [self._card(card) for card in cards])
        figures.queue = self._array(
            "queue_figures[]",
            [
                {"card": place, "qid": queue.qid, "depth": min(queue.depth, (1 << 31) - 1)}
                for place, card in enumerate(cards)
                for queue in card.queues.values()
            ],
        )
        works = [
            self._work(work, max(n - len(self.places), -1)) for n, work in enumerate(self.works)
        ]
        figures.work = self._array("work_figures[]", works)
        prices = [price for card in cards for price in self._prices(card)]
        figures.price = self._array("price_figures[]", prices)
        figures.change = self._array("price_figures *[]", self._changed_prices())
        figures.poll_ns = min(card.profile.host.poll_ns for card in cards)
        figures.slowest_dequeue_ns = max(card.profile.host.dequeue_ns for card in cards)
        figures.request_timeout_ns = REQUEST_TIMEOUT_NS

    def _card(self, card: Card) -> dict[str, Any]:
        profile = card.profile
        return {
            "adapter": card.adapter,
            "cores": profile.firmware.cores,
            "builders": profile.firmware.reply_builders,
            "pools": len(profile.engines),
            "engines": self._array("int32_t[]", [pool.size for pool in profile.engines]),
            "latency_in_ns": profile.link.latency_ns,
            "latency_out_ns": profile.reply_link.latency_ns,
            "submit_ns": profile.host.submit_ns,
            "interrupt_ns": profile.host.interrupt_ns,
            "dequeue_ns": profile.host.dequeue_ns,
            "coalesce_count": min(profile.host.coalesce_count, _COUNT_MAX),
            "coalesce_ns": profile.host.coalesce_ns,
            "seed": stream_seed(card.draws.seed),
        }

    def _work(self, work: Work, change: int) -> dict[str, Any]:
        return {
            "change": change,
            "function": work.function,
            "operation": self._name(work.operation),
            "request_bytes": work.request_bytes,
            "reply_bytes": work.reply_bytes,
            "payload_bytes": work.payload_bytes,
        }

    def _prices(self, card: Card) -> list[dict[str, Any]]:
        return [self._price(card, work) for work in self.works]

    def _changed_prices(self) -> list[Any]:
        """The prices after each change, in order of the works.

        The card executes the requests one after the other, and is as they leave it.
        """
        found: list[Any] = [None] * len(self._changes)
        for n in sorted(range(len(found)), key=lambda n: _sent_at(self._changes[n])):
            source = self._changes[n]
            assert source.block is not None
            code, reply, _, _ = self._bus.perform(source.targets[0], source.block)
            if code or len(reply) != source.works[0].reply_bytes:
                raise EmulatorError(f"client {source.client}: the card refuses its request")
            card = self._bus.cards[source.targets[0] >> 8]
            found[n] = self._array("price_figures[]", self._prices(card))
        return found

    def _price(self, card: Card, work: Work) -> dict[str, Any]:
        plan = plan_of(card, self._dispatch[card.adapter], work)
        if plan is None:
            return {"weight": _NOT_TAKEN}
        requests, replies = TransferTimes(card.profile.link), TransferTimes(card.profile.reply_link)
        pools = [pool.name for pool in card.profile.engines]
        return {
            "weight": self._dispatch[card.adapter].weights[work.function],
            "request_ns": requests[work.request_bytes],
            "reply_ns": replies[work.reply_bytes],
            "decode_ns": plan.decode_ns,
            "unwrap_ns": plan.unwrap_ns,
            "engine_ns": plan.engine_ns,
            "build_ns": plan.build_ns,
            "pool": pools.index(plan.engine) if plan.engine else -1,
            "engine": self._name(plan.engine),
            "sampler": self._sampler(card, work) if plan.engine else -1,
        }

    def _sampler(self, card: Card, work: Work) -> int:
        if work.operation not in card.draws:
            return -1
        distribution = card.profile.operations[work.operation].distribution
        return self._draws.setdefault(distribution, len(self._draws))

    def _fill_draws(self) -> None:
        self.figures.sampler = self._array("sampler_figures[]", [*map(self._draw, self._draws)])
        self.figures.log2 = self._array("uint64_t[]", log2_table() if self._draws else [])

    def _draw(self, distribution: Distribution) -> dict[str, Any]:
        return {
            "kind": DRAWS.index(distribution.kind),
            "values": len(distribution.permille),
            "spread_permille": distribution.spread_permille,
            "permille": self._array("uint64_t[]", distribution.permille),
            "bounds": self._array("uint64_t[]", [*accumulate(distribution.weights)]),
        }

    # The clients

    def _fill_routes(self, sources: Sequence[Source]) -> None:
        figures, place = self.figures, {qid: n for n, qid in enumerate(self.queues)}
        routes = list(dict.fromkeys(source.targets for source in sources))
        starts, queues = [0], []
        for route in routes:
            queues += [place[qid] for qid in sorted(set(route)) if qid in place]
            starts.append(len(queues))
        figures.routes, figures.clients = len(routes), len(sources)
        figures.route_start = self._array("int32_t[]", starts)
        figures.route_queue = self._array("int32_t[]", queues)
        number = {route: n for n, route in enumerate(routes)}
        changes = {source.client: len(self.places) + n for n, source in enumerate(self._changes)}
        clients = [
            self._client(source, number[source.targets], changes.get(source.client))
            for source in sources
        ]
        figures.client = self._array("client_figures[]", clients)

    def _client(self, source: Source, route: int, change: int | None) -> dict[str, Any]:
        client = {
            "number": source.client,
            "open": source.is_open,
            "route": route,
            "begin_ns": -1 if source.begin_ns is None else source.begin_ns,
            "requests": NEVER if source.requests is None else source.requests,
            "free_ns": self._free_ns(source.workers),
            "workers": source.workers.number if source.workers else 0,
            "refills": not isinstance(source.supply, Constant),
        }
        if isinstance(source.supply, Constant):
            own = source.works[source.supply.work]
            work = self.places[own] if change is None else change
            request = (source.supply.gap_ns, work)
            client["supply"] = self._array("request_figures[]", [request])
            client["supplied"] = 1
        return client

    def _free_ns(self, workers: Workers | None) -> Any:
        """The heap of a pool of workers, one for all its clients."""
        if workers is None:
            return self._ffi.NULL
        if workers not in self._pools:
            self._pools[workers] = self._array("int64_t[]", [0] * workers.number)
        return self._pools[workers]


def _sent_at(source: Source) -> int:
    assert isinstance(source.supply, Constant)
    return source.supply.gap_ns


def plan_of(card: Card, dispatch: DispatchCard, work: Work) -> Plan | None:
    """What a work costs on a card; None if the driver would not send it there."""
    if dispatch.weights[work.function] is None or work.request_bytes > dispatch.max_message_bytes:
        return None
    if work.operation not in card.profile.operations:
        return None
    return card.image.plan(work.operation, work.payload_bytes)
