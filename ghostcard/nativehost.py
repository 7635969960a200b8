"""The host of real programs, as its attributes see it (`ghostcard.driver.host.Host`).

Its state is shared by all processes of a home: which cards are in operation, which queues online
(`emulator/sockets.py`), what was asked (`emulator/meter.py`). Calls of programs are executed at
once, so nothing is ever in a queue; bus scans, timers and threads have nothing to do.
"""

from typing import TYPE_CHECKING

from ghostcard.driver.host import POLL_TIMEOUT_NS, CardState, QueueState, Settings
from ghostcard.driver.native import NativePort
from ghostcard.driver.queue import Device, State
from ghostcard.emulator import meter
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.status import (
    CHECKSTOPPED,
    DECONFIGURED,
    INTERRUPTS_ENABLED,
    NORMAL,
    response_code,
)
from ghostcard.machine import meter_folder

if TYPE_CHECKING:
    from ghostcard.driver.port import Port
    from ghostcard.machine import Machine


class NativeHost:
    """Of a machine with a home."""

    interrupts = True
    poll_ns = POLL_TIMEOUT_NS
    poll_thread = False
    scans = 1
    bindings_completed = 1

    def __init__(self, machine: "Machine") -> None:
        assert machine.sockets is not None
        self._machine = machine
        self._sockets = machine.sockets
        self._folder = meter_folder()
        self._requests = meter.requests(self._folder)
        self.settings = Settings()
        self.settings.domain = min(qid & 0xFF for qid in self.qids())
        self.port: Port = NativePort(machine.bus, Recorder(capacity=0))  # counts nothing

    def qci(self) -> bytes:
        return self._machine.bus.qci()

    def tapq(self, qid: int) -> tuple[int, int]:
        status, info = self._machine.bus.tapq(qid)
        is_up = response_code(status) == NORMAL
        return (status | INTERRUPTS_ENABLED if is_up else status), info

    def qids(self) -> list[int]:
        cards = self._machine.bus.cards.values()
        return sorted(queue.qid for card in cards for queue in card.queues.values())

    def queue(self, qid: int) -> QueueState:
        code = response_code(self._machine.bus.tapq(qid)[0])
        return QueueState(
            online=self._sockets.is_online(qid),
            configured=code != DECONFIGURED,
            checkstopped=code == CHECKSTOPPED,
            load=0,
            requests=self._requests.get(qid, 0),
            queued=0,
            pending=0,
            state=State.IDLE,
            device=Device.OPERATING if code == NORMAL else Device.ERROR,
            last_error=code,
        )

    def card(self, adapter: int) -> CardState:
        queues = [self.queue(qid) for qid in self.qids() if qid >> 8 == adapter]
        return CardState(
            online=self._sockets.is_card_online(adapter),
            configured=queues[0].configured,
            checkstopped=queues[0].checkstopped,
            load=0,
            requests=sum(queue.requests for queue in queues),
        )

    def switch_queue(self, qid: int, online: bool) -> None:
        self._sockets.set_online(qid, online)
        self._machine.follow()

    def switch_card(self, adapter: int, online: bool) -> None:
        self._sockets.set_card_online(adapter, online)
        self._machine.follow()

    def configure(self, adapter: int, configured: bool) -> None:
        self._sockets.switch(adapter, configured)
        self._machine.follow()

    def reset(self, qid: int) -> None:
        """Its contexts and open keys are lost, in this process; there is nothing else to lose."""
        self._machine.bus.rapq(qid)

    def forget_requests(self, qids: list[int]) -> None:
        meter.forget(self._folder, qids)
        self._requests = meter.requests(self._folder)

    def scan(self) -> None:
        self._machine.follow()

    def notice(self) -> None:
        """Nobody listens to the devices of real programs but they, who look at each call."""

    def set_scan_period(self, seconds: int) -> None:
        """There is no timer: a change is noticed at the next call."""
