"""The timeline of a machine: a SimPy environment whose clock is an integer number of nanoseconds.

The only file that imports SimPy, and not on the module's import path: a program that never has two
threads in the library at once never loads it.
"""

from heapq import heappush
from typing import Any

from simpy import Environment, Event
from simpy.events import NORMAL, EventPriority

from ghostcard.emulator.agenda import ENDLESS, Agenda
from ghostcard.emulator.errors import TimelineError

_FIRST = -(1 << 60)  # a priority before any other
_EVENTS = 1_000  # that happen between two looks at signals and at who else wants the interpreter


class Timeline(Environment):
    """Events in order of (time, priority, order of scheduling), so that a run is repeatable.

    Times and delays are `int`; anything else raises `TimelineError`, since one float would make
    every later time a float. Smaller priorities run first among events of one instant.

    `agenda` has SimPy's own queue and the clock, for those who put *light events* on it: a
    `LightEvent`, such as `Job`, or any object with `callbacks`, `_ok` and `_value`.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self.agenda = Agenda(_whole("start", start_ns), [])
        super().__init__(start_ns)
        self._queue = self.agenda.heap  # type: ignore[assignment]

    @property
    def now(self) -> int:
        """The time in nanoseconds."""
        return self.agenda.now

    @property
    def _now(self) -> int:
        return self.agenda.now

    @_now.setter
    def _now(self, time_ns: int) -> None:
        self.agenda.now = time_ns

    def schedule(
        self, event: Event, priority: EventPriority = NORMAL, delay: int | float = 0
    ) -> None:
        """Put `event` on the timeline `delay` nanoseconds from now."""
        self._push(self.now + _whole("delay", delay), event, priority)

    def at(self, time_ns: int, event: Any, priority: int = NORMAL) -> None:
        """Put an event, light or not, on the timeline at `time_ns`, which may not be past."""
        self._push(self._from_now("time", time_ns), event, priority)

    def run(self, until: int | float | Event | None = None) -> Any:
        """Run to the end, until an event has happened (its value is returned), or up to a time.

        With a time every earlier event runs, the events of that instant do not, and the clock then
        shows that time.
        """
        if until is None:
            return self._drain(ENDLESS, 0)
        if isinstance(until, Event):
            return super().run(until)
        time_ns = self._from_now("until", until)
        self._drain(time_ns, _FIRST)
        self.agenda.now = time_ns
        return None

    def advance(self, time_ns: int, priority: int = NORMAL) -> None:
        """Run every event before (`time_ns`, `priority`); the clock stays at the last event run."""
        self._drain(_whole("time", time_ns), priority)

    def _from_now(self, what: str, time_ns: object) -> int:
        time = _whole(what, time_ns)
        if time < self.now:
            raise TimelineError(f"{what} {time} ns lies before now, {self.now} ns")
        return time

    def _push(self, time_ns: int, event: Any, priority: int) -> None:
        heappush(self.agenda.heap, (time_ns, priority, self.agenda.take_serial(), event))

    def _drain(self, end_ns: int, priority: int) -> None:
        """Run what comes before, in pieces: between two of them Python does what else it has to."""
        while self.agenda.run(end_ns, priority, _EVENTS):
            pass


def _whole(what: str, value: object) -> int:
    if type(value) is not int:
        raise TimelineError(f"{what} must be a whole number of nanoseconds (int), got {value!r}")
    if value < 0:
        raise TimelineError(f"{what} must not be negative, got {value} ns")
    return value
