"""The sections of a report that are the same whatever it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostcard.benchmarks.export.intervals import WAITING
from ghostcard.benchmarks.offload import Offload
from ghostcard.benchmarks.reporting.document import (
    BYTES,
    DASHED,
    LINE,
    NS,
    NUMBER,
    SHARE,
    STEP,
    Axis,
    Bar,
    Bars,
    Block,
    Column,
    Plot,
    Section,
    Segment,
    Series,
    Table,
)
from ghostcard.benchmarks.reporting.envelope import Envelope
from ghostcard.benchmarks.reporting.quantiles import Distribution
from ghostcard.benchmarks.scenario_stations import Busy
from ghostcard.benchmarks.timesplit import TimeSplit
from ghostcard.emulator.profile import Profile

MOST_CURVES = 6  # in one plot; of more operations those with most requests are drawn


def latency(named: Sequence[tuple[str, Distribution]], of: str) -> Section:
    """The cumulative distribution of latencies; `of` says of which requests."""
    drawn = list(named)
    if len(named) > MOST_CURVES:
        drawn = sorted(named, key=lambda one: -one[1].requests)[:MOST_CURVES]
    series = [
        Series(name, tuple(map(float, one.latency_ns)), one.part, STEP) for name, one in drawn
    ]
    note = "Every point is exact: a latency that occurred, and the part that took no longer."
    if len(drawn) < len(named):
        note += f" Drawn are the {MOST_CURVES} with most requests."
    plot = Plot(
        "latency-cdf",
        "Latency: the part of requests that took at most so long",
        Axis("latency, simulated time", NS, 10),
        Axis("part of the requests", SHARE),
        tuple(series),
        note,
    )
    return Section("latency", "Latency", (of,), (plot,))


def busy(stations: Sequence[Busy], when: str) -> Section:
    """How busy the stations were."""
    rows = tuple(
        (f"{b.adapter:02x}", b.title, b.servers, b.utilisation)
        for b in stations
        if b.utilisation > 0
    )
    columns = (Column("card"), Column("station"), Column("servers", NUMBER), _BUSY)
    table = Table("stations", "Engines, cores and links", columns, rows, when)
    text = (
        "A request passes these stations in this order, of the engines only its own. What was not "
        "used is left out."
    )
    return Section("stations", "Utilisation", (text,), (table,))


_BUSY = Column("busy", SHARE, bar=True)


def depth(under_way: Envelope, in_hardware: Envelope, of: str) -> Section:
    """Requests under way and in hardware over time, with least and greatest of each part."""
    plot = _depth_plot(
        [_envelope("under way (submitted to done)", under_way),
         _envelope("in hardware (NQAP to DQAP)", in_hardware)],
        "Lines are the means of equal parts of the run, bands reach from the least to the greatest "
        "number in each.",
    )  # fmt: skip
    return Section("depth", "Queue depth over time", (of,), (plot,))


def mean_depth(named: Sequence[tuple[str, Sequence[float]]], span_ns: int, of: str) -> Section:
    """The same of a run that kept no records: means alone."""
    series = []
    for name, means in named:
        step = span_ns / len(means)
        middles = tuple((n + 0.5) * step for n in range(len(means)))
        series.append(Series(name, middles, tuple(means), LINE))
    plot = _depth_plot(series, "Lines are the means of equal parts of the run.")
    return Section("depth", "Queue depth over time", (of,), (plot,))


def _envelope(name: str, one: Envelope) -> Series:
    low, high = tuple(map(float, one.least)), tuple(map(float, one.greatest))
    return Series(name, one.middle_ns, one.mean, LINE, low, high)


def _depth_plot(series: Sequence[Series], note: str) -> Plot:
    return Plot(
        "depth",
        "Requests under way and in hardware",
        Axis("simulated time", NS),
        Axis("requests", NUMBER),
        tuple(series),
        note,
    )


def stages(splits: Sequence[TimeSplit], of: str) -> Section:
    """Where the time of each operation goes, on average."""
    bars = [Bar(one.operation, tuple(_segments(one))) for one in splits]
    columns = (Column("operation"), Column("stage"), Column("kind"), Column("mean", NS),
               Column("of it waiting", NS), Column("share", SHARE, bar=True))  # fmt: skip
    rows = tuple(
        (one.operation, part.name, part.kind, part.mean_ns, part.mean_waiting_ns, part.share)
        for one in splits
        for part in one.parts
    )
    return Section(
        "stages",
        "Where the time goes",
        (of, "Waiting for a core or an engine is on record; other waiting is what a stage took "
             "beyond the least on record for its size, and at worst shown too small."),
        (Bars("stages-bars", "Mean latency by stage", NS, tuple(bars)),
         Table("stages", "Stages", columns, rows)),
    )  # fmt: skip


def _segments(one: TimeSplit) -> list[Segment]:
    found = []
    for part in one.parts:
        own = part.mean_ns - part.mean_waiting_ns
        if part.mean_waiting_ns:
            name = part.name if part.kind == WAITING else f"{part.name}: waiting"
            found.append(Segment(name, WAITING, part.mean_waiting_ns))
        if own > 0:
            found.append(Segment(part.name, part.kind, own))
    return found


def offloads(found: Sequence[Offload], missing: Sequence[str], profile: str) -> Section:
    """LogCA: the card beside this host's own software."""
    columns = (Column("operation"), Column("message", BYTES),
               Column(f"card {profile}, simulated time", NS),
               Column("software of this host, host time", NS))  # fmt: skip
    rows = tuple(
        (one.operation, payload, card, host)
        for one in found
        for payload, card, host in zip(one.payloads, one.card_ns, one.host_ns, strict=True)
    )
    text = [
        "One request at a time (LogCA): when would the card answer before this host's processor "
        "has computed it? The card's times are simulated, the software's were measured just now on "
        "one core of the host that made this report. A card serves many requests at once and frees "
        f"the processor but for {_submit(found)} of each, so this is its worst case.",
        *map(_break_even, found),
    ]
    if missing:
        text.append(f"Not measured on this host: {', '.join(missing)}.")
    grown = [one for one in found if len(one.payloads) > 1]
    blocks: tuple[Block, ...] = (
        *([_offload_plot(grown)] if grown else []),
        Table("offload", "Card and host", columns, rows, "Two clocks: never added or divided."),
    )
    return Section("offload", "Offload break-even", tuple(text), blocks)


def _submit(found: Sequence[Offload]) -> str:
    return f"{max(one.submit_ns for one in found) / 1000:g} µs"


def _break_even(one: Offload) -> str:
    if len(one.payloads) == 1:
        quicker = "the card" if one.card_ns[0] < one.host_ns[0] else "the host"
        return f"{one.operation}: {quicker} is quicker, whatever the message."
    least = one.break_even_bytes
    if least is None:
        return f"{one.operation}: the host is quicker up to {one.payloads[-1]:,} bytes."
    if least == one.payloads[0]:
        return f"{one.operation}: the card is quicker from {one.payloads[0]} bytes on."
    return f"{one.operation}: break-even at about {least:,.0f} bytes."


def _offload_plot(found: Sequence[Offload]) -> Plot:
    series = []
    for colour, one in enumerate(found[:MOST_CURVES]):
        x = tuple(map(float, one.payloads))
        series.append(Series(f"{one.operation}: card", x, one.card_ns, colour=colour))
        series.append(Series(f"{one.operation}: host", x, one.host_ns, DASHED, colour=colour))
    return Plot(
        "offload-plot",
        "One request at a time: card (simulated time) and software (host time)",
        Axis("length of the message", BYTES, 2),
        Axis("time", NS, 10),
        tuple(series),
        "Solid: the card, simulated time. Dashed: this host's software, host time.",
    )


def assumptions(profiles: Mapping[str, Profile], operations: Sequence[str]) -> Table:
    """The assumed figures that these operations rest on, by name, with the reason."""
    rows = [
        (name, figure, source.partition(": ")[2] or source)
        for name, profile in profiles.items()
        for figure, source in profile.sources.items()
        if source.startswith("assumed") and _matters(figure, profile, operations)
    ]
    columns = (Column("profile"), Column("figure"), Column("why it is so"))
    return Table(
        "assumptions", "Assumed figures", columns, tuple(rows), "No device publishes these."
    )


def _matters(figure: str, profile: Profile, operations: Sequence[str]) -> bool:
    """Whether a figure of a profile plays a part for the operations."""
    parts = figure.split(".")
    if parts[0] != "engines":
        return True
    if len(parts) > 3 and parts[2] == "operations":
        return parts[3] in operations
    used = {profile.operations[one].engine for one in operations if one in profile.operations}
    return parts[1] in used
