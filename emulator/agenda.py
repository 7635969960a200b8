"""What is to happen on a timeline, in order, and the loop that lets it happen: the hot loop.

The heap is that of the timeline's SimPy environment, so that SimPy's events and ours have one
order. This file does without SimPy, which cannot be compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

NORMAL: Final = 1  # simpy.events.NORMAL
ENDLESS: Final = -1  # no time at which to stop

_push: Final = heappush  # a static of C's, where an imported name is looked up at each call
_pop: Final = heappop

Callbacks = tuple[Callable[[Any], None], ...]


class LightEvent:
    """An event with all that SimPy asks of one and no more; its owner puts it on the agenda.

    Whoever looks at it after it has happened finds `callbacks` None, as with SimPy.
    """

    __slots__ = ("callbacks",)
    _ok = True
    _value = None

    def __init__(self) -> None:
        self.callbacks: Callbacks | None = None


class Agenda:
    """The heap of what is to happen and the clock, both in integer nanoseconds.

    `serial` numbers what is scheduled; of events of one time and priority the lower goes first.
    """

    __slots__ = ("heap", "now", "serial")

    def __init__(self, start_ns: int, heap: list[tuple[int, int, int, Any]]) -> None:
        self.now = start_ns
        self.heap = heap
        self.serial = 0

    def take_serial(self) -> int:
        """The next number."""
        serial = self.serial
        self.serial = serial + 1
        return serial

    def at(self, time_ns: int, event: LightEvent) -> None:
        """Let `event` happen at `time_ns`, which is not past: the caller has seen to that."""
        serial = self.serial
        self.serial = serial + 1
        _push(self.heap, (time_ns, NORMAL, serial, event))

    def in_turn(self, time_ns: int, serial: int, event: LightEvent) -> None:
        """The same for an event that has its number already."""
        _push(self.heap, (time_ns, NORMAL, serial, event))

    def run(self, end_ns: int, priority: int, most: int) -> bool:
        """Let events happen before (`end_ns`, `priority`), at most so many; whether some are left.

        The clock stays at the last. An event of SimPy's that has failed and that nobody has cared
        for ends the run with its exception, as in SimPy.
        """
        heap = self.heap
        while heap:
            time, its_priority, _, event = heap[0]
            if end_ns >= 0 and (time > end_ns or (time == end_ns and its_priority >= priority)):
                return False
            if not most:
                return True
            most -= 1
            _pop(heap)
            self.now = time
            if isinstance(event, LightEvent):
                callbacks = event.callbacks
                event.callbacks = None
                if callbacks is not None:
                    for callback in callbacks:
                        callback(event)
            else:
                _happen(event)
        return False


def _happen(event: Any) -> None:
    """SimPy's `Environment.step`."""
    callbacks = event.callbacks
    event.callbacks = None
    for callback in callbacks:
        callback(event)
    if not event._ok and not hasattr(event, "_defused"):
        raise event._value
