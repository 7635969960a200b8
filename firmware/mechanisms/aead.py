"""Authenticated ciphers: what their multi-part decryptions have in common."""

from ghostcard.firmware.mechanisms.key import Transform
from ghostcard.firmware.mechanisms.mechanism import GATHER_LIMIT, Holder

DECRYPTION_LIMIT = GATHER_LIMIT  # bytes one multi-part decryption may hold back


class HeldDecryption(Holder):
    """A decryption in parts: no byte of plaintext leaves the card before the tag is checked."""

    __slots__ = ("_decrypt", "_params")

    def __init__(self, decrypt: Transform, params: bytes) -> None:
        super().__init__(DECRYPTION_LIMIT)
        self._decrypt = decrypt
        self._params = params

    def update(self, data: bytes, /) -> bytes:
        self.keep(data)
        return b""

    def finish(self) -> bytes:
        return self._decrypt(self._params, bytes(self._data))
