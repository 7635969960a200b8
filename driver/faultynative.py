"""Native hosts on cards that misbehave: which faults strike on which of the two tracks.

The function track of a program has no time and no queues: a request is performed at once. There
replies suffer, instructions fail for good, and cards go away; its clock is the host's, from the
port's beginning. All that only takes time (late, lost, slow, stuck, full) strikes on the timing
track, where the same requests pass a `FaultyBus`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ghostcard.driver.native import NativePort, Performed
from ghostcard.driver.timing import Timing
from ghostcard.emulator.faultkinds import CARD, INSTRUCTION, REPLY, REQUEST
from ghostcard.emulator.faultplan import FaultPlan, FaultPlanError, Rule
from ghostcard.emulator.image import DestructibleImage
from ghostcard.emulator.injector import NVRAM, Armed, Injector
from ghostcard.emulator.nvram import PowerLost
from ghostcard.emulator.spoiling import changed_bytes, error_block
from ghostcard.emulator.status import (
    CHECKSTOPPED,
    DECONFIGURED,
    NORMAL,
    Q_NOT_AVAIL,
    TRANSIENT,
)

if TYPE_CHECKING:
    from ghostcard.driver.asynctrack import AsyncTrack
    from ghostcard.driver.lonetrack import Request
    from ghostcard.driver.pacedasync import PacedAsyncTrack
    from ghostcard.driver.port import Noted
    from ghostcard.driver.timingtrack import TimingTrack
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.meter import Meter
    from ghostcard.emulator.record import Recorder

_AWAY = {
    "deconfigure": DECONFIGURED,
    "checkstop": CHECKSTOPPED,
    "pull": Q_NOT_AVAIL,
    "power-loss": Q_NOT_AVAIL,
}
"""What takes a card away -> the response code of the request that was on its way to it."""


class ProgramFaults:
    """The faults of a program: each rule is on one of the two tracks, under a number of its own."""

    def __init__(self, plan: FaultPlan) -> None:
        """FaultPlanError for a rule that can strike on neither track."""
        self.function = Injector(FaultPlan(seed=plan.seed))
        self.timing = Injector(FaultPlan(seed=plan.seed + 1))
        self._places: dict[int, tuple[Injector, int]] = {}
        self._lock = threading.Lock()
        self._next = 0
        for number, rule in enumerate(plan.rules):
            check(rule, f"faults[{number}].")
        for rule in plan.rules:
            self.add(rule)

    def add(self, rule: Rule) -> int:
        """Arm a rule; its number."""
        check(rule)
        injector = self.function if is_of_function(rule) else self.timing
        with self._lock:
            number = self._next
            self._next += 1
            self._places[number] = injector, injector.add(rule)
        return number

    def remove(self, number: int | None = None) -> int:
        """Take a rule away, or all; how many there were."""
        with self._lock:
            gone = [one for one in self._places if number is None or one == number]
            for one in gone:
                injector, place = self._places.pop(one)
                injector.remove(place)
        return len(gone)

    def armed(self) -> list[tuple[int, Armed]]:
        """The rules with their counts, by number."""
        with self._lock:
            places = list(self._places.items())
        found = []
        for number, (injector, place) in places:
            found += [(number, one) for one in injector.armed() if one.number == place]
        return found


def check(rule: Rule, at: str = "") -> None:
    """Refuse a rule that no request of a program can ever meet."""
    if rule.kind == "swap":
        raise FaultPlanError(
            f"{at}kind: got 'swap', takes another: a program's replies come one at a time"
        )
    if not is_of_function(rule):
        return
    if rule.client >= 0:
        raise FaultPlanError(f"{at}client: got {rule.client}, takes nothing: a program is one host")
    if rule.operation and rule.point != REPLY:
        raise FaultPlanError(
            f"{at}operation: got {rule.operation!r}, takes nothing: "
            f"{rule.kind!r} strikes before a card has looked into the request; say `verb`"
        )


def is_of_function(rule: Rule) -> bool:
    """Whether a rule strikes on the function track of a program."""
    if rule.point == INSTRUCTION:
        return rule.instruction in ("nqap", "dqap") and rule.code not in TRANSIENT
    return (rule.point == REPLY and rule.kind != "duplicate") or (
        rule.point == CARD and rule.kind != "reset"
    )


class _Call(threading.local):
    """What a thread is asking for, and the last fault that it met."""

    function = 0
    fault = ""
    power_is_lost = False


class FaultyNativePort(NativePort):
    """`NativePort` with the faults of a program.

    ``take_away(adapter, for_ns)`` takes a card out of operation, for a time or (-1) for good.
    """

    def __init__(
        self,
        bus: "Bus",
        recorder: "Recorder",
        meter: "Meter | None",
        faults: ProgramFaults,
        take_away: Callable[[int, int], None],
        timing: Timing | None = None,
        think: Callable[[], int] | None = None,
    ) -> None:
        self._faults = faults.function
        self._take_away = take_away
        self._began_ns = time.monotonic_ns()
        self._asked = _Call()
        super().__init__(bus, recorder, meter, timing, think)
        self._well = bus.perform
        self._perform = self._misperform
        for card in bus.cards.values():
            card.nvram.tear = self._tearing(card.adapter << 8 | card.domains[0])

    def _tell_track(self, track: "TimingTrack | AsyncTrack | PacedAsyncTrack") -> None:
        from ghostcard.driver.lonetrack import FAULT_SHIFT

        account, recorder = track.account, self._recorder

        def marked(request: "Request") -> None:
            fault = self._asked.fault
            if fault:
                *rest, outcome, think_ns = request
                number = recorder.number(fault) + 1
                request = (*rest, outcome | number << FAULT_SHIFT, think_ns)  # type: ignore[assignment]
                self._asked.fault = ""
            account(request)

        self._account = self._told = marked

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        """As `NativePort.call`, with faults."""
        self._asked.function = function
        self._asked.fault = ""
        return super().call(function, render, targets)

    def perform_whole(
        self,
        verb: int,
        mechanism: bytes,
        key: bytes,
        data: memoryview,
        out: memoryview,
        targets: tuple[int, ...],
        known: "Mapping[int, Noted]",
    ) -> int | None:
        """Nothing is done whole: each request may meet a fault."""
        return None

    def _now(self) -> int:
        return time.monotonic_ns() - self._began_ns

    def _misperform(self, qid: int, block: bytes) -> Performed:
        """`Bus.perform`, and what happens to it."""
        asked, faults, now = self._asked, self._faults, self._now()
        self._see_to_what_is_due(now)
        rule = faults.strike(REQUEST, now, qid, asked.function)
        if rule is not None:
            self._strike_card(rule, qid)
            if rule.kind in _AWAY:
                return self._refused(rule, _AWAY[rule.kind])
        rule = faults.strike("nqap", now, qid, asked.function)
        if rule is not None:
            return self._refused(rule, rule.code)
        asked.power_is_lost = False
        performed = self._with_power(qid, block)
        if asked.power_is_lost:
            return Q_NOT_AVAIL, b"", "", 0
        code, reply, operation, payload_bytes = performed
        if code != NORMAL:
            return performed
        rule = faults.strike("dqap", now, qid, asked.function)
        if rule is not None:
            return self._refused(rule, rule.code)
        rule = faults.strike(REPLY, now, qid, asked.function, operation, -1, True)
        if rule is None:
            return performed
        if rule.kind == "reply-code":
            spoilt = error_block(rule.type, rule.code)
        else:
            spoilt = changed_bytes(reply, rule)
        if spoilt != reply:
            asked.fault = rule.name
        return code, spoilt, operation, payload_bytes

    def _with_power(self, qid: int, block: bytes) -> Performed:
        try:
            return self._well(qid, block)
        except PowerLost:  # while the image booted
            return Q_NOT_AVAIL, b"", "", 0

    def _refused(self, rule: Rule, code: int) -> Performed:
        self._asked.fault = rule.name
        return code, b"", "", 0

    # Cards

    def _see_to_what_is_due(self, now: int) -> None:
        for armed in self._faults.timed():
            rule = armed.rule
            if armed.struck or now < rule.at_ns:
                continue
            armed.struck += 1
            for adapter, card in self._cards.items():
                if rule.card in (-1, adapter):
                    domains = [one for one in card.domains if rule.domain in (-1, one)]
                    for domain in domains if rule.kind == "zeroise" else domains[:1]:
                        self._strike_card(rule, adapter << 8 | domain)

    def _strike_card(self, rule: Rule, qid: int) -> None:
        self._asked.fault = rule.name
        for_ns = max(rule.for_ns, 0)
        if self._recorder.keeps:
            self._recorder.note(self._track.now_ns if self._track else 0, qid, rule.name, for_ns)
        if rule.kind == "zeroise":
            image = self._cards[qid >> 8].image
            image.zeroize(qid & 0xFF)
            if isinstance(image, DestructibleImage):
                image.destroy(qid & 0xFF)
        else:
            self._take_away(qid >> 8, rule.for_ns)

    def _tearing(self, qid: int) -> Callable[[], int | None]:
        """Asked at each write to a card's NVRAM by whoever writes; see `Nvram.tear`."""

        def tear() -> int | None:
            rule = self._faults.strike(NVRAM, self._now(), qid)
            if rule is None:
                return None
            self._asked.power_is_lost = True
            self._strike_card(rule, qid)
            return rule.nvram_byte

        return tear
