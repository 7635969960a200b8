"""The AP queue state machine: every cell of its table, every transition row of AP sheet 1.6."""

import errno
from typing import NamedTuple

import pytest

from ghostcard.driver.queue import (
    TABLE,
    Action,
    Device,
    Event,
    Instruction,
    Message,
    Next,
    QueueMachine,
    State,
    Wait,
)
from ghostcard.emulator.status import RESPONSE_NAMES

E, R, F, A, IRQ = 0x80000000, 0x40000000, 0x20000000, 0x02000000, 0x01000000


class Note:
    """A message that is nothing but its number."""

    def __init__(self, psmid: int) -> None:
        self.psmid = psmid


def code(number: int) -> int:
    return number << 16


def machine(
    state: State, sent: int = 0, waiting: int = 0, depth: int = 8, interrupts: bool = True
) -> QueueMachine[Note]:
    """An operating queue with messages 1..sent in hardware and ``waiting`` more in its line."""
    queue: QueueMachine[Note] = QueueMachine(depth, interrupts)
    queue.take_over()
    queue.state, queue.count = state, sent
    queue.pending = {n: Note(n) for n in range(1, sent + 1)}
    queue.requests.extend(Note(n) for n in range(sent + 1, sent + waiting + 1))
    return queue


def numbers(queue: QueueMachine[Note]) -> tuple[list[int], list[int]]:
    return [m.psmid for m in queue.requests], list(queue.pending)


def walk(queue: QueueMachine[Note], *answers: tuple[int, Note | None]) -> list[Next]:
    """Everything the machine says from one POLL on, when the instructions are answered so."""
    said = [queue.step(Event.POLL)]
    for status, message in answers:
        said.append(queue.answer(status, message))
    return said


# The first instruction of each cell, from AP sheet 1.6; IDLE has a request to write.
CELLS: dict[tuple[State, Event], Next] = {
    (State.RESET_START, Event.POLL): Instruction.RAPQ,
    (State.RESET_WAIT, Event.POLL): Instruction.TAPQ,
    (State.SETIRQ_WAIT, Event.POLL): Instruction.TAPQ,
    (State.IDLE, Event.POLL): Instruction.NQAP,
    (State.WORKING, Event.POLL): Instruction.DQAP,
    (State.QUEUE_FULL, Event.POLL): Instruction.DQAP,
    (State.ASSOC_WAIT, Event.POLL): Instruction.TAPQ,
    (State.RESET_START, Event.TIMEOUT): Wait.NONE,
    (State.RESET_WAIT, Event.TIMEOUT): Wait.NONE,
    (State.SETIRQ_WAIT, Event.TIMEOUT): Wait.NONE,
    (State.IDLE, Event.TIMEOUT): Wait.NONE,
    (State.WORKING, Event.TIMEOUT): Instruction.RAPQ,
    (State.QUEUE_FULL, Event.TIMEOUT): Instruction.RAPQ,
    (State.ASSOC_WAIT, Event.TIMEOUT): Instruction.RAPQ,
}


def test_the_table_has_every_cell_and_nothing_else() -> None:
    assert set(TABLE) == {(state, event) for state in State for event in Event} == set(CELLS)
    assert set(TABLE.values()) == set(Action)


@pytest.mark.parametrize(("state", "event"), CELLS)
def test_cell(state: State, event: Event) -> None:
    assert machine(state, waiting=1).step(event) is CELLS[state, event]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_nothing_runs_before_the_start_or_without_a_card(state: State, event: Event) -> None:
    queue: QueueMachine[Note] = QueueMachine(8)
    queue.state = state
    assert (queue.device, queue.step(event)) == (Device.UNINITIATED, Wait.NONE)
    queue = machine(state, 1, waiting=1)
    queue.lose_card(3)
    assert queue.step(event) is Wait.NONE
    assert (queue.device, queue.last_error) == (Device.ERROR, 3)
    assert [(m.psmid, error) for m, error in queue.completed] == [
        (1, errno.EAGAIN),
        (2, errno.EAGAIN),
    ]


class Row(NamedTuple):
    """One transition: from a state, these answers to the instructions of one POLL."""

    queue: QueueMachine[Note]
    answers: tuple[int, ...]
    said: tuple[Next, ...]
    state: State
    device: Device = Device.OPERATING


RAPQ, TAPQ, AQIC, DQAP, NQAP = (
    Instruction.RAPQ,
    Instruction.TAPQ,
    Instruction.AQIC,
    Instruction.DQAP,
    Instruction.NQAP,
)
ERROR = Device.ERROR
ROWS: dict[str, Row] = {
    "reset 00": Row(machine(State.RESET_START), (E,), (RAPQ, Wait.LOW_TIMEOUT), State.RESET_WAIT),
    "reset 02": Row(
        machine(State.RESET_START), (code(2),), (RAPQ, Wait.LOW_TIMEOUT), State.RESET_WAIT
    ),
    "reset other": Row(
        machine(State.RESET_START), (code(1),), (RAPQ, Wait.NONE), State.RESET_START, ERROR
    ),
    "reset async": Row(machine(State.RESET_START), (A,), (RAPQ, Wait.NONE), State.RESET_START),
    "reset_wait 00, interrupt asked for": Row(
        machine(State.RESET_WAIT), (E, E), (TAPQ, AQIC, Wait.AGAIN), State.SETIRQ_WAIT
    ),
    "reset_wait 00, interrupt on already": Row(
        machine(State.RESET_WAIT), (E, code(7)), (TAPQ, AQIC, Wait.AGAIN), State.SETIRQ_WAIT
    ),
    "reset_wait 00, no interrupt, idle": Row(
        machine(State.RESET_WAIT), (E, code(6)), (TAPQ, AQIC, Wait.AGAIN), State.IDLE
    ),
    "reset_wait 00, no interrupt, working": Row(
        machine(State.RESET_WAIT, 1), (0, code(6)), (TAPQ, AQIC, Wait.AGAIN), State.WORKING
    ),
    "reset_wait 00, driver polls": Row(
        machine(State.RESET_WAIT, interrupts=False), (E,), (TAPQ, Wait.AGAIN), State.IDLE
    ),
    "reset_wait 00, driver polls, working": Row(
        machine(State.RESET_WAIT, 1, interrupts=False), (0,), (TAPQ, Wait.AGAIN), State.WORKING
    ),
    "reset_wait 05": Row(
        machine(State.RESET_WAIT), (code(5),), (TAPQ, Wait.LOW_TIMEOUT), State.RESET_WAIT
    ),
    "reset_wait 02": Row(
        machine(State.RESET_WAIT), (code(2),), (TAPQ, Wait.LOW_TIMEOUT), State.RESET_WAIT
    ),
    "reset_wait other": Row(
        machine(State.RESET_WAIT), (code(3),), (TAPQ, Wait.NONE), State.RESET_WAIT, ERROR
    ),
    "setirq_wait on, idle": Row(
        machine(State.SETIRQ_WAIT), (E | IRQ,), (TAPQ, Wait.LOW_TIMEOUT), State.IDLE
    ),
    "setirq_wait not yet": Row(
        machine(State.SETIRQ_WAIT), (E,), (TAPQ, Wait.LOW_TIMEOUT), State.SETIRQ_WAIT
    ),
    "setirq_wait on, working": Row(
        machine(State.SETIRQ_WAIT, 1),
        (IRQ | code(0x10),),
        (DQAP, Wait.LOW_TIMEOUT),
        State.WORKING,
    ),
    "setirq_wait, card forgot": Row(
        machine(State.SETIRQ_WAIT, 2), (E | IRQ | code(0x10),), (DQAP, Wait.LOW_TIMEOUT), State.IDLE
    ),
    "setirq_wait other": Row(
        machine(State.SETIRQ_WAIT), (code(4),), (TAPQ, Wait.NONE), State.SETIRQ_WAIT, ERROR
    ),
    "read 10, outstanding, interrupt": Row(
        machine(State.WORKING, 1), (IRQ | code(0x10),), (DQAP, Wait.INTERRUPT), State.WORKING
    ),
    "read 10, outstanding, poll": Row(
        machine(State.WORKING, 1, interrupts=False),
        (code(0x10),),
        (DQAP, Wait.HIGH_TIMEOUT),
        State.WORKING,
    ),
    "read 10, none": Row(
        machine(State.WORKING), (E | IRQ | code(0x10),), (DQAP, Wait.NONE), State.IDLE
    ),
    "read idle without interrupt": Row(
        machine(State.WORKING), (E | code(0x10), E), (DQAP, AQIC, Wait.AGAIN), State.SETIRQ_WAIT
    ),
    "read idle, interrupt refused": Row(
        machine(State.WORKING), (E | code(0x10), code(6)), (DQAP, AQIC, Wait.NONE), State.IDLE
    ),
    "read other": Row(
        machine(State.WORKING, 1), (code(1),), (DQAP, Wait.NONE), State.WORKING, ERROR
    ),
    "read async": Row(machine(State.WORKING, 1), (A,), (DQAP, Wait.NONE), State.WORKING),
    "read then write": Row(
        machine(State.WORKING, 1, 1),
        (IRQ | code(0x10), IRQ),
        (DQAP, NQAP, Wait.AGAIN),
        State.WORKING,
    ),
    "read then write, full": Row(
        machine(State.WORKING, 1, 1, depth=2),
        (IRQ | code(0x10), IRQ),
        (DQAP, NQAP, Wait.INTERRUPT),
        State.QUEUE_FULL,
    ),
    "interrupt on again, then write": Row(
        machine(State.WORKING, 0, 1),
        (E | code(0x10), E, 0),
        (DQAP, AQIC, NQAP, Wait.AGAIN),
        State.WORKING,
    ),
    "full, read 10": Row(
        machine(State.QUEUE_FULL, 8, 1),
        (F | IRQ | code(0x10),),
        (DQAP, Wait.INTERRUPT),
        State.QUEUE_FULL,
    ),
    "full, read 10, poll": Row(
        machine(State.QUEUE_FULL, 8, interrupts=False),
        (F | code(0x10),),
        (DQAP, Wait.HIGH_TIMEOUT),
        State.QUEUE_FULL,
    ),
    "write 00": Row(machine(State.IDLE, 0, 2), (IRQ,), (NQAP, Wait.AGAIN), State.WORKING),
    "write 00, last place": Row(
        machine(State.IDLE, 0, 1, depth=1), (F | IRQ,), (NQAP, Wait.INTERRUPT), State.QUEUE_FULL
    ),
    "write 00, last place, poll": Row(
        machine(State.IDLE, 0, 1, depth=1), (F,), (NQAP, Wait.HIGH_TIMEOUT), State.QUEUE_FULL
    ),
    "write 10": Row(
        machine(State.WORKING, 1, 1),
        (IRQ | code(0x10), F | IRQ | code(0x10)),
        (DQAP, NQAP, Wait.INTERRUPT),
        State.QUEUE_FULL,
    ),
    "write 10, nothing in hardware": Row(
        machine(State.IDLE, 0, 1),
        (F | IRQ | code(0x10),),
        (NQAP, Wait.HIGH_TIMEOUT),
        State.QUEUE_FULL,
    ),
    "write 02": Row(
        machine(State.IDLE, 0, 1), (code(2),), (NQAP, Wait.LOW_TIMEOUT), State.RESET_WAIT
    ),
    "write async": Row(machine(State.IDLE, 0, 1), (A,), (NQAP, Wait.NONE), State.IDLE),
    "write other": Row(machine(State.IDLE, 0, 1), (code(4),), (NQAP, Wait.NONE), State.IDLE, ERROR),
    "write nothing": Row(machine(State.IDLE), (), (Wait.NONE,), State.IDLE),
}


@pytest.mark.parametrize("name", ROWS)
def test_transition(name: str) -> None:
    row = ROWS[name]
    assert tuple(walk(row.queue, *((status, None) for status in row.answers))) == row.said
    assert (row.queue.state, row.queue.device) == (row.state, row.device)
    if row.device is ERROR:
        assert row.queue.last_error == row.answers[-1] >> 16 & 0xFF


# What AP sheet 1.6 says of each answer to the instruction of an action; any other code: ERROR.
GOOD_CODES: dict[str, tuple[QueueMachine[Note], dict[int, tuple[Next, State]]]] = {
    "reset": (
        machine(State.RESET_START),
        dict.fromkeys((0, 2), (Wait.LOW_TIMEOUT, State.RESET_WAIT)),
    ),
    "reset_wait": (
        machine(State.RESET_WAIT),
        {
            0x00: (AQIC, State.RESET_WAIT),
            0x02: (Wait.LOW_TIMEOUT, State.RESET_WAIT),
            0x05: (Wait.LOW_TIMEOUT, State.RESET_WAIT),
        },
    ),
    "setirq_wait, TAPQ": (
        machine(State.SETIRQ_WAIT),
        dict.fromkeys((0, 16), (Wait.LOW_TIMEOUT, State.SETIRQ_WAIT)),
    ),
    "setirq_wait, DQAP": (
        machine(State.SETIRQ_WAIT, 1),
        {
            0x00: (Wait.AGAIN, State.SETIRQ_WAIT),
            0x10: (Wait.LOW_TIMEOUT, State.SETIRQ_WAIT),
        },
    ),
    "read, working": (
        machine(State.WORKING, 2),
        {0x00: (Wait.AGAIN, State.WORKING), 0x10: (Wait.HIGH_TIMEOUT, State.WORKING)},
    ),
    "read, full": (
        machine(State.QUEUE_FULL, 8),
        {0x00: (Wait.AGAIN, State.WORKING), 0x10: (Wait.HIGH_TIMEOUT, State.QUEUE_FULL)},
    ),
    "write": (
        machine(State.IDLE, 0, 2),
        {
            0x00: (Wait.AGAIN, State.WORKING),
            0x02: (Wait.LOW_TIMEOUT, State.RESET_WAIT),
            0x10: (Wait.HIGH_TIMEOUT, State.QUEUE_FULL),
            0x15: (Wait.AGAIN, State.IDLE),
            0x16: (Wait.AGAIN, State.IDLE),
            0x42: (Wait.AGAIN, State.IDLE),
        },
    ),
    "assoc_wait": (machine(State.ASSOC_WAIT), {0x00: (Wait.NONE, State.IDLE)}),
}


@pytest.mark.parametrize("number", RESPONSE_NAMES)
@pytest.mark.parametrize("action", GOOD_CODES)
def test_every_response_code_in_every_action(action: str, number: int) -> None:
    """AP sheet 1.3 and 1.6: all rows of the one table at all rows of the other."""
    example, good = GOOD_CODES[action]
    queue = copy(example)
    assert isinstance(queue.step(Event.POLL), Instruction)
    dequeued = Note(1) if number == 0 and queue.count > 1 else None
    wait = queue.answer(code(number), dequeued)
    expected, state = good.get(number, (Wait.NONE, example.state))
    assert (wait, queue.state) == (expected, state)
    assert queue.device is (Device.OPERATING if number in good else Device.ERROR)
    assert queue.last_error == (0 if number in good else number)


def copy(example: QueueMachine[Note]) -> QueueMachine[Note]:
    """A machine of its own in the same state."""
    sent, waiting = len(example.pending), len(example.requests)
    return machine(example.state, sent, waiting, example.depth)


@pytest.mark.parametrize("number", RESPONSE_NAMES)
def test_every_response_code_to_aqic(number: int) -> None:
    """00 and 07 are success; with any other the queue works, without interrupts."""
    queue = machine(State.RESET_WAIT)
    assert walk(queue, (E, None), (code(number), None)) == [TAPQ, AQIC, Wait.AGAIN]
    enabled = number in (0x00, 0x07)
    assert queue.state is (State.SETIRQ_WAIT if enabled else State.IDLE)
    assert queue.device is Device.OPERATING


def test_association() -> None:
    for bind_state, said, state in (
        (0, Wait.NONE, State.IDLE),
        (1, Wait.LOW_TIMEOUT, State.ASSOC_WAIT),
    ):
        queue = machine(State.ASSOC_WAIT)
        assert queue.step(Event.POLL) is TAPQ
        assert queue.answer(0, bind_state=bind_state) is said
        assert queue.state is state
    queue = machine(State.ASSOC_WAIT)
    queue.step(Event.POLL)
    assert queue.answer(0, bind_state=3) is Wait.NONE
    assert queue.device is Device.ERROR


@pytest.mark.parametrize("number", [0x15, 0x16, 0x42])
def test_message_errors_fail_that_request_alone(number: int) -> None:
    queue = machine(State.IDLE, 0, 2)
    assert walk(queue, (code(number), None)) == [NQAP, Wait.AGAIN]
    assert [(m.psmid, error) for m, error in queue.completed] == [(1, errno.EINVAL)]
    assert numbers(queue) == ([2], [])
    assert queue.state is State.IDLE


def test_a_reply_completes_its_message_whatever_the_order() -> None:
    queue = machine(State.WORKING, 3)
    assert walk(queue, (IRQ, Note(2))) == [DQAP, Wait.AGAIN]
    assert [(m.psmid, error) for m, error in queue.completed] == [(2, 0)]
    assert numbers(queue) == ([], [1, 3])
    assert queue.count == 2
    assert queue.timer_restarted


def test_the_last_reply_leaves_the_queue_idle() -> None:
    queue = machine(State.WORKING, 1)
    assert walk(queue, (E | IRQ, Note(1))) == [DQAP, Wait.NONE]
    assert (queue.state, queue.count, queue.timer_restarted) == (State.IDLE, 0, False)


def test_a_reply_to_nobody_is_dropped_and_counted() -> None:
    queue = machine(State.WORKING, 2)
    assert walk(queue, (IRQ, Note(99))) == [DQAP, Wait.AGAIN]
    assert (queue.unassociated, queue.completed, queue.count) == (1, [], 1)
    assert numbers(queue) == ([], [1, 2])


def test_a_queue_that_is_not_empty_counts_one() -> None:
    queue = machine(State.WORKING, 1)
    assert walk(queue, (IRQ, Note(1))) == [DQAP, Wait.AGAIN]
    assert (queue.count, queue.state) == (1, State.WORKING)


@pytest.mark.parametrize(("status", "message"), [(E | IRQ | code(0x10), None), (E | IRQ, Note(1))])
def test_forgotten_requests_are_sent_again_in_order_and_first(
    status: int, message: Note | None
) -> None:
    queue = machine(State.QUEUE_FULL, 3, 2, depth=3)
    said = walk(queue, (status, message))
    assert said == [DQAP, Wait.AGAIN]
    again = [1, 2, 3] if message is None else [2, 3]
    assert numbers(queue) == ([*again, 4, 5], [])
    assert (queue.count, queue.state) == (0, State.IDLE)


def test_the_timer_starts_with_the_first_message_only() -> None:
    queue = machine(State.IDLE, 0, 2)
    walk(queue, (IRQ, None))
    assert queue.timer_restarted
    queue.timer_restarted = False
    walk(queue, (IRQ | code(0x10), None), (IRQ, None))
    assert not queue.timer_restarted
    assert queue.count == 2


def test_time_out_resets_and_the_lost_are_sent_again() -> None:
    """AP sheet 1.7: the pending messages stay; after the reset the lost-requests rule acts."""
    queue = machine(State.WORKING, 2)
    assert queue.step(Event.TIMEOUT) is RAPQ
    assert queue.answer(E) is Wait.LOW_TIMEOUT
    assert walk(queue, (E, None), (E, None)) == [TAPQ, AQIC, Wait.AGAIN]
    assert walk(queue, (E | IRQ | code(0x10), None)) == [DQAP, Wait.LOW_TIMEOUT]
    assert numbers(queue) == ([1, 2], [])
    assert walk(queue, (IRQ, None)) == [NQAP, Wait.AGAIN]
    assert queue.completed == []


def test_reset_and_flush_fail_everything_with_eagain() -> None:
    queue = machine(State.QUEUE_FULL, 2, 2)
    queue.reset()
    assert [(m.psmid, error) for m, error in queue.completed] == [
        (n, errno.EAGAIN) for n in (1, 2, 3, 4)
    ]
    assert (queue.state, queue.count, queue.load) == (State.RESET_START, 0, 0)
    queue = machine(State.WORKING, 1)
    queue.shut_down()
    assert (queue.device, queue.count, len(queue.completed)) == (Device.SHUTDOWN, 1, 1)


def test_start_brings_an_errored_queue_back() -> None:
    queue = machine(State.WORKING, 1)
    queue.fail(4)
    queue.start()
    assert (queue.device, queue.state) == (Device.OPERATING, State.RESET_START)
    assert [(m.psmid, error) for m, error in queue.completed] == [(1, errno.EAGAIN)]


def test_an_answer_without_an_instruction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="without an instruction"):
        QueueMachine[Message](8).answer(0)


def test_waits_are_ordered_by_urgency_and_below_every_instruction() -> None:
    assert list(Wait) == sorted(Wait)
    assert [wait.name for wait in Wait] == [
        "AGAIN",
        "HIGH_TIMEOUT",
        "LOW_TIMEOUT",
        "INTERRUPT",
        "NONE",
    ]
    assert max(Wait) < min(Instruction)
