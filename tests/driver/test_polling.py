"""`poll` against the table of the queue machine: the same instructions and the same end.

Not the compiled one, which takes no bus but ours, but what it is compiled of; the two are compared
by the records they lead to (test_hotpath.py).
"""

import errno
from pathlib import Path
from types import ModuleType
from typing import cast
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.driver.queue import (
    AGAIN,
    DQAP,
    NQAP,
    Event,
    Instruction,
    Next,
    QueueMachine,
    State,
    Wait,
)
from ghostcard.emulator.job import Job

SOURCE = Path(__file__).parents[2] / "driver" / "polling.py"
polling = ModuleType("polling")
exec(compile(SOURCE.read_bytes(), SOURCE, "exec"), vars(polling))
poll = polling.poll

# What a DQAP or NQAP may answer: E, R and F bits, async, interrupts on, and a response code.
_FLAGS = [
    waiting | interrupts | asynchronous
    for waiting in (0, 1 << 31, 1 << 30, 1 << 29)
    for interrupts in (0, 1 << 24)
    for asynchronous in (0, 0, 0, 1 << 25)
]
_CODES = (0, 0, 0, 0, 0x10, 0x10, 0x02, 0x04, 0x05, 0x15)
ANSWERS = st.builds(
    lambda flags, code: flags | code << 16, st.sampled_from(_FLAGS), st.sampled_from(_CODES)
)
STEPS_MAX = 40


class EndOfScript(Exception):
    """The card has said all it had to say."""


class Scripted:
    """A queue that answers by script and writes down what it was asked to do."""

    def __init__(self, answers: list[int], held: list[Job]) -> None:
        self.asked: list[object] = []
        self._answers = iter(answers)
        self._held = list(held)

    def _answer(self, *asked: object) -> int:
        self.asked.append(asked)
        for status in self._answers:
            return status | 1  # no status is 0, so that no DQAP is spared
        raise EndOfScript

    def dqap(self, _qid: int) -> tuple[int, Job | None]:
        status = self._answer("dqap")
        if status >> 16 & 0xFF or not self._held:
            return status & 0xFF00FFFF | (status & 0xFF0000 or 0x100000), None
        return status, self._held.pop(0)

    def nqap(self, _qid: int, job: Job) -> int:
        status = self._answer("nqap", job.psmid)
        if not status >> 16 & 0xFF and not status & 1 << 25:
            self._held.append(job)
        return status

    def other(self, instruction: Instruction) -> int:
        return self._answer(instruction.name)


def machine_in(
    state: State, requests: int, pending: int, count: int, interrupts: bool
) -> "QueueMachine[Job]":
    machine: QueueMachine[Job] = QueueMachine(3, interrupts)
    machine.take_over()
    machine.state, machine.count = state, count
    machine.requests.extend(Job(psmid=n) for n in range(requests))
    machine.pending.update((n, Job(psmid=n)) for n in range(100, 100 + pending))
    return machine


def execute(machine: "QueueMachine[Job]", bus: Scripted, todo: Next) -> Next:
    if todo is AGAIN:
        return machine.step(Event.POLL)
    if todo is DQAP:
        return machine.answer(*bus.dqap(0))
    if todo is NQAP:
        return machine.answer(bus.nqap(0, machine.head))
    return machine.answer(bus.other(cast(Instruction, todo)))


def run(machine: "QueueMachine[Job]", bus: Scripted, short: bool) -> object:
    """All that can be seen of a POLL and what follows from it."""
    try:
        todo: Next = poll(machine, bus, 0) if short else machine.step(Event.POLL)
        for _ in range(STEPS_MAX):
            if isinstance(todo, Wait) and todo is not AGAIN:
                break
            todo = execute(machine, bus, todo)
    except EndOfScript:
        todo = AGAIN
    return (
        todo,
        bus.asked,
        machine.state,
        machine.device,
        machine.last_error,
        machine.count,
        machine.unassociated,
        machine.timer_restarted,
        [job.psmid for job in machine.requests],
        list(machine.pending),
        [(job.psmid, error) for job, error in machine.completed],
    )


@given(
    state=st.sampled_from(polling.POLLED),
    requests=st.integers(0, 5),
    pending=st.integers(0, 3),
    count=st.integers(0, 3),
    strangers=st.integers(0, 1),
    interrupts=st.booleans(),
    answers=st.lists(ANSWERS, max_size=12),
)
def test_any_answers_lead_to_the_same(
    state: State,
    requests: int,
    pending: int,
    count: int,
    strangers: int,
    interrupts: bool,
    answers: list[int],
) -> None:
    """With every DQAP executed, for those spared are judged by the records (test_simulated.py)."""
    seen = []
    for short in (False, True):
        machine = machine_in(state, requests, pending, count, interrupts)
        held = [*(Job(psmid=900 + n) for n in range(strangers)), *machine.pending.values()]
        with patch.object(polling, "UNKNOWN", 0xFFFFFFFF):
            seen.append(run(machine, Scripted(answers, held), short))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("interrupts", [True, False])
def test_one_request_comes_and_goes(interrupts: bool) -> None:
    """Exact: NQAP, then a DQAP that finds the reply and leaves the queue empty."""
    enabled = 1 << 24 if interrupts else 0
    machine = machine_in(State.IDLE, 1, 0, 0, interrupts)
    sent = poll(machine, Scripted([enabled], []), 0)
    assert sent is (Wait.INTERRUPT if interrupts else Wait.HIGH_TIMEOUT)
    assert (machine.state, machine.count, list(machine.pending)) == (State.WORKING, 1, [0])
    bus = Scripted([1 << 31 | enabled], list(machine.pending.values()))
    assert poll(machine, bus, 0) is Wait.NONE
    assert (machine.state, machine.count, machine.pending) == (State.IDLE, 0, {})
    assert [(job.psmid, error) for job, error in machine.completed] == [(0, 0)]


def test_an_error_is_the_machines_to_judge() -> None:
    machine = machine_in(State.WORKING, 0, 1, 1, True)
    assert poll(machine, Scripted([0x04 << 16], []), 0) is Wait.NONE
    assert machine.last_error == 0x04
    machine.lose_card(0x04)
    assert [error for _, error in machine.completed] == [errno.EAGAIN]
