"""What a request does between two of the twelve times of its record."""

from itertools import pairwise
from typing import NamedTuple

from ghostcard.emulator.record import STAGES
from ghostcard.statistics import INTERVALS as NAMES

HOST, TRANSFER, WAITING, SERVICE = "host", "transfer", "waiting", "service"


class Interval(NamedTuple):
    """From one stage to the next. `kind` is what passes there, apart from waiting for others.

    `waits_for` is what a request may wait for here, "" for nothing. `own_by` are the fields of the
    record on which, besides the card, the rest depends: None where all is waiting, or nothing is.
    """

    name: str
    start: str
    end: str
    kind: str
    waits_for: str
    own_by: tuple[str, ...] | None


# In the order of NAMES. Notification and dequeue are one host that looks at several queues: an
# interrupt for one reply may serve the next, so that there is no least time and nothing to split.
_MEANINGS: tuple[tuple[str, str, tuple[str, ...] | None], ...] = (
    (HOST, "a place in the queue", ()),
    (TRANSFER, "the link in", ("request_bytes",)),
    (WAITING, "a core", None),
    (SERVICE, "", None),
    (SERVICE, "", None),
    (WAITING, "an engine", None),
    (SERVICE, "", None),
    (SERVICE, "a reply builder", ("operation", "payload_bytes")),
    (TRANSFER, "the link out", ("reply_bytes",)),
    (HOST, "", None),
    (HOST, "", None),
)
INTERVALS: tuple[Interval, ...] = tuple(
    Interval(name, start, end, kind, waits_for, own_by)
    for name, (start, end), (kind, waits_for, own_by) in zip(
        NAMES, pairwise(STAGES), _MEANINGS, strict=True
    )
)
