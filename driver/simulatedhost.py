"""A simulated host, as its attributes see it."""

from typing import TYPE_CHECKING

from ghostcard.driver.host import CardState, QueueState, Settings
from ghostcard.driver.native import NativePort
from ghostcard.driver.uevents import Uevents
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.status import CHECKSTOPPED, DECONFIGURED, configured

if TYPE_CHECKING:
    from ghostcard.driver.port import Port
    from ghostcard.driver.simulated import SimulatedPort
    from ghostcard.emulator.bus import Bus

_NS_PER_S = 1_000_000_000


class SimulatedHost:
    """Implements `ghostcard.driver.host.Host`. Questions to cards take no simulated time."""

    def __init__(self, bus: "Bus", port: "SimulatedPort", interrupts: bool = True) -> None:
        self.settings = Settings()
        self.interrupts = interrupts
        self.port: Port = NativePort(bus, Recorder(capacity=0))
        self._bus = bus
        self._simulated = port
        self._driver = port.driver
        usage = sorted({qid & 0xFF for qid in configured(bus.qci())})
        self.settings.domain = usage[0] if usage else -1
        self.uevents = Uevents(self, lambda: port.timeline.now)
        port.news = self.uevents.look

    @property
    def poll_ns(self) -> int:
        """Of the fast poll timer."""
        return self._driver.poll_ns

    @poll_ns.setter
    def poll_ns(self, period_ns: int) -> None:
        self._driver.poll_ns = period_ns

    @property
    def poll_thread(self) -> bool:
        """Whether a thread polls."""
        return self._driver.poll_thread

    @poll_thread.setter
    def poll_thread(self, runs: bool) -> None:
        self._driver.poll_thread = runs

    @property
    def scans(self) -> int:
        return self._driver.scans

    def qci(self) -> bytes:
        return self._bus.qci()

    def tapq(self, qid: int) -> tuple[int, int]:
        return self._bus.tapq(qid)

    def qids(self) -> list[int]:
        return self._driver.qids

    def queue(self, qid: int) -> QueueState:
        machine, seen = self._driver.machine(qid), self._simulated.dispatched(qid)
        error = machine.last_error if machine.halted else 0
        return QueueState(
            seen.online,
            error != DECONFIGURED,
            error == CHECKSTOPPED,
            seen.load,
            seen.requests,
            len(machine.requests),
            len(machine.pending),
            machine.state,
            machine.device,
            machine.last_error,
        )

    def card(self, adapter: int) -> CardState:
        qids = [qid for qid in self.qids() if qid >> 8 == adapter]
        if not qids:
            raise KeyError(adapter)
        first, seen = self.queue(qids[0]), self._simulated.dispatched(qids[0]).card
        return CardState(
            seen.online, first.configured, first.checkstopped, seen.load, seen.requests
        )

    def switch_queue(self, qid: int, online: bool) -> None:
        self._simulated.switch(qid, online)

    def switch_card(self, adapter: int, online: bool) -> None:
        qids = [qid for qid in self.qids() if qid >> 8 == adapter]
        self._simulated.dispatched(qids[0]).card.online = online
        for qid in qids:
            self._simulated.switch(qid, online)

    def configure(self, adapter: int, configured: bool) -> None:
        """The driver knows at once, since it is the one who asks for it."""
        self._bus.cards[adapter].configure(configured)
        self._driver.scan()

    def reset(self, qid: int) -> None:
        self._driver.reset(qid)

    def forget_requests(self, qids: list[int]) -> None:
        for qid in qids:
            queue = self._simulated.dispatched(qid)
            queue.card.requests -= queue.requests
            queue.requests = 0

    def scan(self) -> None:
        self._driver.scan()

    @property
    def bindings_completed(self) -> int:
        return self.uevents.completed

    def notice(self) -> None:
        self.uevents.look()

    def set_scan_period(self, seconds: int) -> None:
        self._driver.scan_ns = seconds * _NS_PER_S
