"""Counted streams: known answers, exact bounds, and the moments of the distributions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.variates import (
    constant,
    empirical,
    exponential,
    mix,
    stream_key,
    uniform,
    unit_exponential,
    word,
)

WORDS = st.integers(0, (1 << 64) - 1)
COUNT = 40_000


def test_the_words_of_splitmix64() -> None:
    """The published sequence of SplitMix64 for seed 1234567 (Rosetta Code, "Splitmix64")."""
    assert [word(1234567, number) for number in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_streams_are_told_apart() -> None:
    keys = {stream_key(seed, stream) for seed in range(100) for stream in range(100)}
    assert len(keys) == 10_000
    assert stream_key(1, 2) == stream_key(1, 2) != stream_key(2, 1)


@given(WORDS, WORDS)
def test_mixing_loses_nothing(one: int, other: int) -> None:
    assert (mix(one) == mix(other)) == (one == other)
    assert 0 <= mix(one) < 1 << 64


@given(WORDS)
def test_the_exponential_is_minus_the_logarithm(random: int) -> None:
    exact = -math.log(max(random, 1) / 2**64)
    assert unit_exponential(random) / 2**32 == pytest.approx(exact, rel=1e-6, abs=2e-7)


@given(st.integers(0, 10**13), st.integers(0, 1000), WORDS)
def test_the_uniform_stays_within_its_spread(mean: int, spread: int, random: int) -> None:
    half = mean * spread // 1000
    assert mean - half <= uniform(spread)(mean, random) <= mean + half
    assert uniform(spread)(mean, 0) == mean - half
    assert uniform(spread)(mean, (1 << 64) - 1) == mean + half
    assert constant(mean, random) == mean


def test_moments() -> None:
    """Mean and variance of 40,000 draws, within four standard errors."""
    key, mean = stream_key(7, 1), 1_000_000
    words = [word(key, number) for number in range(COUNT)]
    for sample, variance, fourth in (
        (exponential, 1.0, 9.0),
        (uniform(500), 1 / 12, 1 / 80),
        (empirical([500, 1500], [1, 1]), 1 / 4, 1 / 16),
    ):
        values = [sample(mean, one) / mean for one in words]
        average = sum(values) / COUNT
        spread = sum((value - 1) ** 2 for value in values) / COUNT
        assert abs(average - 1) < 4 * math.sqrt(variance / COUNT)
        assert abs(spread - variance) <= 4 * math.sqrt((fourth - variance**2) / COUNT)


def test_the_empirical_takes_its_values_in_their_proportion() -> None:
    sample = empirical([100, 2000, 700], [1, 2, 0])
    third = (1 << 64) // 3
    assert sample(1000, 0) == sample(1000, third) == 100
    assert sample(1000, third + 1) == sample(1000, (1 << 64) - 1) == 2000


@pytest.mark.parametrize(
    ("values", "weights"), [([], []), ([1], [1, 2]), ([1], [0]), ([-1], [1]), ([1, 2], [1, -1])]
)
def test_what_is_no_distribution_is_refused(values: list[int], weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"empirical|negative"):
        empirical(values, weights)


@pytest.mark.parametrize("spread", [-1, 1001])
def test_a_spread_beyond_the_mean_is_refused(spread: int) -> None:
    with pytest.raises(ValueError, match="spread_permille"):
        uniform(spread)
