"""Student's t, batch means and MSER-5 against tables and series of known steady state."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks import estimation
from ghostcard.benchmarks.estimation import batches, interval, mean_of, mser5, percentile_of

# Two-sided quantiles as printed in the usual tables (NIST handbook 1.3.6.7.2), six decimals
QUANTILES = [
    (0.95, 1, 12.706205),
    (0.95, 2, 4.302653),
    (0.95, 3, 3.182446),
    (0.95, 10, 2.228139),
    (0.95, 19, 2.093024),
    (0.95, 100, 1.983972),
    (0.90, 4, 2.131847),
    (0.99, 5, 4.032143),
]


@pytest.mark.parametrize(("confidence", "degrees", "value"), QUANTILES)
def test_student_quantiles(confidence: float, degrees: int, value: float) -> None:
    assert estimation.student_quantile(confidence, degrees) == pytest.approx(value, abs=6e-7)


@given(st.integers(1, 200), st.floats(0, 50))
def test_student_probability_is_one(degrees: int, t: float) -> None:
    found = estimation.student_probability(t, degrees)
    assert -1e-12 <= found <= 1 + 1e-12
    assert found <= estimation.student_probability(t + 0.1, degrees) + 1e-12


@pytest.mark.parametrize(("confidence", "degrees"), [(0.0, 5), (1.0, 5), (0.95, 0)])
def test_what_has_no_quantile_is_refused(confidence: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="takes a confidence"):
        estimation.student_quantile(confidence, degrees)


def test_interval_of_three_values() -> None:
    found = interval([1.0, 2.0, 3.0], 0.95)
    assert found.mean == 2.0
    assert found.half_width == pytest.approx(4.302653 / math.sqrt(3), abs=1e-6)
    assert found.covers(4.4)
    assert not found.covers(4.5)
    assert found.relative_error == pytest.approx(4.302653 / math.sqrt(3) / 2, abs=1e-6)


def test_one_value_has_no_interval() -> None:
    found = interval([7.0], 0.95)
    assert (found.mean, found.half_width, found.relative_error) == (7.0, None, None)
    assert not found.covers(7.0)
    with pytest.raises(ValueError, match="needs a value"):
        interval([], 0.95)


def test_batches_cover_the_mean_as_often_as_they_say() -> None:
    random = np.random.default_rng(1)
    hits = sum(batches(random.exponential(5.0, 2000), mean_of, 0.9).covers(5.0) for _ in range(400))
    assert 340 <= hits <= 380  # 360 expected, 20 is 3.3 standard deviations


def test_the_figure_of_batches_is_that_of_the_whole() -> None:
    values = np.arange(1000)
    assert batches(values, percentile_of(990), 0.95).mean == 989
    assert batches(values, percentile_of(500), 0.95).mean == 499
    assert batches(values[:39], mean_of, 0.95).half_width is None


def test_percentiles_are_by_nearest_rank() -> None:
    values = np.array([40, 10, 30, 20])
    assert [percentile_of(p)(values) for p in (0, 250, 251, 500, 999, 1000)] == [
        10, 10, 20, 20, 40, 40,
    ]  # fmt: skip


def test_mser5_finds_a_step() -> None:
    values = np.concatenate((np.full(100, 50.0), np.tile([1.0] * 5 + [3.0] * 5, 40)))
    assert mser5(values) == (100, True)


def test_mser5_leaves_nothing_out_of_what_is_steady() -> None:
    assert mser5(np.ones(100)) == (0, True)
    assert mser5(np.tile([1.0, 3.0], 500)).values == 0


def test_mser5_says_when_a_series_never_settles() -> None:
    assert not mser5(np.arange(1000.0)).found
    assert mser5(np.arange(19.0)) == (0, False)


@given(st.lists(st.integers(0, 10**12), min_size=20, max_size=200))
def test_mser5_as_defined(values: list[int]) -> None:
    """Against the definition, computed value by value."""
    series = np.array(values, float)
    means = [series[i * 5 : i * 5 + 5].mean() for i in range(len(values) // 5)]
    count = len(means)

    def error(left_out: int) -> float:
        rest = np.array(means[left_out:]) - np.mean(means)
        return float(((rest - rest.mean()) ** 2).sum()) / len(rest) ** 2

    found = mser5(series).values // 5
    least = min(error(d) for d in range(count // 2 + 1))
    scale = float(((np.array(means) - np.mean(means)) ** 2).sum()) / count
    assert error(found) <= least + 1e-9 * scale
