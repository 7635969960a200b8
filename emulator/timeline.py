"""The timeline of a machine: a SimPy environment whose clock is an integer number of nanoseconds.

The only file that imports SimPy, and not on the module's import path: a program that never has two
threads in the library at once never loads it.
"""

from heapq import heappop, heappush
from itertools import count
from typing import Any

from simpy import Environment, Event
from simpy.events import NORMAL, EventPriority

from ghostcard.emulator.errors import TimelineError


class Timeline(Environment):
    """Events in order of (time, priority, order of scheduling), so that a run is repeatable.

    Times and delays are `int`; anything else raises `TimelineError`, since one float would make
    every later time a float. Smaller priorities run first among events of one instant.

    `heap` and `serial` are SimPy's own queue and counter. A *light event* is any object with
    `callbacks`, `_ok` and `_value`; whoever owns one may push `(time, priority, next(serial),
    event)` onto `heap` directly. `Job` is one.
    """

    _now: int  # SimPy allows floats, we do not

    def __init__(self, start_ns: int = 0) -> None:
        super().__init__(_whole("start", start_ns))
        self.heap: list[tuple[int, int, int, Any]] = self._queue  # type: ignore[assignment]
        self.serial: count[int] = self._eid

    @property
    def now(self) -> int:
        """The time in nanoseconds."""
        return self._now

    def schedule(
        self, event: Event, priority: EventPriority = NORMAL, delay: int | float = 0
    ) -> None:
        """Put `event` on the timeline `delay` nanoseconds from now."""
        due = self._now + _whole("delay", delay)
        heappush(self._queue, (due, priority, next(self._eid), event))

    def at(self, time_ns: int, event: Any, priority: int = NORMAL) -> None:
        """Put an event, light or not, on the timeline at `time_ns`, which may not be past."""
        time_ns = self._from_now("time", time_ns)
        heappush(self.heap, (time_ns, priority, next(self.serial), event))

    def run(self, until: int | float | Event | None = None) -> Any:
        """Run to the end, until an event has happened (its value is returned), or up to a time.

        With a time every earlier event runs, the events of that instant do not, and the clock then
        shows that time.
        """
        if until is None:
            return self._drain(None)
        if isinstance(until, Event):
            return super().run(until)
        time_ns = self._from_now("until", until)
        self._drain((time_ns,))
        self._now = time_ns
        return None

    def advance(self, time_ns: int, priority: int = NORMAL) -> None:
        """Run every event before (`time_ns`, `priority`); the clock stays at the last event run."""
        self._drain((_whole("time", time_ns), priority))

    def _from_now(self, what: str, time_ns: object) -> int:
        time = _whole(what, time_ns)
        if time < self._now:
            raise TimelineError(f"{what} {time} ns lies before now, {self._now} ns")
        return time

    def _drain(self, bound: tuple[int, ...] | None) -> None:
        """Run the events that sort before `bound`: SimPy's `step`, inlined, the hot loop."""
        heap, pop = self.heap, heappop
        while heap and (bound is None or heap[0] < bound):
            self._now, _, _, event = pop(heap)
            callbacks = event.callbacks
            event.callbacks = None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value


def _whole(what: str, value: object) -> int:
    if type(value) is not int:
        raise TimelineError(f"{what} must be a whole number of nanoseconds (int), got {value!r}")
    if value < 0:
        raise TimelineError(f"{what} must not be negative, got {value} ns")
    return value
