"""A card's source of random bytes: seeded and repeatable, or the operating system's entropy."""

import os
from collections.abc import Callable


class RandomSource:
    """`bytes(n)` gives n random bytes.

    `RandomSource(None)` reads the operating system and is fit for keys. A seed gives the same bytes
    on every machine and every run, for simulations and tests; keys made from it are no secret.
    """

    __slots__ = ("bytes", "seed")

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.bytes: Callable[[int], bytes] = os.urandom
        if seed is not None:
            from random import Random  # not on the path of a program that uses real entropy

            self.bytes = Random(seed).randbytes
