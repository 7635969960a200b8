"""The thinned distribution of latencies: every point against the latencies themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.histogram import Histogram
from ghostcard.benchmarks.reporting.quantiles import (
    POINTS,
    TAIL_POINTS,
    of_histogram,
    of_values,
)

PERMILLE = (500, 990, 1000)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=700))
def test_every_point_is_exact(latencies: list[int]) -> None:
    found = of_values(np.array(latencies), PERMILLE)
    ordered = sorted(latencies)
    for value, part in zip(found.latency_ns, found.part, strict=True):
        assert value in latencies
        assert part == sum(one <= value for one in latencies) / len(latencies)
    assert (found.latency_ns[0], found.latency_ns[-1]) == (ordered[0], ordered[-1])
    assert found.part[-1] == 1.0
    assert found.percentiles_ns == (
        ordered[(len(ordered) + 1) // 2 - 1],
        ordered[-(-len(ordered) * 990 // 1000) - 1],
        ordered[-1],
    )


def test_few_different_latencies_are_all_kept() -> None:
    found = of_values(np.repeat([30, 10, 20], [1, 5, 4]), PERMILLE)
    assert found.latency_ns == (10, 20, 30)
    assert found.part == (0.5, 0.9, 1.0)
    assert (found.requests, found.mean_ns) == (10, 16.0)


def test_many_are_thinned_and_the_tail_keeps_its_points() -> None:
    count = 1_000_000
    found = of_values(np.arange(count), PERMILLE)
    assert len(found.part) <= POINTS + 6 * TAIL_POINTS
    slowest = [part for part in found.part if part > 1 - 1e-4]
    assert len(slowest) > TAIL_POINTS  # of a hundred latencies
    assert max(np.diff(found.part)) < 1.1 / POINTS


def test_of_a_histogram_the_ends_of_buckets() -> None:
    histogram = Histogram()
    values = np.array([5] * 50 + [7] * 30 + [1_000_003] * 20)
    histogram.add(values)
    found = of_histogram(histogram, PERMILLE)
    assert found.latency_ns == (5, 7, 1_000_003)
    assert found.part == (0.5, 0.8, 1.0)
    assert found.mean_ns == pytest.approx(values.mean())
