"""A POLL in normal operation in one go: what the queue's table says, without a call for each step.

Nearly every POLL finds a queue IDLE, WORKING or QUEUE_FULL and has normal answers. For those,
`poll` does exactly what stepping `QueueMachine` through its table does; at the first answer of any
other kind the machine takes over. `tests/driver/test_polling.py` runs both side by side.
"""

from typing import TYPE_CHECKING, Final

from ghostcard.driver.queue import (
    AGAIN,
    ASYNC,
    EMPTY,
    FULL,
    HIGH_TIMEOUT,
    IDLE,
    INTERRUPT,
    IRQ_ENABLED,
    NONE,
    WORKING,
    Next,
    QueueMachine,
    State,
    Wait,
)
from ghostcard.emulator.status import NO_PENDING_REPLY, REPLIES_WAITING, RESPONSE_CODE_SHIFT

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.job import Job

# Bits of a status word with which the next DQAP could answer anything but "no reply yet".
UNKNOWN = EMPTY | REPLIES_WAITING
POLLED: tuple[State, ...] = (IDLE, WORKING, FULL)  # the states whose POLL is done here
_NO_REPLY: Final = NO_PENDING_REPLY << RESPONSE_CODE_SHIFT
_NOT_NORMAL: Final = ASYNC | 0xFF << RESPONSE_CODE_SHIFT
_NOT_WITHOUT_REPLY: Final = (EMPTY | _NOT_NORMAL) & ~_NO_REPLY  # of a DQAP that found nothing


def poll(machine: "QueueMachine[Job]", bus: "Bus", qid: int) -> Next:
    """Read and send what there is; what to wait for then, or the instruction to go on with.

    That instruction is what the machine asks for where a status word is not of normal operation.
    Only for a machine that runs, in one of the states of POLLED. ``completed`` and
    ``timer_restarted`` are the machine's, as ever.
    """
    requests, pending, depth = machine.requests, machine.pending, machine.depth
    idle_bits, state, status = machine.idle_bits, machine.state, UNKNOWN
    while True:
        wait: Wait = NONE
        if state is not IDLE:
            if status & UNKNOWN:
                status, message = bus.dqap(qid)
            else:  # known from the status word before
                status, message = status | _NO_REPLY, None
            if message is None:
                if status & _NOT_WITHOUT_REPLY or not machine.count:
                    return machine.read(status)
                wait = INTERRUPT if status & IRQ_ENABLED else HIGH_TIMEOUT
            else:
                left = machine.count - 1
                if status & _NOT_NORMAL or (
                    status & idle_bits != idle_bits if left == 0 else left < 0 or status & EMPTY
                ):
                    return machine.read(status, message)
                machine.count = left
                if message.psmid in pending:
                    machine.completed.append((pending.pop(message.psmid), 0))
                else:
                    machine.unassociated += 1
                if left:
                    machine.timer_restarted = True
                    machine.state, wait = WORKING, AGAIN
                else:
                    machine.state, wait = IDLE, AGAIN if requests else NONE
        if requests and state is not FULL:
            status = bus.nqap(qid, requests[0])
            if status & _NOT_NORMAL:
                return machine.sent(status, wait)
            message = requests.popleft()
            pending[message.psmid] = message
            machine.count = count = machine.count + 1
            if count == 1:
                machine.timer_restarted = True
            if count < depth:
                machine.state, wait = WORKING, AGAIN
            else:
                machine.state = FULL
                wait = min(wait, INTERRUPT if status & IRQ_ENABLED else HIGH_TIMEOUT)
        if wait is not AGAIN:
            return wait
        state = machine.state
