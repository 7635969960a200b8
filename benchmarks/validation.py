"""Published figures against the model: each row through driver, bus and card, in simulated time.

A row is simulated with as many clients in a closed loop as were in flight when it was published,
and measured in the middle half of the run. What comes out is compared in the unit of the row: a
rate, the latency of a request, or the cost by which speed ratings are stated (microseconds per
request at saturation over the scale of the profile, so that all ratios can be read off).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.benchmarks.published import JUDGE, LATENCY, RATE, RATING, Row, rows_of
from ghostcard.emulator.profile import Profile, load
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

REQUESTS = 24  # of each client

PREDICTED = "predicted"  # of a comparison: nothing published to compare with
# More numbers of clients for which the model's answer is of interest, beside the published ones.
PREDICTIONS = {"aws-cloudhsm-classic": (4, 8, 32, 64)}
# What the data allow and what they do not, where a reader of the errors must know it.
NOTES = {
    "aws-cloudhsm-classic": (
        "the published latency falls as threads rise, and in no queue does a request wait less "
        "because others are there: with any one latency the worse error on 2 and 16 threads is at "
        "least 18.9 %; about 15 % is what the data of the whole curve allow"
    ),
    "cex4c": (
        "the ratings do not explain the handshakes of the coprocessor, so no tolerance is stated; "
        "the scale was taken from the accelerator (cex4a)"
    ),
    "intel-qat": "engines come in whole numbers: 28.5 and 9.0 would fit both rows of an operation",
}

SCALE_NOTE = (
    "speed ratings have no unit: only their ratios were published, the scale "
    "(scale_us_per_unit) is assumed"
)


class Measured(NamedTuple):
    """A simulated closed loop."""

    per_second: float
    latency_ns: float  # mean


class Comparison(NamedTuple):
    """A published figure and what the model says; both in `unit`."""

    profile: str
    operation: str  # as published
    simulated_operation: str
    bytes: int
    clients: int
    unit: str
    published: float | None  # None: there is no published figure
    simulated: float
    error_percent: float | None
    use: str  # fit, judge or predicted
    tolerance_percent: float | None  # None: none is stated
    source: str

    @property
    def exceeds(self) -> bool:
        """Whether this is a row to judge by, and off by more than its tolerance."""
        if self.use != JUDGE or self.error_percent is None or self.tolerance_percent is None:
            return False
        return abs(self.error_percent) > self.tolerance_percent


def validate(profile_name: str, rows: Iterable[Row] | None = None) -> Iterator[Comparison]:
    """A comparison for each published row of a profile, then the predictions asked of it.

    `profile_name` is the name of a profile; of one that has no rows nothing comes.
    """
    known = rows_of(profile_name, rows)
    for row in known:
        yield _compared(row)
    for clients in PREDICTIONS.get(profile_name, ()):
        if known and clients not in {row.clients for row in known}:
            yield _predicted(known[0], clients)


def notes(compared: Iterable[Comparison]) -> list[str]:
    """What a reader must know of these comparisons, each once, in their order."""
    said = {"all": "a device's fixed time includes its driver and bus"}
    for one in compared:
        if one.unit == RATING:
            said["scale"] = f"Crypto Express: {SCALE_NOTE}"
        if one.profile in NOTES:
            said[one.profile] = f"{one.profile}: {NOTES[one.profile]}"
    return list(said.values())


def simulate(card: str, operation: str, payload_bytes: int, clients: int) -> Measured:
    """Rate and mean latency of clients in a closed loop without think time on one card.

    `card` is a profile's name, or the path of its file. It has as many queues as it takes to have
    all requests in hardware, if it has so many.
    """
    profile = load(card)
    queues = min(profile.queue.domains, -(-clients // profile.queue.depth))
    machine = Machine.simulation(card, domains=queues)
    work = sized(operation, payload_bytes, profile.mode)
    ClosedLoop(machine.simulated(), machine.targets(0), [work], clients, REQUESTS).run()
    pool = profile.operations[operation].engine
    engines = next(engine.size for engine in profile.engines if engine.name == pool)
    return _middle(machine.recorder, min(clients, engines))


def _middle(recorder: Recorder, together: int) -> Measured:
    """Rate and latency in the middle half of a run, in which `together` requests end at a time.

    The span is between two completions with a multiple of `together` in between: of a loop that
    repeats itself it is whole periods.
    """
    records = recorder.array()
    records = records[records["done"].argsort(kind="stable")]
    first = len(records) // 4
    last = first + len(records) // 2 // together * together
    done = records["done"]
    took = (done - records["submitted"])[first:last]
    span_ns = int(done[last]) - int(done[first])
    return Measured((last - first) * 1e9 / span_ns, float(took.mean()))


def _compared(row: Row) -> Comparison:
    measured = simulate(row.profile, row.simulated_operation, row.simulated_bytes, row.clients)
    simulated, published = in_unit(measured, row.unit, load(row.profile)), float(row.value)
    tolerance = None if row.tolerance_percent is None else float(row.tolerance_percent)
    error = 100 * (simulated / published - 1)
    return _comparison(row, row.clients, published, simulated, error)._replace(
        use=row.use, tolerance_percent=tolerance, source=row.source
    )


def _predicted(row: Row, clients: int) -> Comparison:
    """The model's answer for another number of clients than that of `row`, of the same request."""
    measured = simulate(row.profile, row.simulated_operation, row.simulated_bytes, clients)
    return _comparison(row, clients, None, in_unit(measured, row.unit, load(row.profile)), None)


def _comparison(
    row: Row, clients: int, published: float | None, simulated: float, error: float | None
) -> Comparison:
    return Comparison(
        profile=row.profile,
        operation=row.operation,
        simulated_operation=row.simulated_operation,
        bytes=row.simulated_bytes,
        clients=clients,
        unit=row.unit,
        published=published,
        simulated=simulated,
        error_percent=error,
        use=PREDICTED,
        tolerance_percent=None,
        source="",
    )


def in_unit(measured: Measured, unit: str, profile: Profile) -> float:
    """What was measured, in the unit of a published row."""
    if unit == LATENCY:
        return measured.latency_ns / 1e6
    if unit == RATING:
        return 1e6 / measured.per_second / profile.scale_us_per_unit
    assert unit == RATE
    return measured.per_second
