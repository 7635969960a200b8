"""Service times between and beyond the sizes for which they are known: a power of the size.

Through two points (n1, t1) and (n2, t2) goes t = t1 * (n / n1) ** k, k = ln(t2/t1) / ln(n2/n1). It
is computed in decimal arithmetic, whose logarithm and exponential are correctly rounded, so that
the nanosecond does not depend on a platform's `libm`.
"""

from bisect import bisect_left
from collections.abc import Mapping

_DIGITS = 40


def along(points: Mapping[int, int], size: int) -> int:
    """The time in ns at `size`, by the two points beside it, or the last two at an end; rounded.

    `points`, size -> time, are at least two, in order of size, and positive.
    """
    if size in points:
        return points[size]
    from decimal import ROUND_HALF_EVEN, Context, Decimal

    sizes = list(points)
    right = min(max(bisect_left(sizes, size), 1), len(sizes) - 1)
    first, last = sizes[right - 1], sizes[right]
    exact = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)

    def logarithm(above: int, below: int) -> Decimal:
        return exact.ln(exact.divide(Decimal(above), Decimal(below)))

    power = exact.divide(logarithm(points[last], points[first]), logarithm(last, first))
    growth = exact.exp(exact.multiply(power, logarithm(size, first)))
    return int(exact.multiply(Decimal(points[first]), growth).to_integral_value(ROUND_HALF_EVEN))
