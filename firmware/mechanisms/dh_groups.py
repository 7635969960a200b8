"""The safe-prime groups of RFC 2409 and RFC 3526, by size of the prime; their base is 2.

Each prime is 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + c), where c is the least number
that makes a safe prime. So a prime is kept as its c, and computed when it is asked for.
"""

from functools import lru_cache

BASE = 2
OFFSETS = {
    768: 149686,
    1024: 129093,
    1536: 741804,
    2048: 124476,
    3072: 1690314,
    4096: 240904,
    6144: 929484,
    8192: 4743158,
}
"""Size in bits -> c (RFC 2409, 6.1 and 6.2; RFC 3526, 2 to 7)."""

_SPARE_BITS = 64  # of precision: what rounding may cost


@lru_cache
def prime(bits: int) -> int:
    """The prime of that size, one of `OFFSETS`."""
    digits = _pi(bits - 130) + OFFSETS[bits]
    return (1 << bits) - (1 << bits - 64) - 1 + (digits << 64)


def _pi(bits: int) -> int:
    """floor(2^bits * pi), by Machin: pi = 16 atan(1/5) - 4 atan(1/239)."""
    one = 1 << bits + _SPARE_BITS
    return 4 * (4 * _arctangent(5, one) - _arctangent(239, one)) >> _SPARE_BITS


def _arctangent(inverse: int, one: int) -> int:
    """atan(1 / inverse) in units of 1 / one, by its series."""
    power = total = one // inverse
    divisor, sign = 1, 1
    while power:
        power //= inverse * inverse
        divisor, sign = divisor + 2, -sign
        total += sign * (power // divisor)
    return total
