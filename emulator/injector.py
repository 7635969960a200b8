"""Which fault strikes: the rules of a plan against the events of a run, counted.

It has no clock: whoever tells of an event says when it is. Draws are by (seed, rule, event's
number), so that a rule added or taken away changes nothing for the others. Any number of threads
may ask.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from ghostcard.emulator.faultkinds import CARD, INSTRUCTION, INTERRUPT, REPLY, REQUEST
from ghostcard.emulator.faultplan import PPM, FaultPlan, Rule
from ghostcard.emulator.variates import stream_key, word

_PURPOSE = 6 << 48  # of the streams; a workload's are 1 to 4, service times 5
NVRAM = "nvram"
TIMED = "timed"


class Armed:
    """A rule with its counts: events that it was asked about, and times that it struck."""

    __slots__ = ("key", "number", "rule", "seen", "struck")

    def __init__(self, rule: Rule, number: int, key: int) -> None:
        self.rule = rule
        self.number = number
        self.key = key
        self.seen = 0
        self.struck = 0

    def strikes(self, now: int) -> bool:
        """Count an event that concerns the rule; whether this is its occasion."""
        rule = self.rule
        if rule.times >= 0 and self.struck >= rule.times:
            return False
        self.seen += 1
        if rule.at_ns >= 0:
            hit = self.struck == 0
        elif rule.nth:
            hit = self.seen == rule.nth
        elif rule.every:
            hit = self.seen % rule.every == 0
        elif rule.rate_ppm:
            hit = word(self.key, self.seen) * PPM >> 64 < rule.rate_ppm
        else:
            hit = True
        if hit:
            self.struck += 1
        return hit


class Injector:
    """The faults of a bus; rules may be added and taken away while it runs.

    `noted(at_ns, qid, name, for_ns)` is told of each fault that happens; `act(rule, qid)` is to
    carry out the faults of cards, and `armed_at(rule)` to see to those that have a time.
    """

    def __init__(self, plan: FaultPlan | None = None) -> None:
        plan = plan or FaultPlan()
        self._seed = plan.seed
        self._lock = Lock()
        self._numbers = 0
        self._points: dict[str, tuple[Armed, ...]] = {}
        self.noted: Callable[[int, int, str, int], None] = _nobody_is_told
        self.act: Callable[[Rule, int], None] = _nobody_acts
        self.armed_at: Callable[[Armed], None] = _nobody_waits
        for rule in plan.rules:
            self.add(rule)

    def add(self, rule: Rule) -> int:
        """Arm one more rule, after the others; its number."""
        with self._lock:
            number = self._numbers
            self._numbers += 1
            armed = Armed(rule, number, stream_key(self._seed, _PURPOSE | number))
            point = point_of(rule)
            self._points = {**self._points, point: (*self._points.get(point, ()), armed)}
        if point == TIMED:
            self.armed_at(armed)
        return number

    def remove(self, number: int | None = None) -> int:
        """Take away the rule of this number, or all; how many there were."""
        with self._lock:
            gone = [one for one in self.armed() if number is None or one.number == number]
            self._points = {
                point: tuple(one for one in rules if one not in gone)
                for point, rules in self._points.items()
            }
        return len(gone)

    def armed(self) -> list[Armed]:
        """The rules, by number."""
        rules = [one for rules in self._points.values() for one in rules]
        return sorted(rules, key=lambda one: one.number)

    def timed(self) -> tuple[Armed, ...]:
        """The faults of cards that have a time of their own."""
        return self._points.get(TIMED, ())

    def has(self, point: str) -> bool:
        """Whether any rule is about such events."""
        return bool(self._points.get(point))

    def strike(
        self,
        point: str,
        now: int,
        qid: int,
        function: int = -1,
        operation: str = "",
        client: int = -1,
        has_bytes: bool = False,
    ) -> Rule | None:
        """Tell of an event; the first rule that it is an occasion for, if any.

        Every rule that it concerns counts it, also when another one strikes.
        """
        rules = self._points.get(point)
        if not rules:
            return None
        first: Rule | None = None
        with self._lock:
            for armed in rules:
                rule = armed.rule
                if rule.card >= 0 and rule.card != qid >> 8:
                    continue
                if rule.domain >= 0 and rule.domain != qid & 0xFF:
                    continue
                if rule.function >= 0 and rule.function != function:
                    continue
                if rule.client >= 0 and rule.client != client:
                    continue
                if rule.operation and rule.operation != operation:
                    continue
                if now < rule.from_ns or now < rule.at_ns:
                    continue
                if 0 <= rule.until_ns <= now or (rule.needs_bytes and not has_bytes):
                    continue
                if first is None:
                    if armed.strikes(now):
                        first = rule
                else:
                    armed.seen += 1
        return first

    def still_armed(self, armed: Armed) -> bool:
        """Whether a rule with a time has not been taken away."""
        return armed in self._points.get(TIMED, ())


def point_of(rule: Rule) -> str:
    """What kind of event is an occasion for a rule: an instruction's name, or a word."""
    if rule.point == INSTRUCTION:
        return rule.instruction
    if rule.point == INTERRUPT:
        return INTERRUPT
    if rule.point == CARD:
        if rule.nvram_byte >= 0:
            return NVRAM
        if rule.at_ns >= 0:
            return TIMED
    return REPLY if rule.point == REPLY else REQUEST


def _nobody_is_told(_at_ns: int, _qid: int, _name: str, _for_ns: int) -> None:
    """No recorder."""


def _nobody_acts(_rule: Rule, _qid: int) -> None:
    """No bus yet."""


def _nobody_waits(_armed: Armed) -> None:
    """No timeline yet."""
