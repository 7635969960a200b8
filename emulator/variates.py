"""Random numbers of the model: counted, seeded, and made of integers alone.

A stream is named (seed, stream number) and its n-th word depends on nothing else: not on the order
in which requests reach a station, not on the engine that computes the times, not on the libm of the
platform. So two systems that share a seed meet the same requests (common random numbers), and
streams with other numbers are independent replications.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_TABLE_BITS = 10
_FRACTION_BITS = 32
_LN2_Q32 = 2977044472  # ln 2 * 2^32, rounded

Sampler = Callable[[int, int], int]
"""(mean in ns, random 64-bit word) -> time in ns."""


def mix(word: int) -> int:
    """A bijection of 64-bit words with good avalanche (the finaliser of SplitMix64)."""
    word &= _MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK
    return word ^ (word >> 31)


def stream_seed(seed: int) -> int:
    """The word of which the keys of a seed's streams are made."""
    return mix(seed + _GOLDEN)


def stream_key(seed: int, stream: int) -> int:
    """The 64-bit key of one stream of a seed."""
    return mix(stream_seed(seed) + stream * _GOLDEN)


def word(key: int, number: int) -> int:
    """The word with this number, from 0, of the stream with this key: the SplitMix64 sequence."""
    return mix(key + (number + 1) * _GOLDEN)


def log2_table() -> tuple[int, ...]:
    """log2(1 + i / 1024) in Q32 for i from 0 to 1024."""
    global _log2
    if not _log2:
        _log2 = tuple(_logarithms())
    return _log2


def _logarithms() -> Iterator[int]:
    """By repeated squaring of integers."""
    for index in range((1 << _TABLE_BITS) + 1):
        value, logarithm = (index + (1 << _TABLE_BITS)) << (62 - _TABLE_BITS), 0
        if index == 1 << _TABLE_BITS:
            yield 1 << _FRACTION_BITS
            return
        for _ in range(_FRACTION_BITS):
            value = value * value >> 62
            logarithm <<= 1
            if value >> 63:
                value >>= 1
                logarithm |= 1
        yield logarithm


_log2: tuple[int, ...] = ()


def unit_exponential(random: int) -> int:
    """An exponential variate of mean 1 in Q32 from a 64-bit word (relative error below 1e-6)."""
    if not _log2:
        log2_table()
    random = random or 1
    zeros = 64 - random.bit_length()
    mantissa = (random << zeros) & (_MASK >> 1)
    index = mantissa >> (63 - _TABLE_BITS)
    fraction = (mantissa >> (31 - _TABLE_BITS)) & 0xFFFFFFFF
    low = _log2[index]
    logarithm = low + ((_log2[index + 1] - low) * fraction >> 32)
    return (((zeros + 1) << _FRACTION_BITS) - logarithm) * _LN2_Q32 >> _FRACTION_BITS


def constant(mean_ns: int, random: int) -> int:
    """Always the mean."""
    return mean_ns


def exponential(mean_ns: int, random: int) -> int:
    """Exponential with this mean."""
    return mean_ns * unit_exponential(random) >> _FRACTION_BITS


def uniform(spread_permille: int) -> Sampler:
    """Uniform in mean * (1 +- spread / 1000); the spread is 0 to 1000."""
    if not 0 <= spread_permille <= 1000:
        raise ValueError(f"spread_permille must be 0 to 1000, got {spread_permille!r}")

    def sample(mean_ns: int, random: int) -> int:
        half = mean_ns * spread_permille // 1000
        return mean_ns - half + ((2 * half + 1) * random >> 64)

    return sample


def empirical(permille: Sequence[int], weights: Sequence[int]) -> Sampler:
    """One of `permille[i] / 1000` times the mean, as often as `weights[i]` is in their sum."""
    if not permille or len(permille) != len(weights):
        raise ValueError("an empirical distribution needs as many weights as values, at least one")
    if min(permille) < 0 or min(weights) < 0 or not sum(weights):
        raise ValueError("values and weights must not be negative, and one weight be positive")
    bounds = list(accumulate(weights))

    def sample(mean_ns: int, random: int) -> int:
        return mean_ns * permille[bisect_right(bounds, random * bounds[-1] >> 64)] // 1000

    return sample
