"""Ratios with intervals: pairs against a hand calculation, Welch against a published example."""

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest

from ghostcard.benchmarks.comparison import (
    ALONE,
    PAIRED,
    THROUGHPUT,
    WELCH,
    Comparison,
    Figures,
    Ratio,
    Sample,
    Side,
    compare,
    figures_over,
    ratio,
    sample,
    sentence,
)
from ghostcard.benchmarks.estimation import Estimate, interval
from ghostcard.benchmarks.reporting.quantiles import of_values
from ghostcard.benchmarks.wording import ratio as digits

NINETY_FIVE = 0.95


def found(a: Sample, b: Sample) -> Ratio:
    made = ratio(a, b, NINETY_FIVE)
    assert made is not None
    return made


def test_pairs_are_compared_in_pairs() -> None:
    """Student's t with 3 degrees of freedom: 3.1824."""
    a, b = [10.0, 12.0, 9.0, 11.0], [20.0, 25.0, 18.5, 21.0]
    logs = [math.log(y / x) for x, y in zip(a, b, strict=True)]
    half = 3.182446 * statistics.stdev(logs) / 2
    made = found(sample(a, 0.95, 7), sample(b, 0.95, 7))
    assert made.method == PAIRED
    assert made.value == pytest.approx(math.exp(statistics.mean(logs)))
    assert made.low == pytest.approx(math.exp(statistics.mean(logs) - half), rel=1e-6)
    assert made.high == pytest.approx(math.exp(statistics.mean(logs) + half), rel=1e-6)
    assert made.is_significant


def test_other_seeds_are_no_pairs() -> None:
    a, b = [10.0, 12.0, 9.0, 11.0], [20.0, 25.0, 18.5, 21.0]
    made = found(sample(a, 0.95, 7), sample(b, 0.95, 8))
    assert made.method == WELCH
    assert made.value == pytest.approx(84.5 / 42)


def test_welch_by_the_delta_method() -> None:
    """Standard errors of 1 and 2 percent, 20 batches each: degrees of freedom 27.9, so 27."""
    t19, t27 = 2.093024, 2.051831
    one = Sample(Estimate(100.0, 100.0 * 0.01 * t19, 0.95, 20))
    other = Sample(Estimate(110.0, 110.0 * 0.02 * t19, 0.95, 20))
    made = found(one, other)
    half = t27 * math.sqrt(0.01**2 + 0.02**2)
    assert made.low == pytest.approx(1.1 * math.exp(-half), rel=1e-6)
    assert made.high == pytest.approx(1.1 * math.exp(half), rel=1e-6)
    assert made.is_significant


def test_the_other_way_round_it_says_the_same() -> None:
    one = Sample(Estimate(100.0, 3.0, 0.95, 20))
    other = Sample(Estimate(140.0, 9.0, 0.95, 12))
    there, back = found(one, other), found(other, one)
    assert there.value * back.value == pytest.approx(1)
    assert there.low is not None
    assert back.high is not None
    assert there.low * back.high == pytest.approx(1)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Two sides that differ by 1.25, 400 times: 95 % of the intervals hold it, give or take 3 s."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(400):
        a = interval(rng.normal(100, 5, 10).tolist(), 0.95)
        b = interval(rng.normal(125, 9, 10).tolist(), 0.95)
        made = found(Sample(a), Sample(b))
        assert made.low is not None
        assert made.high is not None
        held += made.low <= 1.25 <= made.high
    assert abs(held / 400 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 400)


def test_without_an_interval_nothing_is_claimed() -> None:
    made = found(Sample(Estimate(1.0, None, 0.95, 1)), Sample(Estimate(3.0, 0.1, 0.95, 20)))
    assert made.value == pytest.approx(3.0)
    assert (made.low, made.high, made.method) == (None, None, ALONE)
    assert made.is_significant is None
    assert ratio(Sample(Estimate(0.0, None, 0.95, 1)), Sample(made_up()), 0.95) is None


def made_up() -> Estimate:
    return Estimate(3.0, 0.1, 0.95, 20)


def test_what_does_not_vary_is_certain() -> None:
    same = found(sample([5.0, 5.0], 0.95, 1), sample([5.0, 5.0], 0.95, 1))
    assert same.is_equal
    assert same.is_significant is False
    alone = Sample(Estimate(5.0, None, 0.95, 1))
    assert found(alone, alone).is_equal
    more = found(sample([5.0, 5.0], 0.95, 1), sample([6.0, 6.0], 0.95, 1))
    assert more.is_significant


def side(name: str, rates: Sequence[float], tails: Sequence[float], limit: str) -> Side:
    def alone(value: float) -> Sample:
        return Sample(Estimate(value, None, 0.95, 1))

    def figures(rate: float, tail: float) -> Figures:
        percentiles = (tail / 2, tail * 0.9, tail, tail * 1.1)
        return Figures("all", alone(rate), alone(tail / 2), tuple(map(alone, percentiles)))

    each = [[figures(*both)] for both in zip(rates, tails, strict=True)]
    latency = of_values(np.array([1]), (500, 900, 990, 999))
    return Side(name, figures_over(each, 0.95, 1), limit, latency)


A = side("old", [1000.0, 1010.0, 990.0], [4.0e6, 4.1e6, 3.9e6], "the rsa engines")
B = side("new", [1930.0, 1960.0, 1890.0], [2.0e6, 2.04e6, 1.96e6], "the link in")


def test_the_sentence_of_a_change() -> None:
    assert sentence(compare("", A, B, 0.95)) == (
        "new gives 1.93 times (1.89 to 1.97) the throughput of old: 1,927 per second against "
        "1,000; 99 % latency falls from 4.00 ms to 2.00 ms, 0.500 times (0.494 to 0.506); the "
        "limit moves from the rsa engines to the link in."
    )


def test_the_sentence_where_nothing_changes() -> None:
    assert sentence(compare("RSA", A, A, 0.95)) == (
        "RSA: throughput is the same, 1,000 per second; 99 % latency is the same, 4.00 ms; the "
        "limit is the rsa engines in both."
    )
    noisy = side("noisy", [1020.0, 985.0, 1008.0], [4.2e6, 3.8e6, 4.05e6], "the rsa engines")
    said = sentence(compare("", A, noisy, 0.95))
    assert said.startswith("Throughput does not differ significantly: 1,000 and 1,004 per second")
    assert "99 % latency does not differ significantly" in said


def test_only_what_both_sides_have_is_compared() -> None:
    rows: Comparison = compare("", A, B._replace(figures=()), 0.95)
    assert rows.changes == ()
    assert [c.figure for c in compare("", A, B, 0.95).changes][:2] == [THROUGHPUT, "mean latency"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.934, "1.93"), (1.0999, "1.100"), (0.9871, "0.987"), (12.34, "12.3"), (0.0456, "0.0456")],
)
def test_digits(value: float, text: str) -> None:
    assert digits(value) == text
