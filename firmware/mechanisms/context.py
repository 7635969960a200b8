"""Whole messages of ECB and CBC under one key, by contexts that are kept from message to message.

A context is costly to make, as much as a short message, and the library gives none another IV. But
of CBC it remembers one block only, and no secret: the last of the ciphertext. A decryption is given
its IV as if that were a block of ciphertext. An encryption goes on from its last block; the first
block of a message takes that one off and puts the IV on.

Any number of threads may share an object: each takes a context that no other has, and gives it back
unless it failed. What a context goes on from is never read from the caller's memory, where somebody
may be writing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

Begin = Callable[[bytes], "CipherContext"]  # IV -> context
_number = int.from_bytes


class Contexts(ABC):
    """Blocks and IVs of so many bytes; data that has no whole blocks is refused with `rv`."""

    __slots__ = ("_begin", "_block", "_iv_bytes", "_rv")

    def __init__(self, begin: Begin, block: int, iv_bytes: int, rv: int) -> None:
        self._begin = begin
        self._block = block
        self._iv_bytes = iv_bytes
        self._rv = rv

    @abstractmethod
    def whole(self, iv: bytes, data: bytes, /) -> bytes:
        """A `Transform`."""

    @abstractmethod
    def into(self, iv: bytes, data: memoryview, out: memoryview, /) -> int:
        """A `Placer`."""

    def _check(self, iv: bytes, size: int) -> None:
        if len(iv) != self._iv_bytes:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        if size % self._block:
            raise Refused(self._rv)


class Codebook(Contexts):
    """ECB there or back, and CBC back: what came before is of no account once the IV is in."""

    __slots__ = ("_free",)

    def __init__(self, begin: Begin, block: int, iv_bytes: int, rv: int) -> None:
        super().__init__(begin, block, iv_bytes, rv)
        self._free: list[CipherContext] = []

    def whole(self, iv: bytes, data: bytes, /) -> bytes:
        self._check(iv, len(data))
        context = self._take(iv)
        result = context.update(data)
        self._free.append(context)
        return result

    def into(self, iv: bytes, data: memoryview, out: memoryview, /) -> int:
        """The library wants room for a block more than comes out: so the last goes by itself."""
        size = len(data)
        self._check(iv, size)
        context, end = self._take(iv), size - self._block
        if size:
            context.update_into(data[:end], out)
            out[end:size] = context.update(data[end:])
        self._free.append(context)
        return size

    def _take(self, iv: bytes) -> "CipherContext":
        try:
            context = self._free.pop()
        except IndexError:
            return self._begin(iv)
        context.update(iv)
        return context


class Chain(Contexts):
    """CBC encryption."""

    __slots__ = ("_free",)

    def __init__(self, begin: Begin, block: int, iv_bytes: int, rv: int) -> None:
        super().__init__(begin, block, iv_bytes, rv)
        self._free: list[tuple[CipherContext, int]] = []  # with the last block of ciphertext

    def whole(self, iv: bytes, data: bytes, /) -> bytes:
        self._check(iv, len(data))
        if not data:
            return b""
        block = self._block
        context, first = self._take(iv, data[:block])
        result = context.update(first + data[block:])
        self._free.append((context, _number(result[-block:])))
        return result

    def into(self, iv: bytes, data: memoryview, out: memoryview, /) -> int:
        size, block = len(data), self._block
        self._check(iv, size)
        if size < 2 * block:
            out[:size] = self.whole(iv, bytes(data))
            return size
        end = size - block
        context, first = self._take(iv, data[:block])
        out[:block] = context.update(first)
        context.update_into(data[block:end], out[block:])
        last = context.update(data[end:])
        out[end:size] = last
        self._free.append((context, _number(last)))
        return size

    def _take(self, iv: bytes, first: bytes | memoryview) -> tuple["CipherContext", bytes]:
        """A context, and the first block as it is to be given."""
        try:
            context, last = self._free.pop()
        except IndexError:
            return self._begin(iv), bytes(first)
        return context, (_number(first) ^ _number(iv) ^ last).to_bytes(self._block)
