"""C memory for the arguments of a call, with a canary behind every buffer that is written to."""

import ctypes
import struct
from collections.abc import Sequence

from ghostcard import pkcs11 as ck

Ulong = ctypes.c_ulong
CANARY = b"\xa5" * 32
OUT_BYTES = 8192
IV = bytes(range(12))
TAG_BYTES = 16


class Buffer:
    """Bytes that the library reads or writes; a canary lies behind them."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._memory = ctypes.create_string_buffer(content + CANARY, len(content) + len(CANARY))
        self.address = ctypes.addressof(self._memory)

    @property
    def bytes(self) -> "bytes":
        return self._memory.raw[: self.size]

    @property
    def is_intact(self) -> bool:
        """Whether nothing was written behind the bytes."""
        return self._memory.raw[self.size :] == CANARY


class Memory:
    """The buffers of one call; they live as long as it does."""

    def __init__(self) -> None:
        self.buffers: list[Buffer] = []

    def hold(self, content: bytes) -> int:
        """The address of such bytes."""
        self.buffers.append(Buffer(content))
        return self.buffers[-1].address

    def at(self, address: int) -> bytes:
        """The bytes of the buffer that begins there."""
        return next(buffer.bytes for buffer in self.buffers if buffer.address == address)

    @property
    def is_intact(self) -> bool:
        return all(buffer.is_intact for buffer in self.buffers)

    def structure(self, *fields: int) -> bytes:
        """A structure of CK_ULONGs and pointers."""
        return struct.pack(f"={len(fields)}Q", *fields)

    def mechanism(self, number: int, parameter: bytes) -> int:
        """CK_MECHANISM."""
        where = self.hold(parameter) if parameter else 0
        return self.hold(self.structure(number, where, len(parameter)))

    def template(self, attributes: Sequence[tuple[int, bytes]]) -> int:
        """CK_ATTRIBUTE[]."""
        return self.hold(
            b"".join(
                self.structure(type, self.hold(value), len(value)) for type, value in attributes
            )
        )

    def gcm_message(self, tag: bytes) -> bytes:
        """CK_GCM_MESSAGE_PARAMS."""
        iv, place = self.hold(IV), self.hold(tag)
        return self.structure(iv, len(IV), 0, ck.CKG_NO_GENERATE, place, 8 * TAG_BYTES)

    def gcm_key(self) -> bytes:
        """CK_GCM_WRAP_PARAMS, its IV to be drawn by the token."""
        return self.structure(self.hold(IV), len(IV), 96, ck.CKG_NO_GENERATE, 0, 0, 8 * TAG_BYTES)

    def ecdh(self, point: bytes) -> bytes:
        """CK_ECDH1_DERIVE_PARAMS."""
        return self.structure(ck.CKD_NULL, 0, 0, len(point), self.hold(point))
