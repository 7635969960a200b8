"""One request in flight in simulated time.

A job is its own event: it is pushed onto the timeline as it moves from station to station, which
costs a third of a SimPy timeout. At any time a job lies on the timeline at most once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.emulator.agenda import LightEvent

if TYPE_CHECKING:
    from ghostcard.emulator.engine import Demand, EnginePool
    from ghostcard.emulator.faultplan import Rule
    from ghostcard.emulator.queue import CommandQueue

# Index of each of the twelve times of `Job.times`; the names are those of record.STAGES.
SUBMITTED, ENQUEUED, ARRIVED, FETCHED, DECODED, UNWRAPPED = range(6)
STARTED, FINISHED, BUILT, REPLIED, NOTIFIED, DONE = range(6, 12)


class Job(LightEvent):
    """A message for one APQN, with all that its record will say.

    The host fills in `client` (0..2^32-1), `function` (the verb's number), `request_bytes`,
    `reply_bytes`, and either a `block` (the card executes it when a core fetches it and then sets
    `reply`, `reply_bytes`, `operation` and `payload_bytes`) or `operation` and `payload_bytes`
    alone. `psmid` is the 64-bit message id that NQAP takes and DQAP returns. The host stamps
    `submitted`, `notified` and `done`; bus and card stamp the nine times between. `depth` is the
    number of messages the queue held, this one included, when it was accepted.

    `targets`, `render`, `attempt` and `on_done` are the port's: what it was asked for.

    `number` counts the requests of a client; the service time that a profile lets vary is drawn by
    (client, number). `cost_ns` is what a scheduling policy may know of a job that waits: for an
    engine, the mean time it will hold it; for a core, 1, since nobody has looked at it yet. `batch`
    are the jobs that go to an engine together with this one, itself the first. `stated_bytes` is
    the host's `reply_bytes` of a job that was answered by an error reply instead.

    `fault` is the name of the last fault that happened to it, "" if none did. On a bus that has
    faults `trouble` is what awaits it on the card, `spoil` what awaits its reply.
    """

    __slots__ = (
        "arrived",
        "attempt",
        "batch",
        "block",
        "built",
        "client",
        "cost_ns",
        "decoded",
        "demand",
        "depth",
        "done",
        "engine",
        "enqueued",
        "fault",
        "fetched",
        "finished",
        "function",
        "notified",
        "number",
        "on_done",
        "operation",
        "outcome",
        "payload_bytes",
        "pool",
        "psmid",
        "qid",
        "queue",
        "render",
        "replied",
        "reply",
        "reply_bytes",
        "request_bytes",
        "serial",
        "spoil",
        "started",
        "stated_bytes",
        "submitted",
        "targets",
        "trouble",
        "unwrapped",
    )

    def __init__(
        self,
        client: int = 0,
        qid: int = 0,
        function: int = 0,
        operation: str = "",
        payload_bytes: int = 0,
        request_bytes: int = 0,
        reply_bytes: int = 0,
        block: bytes | None = None,
        psmid: int = 0,
    ) -> None:
        super().__init__()
        self.client = client
        self.qid = qid
        self.function = function
        self.operation = operation
        self.payload_bytes = payload_bytes
        self.request_bytes = request_bytes
        self.reply_bytes = reply_bytes
        self.block = block
        self.reply: bytes | None = None
        self.psmid = psmid
        self.engine = ""
        self.outcome = 0
        self.fault = ""
        self.depth = 0
        self.submitted = self.enqueued = self.arrived = self.fetched = 0
        self.decoded = self.unwrapped = self.started = self.finished = 0
        self.built = self.replied = self.notified = self.done = 0
        self.on_done: Callable[[Job], None] | None = None
        self.targets: tuple[int, ...] = ()
        self.render: Callable[[int], bytes] | None = None
        self.attempt = 0
        self.number = 0
        self.cost_ns: int
        self.batch: tuple[Job, ...]
        self.stated_bytes: int
        self.demand: Demand
        self.serial: int
        self.pool: EnginePool | None = None
        self.trouble: Rule | None = None
        self.spoil: Rule | None = None
        self.queue: CommandQueue

    @property
    def times(self) -> list[int]:
        """The twelve times in the order of record.STAGES."""
        return [
            self.submitted, self.enqueued, self.arrived, self.fetched,
            self.decoded, self.unwrapped, self.started, self.finished,
            self.built, self.replied, self.notified, self.done,
        ]  # fmt: skip
