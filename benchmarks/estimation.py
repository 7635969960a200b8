"""From a run's observations to an estimate with its uncertainty.

Warm-up by MSER-5, confidence intervals by batch means or replications with Student's t. Values are
floats here: nothing of this reaches a record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

MSER_BATCH = 5
BATCHES = 20  # of batch means; fewer degrees of freedom widen the interval, more correlate
_BISECTIONS = 200  # more than a float has bits


class Estimate(NamedTuple):
    """A mean and the half-width of its confidence interval; None if nothing can be said of it."""

    mean: float
    half_width: float | None
    confidence: float
    samples: int  # batches or replications

    @property
    def relative_error(self) -> float | None:
        """Half-width / mean; None if there is no interval, or no mean to compare with."""
        if self.half_width is None or not self.mean:
            return None
        return self.half_width / abs(self.mean)

    def covers(self, value: float) -> bool:
        """Whether a value lies within the interval."""
        return self.half_width is not None and abs(value - self.mean) <= self.half_width


def student_probability(t: float, degrees: int) -> float:
    """P(|T| <= t) of Student's t with a whole number of degrees of freedom.

    The finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4; exact but for rounding.
    """
    angle = math.atan2(t, math.sqrt(degrees))
    cosine2 = degrees / (degrees + t * t)
    odd = degrees % 2
    term, total = 1.0, 1.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= cosine2 * (k - 1) / k
        total += term
    if not odd:
        return math.sin(angle) * total
    series = math.sin(angle) * math.cos(angle) * total if degrees > 1 else 0.0
    return 2 / math.pi * (angle + series)


@cache
def student_quantile(confidence: float, degrees: int) -> float:
    """The t beyond which, on either side, lies 1 - confidence of the distribution."""
    if not 0 < confidence < 1 or degrees < 1:
        raise ValueError("takes a confidence between 0 and 1 and at least one degree of freedom")
    low, high = 0.0, 1.0
    while student_probability(high, degrees) < confidence:
        high *= 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if student_probability(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return high


def interval(values: Sequence[float], confidence: float) -> Estimate:
    """The mean of independent values, such as replications or means of long batches."""
    count = len(values)
    if not count:
        raise ValueError("an estimate needs a value")
    mean = math.fsum(values) / count
    if count == 1:
        return Estimate(mean, None, confidence, 1)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = student_quantile(confidence, count - 1) * math.sqrt(variance / count)
    return Estimate(mean, half, confidence, count)


def batches(values: Array, function: Callable[[Array], float], confidence: float) -> Estimate:
    """A figure of a series (its mean, a percentile) with the interval of its batches.

    The figure is that of the whole series. With less than two values for each batch there is no
    interval.
    """
    figure = float(function(values))
    if len(values) < 2 * BATCHES:
        return Estimate(figure, None, confidence, 1)
    parts = np.array_split(values, BATCHES)
    spread = interval([float(function(part)) for part in parts], confidence)
    return spread._replace(mean=figure)


def mean_of(values: Array) -> float:
    """The mean, as a function for `batches`."""
    return float(np.mean(values))


def percentile_of(permille: int) -> Callable[[Array], float]:
    """The percentile by nearest rank, as a function for `batches`: exact, a value that occurred."""

    def figure(values: Array) -> float:
        rank = max(-(-len(values) * permille // 1000), 1) - 1
        return float(np.partition(values, rank)[rank])

    return figure


def correlation(values: Array) -> float:
    """Correlation of neighbouring batch means: far from 0, the batches are too short to trust."""
    if len(values) < 2 * BATCHES:
        return 0.0
    means = np.array([part.mean() for part in np.array_split(values, BATCHES)])
    centred = means - means.mean()
    square = float(centred @ centred)
    return float(centred[:-1] @ centred[1:]) / square if square else 0.0


class WarmUp(NamedTuple):
    """How many values at the start of a series are not of its steady state."""

    values: int
    found: bool  # False: the least error is at the limit of the search, the series may be too short


def mser5(values: Array) -> WarmUp:
    """MSER-5 (White, 1997): leave out what makes the standard error of the rest least.

    Means of five values; at most the first half is left out.
    """
    whole = len(values) // MSER_BATCH
    if whole < 4:
        return WarmUp(0, False)
    means = values[: whole * MSER_BATCH].reshape(whole, MSER_BATCH).mean(axis=1)
    means = means - means.mean()  # keeps the difference of squares below from cancelling
    remaining = whole - np.arange(whole)
    total = np.cumsum(means[::-1])[::-1]
    squares = np.cumsum((means * means)[::-1])[::-1]
    limit = whole // 2
    deviations = np.maximum(squares - total * total / remaining, 0.0)
    errors = (deviations / (remaining * remaining.astype(float)))[: limit + 1]
    best = int(np.argmin(errors))
    return WarmUp(best * MSER_BATCH, best < limit)
