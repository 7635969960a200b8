"""Whole messages of ECB and CBC under one key, by contexts that are kept from message to message.

A context is costly to make, as much as a short message, and the library gives none another IV. But
of CBC it remembers one block only, and no secret: the last of the ciphertext. A decryption is given
its IV as if that were a block of ciphertext. An encryption goes on from its last block; the first
block of a message takes that one off and puts the IV on.

Any number of threads may share an object: each takes a context that no other has, and gives it back
unless it failed. What a context goes on from is never read from the caller's memory, where somebody
may be writing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

Begin = Callable[[bytes], "CipherContext"]  # IV -> context
_number = int.from_bytes


class Contexts(Protocol):
    """Data has whole blocks, an IV one (of ECB none); `out` is as long as the data, or longer."""

    def whole(self, iv: bytes, data: bytes) -> bytes: ...

    def into(self, iv: bytes, data: memoryview, out: memoryview) -> None: ...


class Codebook:
    """ECB there or back, and CBC back: what came before is of no account once the IV is in."""

    __slots__ = ("_begin", "_block", "_free")

    def __init__(self, begin: Begin, block: int) -> None:
        self._begin = begin
        self._block = block
        self._free: list[CipherContext] = []

    def whole(self, iv: bytes, data: bytes) -> bytes:
        context = self._take(iv)
        result = context.update(data)
        self._free.append(context)
        return result

    def into(self, iv: bytes, data: memoryview, out: memoryview) -> None:
        """The library wants room for a block more than comes out: so the last goes by itself."""
        context, end = self._take(iv), len(data) - self._block
        if end >= 0:
            context.update_into(data[:end], out)
            out[end : len(data)] = context.update(data[end:])
        self._free.append(context)

    def _take(self, iv: bytes) -> "CipherContext":
        try:
            context = self._free.pop()
        except IndexError:
            return self._begin(iv)
        context.update(iv)
        return context


class Chain:
    """CBC encryption."""

    __slots__ = ("_begin", "_block", "_free")

    def __init__(self, begin: Begin, block: int) -> None:
        self._begin = begin
        self._block = block
        self._free: list[tuple[CipherContext, int]] = []  # with the last block of ciphertext

    def whole(self, iv: bytes, data: bytes) -> bytes:
        block = self._block
        if not data:
            return b""
        context, first = self._take(iv, data[:block])
        result = context.update(first + data[block:])
        self._free.append((context, _number(result[-block:])))
        return result

    def into(self, iv: bytes, data: memoryview, out: memoryview) -> None:
        block, end = self._block, len(data) - self._block
        if end < block:
            out[: len(data)] = self.whole(iv, bytes(data))
            return
        context, first = self._take(iv, data[:block])
        update = context.update
        out[:block] = update(first)
        context.update_into(data[block:end], out[block:])
        last = out[end : len(data)] = update(data[end:])
        self._free.append((context, _number(last)))

    def _take(self, iv: bytes, first: bytes | memoryview) -> tuple["CipherContext", bytes]:
        """A context, and the first block as it is to be given."""
        try:
            context, last = self._free.pop()
        except IndexError:
            return self._begin(iv), bytes(first)
        return context, (_number(first) ^ _number(iv) ^ last).to_bytes(self._block)
