"""Two sides of a comparison: by how much each figure differs, and whether that is more than chance.

Everything is said of ratios, B / A, on a logarithmic scale, so that B against A says the same as A
against B. Replications under one seed meet the same requests (common random numbers) and are
compared in pairs; all else by Welch's t, on the intervals of batch means or of separate runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ghostcard.benchmarks.estimation import Estimate, interval, student_quantile
from ghostcard.benchmarks.reporting.cells import shown
from ghostcard.benchmarks.reporting.document import NS
from ghostcard.benchmarks.reporting.quantiles import Distribution
from ghostcard.benchmarks.scenario_rows import PERMILLE
from ghostcard.benchmarks.wording import rate
from ghostcard.benchmarks.wording import ratio as digits

PAIRED, WELCH, ALONE = "paired replications", "Welch's t", "no interval"
_SAME = 1e-9  # ratios closer to 1 than this are rounding


class Sample(NamedTuple):
    """A figure of one side; `values` are those of its replications under `seed`, if it has any."""

    estimate: Estimate
    values: tuple[float, ...] = ()
    seed: int | None = None


class Figures(NamedTuple):
    """Of all requests, a tenant or an operation; latencies in ns."""

    title: str
    throughput_per_s: Sample
    mean_ns: Sample
    percentiles_ns: tuple[Sample, ...]  # of PERMILLE


class Side(NamedTuple):
    """One side under one load; `limit` says what limits it, `latency` is of all its requests."""

    name: str
    figures: tuple[Figures, ...]  # the first of all
    limit: str
    latency: Distribution


class Ratio(NamedTuple):
    """B / A with its interval; without one, `method` is ALONE."""

    value: float
    low: float | None
    high: float | None
    method: str

    @property
    def is_equal(self) -> bool:
        """Whether both sides are the same to the last digit, in each replication there is."""
        return all(abs(end - 1) <= _SAME for end in self[:3] if end is not None)

    @property
    def is_significant(self) -> bool | None:
        """Whether 1 is outside of the interval; None if there is none."""
        if self.low is None or self.high is None:
            return None
        return self.low > 1 + _SAME or self.high < 1 - _SAME


class Change(NamedTuple):
    """One figure on both sides."""

    of: str  # all, a tenant or an operation
    figure: str
    a: Estimate
    b: Estimate
    ratio: Ratio | None  # None where a side has no such value


class Comparison(NamedTuple):
    """Both sides under one load; `title` names it."""

    title: str
    a: Side
    b: Side
    changes: tuple[Change, ...]


THROUGHPUT, MEAN = "throughput", "mean latency"
LATENCIES = tuple(f"{permille / 10:g} % latency" for permille in PERMILLE)


def compare(title: str, a: Side, b: Side, confidence: float) -> Comparison:
    """Every figure that both sides have."""
    return Comparison(title, a, b, tuple(_changes(a, b, confidence)))


def _changes(a: Side, b: Side, confidence: float) -> Iterator[Change]:
    others = {figures.title: figures for figures in b.figures}
    for mine in a.figures:
        if mine.title in others:
            theirs = others[mine.title]
            pairs = zip(_named(mine), _named(theirs), strict=True)
            for (name, one), (_, other) in pairs:
                found = ratio(one, other, confidence)
                yield Change(mine.title, name, one.estimate, other.estimate, found)


def _named(figures: Figures) -> list[tuple[str, Sample]]:
    percentiles = zip(LATENCIES, figures.percentiles_ns, strict=True)
    return [(THROUGHPUT, figures.throughput_per_s), (MEAN, figures.mean_ns), *percentiles]


def ratio(a: Sample, b: Sample, confidence: float) -> Ratio | None:
    """B / A; None unless both are above 0."""
    if a.estimate.mean <= 0 or b.estimate.mean <= 0:
        return None
    if _are_pairs(a, b):
        logs = [math.log(y / x) for x, y in zip(a.values, b.values, strict=True)]
        found = interval(logs, confidence)
        return _around(found.mean, found.half_width, PAIRED)
    middle = math.log(b.estimate.mean / a.estimate.mean)
    errors = _standard_error(a.estimate), _standard_error(b.estimate)
    if errors[0] is None or errors[1] is None:
        return _around(middle, None, ALONE)
    squares = errors[0] ** 2, errors[1] ** 2
    degrees = _welch_degrees(squares, (a.estimate.samples - 1, b.estimate.samples - 1))
    half = student_quantile(confidence, degrees) * math.sqrt(sum(squares))
    return _around(middle, half, WELCH)


def _are_pairs(a: Sample, b: Sample) -> bool:
    same = a.seed is not None and a.seed == b.seed and len(a.values) == len(b.values) > 1
    return same and min(*a.values, *b.values) > 0


def _around(middle: float, half: float | None, method: str) -> Ratio:
    if half is None:
        return Ratio(math.exp(middle), None, None, method)
    return Ratio(math.exp(middle), math.exp(middle - half), math.exp(middle + half), method)


def _standard_error(one: Estimate) -> float | None:
    """Of the logarithm, to first order."""
    if one.relative_error is None or one.samples < 2:
        return None
    return one.relative_error / student_quantile(one.confidence, one.samples - 1)


def _welch_degrees(squares: tuple[float, float], degrees: tuple[int, int]) -> int:
    """Welch and Satterthwaite's, rounded down; where nothing varies, the lesser of both."""
    spread = sum(square**2 / n for square, n in zip(squares, degrees, strict=True))
    return max(int(sum(squares) ** 2 / spread), 1) if spread else min(degrees)


# -- in plain words ------------------------------------------------------------------------------


def sentence(found: Comparison) -> str:
    """What changed, by how much, and whether it is more than chance."""
    every = {change.figure: change for change in found.changes if change.of == found.changes[0].of}
    parts = [_throughput(found, every[THROUGHPUT])]
    tail = every[LATENCIES[PERMILLE.index(990)]]
    parts.append(_latency(tail))
    if found.a.limit != found.b.limit:
        parts.append(f"the limit moves from {found.a.limit} to {found.b.limit}")
    else:
        parts.append(f"the limit is {found.b.limit} in both")
    said = "; ".join(parts) + "."
    if found.title:
        return f"{found.title}: {said}"
    return said.replace("throughput", "Throughput", 1) if said.startswith("throughput") else said


def _throughput(found: Comparison, change: Change) -> str:
    a, b = rate(change.a.mean), rate(change.b.mean)
    if change.ratio is None:
        known = zip((found.a.name, found.b.name), (change.a.mean, change.b.mean), strict=True)
        each = [f"{rate(r)} per second with {name}" if r else f"not known of {name}"
                for name, r in known]  # fmt: skip
        return f"throughput is {', '.join(each)}"
    if change.ratio.is_equal:
        return f"throughput is the same, {a} per second"
    if change.ratio.is_significant is False:
        told = f"{a} and {b} per second, {spoken(change.ratio)}"
        return f"throughput does not differ significantly: {told}"
    given = f"{found.b.name} gives {digits(change.ratio.value)} times"
    between = _between(change.ratio)
    of = f"the throughput of {found.a.name}: {b} per second against {a}"
    return f"{given} ({between}) {of}" if between else f"{given} {of}"


def _latency(change: Change) -> str:
    a, b = shown(change.a.mean, NS), shown(change.b.mean, NS)
    if change.ratio is None:
        return f"{change.figure} is {a} and {b}"
    if change.ratio.is_equal:
        return f"{change.figure} is the same, {a}"
    if change.ratio.is_significant is False:
        return f"{change.figure} does not differ significantly: {a} and {b}, {spoken(change.ratio)}"
    goes = "falls" if change.ratio.value < 1 else "rises"
    return f"{change.figure} {goes} from {a} to {b}, {spoken(change.ratio)}"


def spoken(one: Ratio) -> str:
    """1.93 times (1.92 to 1.94)."""
    between = _between(one)
    return f"{digits(one.value)} times ({between})" if between else f"{digits(one.value)} times"


def _between(one: Ratio) -> str:
    """The interval; "" for one that is too narrow to show."""
    if one.low is None or one.high is None:
        return "no interval"
    low, high = digits(one.low), digits(one.high)
    return "" if low == high else f"{low} to {high}"


# -- sides of replications -----------------------------------------------------------------------


def sample(values: Sequence[float], confidence: float, seed: int | None) -> Sample:
    """Of the values of independent replications, or runs."""
    return Sample(interval(values, confidence), tuple(values), seed)


def figures_over(
    each: Sequence[Sequence[Figures]], confidence: float, seed: int | None
) -> tuple[Figures, ...]:
    """The figures of several runs as those of one side: of every title that all runs have."""
    titles = [one.title for one in each[0]]
    by_title = [{one.title: one for one in run} for run in each]
    return tuple(
        _over(title, [run[title] for run in by_title], confidence, seed)
        for title in titles
        if all(title in run for run in by_title)
    )


def _over(title: str, runs: Sequence[Figures], confidence: float, seed: int | None) -> Figures:
    def over(figure: Callable[[Figures], Sample]) -> Sample:
        return sample([figure(run).estimate.mean for run in runs], confidence, seed)

    return Figures(
        title,
        over(lambda run: run.throughput_per_s),
        over(lambda run: run.mean_ns),
        tuple(over(lambda run, n=n: run.percentiles_ns[n]) for n in range(len(PERMILLE))),  # type: ignore[misc]
    )
