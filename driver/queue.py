"""The state machine of one AP queue, sans-IO (AP sheet 1.6).

Events go in by `step`, status words by `answer`; both say what is to be done next: an `Instruction`
to execute on this queue, whose status word is the next `answer`, or a `Wait`. After Wait.AGAIN the
owner steps once more with Event.POLL; after any other it comes back when that has happened.
Messages that ended stand in `completed`, for the owner to take away.

The machine runs by the table below: which action an event leads to in each state; what follows
from the answers stands with each action. A message is anything with a ``psmid``, unique among the
messages of the queue. Requests wait in ``requests`` until sent, and in ``pending`` until answered;
``count`` is the driver's idea of how many the hardware holds.
"""

import errno
from collections import deque
from collections.abc import Callable
from enum import Enum, IntEnum
from typing import Final, Generic, Protocol, TypeVar


class State(IntEnum):
    """Where the queue stands."""

    RESET_START = 0
    RESET_WAIT = 1
    SETIRQ_WAIT = 2
    IDLE = 3
    WORKING = 4
    QUEUE_FULL = 5
    ASSOC_WAIT = 6


class Device(IntEnum):
    """Where the device behind the queue stands; requests are taken only while OPERATING."""

    UNINITIATED = 0
    OPERATING = 1
    SHUTDOWN = 2
    ERROR = 3


class Event(IntEnum):
    """POLL: look what there is to do. TIMEOUT: the request timer has run out."""

    POLL = 0
    TIMEOUT = 1


class Wait(IntEnum):
    """What the queue waits for; of two the smaller is the more urgent."""

    AGAIN = 0
    HIGH_TIMEOUT = 1
    LOW_TIMEOUT = 2
    INTERRUPT = 3
    NONE = 4


class Instruction(IntEnum):
    """What the owner is to execute; every one is greater than any Wait."""

    NQAP = 8  # of the message `head`
    DQAP = 9  # answered with the message dequeued, if any
    TAPQ = 10  # answered with the bind state too
    RAPQ = 11
    AQIC = 12  # switch the interrupt on


class Action(Enum):
    """The actions of the table; the methods below carry their names."""

    NOP = "nop"
    RESET = "reset"
    RESET_WAIT = "reset_wait"
    SETIRQ_WAIT = "setirq_wait"
    READ = "read"
    READ_WRITE = "read_write"
    WRITE = "write"
    ASSOC_WAIT = "assoc_wait"


TABLE: dict[tuple[State, Event], Action] = {
    (State.RESET_START, Event.POLL): Action.RESET,
    (State.RESET_START, Event.TIMEOUT): Action.NOP,
    (State.RESET_WAIT, Event.POLL): Action.RESET_WAIT,
    (State.RESET_WAIT, Event.TIMEOUT): Action.NOP,
    (State.SETIRQ_WAIT, Event.POLL): Action.SETIRQ_WAIT,
    (State.SETIRQ_WAIT, Event.TIMEOUT): Action.NOP,
    (State.IDLE, Event.POLL): Action.WRITE,
    (State.IDLE, Event.TIMEOUT): Action.NOP,
    (State.WORKING, Event.POLL): Action.READ_WRITE,
    (State.WORKING, Event.TIMEOUT): Action.RESET,
    (State.QUEUE_FULL, Event.POLL): Action.READ,
    (State.QUEUE_FULL, Event.TIMEOUT): Action.RESET,
    (State.ASSOC_WAIT, Event.POLL): Action.ASSOC_WAIT,
    (State.ASSOC_WAIT, Event.TIMEOUT): Action.RESET,
}

# The bits and codes of the status word that the transitions look at (AP sheet 1.3).
EMPTY: Final = 0x80000000
ASYNC: Final = 0x02000000
IRQ_ENABLED: Final = 0x01000000
NORMAL: Final = 0x00
RESET_IN_PROGRESS: Final = 0x02
BUSY: Final = 0x05
OTHERWISE_CHANGED: Final = 0x07
FULL_OR_NO_REPLY: Final = 0x10
MESSAGE_ERRORS = frozenset((0x15, 0x16, 0x42))  # too big, facility missing, invalid domain

# As names of the module: looking a member up in its class takes ten times as long.
RESET_START: Final = State.RESET_START
RESET_WAIT: Final = State.RESET_WAIT
SETIRQ_WAIT: Final = State.SETIRQ_WAIT
IDLE: Final = State.IDLE
WORKING: Final = State.WORKING
FULL: Final = State.QUEUE_FULL
ASSOC_WAIT: Final = State.ASSOC_WAIT
UNINITIATED: Final = Device.UNINITIATED
OPERATING: Final = Device.OPERATING
SHUTDOWN: Final = Device.SHUTDOWN
ERROR: Final = Device.ERROR
AGAIN: Final = Wait.AGAIN
HIGH_TIMEOUT: Final = Wait.HIGH_TIMEOUT
LOW_TIMEOUT: Final = Wait.LOW_TIMEOUT
INTERRUPT: Final = Wait.INTERRUPT
NONE: Final = Wait.NONE
NQAP: Final = Instruction.NQAP
DQAP: Final = Instruction.DQAP
TAPQ: Final = Instruction.TAPQ
RAPQ: Final = Instruction.RAPQ
AQIC: Final = Instruction.AQIC
Next = Instruction | Wait


class Message(Protocol):
    """What the queue must know of a message."""

    psmid: int


M = TypeVar("M", bound=Message)
M_contra = TypeVar("M_contra", bound=Message, contravariant=True)


class Answer(Protocol[M_contra]):
    """What takes the status word of an instruction."""

    def __call__(
        self, status: int, message: M_contra | None = None, bind_state: int = 0
    ) -> Next: ...


class QueueMachine(Generic[M]):
    """One AP queue of the driver; ``depth`` messages fit in hardware.

    ``answer(status, message, bind_state)`` says what follows from the status word of the
    instruction asked for last; ``message`` is what DQAP dequeued, ``bind_state`` the field BS of
    TAPQ (AP sheet 1.4).
    """

    __slots__ = (
        "_actions",
        "_read_wait",
        "_with_interrupts",
        "_writes_too",
        "answer",
        "completed",
        "count",
        "depth",
        "device",
        "halted",
        "idle_bits",
        "last_error",
        "pending",
        "requests",
        "state",
        "timer_restarted",
        "unassociated",
    )

    def __init__(self, depth: int, with_interrupts: bool = True) -> None:
        self.depth = depth
        self.state = RESET_START
        self.device = UNINITIATED
        self.last_error = NORMAL
        self.requests: deque[M] = deque()
        self.pending: dict[int, M] = {}
        self.count = 0
        self.completed: list[tuple[M, int]] = []  # (message, errno); 0 = its reply is there
        self.timer_restarted = False  # the owner restarts the request timer and clears this
        self.unassociated = 0  # replies that belonged to no pending message, dropped
        self.idle_bits = EMPTY | IRQ_ENABLED if with_interrupts else EMPTY  # of a queue at rest
        self._with_interrupts = with_interrupts
        self.halted = True  # no event leads to anything
        self._writes_too = False
        self._read_wait: Next = NONE
        self.answer: Answer[M] = self._unasked
        self._actions = tuple(
            tuple(getattr(self, "_" + TABLE[state, event].value) for event in Event)
            for state in State
        )

    # -- what the owner calls ------------------------------------------------------------------

    def step(self, event: Event) -> Next:
        """The first thing that ``event`` asks for."""
        if self.halted:
            return NONE
        action: Callable[[], Next] = self._actions[self.state][event]
        return action()

    def read(self, status: int, message: M | None = None) -> Next:
        """Go on from the answer to a DQAP that the owner has executed for a POLL, unasked."""
        self._writes_too = self.state is WORKING
        return self._received(status, message)

    def sent(self, status: int, wait: Wait) -> Next:
        """Go on from the answer to an NQAP executed unasked, after a read that led to ``wait``."""
        self._read_wait = wait
        return self._sent(status)

    @property
    def head(self) -> M:
        """The message to be sent next."""
        return self.requests[0]

    @property
    def load(self) -> int:
        """Messages that have not ended."""
        return len(self.requests) + len(self.pending)

    def start(self) -> None:
        """(Re-)initialise: every message fails with EAGAIN and the queue begins with a reset."""
        self.device = OPERATING
        self.halted = False
        self.reset()

    def take_over(self) -> None:
        """Begin with a queue that is empty and has been up, its interrupts on, for a while."""
        self.device = OPERATING
        self.halted = False
        self.state = IDLE

    def lose_card(self, code: int) -> None:
        """The card is deconfigured or checkstopped, as response ``code`` says: nothing runs until
        `start`, and every message fails with EAGAIN."""
        self.fail(code)
        self.halted = True
        self.flush()

    def reset(self) -> None:
        """Fail every message with EAGAIN and reset the queue at the next POLL (AP sheet 1.7)."""
        self.flush()
        self.count = 0
        self.state = RESET_START

    def flush(self) -> None:
        """Fail every message with EAGAIN; the sender may try another queue."""
        for message in (*self.pending.values(), *self.requests):
            self.completed.append((message, errno.EAGAIN))
        self.pending.clear()
        self.requests.clear()

    def shut_down(self) -> None:
        """Fail every message with EAGAIN and take no further one."""
        self.flush()
        self.device = SHUTDOWN

    def fail(self, code: int) -> None:
        """The device has failed with response ``code``; it takes nothing until `start`."""
        self.device = ERROR
        self.last_error = code

    # -- actions -------------------------------------------------------------------------------

    def _nop(self) -> Next:
        return NONE

    def _reset(self) -> Next:
        self.answer = self._reset_begun
        return RAPQ

    def _reset_wait(self) -> Next:
        self.answer = self._reset_tested
        return TAPQ

    def _setirq_wait(self) -> Next:
        if self.count:
            self.answer = self._setirq_read
            return DQAP
        self.answer = self._setirq_tested
        return TAPQ

    def _read(self) -> Next:
        self._writes_too = False
        self.answer = self._received
        return DQAP

    def _read_write(self) -> Next:
        self._writes_too = True
        self.answer = self._received
        return DQAP

    def _write(self, read: Next = NONE) -> Next:
        if not self.requests:
            return NONE
        self._read_wait = read
        self.answer = self._sent
        return NQAP

    def _assoc_wait(self) -> Next:
        self.answer = self._association_tested
        return TAPQ

    # -- answers and transitions ---------------------------------------------------------------

    def _unasked(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        raise RuntimeError("answer() without an instruction; step() comes first")

    def _reset_begun(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        code = status >> 16 & 0xFF
        if status & ASYNC:
            return NONE
        if code != NORMAL and code != RESET_IN_PROGRESS:
            return self._failed(code)
        self.state = RESET_WAIT
        return LOW_TIMEOUT

    def _reset_tested(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        code = status >> 16 & 0xFF
        if code in (BUSY, RESET_IN_PROGRESS):
            return LOW_TIMEOUT
        if code != NORMAL:
            return self._failed(code)
        if self._with_interrupts:
            self.answer = self._reset_enabled
            return AQIC
        self.state = WORKING if self.count else IDLE
        return AGAIN

    def _reset_enabled(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        if _enables(status):
            self.state = SETIRQ_WAIT
        else:
            self.state = WORKING if self.count else IDLE
        return AGAIN

    def _setirq_read(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        if message is not None:
            self._book(message, status)
        if status & EMPTY and status >> 16 & 0xFF in (NORMAL, FULL_OR_NO_REPLY):
            self._send_again()
        return self._setirq_tested(status)

    def _setirq_tested(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        if status & IRQ_ENABLED:
            self.state = WORKING if self.count else IDLE
        code = status >> 16 & 0xFF
        if code == NORMAL and self.count:
            return AGAIN
        if code in (NORMAL, FULL_OR_NO_REPLY):
            return LOW_TIMEOUT
        return self._failed(code)

    def _received(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        if status & ASYNC:
            return NONE
        code = status >> 16 & 0xFF
        if code != NORMAL and code != FULL_OR_NO_REPLY:
            return self._failed(code)
        if message is not None:
            self._book(message, status)
        if status & EMPTY and self.count:
            self._send_again()
        if not self.count:
            wait = self._idle(status)
        elif code == NORMAL:
            self.state = WORKING
            wait = AGAIN
        else:
            wait = INTERRUPT if status & IRQ_ENABLED else HIGH_TIMEOUT
        if self._writes_too and self.requests:
            return self._write_too(wait) if wait is AQIC else self._write(wait)
        return wait

    def _idle(self, status: int) -> Next:
        self.state = IDLE
        if self._with_interrupts and status & (EMPTY | IRQ_ENABLED) == EMPTY:
            self.answer = self._enabled  # somebody has switched our interrupt off
            return AQIC
        # From QUEUE_FULL requests may be left with nothing in hardware that would wake the queue.
        return AGAIN if self.requests else NONE

    def _enabled(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        if _enables(status):
            self.state = SETIRQ_WAIT
            return AGAIN
        return AGAIN if self.requests else NONE

    def _write_too(self, instruction: Next) -> Next:
        """The second half of READ_WRITE, where the first has one more instruction to execute."""
        self.answer = self._enabled_then_write
        return instruction

    def _enabled_then_write(
        self, status: int, message: M | None = None, bind_state: int = 0
    ) -> Next:
        wait = self._enabled(status)
        return self._write(wait) if self.requests else wait

    def _sent(self, status: int, message: M | None = None, bind_state: int = 0) -> Next:
        """Of a read and a write in one action the more urgent wait counts."""
        code = status >> 16 & 0xFF
        if code != NORMAL or status & ASYNC:
            return min(self._read_wait, self._refused(code, status))
        sent = self.requests.popleft()
        self.pending[sent.psmid] = sent
        self.count = count = self.count + 1
        if count == 1:
            self.timer_restarted = True
        if count >= self.depth:
            return min(self._read_wait, self._full(status))
        self.state = WORKING
        return AGAIN

    def _refused(self, code: int, status: int) -> Wait:
        if status & ASYNC:
            return NONE
        if code == FULL_OR_NO_REPLY:
            return self._full(status)
        if code == RESET_IN_PROGRESS:
            self.state = RESET_WAIT
            return LOW_TIMEOUT
        if code in MESSAGE_ERRORS:
            self.completed.append((self.requests.popleft(), errno.EINVAL))
            return AGAIN
        return self._failed(code)

    def _full(self, status: int) -> Wait:
        """Full with nothing of ours in hardware, it has no reply that would interrupt: look again.

        The kernel's driver waits there for the next request."""
        self.state = FULL
        return INTERRUPT if status & IRQ_ENABLED and self.count else HIGH_TIMEOUT

    def _association_tested(
        self, status: int, message: M | None = None, bind_state: int = 0
    ) -> Next:
        code = status >> 16 & 0xFF
        if code != NORMAL or bind_state > 1:
            return self._failed(code)
        if bind_state == 1:
            return LOW_TIMEOUT
        self.state = IDLE
        return AGAIN if self.requests else NONE

    def _failed(self, code: int) -> Wait:
        self.fail(code)
        return NONE

    # -- the books -----------------------------------------------------------------------------

    def _book(self, message: M, status: int) -> None:
        """A reply has been dequeued: it ends its message, whatever the order they were sent in."""
        count = self.count - 1 if self.count else 0
        if not count and not status & EMPTY:
            count = 1
        self.count = count
        if count:
            self.timer_restarted = True
        pending = self.pending.pop(message.psmid, None)
        if pending is None:
            self.unassociated += 1
        else:
            self.completed.append((pending, 0))

    def _send_again(self) -> None:
        """The hardware is empty and we are not: put what was sent at the head of the line."""
        self.count = 0
        self.requests.extendleft(reversed(self.pending.values()))
        self.pending.clear()


def _enables(status: int) -> bool:
    """AQIC's answer: 07 says that somebody else has brought the interrupt to the wanted state."""
    return status >> 16 & 0xFF in (NORMAL, OTHERWISE_CHANGED)
