"""Whole nanoseconds, a fixed order of ties, and the same events whether SimPy or we step."""

from typing import Any

import pytest
import simpy

from ghostcard.emulator.agenda import ENDLESS, LightEvent
from ghostcard.emulator.errors import TimelineError
from ghostcard.emulator.timeline import Timeline


class Light:
    """A light event that writes (time, name) to a log."""

    _ok = True
    _value = None

    def __init__(self, timeline: Timeline, name: str, log: list[tuple[int, str]]) -> None:
        self.callbacks: Any = (lambda _event: log.append((timeline.now, name)),)


@pytest.mark.parametrize("delay", [1.0, 0.5, float("nan"), True])
def test_a_delay_that_is_no_int_is_refused(delay: float) -> None:
    timeline = Timeline()
    with pytest.raises(TimelineError, match=r"whole number of nanoseconds \(int\), got"):
        timeline.timeout(delay)
    assert timeline.peek() == float("inf")


def test_a_negative_delay_is_refused() -> None:
    timeline = Timeline()
    with pytest.raises(TimelineError, match="must not be negative, got -1 ns"):
        timeline.schedule(timeline.event(), delay=-1)


@pytest.mark.parametrize(("time", "complaint"), [(4, "lies before now, 5 ns"), (7.0, "whole")])
def test_a_time_that_is_past_or_no_int_is_refused(time: int, complaint: str) -> None:
    timeline = Timeline(5)
    with pytest.raises(TimelineError, match=complaint):
        timeline.at(time, Light(timeline, "late", []))
    with pytest.raises(TimelineError, match=complaint):
        timeline.run(time)


def test_a_start_that_is_no_int_is_refused() -> None:
    with pytest.raises(TimelineError, match="start"):
        Timeline(1.5)  # type: ignore[arg-type]


def test_events_run_by_time_then_priority_then_order_of_scheduling() -> None:
    timeline = Timeline()
    log: list[tuple[int, str]] = []
    timeline.at(10, Light(timeline, "c", log))
    timeline.at(10, Light(timeline, "d", log))
    timeline.at(10, Light(timeline, "b", log), priority=0)
    timeline.at(9, Light(timeline, "a", log), priority=7)
    timeline.run()
    assert log == [(9, "a"), (10, "b"), (10, "c"), (10, "d")]


def worker(
    timeline: simpy.Environment, name: str, log: list[tuple[float, str]]
) -> "simpy.events.ProcessGenerator":
    for step in (3, 0, 4):
        yield timeline.timeout(step)
        log.append((timeline.now, name))


def test_our_loop_runs_simpy_processes_as_simpy_does() -> None:
    logs: list[list[tuple[float, str]]] = []
    for environment in (simpy.Environment(), Timeline()):
        log: list[tuple[float, str]] = []
        for name in "ab":
            environment.process(worker(environment, name, log))
        environment.run()
        logs.append(log)
    assert logs[0] == logs[1] == [(3, "a"), (3, "b"), (3, "a"), (3, "b"), (7, "a"), (7, "b")]


def test_run_to_a_time_leaves_the_events_of_that_time_to_come() -> None:
    timeline = Timeline()
    log: list[tuple[int, str]] = []
    for time in (4, 5, 6):
        timeline.at(time, Light(timeline, "x", log))
    timeline.run(5)
    assert (log, timeline.now) == ([(4, "x")], 5)
    timeline.run(5)
    assert (log, timeline.now) == ([(4, "x")], 5)
    timeline.run(100)
    assert (log, timeline.now) == ([(4, "x"), (5, "x"), (6, "x")], 100)


def test_run_until_an_event_returns_its_value() -> None:
    timeline = Timeline()
    assert timeline.run(timeline.timeout(8, "done")) == "done"
    assert timeline.now == 8


def test_advance_stops_before_a_time_and_priority_and_keeps_the_clock() -> None:
    timeline = Timeline()
    log: list[tuple[int, str]] = []
    timeline.at(3, Light(timeline, "a", log))
    timeline.at(7, Light(timeline, "b", log), priority=1)
    timeline.at(7, Light(timeline, "c", log), priority=4)
    timeline.advance(7, priority=4)
    assert (log, timeline.now) == ([(3, "a"), (7, "b")], 7)
    timeline.advance(100)
    assert (log, timeline.now) == ([(3, "a"), (7, "b"), (7, "c")], 7)


def test_a_failed_event_nobody_waits_for_ends_the_run() -> None:
    timeline = Timeline()
    timeline.event().fail(RuntimeError("lost"))
    with pytest.raises(RuntimeError, match="lost"):
        timeline.run()


def compiled(timeline: Timeline, name: str, log: list[tuple[int, str]]) -> LightEvent:
    event = LightEvent()
    event.callbacks = (
        lambda _event: log.append((timeline.now, name)),
        lambda _event: log.append((timeline.now, name + "'")),
    )
    return event


@pytest.mark.parametrize("stepper", ["run", "SimPy's step", "one at a time"])
def test_events_of_every_kind_have_one_order(stepper: str) -> None:
    timeline = Timeline()
    log: list[tuple[int, str]] = []
    timeline.process(worker(timeline, "p", log))  # type: ignore[arg-type]
    timeline.agenda.at(3, compiled(timeline, "c", log))
    timeline.at(3, Light(timeline, "l", log))
    early = timeline.agenda.take_serial()
    timeline.agenda.at(7, compiled(timeline, "late", log))
    timeline.agenda.in_turn(7, early, compiled(timeline, "early", log))
    if stepper == "run":
        timeline.run()
    elif stepper == "one at a time":
        while timeline.agenda.run(ENDLESS, 0, 1):
            pass
    else:
        while timeline.agenda.heap:
            timeline.step()
    threes = [(3, "c"), (3, "c'"), (3, "l"), (3, "p"), (3, "p")]
    sevens = [(7, "early"), (7, "early'"), (7, "late"), (7, "late'"), (7, "p")]
    assert log == threes + sevens


def test_a_light_event_that_has_happened_has_no_callbacks() -> None:
    timeline = Timeline()
    event = compiled(timeline, "c", [])
    timeline.at(0, event)
    timeline.run()
    assert event.callbacks is None
