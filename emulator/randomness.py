"""A card's source of random bytes: seeded and repeatable, or the operating system's entropy."""

import os
from collections.abc import Callable
from threading import Lock

Bytes = bytes

_POOL_BYTES = 64


class RandomSource:
    """`bytes(n)` gives n random bytes.

    `RandomSource(None)` reads the operating system and is fit for keys. A seed gives the same bytes
    on every machine and every run, for simulations and tests; keys made from it are no secret.
    """

    __slots__ = ("_draw", "_lock", "_pool", "seed")

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._draw: Callable[[int], Bytes] = os.urandom
        self._pool = b""
        self._lock = Lock()
        if seed is not None:
            from random import Random  # not on the path of a program that uses real entropy

            self._draw = Random(seed).randbytes

    def bytes(self, count: int) -> Bytes:
        """That many random bytes; safe to call from several threads."""
        drawn = self._draw(count)
        return _xor(drawn, self._stirred(count)) if self._pool else drawn

    def stir(self, seed: Bytes) -> None:
        """Mix bytes of a host's in. What comes out from now on depends on all that was stirred in,
        and is at least as hard to foretell as without it: it is the own draw, and a stream of
        SHAKE-256 over what was stirred in XORed onto it.
        """
        import hashlib

        with self._lock:
            self._pool = hashlib.shake_256(self._pool + seed).digest(_POOL_BYTES)

    def _stirred(self, count: int) -> Bytes:
        import hashlib

        with self._lock:
            stream = hashlib.shake_256(self._pool).digest(_POOL_BYTES + count)
            self._pool = stream[:_POOL_BYTES]
        return stream[_POOL_BYTES:]


def _xor(one: Bytes, other: Bytes) -> Bytes:
    mixed = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return mixed.to_bytes(len(one), "big")
