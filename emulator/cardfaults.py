"""The faults of queues and whole cards, and how they end, in the time of a machine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ghostcard.emulator.agenda import Agenda, LightEvent
from ghostcard.emulator.image import DestructibleImage
from ghostcard.emulator.injector import NVRAM
from ghostcard.emulator.nvram import PowerLost

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.card import Card
    from ghostcard.emulator.faultplan import Rule
    from ghostcard.emulator.injector import Armed, Injector
    from ghostcard.emulator.queue import CommandQueue

ANY_DOMAIN = 0xFF


class CardFaults:
    """Carries out what an injector says of the cards of a bus.

    What a message is an occasion for happens at the same instant, but after the instruction that
    brought the message.
    """

    def __init__(self, bus: Bus, injector: Injector) -> None:
        self._bus = bus
        self._injector = injector
        self._agenda: Agenda | None = None
        injector.act = self._after_this
        injector.armed_at = self._wait_for

    def attach(self, agenda: Agenda) -> None:
        """Let time be that of `agenda`; faults with a time that is past do not happen."""
        self._agenda = agenda
        for armed in self._injector.timed():
            self._wait_for(armed)

    def _wait_for(self, armed: Armed) -> None:
        agenda = self._agenda
        if agenda is None or armed.rule.at_ns < agenda.now:
            return

        def due() -> None:
            if self._injector.still_armed(armed) and not armed.struck:
                armed.struck += 1
                self._everywhere(armed.rule)

        self._at(armed.rule.at_ns, due)

    def _everywhere(self, rule: Rule) -> None:
        """Have it happen to every card, or queue, that the rule does not exclude."""
        of_queues = rule.kind in ("reset", "zeroise")
        for adapter, card in list(self._bus.cards.items()):
            if rule.card >= 0 and rule.card != adapter:
                continue
            domains = [one for one in card.domains if rule.domain in (-1, one)]
            for domain in domains if of_queues else domains[:1]:
                self.happen(rule, adapter << 8 | domain)

    def _after_this(self, rule: Rule, qid: int) -> None:
        assert self._agenda is not None
        self._at(self._agenda.now, lambda: self.happen(rule, qid))

    def _at(self, time_ns: int, call: Callable[[], object]) -> None:
        assert self._agenda is not None

        def happens(_event: LightEvent) -> None:
            call()

        event = LightEvent()
        event.callbacks = (happens,)
        self._agenda.at(time_ns, event)

    def happen(self, rule: Rule, qid: int) -> bool:
        """Have a fault happen to a queue or its card; False if it is in that state already."""
        card = self._bus.cards.get(qid >> 8)
        if card is None or qid & 0xFF not in card.queues:
            return False
        queue = card.queues[qid & 0xFF]
        begins, ends = _ACTS[rule.kind]
        if not begins(self._bus, card, queue, self._now() + max(rule.for_ns, 0)):
            return False
        self._injector.noted(self._now(), qid, rule.name, max(rule.for_ns, 0))
        if rule.for_ns >= 0 and self._agenda is not None:
            self._at(self._now() + rule.for_ns, lambda: ends(self._bus, card))
        return True

    def tear(self, card: Card) -> int | None:
        """Asked at each write to a card's NVRAM: after how many bytes power is lost; None: not."""
        now = self._now()
        qid = card.adapter << 8 | card.domains[0]
        rule = self._injector.strike(NVRAM, now, qid)
        if rule is None:
            return None
        self._injector.act(rule, qid)
        return rule.nvram_byte

    def _now(self) -> int:
        return 0 if self._agenda is None else self._agenda.now


def _reset(_bus: Bus, card: Card, queue: CommandQueue, until_ns: int) -> bool:
    if queue.available_from > until_ns:
        return False
    card.purge(queue)
    queue.available_from = until_ns
    return True


def _deconfigure(_bus: Bus, card: Card, _queue: CommandQueue, _until_ns: int) -> bool:
    if not card.configured:
        return False
    card.configure(False)
    return True


def _checkstop(_bus: Bus, card: Card, _queue: CommandQueue, _until_ns: int) -> bool:
    if card.checkstopped:
        return False
    card.checkstop(True)
    return True


def _pull(bus: Bus, card: Card, _queue: CommandQueue, _until_ns: int) -> bool:
    bus.unplug(card.adapter)
    return True


def _zeroise(_bus: Bus, card: Card, queue: CommandQueue, _until_ns: int) -> bool:
    card.purge(queue)
    card.image.zeroize(queue.domain)
    if isinstance(card.image, DestructibleImage):
        with suppress(PowerLost):  # then the power was gone first, and the secrets are still there
            card.image.destroy(queue.domain)
    return True


def _nothing(_bus: Bus, _card: Card) -> None:
    """It ends by itself."""


def _configure(_bus: Bus, card: Card) -> None:
    _forget(card)
    card.configure(True)


def _repair(_bus: Bus, card: Card) -> None:
    _forget(card)
    card.checkstop(False)


def _put_back(bus: Bus, card: Card) -> None:
    if card.adapter not in bus.cards:
        _forget(card)
        bus.plug(card)


def _forget(card: Card) -> None:
    """A card that was away has nothing left in its memory."""
    for domain in card.domains:
        card.image.zeroize(domain)


_ACTS = {
    "reset": (_reset, _nothing),
    "deconfigure": (_deconfigure, _configure),
    "checkstop": (_checkstop, _repair),
    "pull": (_pull, _put_back),
    "zeroise": (_zeroise, _nothing),
    "power-loss": (_pull, _put_back),
}
