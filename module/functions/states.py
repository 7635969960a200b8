"""Saving and restoring operations (PKCS #11 3.2, 5.6.4 and 5.6.5)."""

import os
import sys
from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.module import pins
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, ask
from ghostcard.module.object import Object
from ghostcard.module.operation import Locked, Operation, Stream
from ghostcard.module.preparation import decryption, digestion, encryption, signature, verification
from ghostcard.module.session import OPERATIONS, Session
from ghostcard.module.state import ENCRYPTS, KINDS, SavedOperation, StateError, pack, unpack

_KEY_BYTES = 32
_WITH_KEY: dict[str, Callable[[Session, bytes, Object], Operation | Locked]] = {
    "encrypting": encryption,
    "decrypting": decryption,
    "signing": signature,
    "verifying": verification,
}


class States(Chapter):
    """C_GetOperationState, C_SetOperationState."""

    def __init__(self) -> None:
        super().__init__()
        self._state_key = b""

    def get_operation_state(self, session: int, capacity: int | None) -> bytes | int:
        """The active operations, sealed. CKR_STATE_UNSAVEABLE for messages, for signatures that
        give their data back, for a key that wants the PIN, and after more than a mebibyte of data;
        a search is no operation here.
        """
        active = self._session(session)
        kinds = [
            kind for kind in OPERATIONS if kind != "found" and getattr(active, kind) is not None
        ]
        if not kinds:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        state = self._seal(active, pack([_saved(active, kind) for kind in kinds]))
        return len(state) if capacity is None or capacity < len(state) else state

    def set_operation_state(
        self, session: int, state: bytes, encryption_key: int, authentication_key: int
    ) -> None:
        """Put operations of this token in the place of the session's. CKR_SAVED_STATE_INVALID for
        a state of another token or another process; CKR_KEY_NEEDED, CKR_KEY_NOT_NEEDED,
        CKR_KEY_CHANGED.
        """
        active = self._session(session)
        given = {True: encryption_key, False: authentication_key}
        operations = self._opened(active, state)
        needed = {operation.kind in ENCRYPTS for operation in operations if operation.key}
        for is_cipher, handle in given.items():
            if handle != ck.CK_INVALID_HANDLE and is_cipher not in needed:
                raise CryptokiError(ck.CKR_KEY_NOT_NEEDED)
        restored = {
            operation.kind: _restored(active, operation, given[operation.kind in ENCRYPTS])
            for operation in operations
        }
        active.stop()
        for kind, operation in restored.items():
            setattr(active, kind, operation)

    def _seal(self, active: Session, data: bytes) -> bytes:
        if not self._state_key:
            self._state_key = os.urandom(_KEY_BYTES)
        return pins.encrypt(self._state_key, data, _context(active))

    def _opened(self, active: Session, state: bytes) -> list[SavedOperation]:
        data = pins.decrypt(self._state_key or bytes(_KEY_BYTES), state, _context(active))
        try:
            return unpack(data or b"\0")
        except StateError:
            raise CryptokiError(ck.CKR_SAVED_STATE_INVALID) from None


def _context(active: Session) -> bytes:
    """What a state is bound to: the slot's token."""
    return b"state of slot %d" % active.slot.id


def _saved(active: Session, kind: str) -> SavedOperation:
    operation = getattr(active, kind)
    if kind not in KINDS or not isinstance(operation, Operation | Stream):
        raise CryptokiError(ck.CKR_STATE_UNSAVEABLE)
    if operation.origin is None:  # its result waits for a buffer
        raise CryptokiError(ck.CKR_STATE_UNSAVEABLE)
    mechanism, key = operation.origin
    unique = key.attributes[ck.CKA_UNIQUE_ID] if key else b""
    if isinstance(operation, Operation):
        return SavedOperation(kind, mechanism, unique, None)
    if operation.journal is None:
        raise CryptokiError(ck.CKR_STATE_UNSAVEABLE)
    return SavedOperation(kind, mechanism, unique, operation.journal.parts)


def _restored(active: Session, saved: SavedOperation, handle: int) -> Operation | Stream:
    operation = ask(active, lambda: _prepared(active, saved, handle))
    if isinstance(operation, Locked):
        raise CryptokiError(ck.CKR_STATE_UNSAVEABLE)
    if saved.parts is None:
        return operation
    stream = ask(active, operation.part)
    for part in saved.parts:
        _feed(active, stream, part)
    return stream


def _feed(active: Session, stream: Stream, part: bytes) -> None:
    """What comes out was given out before."""
    ask(active, lambda: stream.take(part, sys.maxsize))


def _prepared(active: Session, saved: SavedOperation, handle: int) -> Operation | Locked:
    if not saved.key:
        return digestion(active, saved.mechanism)
    if handle == ck.CK_INVALID_HANDLE:
        raise CryptokiError(ck.CKR_KEY_NEEDED)
    key = active.key(handle)
    if key.attributes[ck.CKA_UNIQUE_ID] != saved.key:
        raise CryptokiError(ck.CKR_KEY_CHANGED)
    return _WITH_KEY[saved.kind](active, saved.mechanism, key)
