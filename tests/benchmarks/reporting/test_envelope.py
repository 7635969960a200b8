"""Depth over time against counting at every nanosecond, and Little's law over the parts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.reporting.envelope import envelope, windows

SPANS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90)), min_size=1, max_size=60)


@given(SPANS, st.integers(1, 40))
def test_least_greatest_and_mean_of_every_part(spans: list[tuple[int, int]], parts: int) -> None:
    enter = np.array([at for at, _ in spans])
    leave = np.array([at + long for at, long in spans])
    start, end = int(enter.min()), int(leave.max())
    found = envelope(enter, leave, parts)
    levels = {t: int(((enter <= t) & (leave > t)).sum()) for t in range(start, end)}
    edges = np.linspace(0.0, float(end - start), min(parts, end - start) + 1) + start
    for n, (low, high) in enumerate(pairwise(edges)):
        met = [levels[t] for t in range(int(low), end) if t < high - 1e-9]
        assert found.least[n] == min(met)
        assert found.greatest[n] == max(met)
    area = sum(found.mean) * (end - start) / len(found.mean)
    assert area == pytest.approx((leave - enter).sum())


def test_who_leaves_as_another_enters_is_not_a_change() -> None:
    found = envelope(np.array([0, 10, 20]), np.array([10, 20, 30]), 5)
    assert set(found.least) == set(found.greatest) == {1}
    assert found.mean == (1.0,) * 5


def test_windows_follow_littles_law() -> None:
    """A closed loop of three: X R = N in every part but for those at its ends."""
    submitted = np.array([start for n in range(900) for start in (n * 100,) * 3])
    found = windows(submitted, submitted + 100, np.ones(2700, bool), 30)
    assert len(found) == 28
    for one in found:
        assert one.under_way == pytest.approx(3)
        assert one.mean_ns == 100
        assert one.per_second * one.mean_ns / 1e9 == pytest.approx(one.under_way)


def test_a_part_without_an_end_is_left_out() -> None:
    submitted, done = np.array([0, 900]), np.array([10, 1000])
    found = windows(submitted, done, np.array([True, True]), 2)
    assert [one.mean_ns for one in found] == [10.0, 100.0]
    assert windows(submitted, done, np.array([False, True]), 2)[0].mean_ns == 100.0
