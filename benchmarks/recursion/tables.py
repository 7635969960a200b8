"""From a machine and its clients to the figures of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.recursion.sources import Constant, Source
from ghostcard.driver.apdriver import REQUEST_TIMEOUT_NS
from ghostcard.driver.dispatcher import DispatchCard, dispatch_queues
from ghostcard.emulator.link import TransferTimes

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.card import Card
    from ghostcard.emulator.image import Plan
    from ghostcard.emulator.record import Recorder

NEVER = (1 << 63) - 1
_NOT_TAKEN = -1


class Tables:
    """The figures of one run, and all memory they point to.

    `names` are the operations and engines, by the kernel's index.
    """

    def __init__(self, ffi: Any, bus: Bus, recorder: Recorder, sources: Sequence[Source]) -> None:
        self._ffi = ffi
        self._kept: list[Any] = []
        self.names: list[str] = []
        self._bus = bus
        self._dispatch = {queue.qid >> 8: queue.card for queue in dispatch_queues(bus)}
        self.queues = [queue.qid for card in bus.cards.values() for queue in card.queues.values()]
        self.works = list(dict.fromkeys(work for source in sources for work in source.works))
        self.figures = ffi.new("machine_figures *")
        self._fill_machine()
        self._fill_routes(sources)
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
        figures.work = self._array("work_figures[]", [self._work(work) for work in self.works])
        prices = [self._price(card, work) for card in cards for work in self.works]
        figures.price = self._array("price_figures[]", prices)
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
            "latency_out_ns": profile.link.latency_ns,
            "submit_ns": profile.host.submit_ns,
            "interrupt_ns": profile.host.interrupt_ns,
            "dequeue_ns": profile.host.dequeue_ns,
        }

    def _work(self, work: Work) -> dict[str, Any]:
        return {
            "function": work.function,
            "operation": self._name(work.operation),
            "request_bytes": work.request_bytes,
            "reply_bytes": work.reply_bytes,
            "payload_bytes": work.payload_bytes,
        }

    def _price(self, card: Card, work: Work) -> dict[str, Any]:
        plan = plan_of(card, self._dispatch[card.adapter], work)
        if plan is None:
            return {"weight": _NOT_TAKEN}
        transfer_ns = TransferTimes(card.profile.link)
        pools = [pool.name for pool in card.profile.engines]
        return {
            "weight": self._dispatch[card.adapter].weights[work.function],
            "request_ns": transfer_ns[work.request_bytes],
            "reply_ns": transfer_ns[work.reply_bytes],
            "decode_ns": plan.decode_ns,
            "unwrap_ns": plan.unwrap_ns,
            "engine_ns": plan.engine_ns,
            "build_ns": plan.build_ns,
            "pool": pools.index(plan.engine) if plan.engine else -1,
            "engine": self._name(plan.engine),
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
        indices = {work: n for n, work in enumerate(self.works)}
        clients = [self._client(source, number[source.targets], indices) for source in sources]
        figures.client = self._array("client_figures[]", clients)

    def _client(self, source: Source, route: int, indices: dict[Work, int]) -> dict[str, Any]:
        client = {
            "number": source.client,
            "open": source.is_open,
            "route": route,
            "begin_ns": -1 if source.begin_ns is None else source.begin_ns,
            "requests": NEVER if source.requests is None else source.requests,
            "refills": not isinstance(source.supply, Constant),
        }
        if isinstance(source.supply, Constant):
            request = (source.supply.gap_ns, -1, indices[source.works[source.supply.work]])
            client["supply"] = self._array("request_figures[]", [request])
            client["supplied"] = 1
        return client


def plan_of(card: Card, dispatch: DispatchCard, work: Work) -> Plan | None:
    """What a work costs on a card; None if the driver would not send it there."""
    if dispatch.weights[work.function] is None or work.request_bytes > dispatch.max_message_bytes:
        return None
    if work.operation not in card.profile.operations:
        return None
    return card.image.plan(work.operation, work.payload_bytes)
