"""The histogram against sorted values: what it bounds, it keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.estimation import percentile_of
from ghostcard.benchmarks.histogram import PRECISION_BITS, Histogram, bucket, upper_end

VALUES = st.lists(
    st.one_of(st.integers(0, 5000), st.integers(0, 2**63 - 1)), min_size=1, max_size=200
)


@given(VALUES, st.integers(0, 1000))
def test_a_percentile_is_never_too_low_and_hardly_too_high(values: list[int], p: int) -> None:
    histogram = Histogram()
    histogram.add(np.array(values))
    exact = int(sorted(values)[max(-(-len(values) * p // 1000), 1) - 1])
    assert exact <= histogram.percentile(p) <= exact + (exact >> PRECISION_BITS)
    assert histogram.percentile(1000) == histogram.greatest == max(values)
    assert histogram.least == min(values)
    assert len(histogram) == len(values)


@given(VALUES, VALUES)
def test_merged_is_as_if_counted_together(one: list[int], other: list[int]) -> None:
    apart, also, together = Histogram(), Histogram(), Histogram()
    apart.add(np.array(one))
    also.add(np.array(other))
    apart.merge(also)
    apart.merge(Histogram())
    together.add(np.array(one + other))
    for p in (1, 500, 990, 1000):
        assert apart.percentile(p) == together.percentile(p)
    assert (len(apart), apart.least) == (len(together), together.least)


def test_small_values_and_the_mean_are_exact() -> None:
    values = np.arange(2 << PRECISION_BITS)
    histogram = Histogram()
    histogram.add(values)
    assert histogram.mean == values.mean()
    assert histogram.percentile(990) == percentile_of(990)(values)


def test_every_bucket_ends_where_the_next_begins() -> None:
    ends = [upper_end(place) for place in range(5 << PRECISION_BITS)]
    assert bucket(np.array(ends)).tolist() == list(range(len(ends)))
    assert bucket(np.array(ends) + 1).tolist() == list(range(1, len(ends) + 1))


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="takes values from 0, got -1"):
        Histogram().add(np.array([-1]))
    with pytest.raises(ValueError, match="no percentiles"):
        Histogram().percentile(500)
    Histogram().add(np.array([], int))
