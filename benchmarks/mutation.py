"""One block of bytes made into another that is nearly right: by seed, so that it can be made again.

What is done to it is what has broken parsers before: bits, bytes and numbers changed, pieces cut
out, doubled, exchanged, put in from another block, the end missing or more than there was.
"""

import random
from collections.abc import Callable, Sequence

_NUMBERS = (
    0,
    1,
    2,
    4,
    0x7F,
    0x80,
    0x81,
    0x82,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
)
_PIECE_MAX = 64
_REPAIRED = 0.7  # of the blocks have true lengths outside
_EP11_CPRB = 32  # bytes
_CHANGES = (1, 1, 1, 2, 4)  # at once


class Mutator:
    """Mutations of a corpus; the n-th of a seed is always the same."""

    def __init__(self, corpus: Sequence[bytes], seed: int) -> None:
        self._corpus = corpus
        self._seed = seed

    def block(self, number: int) -> tuple[int, bytes]:
        """The mutation of this number, and which block of the corpus it was."""
        draw = random.Random(self._seed << 40 | number)
        index = draw.randrange(len(self._corpus))
        block = bytearray(self._corpus[index])
        for _ in range(draw.choice(_CHANGES)):
            draw.choice(_WAYS)(self, draw, block)
        if draw.random() < _REPAIRED:
            repair(block)
        if block == self._corpus[index]:
            self._flip(draw, block)
        return index, bytes(block)

    def _flip(self, draw: random.Random, block: bytearray) -> None:
        if block:
            block[draw.randrange(len(block))] ^= 1 << draw.randrange(8)

    def _byte(self, draw: random.Random, block: bytearray) -> None:
        if block:
            block[draw.randrange(len(block))] = draw.randrange(256)

    def _number(self, draw: random.Random, block: bytearray) -> None:
        """A number at its end, or one more or less than it was."""
        size = draw.choice((1, 2, 4))
        if len(block) < size:
            return
        at = draw.randrange(len(block) - size + 1)
        before = int.from_bytes(block[at : at + size], "big")
        value = draw.choice((*_NUMBERS, before + 1, before - 1, before * 2))
        block[at : at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "big")

    def _cut(self, draw: random.Random, block: bytearray) -> None:
        begin, end = self._piece(draw, block)
        del block[begin:end]

    def _double(self, draw: random.Random, block: bytearray) -> None:
        begin, end = self._piece(draw, block)
        block[end:end] = block[begin:end]

    def _exchange(self, draw: random.Random, block: bytearray) -> None:
        a, b = self._piece(draw, block)
        c, d = self._piece(draw, block)
        if b <= c:
            block[a:d] = block[c:d] + block[b:c] + block[a:b]

    def _truncate(self, draw: random.Random, block: bytearray) -> None:
        del block[draw.randrange(len(block) + 1) :]

    def _extend(self, draw: random.Random, block: bytearray) -> None:
        block += draw.randbytes(draw.randint(1, _PIECE_MAX))

    def _graft(self, draw: random.Random, block: bytearray) -> None:
        """A piece of another block of the corpus, at its own place."""
        other = draw.choice(self._corpus)
        begin, end = self._piece(draw, bytearray(other))
        block[begin:end] = other[begin:end]

    def _piece(self, draw: random.Random, block: bytearray) -> tuple[int, int]:
        begin = draw.randrange(len(block) + 1)
        return begin, min(len(block), begin + draw.randint(0, _PIECE_MAX))


def repair(block: bytearray) -> None:
    """Make the outer lengths true again, so that somebody looks inside (AP sheet 3)."""
    size, kind = len(block), block[1] if len(block) > 1 else 0
    if kind in (0x50, 0x80) and size >= 4:
        block[2:4] = (size & 0xFFFF).to_bytes(2, "big")
        return
    if kind not in (0x06, 0x86):
        return
    header, place = (0x58, 0x38) if kind == 0x06 else (0x30, 0x10)
    payload = size - header - _EP11_CPRB
    if payload < 4 or block[header + 2] != 4:
        return
    block[place : place + 4] = (size - header).to_bytes(4, "big")
    block[header + _EP11_CPRB - 4 : header + _EP11_CPRB] = payload.to_bytes(4, "big")
    form, wide = block[header + _EP11_CPRB + 1], 0
    if form in (0x81, 0x82):
        wide = form - 0x80
        inside = payload - 2 - wide
        at = header + _EP11_CPRB + 2
        block[at : at + wide] = (inside & ((1 << 8 * wide) - 1)).to_bytes(wide, "big")
    elif payload - 2 < 0x80:
        block[header + _EP11_CPRB + 1] = payload - 2


_WAYS: tuple[Callable[[Mutator, random.Random, bytearray], None], ...] = (
    Mutator._flip,
    Mutator._byte,
    Mutator._number,
    Mutator._number,  # lengths are what parsers are made of
    Mutator._cut,
    Mutator._double,
    Mutator._exchange,
    Mutator._truncate,
    Mutator._extend,
    Mutator._graft,
)
