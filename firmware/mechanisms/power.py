"""Modular exponentiation with a secret exponent, for what the cryptographic library does not offer.

The time that Python's `pow` takes depends on its numbers. So the exponent is another one each time,
larger by a random multiple of the order, and what an attacker measures does not add up.
"""

import os

BLINDING_BYTES = 8


def power(base: int, exponent: int, modulus: int, order: int) -> int:
    """base ** exponent % modulus; `order` is a multiple of the order of the base."""
    blind = int.from_bytes(os.urandom(BLINDING_BYTES), "big")
    return pow(base, exponent + blind * order, modulus)
