"""The time of a thread that calls while no other does: plain arithmetic, and no simulated machine.

`TimingTrack` and `GatedTrack` say when that is so, and what happens when it is not.
"""

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ghostcard.driver.dispatcher import Dispatcher, DispatchQueue
from ghostcard.driver.errors import DriverError

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder

LONE_KINDS = 4_096  # kinds of lone request remembered; one more and all are forgotten

# targets, function, operation, payload bytes, request bytes, reply bytes, outcome: as the record's,
# and above it the fault's, side by side as in the record (`FAULT_SHIFT`); and the thread's own time
# since its call before, in nanoseconds
Request = tuple[tuple[int, ...], int, str, int, int, int, int, int]
THINK: Final = 7  # the last field

FAULT_SHIFT = 16  # of the fault's number in the outcome of a request
OUTCOME = (1 << FAULT_SHIFT) - 1


class Numbered(Protocol):
    """A client; records call it by its number."""

    number: int


class _Lone(NamedTuple):
    """A kind of request on an idle card: its record but for the start, its time, its queue."""

    record: bytes
    duration_ns: int
    queue: DispatchQueue


class LoneTrack(ABC):
    """What both tracks have in common: the lone thread, and what changes on the bus."""

    def __init__(self, bus: "Bus", dispatcher: Dispatcher, recorder: "Recorder") -> None:
        self._bus = bus
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._repeat = recorder.repeat
        self._lock = threading.Lock()
        self._lone: Numbered | None = None  # the only thread alive, as far as is known
        self._now = 0  # its host time
        self._kinds: dict[Request, _Lone] = {}  # of the lone thread
        # Where service times vary no two requests are alike: the machine draws them, never us.
        # Nor where faults strike.
        self._varies = bus.has_faults or any(card.draws for card in bus.cards.values())
        for card in bus.cards.values():
            card.on_change.append(self._kinds.clear)

    @abstractmethod
    def finish(self) -> None:
        """Account for everything that was asked, as if no thread would call again."""

    def withdraw(self, adapter: int, is_away: bool) -> None:
        """`Card.withdraw`, when all that has been in line is accounted for; the dispatcher then
        picks other cards.
        """
        self.finish()
        with self._lock:
            card = self._bus.cards[adapter]
            card.withdraw(is_away)
            for qid in (queue.qid for queue in card.queues.values()):
                self._dispatcher.queue(qid).card.online = not is_away
            self._kinds.clear()

    def switch_off(self, offline: frozenset[int]) -> None:
        """Have the dispatcher pick none of these queues, and any other."""
        self.finish()
        with self._lock:
            for qid in self._dispatcher.qids:
                queue = self._dispatcher.queue(qid)
                queue.switch(qid not in offline, queue.in_service)

    def _set_lone(self, client: Numbered | None) -> None:
        if client is not None:
            self._kinds.clear()  # its records carry the number of the one before
        self._lone = None if self._varies else client

    def _pass(self, request: Request) -> bool:
        """Account for a request of the lone thread; False if time has taken its cards away."""
        think_ns = request[THINK]
        if think_ns:
            request = (*request[:THINK], 0)
        if len(request[0]) > 1:
            try:
                request = self._dispatched(request)
            except DriverError:
                return False
        record, duration_ns, queue = self._kinds.get(request) or self._learn(request)
        now = self._now + think_ns
        self._repeat(now, record)
        self._now = now + duration_ns
        queue.requests += 1
        queue.card.requests += 1
        return True

    def _dispatched(self, request: Request) -> Request:
        """The request for the one queue that it gets with nothing else under way."""
        queue = self._dispatcher.pick(request[0], request[1], request[4])
        self._dispatcher.drop(queue.qid, request[1])
        queue.requests -= 1  # counted by the caller
        queue.card.requests -= 1
        return ((queue.qid,), *request[1:])

    def _learn(self, request: Request) -> _Lone:
        (qid,), function, operation, payload_bytes, request_bytes, reply_bytes, outcome, _ = request
        assert self._lone is not None
        card = self._bus.cards[qid >> 8]
        times = card.lone(0, operation, payload_bytes, request_bytes, reply_bytes)
        engine = card.image.plan(operation, payload_bytes).engine
        sizes = (request_bytes, reply_bytes, payload_bytes)
        record = self._recorder.shape(
            self._lone.number, qid, function, operation, engine, outcome, 1, *sizes, times
        )
        if len(self._kinds) >= LONE_KINDS:
            self._kinds.clear()
        kind = self._kinds[request] = _Lone(record, times[-1], self._dispatcher.queue(qid))
        return kind
