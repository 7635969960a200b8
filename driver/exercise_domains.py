"""Domains of finite fields for the exercises: a card would look for the primes too long.

The numbers are no secret, and weak: the order q is the largest prime below a power of two, the
prime is q * k + 1 for the largest even k below another, and the base is 2 ** k.
"""

from typing import NamedTuple

BELOW = {
    1024: (160, 47, 4),
    2048: (256, 189, 2556),
    3072: (256, 189, 4288),
    4096: (256, 189, 972),
    8192: (256, 189, 5098),
}
"""Bits of the prime -> bits of q, and how far q and k are below their powers of two."""


class Domain(NamedTuple):
    """Numbers as a template holds them, big-endian, at the widths of prime and order."""

    prime: bytes
    order: bytes
    base: bytes


def domain(bits: int) -> Domain:
    """The domain of that size."""
    order_bits, below_order, below = BELOW[bits]
    order = (1 << order_bits) - below_order
    factor = (1 << bits - order_bits) - below
    prime = order * factor + 1
    base = pow(2, factor, prime)
    width = bits // 8
    return Domain(
        prime.to_bytes(width, "big"),
        order.to_bytes(order_bits // 8, "big"),
        base.to_bytes(width, "big"),
    )
