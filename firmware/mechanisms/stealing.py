"""Modes with ciphertext stealing: what they have in common.

Of data that is no whole number of blocks the last full block and the part behind it are worked on
as one (ciphertext stealing), so that both must be there first: 16 to 31 bytes wait for the end.
"""

from abc import ABC, abstractmethod

from ghostcard.firmware.mechanisms.block import AES, BlockMode
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.refusal import Refused

BLOCK = AES.block


class StealingMode(BlockMode):
    """A mode that gives as many bytes as it takes, one block at least."""

    __slots__ = ()

    def encrypter(self, key: Key) -> Transform:
        def encrypt(params: bytes, data: bytes) -> bytes:
            stream = self.encryption(key, params)
            return stream.update(data) + stream.finish()

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        def decrypt(params: bytes, data: bytes) -> bytes:
            stream = self.decryption(key, params)
            return stream.update(data) + stream.finish()

        return decrypt

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    decrypted_bytes = encrypted_bytes

    def released_bytes(self, use: str, size: int) -> int:
        return ready_bytes(size)


def ready_bytes(size: int) -> int:
    """Of so many bytes, those that need not wait for what may follow: all but 16 to 31."""
    return max(size // BLOCK - 1, 0) * BLOCK


class StealingStream(ABC):
    """A message in parts; `rv` refuses one that is shorter than a block."""

    __slots__ = ("_kept", "_rv")

    def __init__(self, rv: int) -> None:
        self._kept = b""
        self._rv = rv

    @abstractmethod
    def blocks(self, data: bytes) -> bytes:
        """Work on whole blocks, behind which at least one more comes."""

    @abstractmethod
    def tail(self, data: bytes) -> bytes:
        """Work on the last 16 to 31 bytes."""

    def update(self, data: bytes, /) -> bytes:
        data = self._kept + data
        ready = ready_bytes(len(data))
        self._kept = data[ready:]
        return self.blocks(data[:ready]) if ready else b""

    def finish(self) -> bytes:
        if len(self._kept) < BLOCK:
            raise Refused(self._rv)
        return self.tail(self._kept)
