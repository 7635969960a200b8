"""A machine whose bus misbehaves on demand, and a driver on it.

Time passes in `run` alone. The driver is judged by what can be seen from outside: how its requests
end and when, what reaches the cards, and which of its instructions met a fault.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from ghostcard.conformance.driver import MakeDriver
from ghostcard.emulator.apport import ApPort, Signal
from ghostcard.emulator.faultplan import rule
from ghostcard.emulator.faultybus import FaultyBus
from ghostcard.emulator.image import Image, Plan, Services
from ghostcard.emulator.injector import Injector
from ghostcard.emulator.queue import CommandQueue
from ghostcard.machine import Machine

MS: Final = 1_000_000  # ns
SECOND: Final = 1_000_000_000
BRING_UP_NS: Final = SECOND  # a driver has so long to bring its queues up
_WAKES_MAX: Final = 1_000  # at one instant; then it is a driver that never waits


class WrongError(Exception):
    """The driver has not done what it should have; the message says what it did."""


class Execution(NamedTuple):
    """A card has executed a request."""

    tag: int
    qid: int
    at_ns: int


class End(NamedTuple):
    """A request has ended."""

    error: int
    reply: bytes
    at_ns: int


class Watching:
    """A firmware, and a note of everything that it executes."""

    def __init__(self, image: Image, adapter: int, stand: "Stand") -> None:
        self.mode, self.facilities = image.mode, image.facilities
        self._image, self._adapter, self._stand = image, adapter, stand

    def boot(self, services: Services) -> None:
        """The image has been booted."""

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """`Image.perform`."""
        self._stand.executed(self._adapter << 8 | domain, block)
        return self._image.perform(domain, block)

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """`Image.plan`."""
        return self._image.plan(operation, payload_bytes)

    def zeroize(self, domain: int) -> None:
        """`Image.zeroize`."""
        self._image.zeroize(domain)


class Stand:
    """Two cards of a profile with a domain each, and the driver that `make` makes for them."""

    def __init__(self, make: MakeDriver, profile: str = "cex8a", cards: int = 2) -> None:
        self.injector = Injector()
        self.injector.noted = self._struck
        bus = FaultyBus(self.injector)
        for card in Machine.simulation(profile, cards=cards, function="real").bus.cards.values():
            card.image = Watching(card.image, card.adapter, self)
            bus.plug(card)
        self.bus = bus
        self.executions: list[Execution] = []
        self.ends: dict[int, End] = {}
        self.struck: dict[str, list[int]] = {}  # name of a fault -> when it happened
        self.fault: str | None = None  # of the driver, at any time
        self._marks: dict[bytes, int] = {}  # what a block contains -> tag
        self._tags = 0
        self.port = ApPort(bus)
        self.driver = make(self.port, self._done)
        self.run(BRING_UP_NS)

    # What a case does

    @property
    def now(self) -> int:
        """The time in nanoseconds."""
        return self.port.now

    def queue(self, adapter: int = 0) -> CommandQueue:
        """The queue of domain 0 on a card."""
        return self.bus.cards[adapter].queues[0]

    def submit(self, block: bytes, mark: bytes, *adapters: int) -> int:
        """Give the driver a request that is known by `mark`, for any of these cards; its tag."""
        self._tags += 1
        self._marks[mark] = self._tags
        self.driver.submit(self._tags, tuple(one << 8 for one in adapters or (0,)), block)
        return self._tags

    def inject(self, **said: object) -> None:
        """Arm a fault, as in a plan; of card 0 unless it says otherwise."""
        values: Mapping[str, object] = {"card": 0, **said}
        self.injector.add(rule(values))

    def calm(self) -> None:
        """No faults from now on."""
        self.injector.remove()

    def run(self, for_ns: int, until_ended: bool = False) -> None:
        """Let time pass, and the driver act; with `until_ended` no longer than requests run."""
        until = self.now + for_ns
        wakes = 0
        while not (until_ended and len(self.ends) == self._tags):
            wake = self.driver.wake_at()
            before = self.now
            event = self.port.wait(until if wake is None else min(max(wake, before), until))
            wakes = wakes + 1 if self.now == before else 0
            if wakes > _WAKES_MAX:
                raise WrongError(f"never waits: it is busy at {self.now} ns and stays so")
            if event is None and (wake is None or wake > self.now):
                return
            if event is None:
                self.driver.wake()
            elif event.signal is Signal.INTERRUPT:
                self.driver.interrupt(event.qid)
            else:
                self.driver.changed(event.qid >> 8)

    def executions_of(self, tag: int) -> list[Execution]:
        """Where and when a request was executed."""
        return [one for one in self.executions if one.tag == tag]

    # What is seen

    def executed(self, qid: int, block: bytes) -> None:
        """A card has a block in its hands."""
        for mark, tag in self._marks.items():
            if mark in block:
                self.executions.append(Execution(tag, qid, self.now))

    def _struck(self, at_ns: int, _qid: int, name: str, _for_ns: int) -> None:
        self.struck.setdefault(name, []).append(at_ns)

    def _done(self, tag: int, error: int, reply: bytes) -> None:
        if not 1 <= tag <= self._tags:
            self.fault = f"ends request {tag}, which nobody has made"
        elif tag in self.ends:
            self.fault = f"ends request {tag} a second time"
        else:
            self.ends[tag] = End(error, reply, self.now)
