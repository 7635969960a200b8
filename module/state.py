"""The state of a session's operations as bytes (PKCS #11 3.2, 5.6.4 and 5.6.5).

A context lives in the memory of one card and does not leave it. What is saved is what led to it:
mechanism, name of the key, and the data fed so far, sealed under a key of the library's that lives
as long as the process. Restoring feeds the data once more.
"""

from collections.abc import Sequence
from struct import Struct, error
from typing import NamedTuple

_HEAD = Struct(">BBI")  # kind, whether a part was given, number of strings
_SIZE = Struct(">I")


class SavedOperation(NamedTuple):
    """One operation: its place in `KINDS`, mechanism, CKA_UNIQUE_ID of its key, and the parts it
    was fed; None before the first.
    """

    kind: str
    mechanism: bytes
    key: bytes
    parts: Sequence[bytes] | None


KINDS = ("encrypting", "decrypting", "digesting", "signing", "verifying")
"""What can be saved."""

ENCRYPTS = frozenset(("encrypting", "decrypting"))
"""Those whose key is C_SetOperationState's hEncryptionKey; of the others hAuthenticationKey."""


class StateError(Exception):
    """Bytes that are no state."""


def pack(operations: Sequence[SavedOperation]) -> bytes:
    """The bytes of a session's operations."""
    return b"".join(map(_packed, operations))


def unpack(data: bytes) -> list[SavedOperation]:
    """The operations of the bytes; StateError."""
    operations = []
    position = 0
    try:
        while position < len(data):
            kind, has_parts, count = _HEAD.unpack_from(data, position)
            position += _HEAD.size
            strings = []
            for _ in range(count):
                (size,) = _SIZE.unpack_from(data, position)
                start = position + _SIZE.size
                position = start + size
                strings.append(data[start:position])
            mechanism, key, *parts = strings
            given = parts if has_parts else None
            operations.append(SavedOperation(KINDS[kind], mechanism, key, given))
    except (error, ValueError, IndexError):
        position = -1
    if position != len(data):
        raise StateError
    return operations


def _packed(operation: SavedOperation) -> bytes:
    strings = (operation.mechanism, operation.key, *(operation.parts or ()))
    head = _HEAD.pack(KINDS.index(operation.kind), operation.parts is not None, len(strings))
    return head + b"".join(_SIZE.pack(len(one)) + one for one in strings)
