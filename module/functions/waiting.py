"""What the vendor's interface adds to asynchronous sessions: waiting, and descriptors to poll."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.asynchronous import Asynchronous
from ghostcard.module.functions.chapter import ask_slot
from ghostcard.module.functions.general import General

if TYPE_CHECKING:
    from ghostcard.driver.asyncport import AsyncPort, Ticket
    from ghostcard.module.asynchronous import AsyncSession, Pending

_LEAST_SECONDS = 1e-6


class Waiting(Asynchronous, General):
    """GC_WaitForAny, GC_GetEventFd (`module/ghostcard.h`)."""

    def wait_for_any(
        self, sessions: Sequence[int], timeout_ns: int | None, wall_s: float | None
    ) -> int:
        """The session of the first call that is over among those pending in the sessions; without
        any, in all of the process. CKR_PENDING when the time is over, simulated or the host's;
        CKR_OPERATION_NOT_INITIALIZED if nothing is pending, CKR_FUNCTION_CANCELED if what was is
        cancelled meanwhile, CKR_DEVICE_REMOVED if some of it is lost with its server.
        """
        waiting: dict[Ticket, tuple[AsyncSession, Pending]] = {}
        for active in self._asynchronous(sessions):
            for pending in list(active.pending.values()):
                if pending.is_over:
                    return active.handle
                waiting[pending.ticket] = active, pending
        if not waiting:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        if wall_s is not None:
            wall_s = max(wall_s, _LEAST_SECONDS)  # no time at all is no limit to the port
        found = ask_slot(lambda: self._port().wait(list(waiting), timeout_ns, wall_s))
        if found is None:
            self._check_initialised()
            left = any(one in of.pending.values() for of, one in waiting.values())
            raise CryptokiError(ck.CKR_PENDING if left else ck.CKR_FUNCTION_CANCELED)
        active, pending = waiting[found]
        pending.is_over = True
        return active.handle

    def event_fd(self, session: int) -> int:
        """A descriptor that is readable when a call of the session was over since it was last
        read; of all sessions of the process, if it is CK_INVALID_HANDLE. It lives as long as the
        session or the library.
        """
        from ghostcard.module.watcher import EVERY_SESSION, Watcher

        active = self._asynchronous([] if session == EVERY_SESSION else [session])
        with self._life:
            self._check_initialised()
            if self._watcher is None:
                self._watcher = Watcher(self._port())
            watcher = self._watcher
        return watcher.file(session, active)

    def _asynchronous(self, sessions: Sequence[int]) -> "list[AsyncSession]":
        """The sessions, all of which must be asynchronous, or all that are."""
        if not sessions:
            self._check_initialised()
            found = [self.async_session(each) for each in list(self._sessions)]
            return [each for each in found if each is not None]
        for each in sessions:
            self._session(each)
        active = [self.async_session(each) for each in sessions]
        if None in active:
            raise CryptokiError(ck.CKR_SESSION_ASYNC_NOT_SUPPORTED)
        return [each for each in active if each is not None]

    def _port(self) -> "AsyncPort":
        port = self._async_port()
        if port is None:
            raise CryptokiError(ck.CKR_SESSION_ASYNC_NOT_SUPPORTED)
        return port
