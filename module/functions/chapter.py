"""What every chapter stands on: the slots and sessions of an initialised library."""

from collections.abc import Callable, Sequence
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.firmware.abi.status import CKR_IBM_WKID_MISMATCH
from ghostcard.module.errors import CryptokiError, refusal
from ghostcard.module.operation import Locked, Operation, Password, Stream
from ghostcard.module.session import Session

if TYPE_CHECKING:
    from ghostcard.driver.asyncport import AsyncPort
    from ghostcard.driver.jobs import Jobs
    from ghostcard.machine import Machine
    from ghostcard.module.slot import Slot
    from ghostcard.module.watcher import Watcher

Mechanism = bytes | None
"""``id u32, parameters`` of docs/design.md; None cancels what is active (PKCS #11 3.2, 5.8.1)."""

Result = TypeVar("Result")


class Chapter:
    """Tables of slots and sessions. Handles are never used twice in the life of the process."""

    def __init__(self) -> None:
        self._machine: Machine | None = None
        self._slots: dict[int, Slot] = {}
        self._sessions: dict[int, Session] = {}
        self._removed: set[int] = set()  # sessions that went with their token
        self._changes: Sequence[int] = (0,)
        self._seen = 0  # -1: look in any case
        self._followed = 0
        self._following = Lock()
        self._session_handles = count(1)
        self._object_handles = count(1)
        self._watcher: Watcher | None = None

    def _slot(self, slot: int) -> "Slot":
        """The slot of an id; CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SLOT_ID_INVALID."""
        self._check_initialised()
        self._follow()
        try:
            return self._slots[slot]
        except KeyError:
            raise CryptokiError(ck.CKR_SLOT_ID_INVALID) from None

    def _token_slot(self, slot: int) -> "Slot":
        """The slot of an id that must hold a token; also CKR_TOKEN_NOT_PRESENT."""
        found = self._slot(slot)
        if not found.has_token:
            raise CryptokiError(ck.CKR_TOKEN_NOT_PRESENT)
        return found

    def _session(self, session: int) -> Session:
        """The session of a handle; CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID, and
        CKR_DEVICE_REMOVED for one that went with its token (PKCS #11 3.2, 5.1.3).
        """
        if self._changes[0] != self._seen:
            self._follow()
        try:
            return self._sessions[session]
        except KeyError:
            self._check_initialised()
            went = session in self._removed
            raise CryptokiError(
                ck.CKR_DEVICE_REMOVED if went else ck.CKR_SESSION_HANDLE_INVALID
            ) from None

    def _async_port(self) -> "AsyncPort | None":
        """What asynchronous sessions ask; None if the cards can only be waited for."""
        from ghostcard.driver.asyncport import AsyncPort

        assert self._machine is not None
        port = self._machine.native
        return port if isinstance(port, AsyncPort) else None

    def _jobs(self) -> "Jobs":
        """Who keeps calls that outlive their sessions."""
        assert self._machine is not None
        return self._machine.jobs

    def _follow(self) -> None:
        """Notice cards that were taken out of operation, or brought back: with its last card a
        token goes, and with the token its sessions (PKCS #11 3.2, 5.5.2).
        """
        if self._changes[0] == self._seen:
            return
        with self._following:
            machine = self._machine
            if machine is None or machine.sockets is None:
                return
            is_awaited, seen = machine.sockets.bring_back(), self._changes[0]
            if seen == self._followed:
                return
            machine.follow()
            for slot in self._slots.values():
                if slot.follow(machine.sockets):
                    self._removed.update(each.handle for each in slot.token.sessions.values())
                    self._close_sessions(slot)
            self._followed = seen
            self._seen = -1 if is_awaited else seen  # look again, whoever is to put it back

    def _close_sessions(self, slot: "Slot") -> None:
        for session in list(slot.token.sessions.values()):
            self._sessions.pop(session.handle, None)
            session.token.leave(session)

    def _check_initialised(self) -> None:
        if self._machine is None:
            raise CryptokiError(ck.CKR_CRYPTOKI_NOT_INITIALIZED)


def ask(active: Session, question: Callable[[], Result]) -> Result:
    """Ask the card; what the driver raises is the application's CK_RV and the session's device
    error. A key that comes too late, since its wrapping key was changed meanwhile, is made anew.
    """
    for _ in active.slot.attempts:
        try:
            return question()
        except Ep11Error as error:
            if error.rv != CKR_IBM_WKID_MISMATCH:
                raise active.refusal(error) from error
            active.slot.catch_up()
        except DriverError as error:
            raise active.refusal(error) from error
    return ask_once(active, question)


def ask_once(active: Session, question: Callable[[], Result]) -> Result:
    """The same, and whatever the card answers is the answer."""
    try:
        return question()
    except DriverError as error:
        raise active.refusal(error) from error


def ask_slot(question: Callable[[], Result]) -> Result:
    """Ask the card where there is no session."""
    try:
        return question()
    except DriverError as error:
        raise refusal(error) from error


def misplaced(operation: Operation | Stream | Locked | Password | None) -> CryptokiError:
    """Why a function cannot go on with what is active; the caller has ended it."""
    if operation is None:
        return CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
    if isinstance(operation, Locked):
        return CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)
    return CryptokiError(ck.CKR_OPERATION_ACTIVE)


def part(active: Session, kind: str, step: Callable[[Stream], Result]) -> Result:
    """One step of a multi-part operation, which the first step begins; an error ends it."""
    operation = getattr(active, kind)
    setattr(active, kind, None)
    if isinstance(operation, Operation):
        operation = ask(active, operation.part)
    if not isinstance(operation, Stream):
        raise misplaced(operation)
    stream = operation
    result = ask(active, lambda: step(stream))
    setattr(active, kind, stream)
    return result


def end(active: Session, kind: str, step: Callable[[Stream], bytes | int]) -> bytes | int:
    """The last step: it ends the operation unless the answer is only the length of the result."""
    result = part(active, kind, step)
    if isinstance(result, bytes):
        setattr(active, kind, None)
    return result
