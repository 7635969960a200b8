"""Requests under way: what is counted in pieces is what all records say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.scenario_depth import DEPTH_SLOTS, RunningDepth, backlog_grows, depth

STAYS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=60)


def arrays(stays: list[tuple[int, int]]) -> np.ndarray:
    rows = [(begin, begin + length) for begin, length in stays]
    return np.array(rows, [("submitted", "u8"), ("done", "u8")])


@given(STAYS, st.integers(1, 60))
def test_areas_are_littles_integral(stays: list[tuple[int, int]], piece: int) -> None:
    array, running = arrays(stays), RunningDepth()
    for start in range(0, len(array), piece):
        part = array[start : start + piece]
        running.add(part["submitted"], part["done"])
    means = running.depth().means
    end = int(array["done"].max())
    slot = 1024
    while end >= 2 * DEPTH_SLOTS * slot:
        slot *= 2
    lengths = [min(slot, end - n * slot) for n in range(len(means))]
    area = sum(mean * max(length, 0) for mean, length in zip(means, lengths, strict=True))
    assert area == pytest.approx(sum(length for _, length in stays), rel=1e-9, abs=1e-3)
    assert len(means) <= 2 * DEPTH_SLOTS
    assert running.depth().greatest is None


def test_the_same_shape_as_from_records() -> None:
    """A triangle: one more every microsecond, then one less."""
    array = arrays([(n * 1000, 2_000_000 - 2000 * n) for n in range(1000)])
    running = RunningDepth()
    running.add(array["submitted"], array["done"])
    exact, counted = depth(array, "submitted", "done"), running.depth()
    assert exact.greatest == 1000
    at = np.linspace(0, 1, len(counted.means) + 1)[:-1]
    expected = np.interp(at, np.linspace(0, 1, DEPTH_SLOTS + 1)[:-1], exact.means)
    assert np.abs(np.array(counted.means) - expected).max() < 60


@pytest.mark.parametrize(("service_ns", "grows"), [(900, False), (1100, True)])
def test_a_growing_backlog_is_told_either_way(service_ns: int, grows: bool) -> None:
    """D/D/1: a request each microsecond."""
    submitted = np.arange(20_000) * 1000
    done = np.maximum.accumulate(submitted - np.arange(20_000) * service_ns)
    done += np.arange(1, 20_001) * service_ns
    array = np.array(list(zip(submitted, done, strict=True)), [("submitted", "u8"), ("done", "u8")])
    running = RunningDepth()
    for part in np.array_split(array, 7):
        running.add(part["submitted"], part["done"])
    assert backlog_grows(array) is grows
    assert running.grows() is grows
