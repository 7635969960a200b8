"""Session management functions (PKCS #11 3.2, 5.6)."""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter
from ghostcard.module.information import SessionInfo
from ghostcard.module.messages import SignedMessages
from ghostcard.module.operation import Locked, Operation
from ghostcard.module.session import OPERATIONS, Session

if TYPE_CHECKING:
    from ghostcard.driver.asyncport import AsyncPort
    from ghostcard.module.slot import Slot
    from ghostcard.module.watcher import Watcher

USER_NAMES: dict[int, bytes] = {ck.CKU_USER: b"user", ck.CKU_SO: b"so"}
"""The names of a token's two users; a login without a name means the same one."""


class Sessions(Chapter):
    """C_OpenSession to C_Logout."""

    def open_session(self, slot: int, flags: int) -> int:
        """A session's handle. A token must be initialised first: CKR_TOKEN_NOT_RECOGNIZED."""
        found = self._token_slot(slot)
        if not flags & ck.CKF_SERIAL_SESSION:
            raise CryptokiError(ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED)
        port = None
        if flags & ck.CKF_ASYNC_SESSION:
            port = self._async_port()
            if port is None:
                raise CryptokiError(ck.CKR_SESSION_ASYNC_NOT_SUPPORTED)
        if found.token.row() is None:
            raise CryptokiError(ck.CKR_TOKEN_NOT_RECOGNIZED)
        session = _session(next(self._session_handles), found, flags, port, self._watcher)
        found.token.enter(session)
        self._sessions[session.handle] = session
        return session.handle

    def close_session(self, session: int) -> None:
        """End a session, its operations and its objects; the token's last one ends the login."""
        active = self._session(session)
        self._sessions.pop(session, None)
        active.token.leave(active)

    def close_all_sessions(self, slot: int) -> None:
        """End all sessions of this process with the slot."""
        self._close_sessions(self._slot(slot))

    def get_session_info(self, session: int) -> SessionInfo:
        """Slot, CKS_* state, CKF_* flags, and the EP11 code of the card's last refusal."""
        active = self._session(session)
        return SessionInfo(active.slot.id, active.state, active.flags, active.device_error)

    def login(self, session: int, user_type: int, pin: bytes | None) -> None:
        """Log a user in, for all sessions with the token; CKU_CONTEXT_SPECIFIC unlocks the active
        operation.
        """
        active = self._session(session)
        if user_type == ck.CKU_CONTEXT_SPECIFIC:
            _unlock(active, pin)
        elif user_type in (ck.CKU_USER, ck.CKU_SO):
            active.token.login(user_type, pin)
        else:
            raise CryptokiError(ck.CKR_USER_TYPE_INVALID)

    def login_user(self, session: int, user_type: int, pin: bytes | None, name: bytes) -> None:
        """Log a user in by type and name. A token has one user and one security officer, "user"
        and "so"; of anybody else there is no PIN: CKR_USER_PIN_NOT_INITIALIZED.
        """
        self._session(session)
        user = ck.CKU_USER if user_type == ck.CKU_CONTEXT_SPECIFIC else user_type
        if name not in (b"", USER_NAMES.get(user, name)):
            raise CryptokiError(ck.CKR_USER_PIN_NOT_INITIALIZED)
        self.login(session, user_type, pin)

    def session_cancel(self, session: int, flags: int) -> None:
        """End the active operations of these CKF_*; one that is not active needs no ending."""
        self._session(session).cancel(flags)

    def get_session_validation_flags(self, session: int, type: int) -> int:
        """Of the validations (FIPS 140 and the like) that the last operation kept to: none, as
        nobody has validated a model. CKR_ARGUMENTS_BAD for a type that is not
        CKS_LAST_VALIDATION_OK.
        """
        self._session(session)
        if type != ck.CKS_LAST_VALIDATION_OK:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        return 0

    def logout(self, session: int) -> None:
        """Log out; CKR_USER_NOT_LOGGED_IN."""
        self._session(session).token.logout()


def _session(
    handle: int, slot: "Slot", flags: int, port: "AsyncPort | None", watcher: "Watcher | None"
) -> Session:
    is_rw = bool(flags & ck.CKF_RW_SESSION)
    if port is None:
        return Session(handle, slot, is_rw)
    from ghostcard.module.asynchronous import AsyncSession

    session = AsyncSession(handle, slot, is_rw, port)
    session.watcher = watcher if watcher is not None and watcher.is_for_all else None
    return session


def _unlock(active: Session, pin: bytes | None) -> None:
    """Let what waits for the PIN go on."""
    waiting = {kind: _opened(getattr(active, kind)) for kind in OPERATIONS}
    if not any(waiting.values()):
        raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
    active.token.verify_user(pin)
    for kind, opened in waiting.items():
        if isinstance(opened, SignedMessages):
            opened.is_locked = False
        elif opened is not None:
            setattr(active, kind, opened)


def _opened(operation: object) -> Operation | SignedMessages | None:
    """What an operation that waits for the PIN is without; None of any other."""
    if isinstance(operation, Locked):
        return operation.inner
    return operation if isinstance(operation, SignedMessages) and operation.is_locked else None
