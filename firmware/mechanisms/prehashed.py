"""Hashes that have been computed, as the EdDSA of pycryptodome takes them: as its hash objects.

Imported when needed: few programs sign what has been hashed before.
"""

from Cryptodome.Hash.SHA512 import SHA512Hash
from Cryptodome.Hash.SHAKE256 import SHAKE256_XOF


class Sha512(SHA512Hash):
    """A SHA-512 hash object that has ended with this digest."""

    def __init__(self, digest: bytes) -> None:
        self._ended = digest

    def digest(self) -> bytes:
        return self._ended


class Shake256(SHAKE256_XOF):
    """A SHAKE256 object whose output begins with these bytes."""

    def __init__(self, digest: bytes) -> None:
        self._ended = digest

    def copy(self) -> "Shake256":
        return self

    def read(self, length: int) -> bytes:
        return self._ended[:length]
