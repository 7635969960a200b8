"""Modular exponentiation with a secret exponent, for what the cryptographic library does not offer.

Done by pycryptodome, ten times as fast as Python's `pow`; loaded at first use. The time it takes
depends on its numbers. So the exponent is another one each time, larger by a random multiple of the
order, and what an attacker measures does not add up.
"""

import os

BLINDING_BYTES = 8


def exponentiate(base: int, exponent: int, modulus: int) -> int:
    """base ** exponent % modulus, an odd one."""
    from Cryptodome.Math.Numbers import Integer

    return int(Integer(base).inplace_pow(exponent, modulus))


def power(base: int, exponent: int, modulus: int, order: int) -> int:
    """The same with a secret exponent; `order` is a multiple of the order of the base."""
    blind = int.from_bytes(os.urandom(BLINDING_BYTES), "big")
    return exponentiate(base, exponent + blind * order, modulus)
