"""Asynchronous functions (PKCS #11 3.2, 5.22): the ends of calls that were pending."""

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, ask_once
from ghostcard.module.session import Session

if TYPE_CHECKING:
    from ghostcard.module.asynchronous import AsyncSession, Completed, Pending
    from ghostcard.module.job import Job

_CLAIMED = {errno.EBUSY: ck.CKR_OPERATION_ACTIVE, errno.EBADMSG: ck.CKR_SAVED_STATE_INVALID}
"""Why a job cannot be had -> what that is to the application."""


class Asynchronous(Chapter):
    """C_AsyncComplete, C_AsyncGetID, C_AsyncJoin. Functions go by their names in C."""

    def async_session(self, session: int) -> "AsyncSession | None":
        """The session, if it is an asynchronous one."""
        return _asynchronous(self._sessions.get(session))

    def async_complete(self, session: int, function: str, has_place: bool) -> "Completed":
        """A call that is over, once; CKR_PENDING if it is not.

        CKR_OPERATION_NOT_INITIALIZED if there is none, CKR_ARGUMENTS_BAD if it has results and the
        application no place for them.
        """
        from ghostcard.module.asynchronous import FUNCTIONS

        active, name = self._pending_in(session, function)
        active.found_pending(name)
        if FUNCTIONS[name].gives and not has_place:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        return ask_once(active, lambda: active.complete(name))

    def async_get_id(self, session: int, function: str) -> int:
        """An identifier by which another session can join the call, also in another process.

        CKR_STATE_UNSAVEABLE for what has results besides a value and objects, goes on in the
        session, or is too much to keep.
        """
        from ghostcard.module.asynchronous import FUNCTIONS
        from ghostcard.module.job import Claim, Job, pack

        active, name = self._pending_in(session, function)
        pending = active.found_pending(name)
        if pending.claim is not None:
            return pending.claim.number
        if not FUNCTIONS[name].may_detach:
            raise CryptokiError(ck.CKR_STATE_UNSAVEABLE)
        jobs = self._jobs()
        data = pack(Job(name, pending.outcome, pending.effects), active.token.owner())
        try:
            number = jobs.put(data)
            jobs.claim(number)
        except DriverError as error:
            if error.code == errno.ENODEV:
                raise active.refusal(error) from error
            raise CryptokiError(ck.CKR_STATE_UNSAVEABLE) from error
        pending.claim = Claim(jobs, number)
        return number

    def async_join(
        self, session: int, function: str, number: int, capacity: int, places: tuple[object, ...]
    ) -> None:
        """Make a call that is pending, or was left behind, one of this session, with ``capacity``
        bytes for its result at ``places``.

        CKR_SESSION_ASYNC_NOT_SUPPORTED, CKR_OPERATION_ACTIVE; CKR_SAVED_STATE_INVALID for a call
        that is not there, is of another function, token, or user; CKR_BUFFER_TOO_SMALL, and then
        it can be joined still.
        """
        from ghostcard.module.asynchronous import BY_NAME

        active = _asynchronous(self._session(session))
        if active is None:
            raise CryptokiError(ck.CKR_SESSION_ASYNC_NOT_SUPPORTED)
        name = BY_NAME.get(function)
        if name is None:
            raise CryptokiError(ck.CKR_SAVED_STATE_INVALID)
        active.expect_idle(name)
        holder = self._holder(number)
        if holder is not None:
            self._take_over(active, name, *holder, capacity, places)
        else:
            self._take_up(active, name, number, capacity, places)

    def _pending_in(self, session: int, function: str) -> "tuple[AsyncSession, str]":
        """The session, and the function as we know it, if that may be pending there."""
        active = _asynchronous(self._session(session))
        if active is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        from ghostcard.module.asynchronous import BY_NAME

        name = BY_NAME.get(function)
        if name is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        return active, name

    def _holder(self, number: int) -> "tuple[AsyncSession, str, Pending] | None":
        """The session of this process that has the call of an identifier."""
        for session in list(self._sessions.values()):
            found = _asynchronous(session)
            for name, pending in list(found.pending.items()) if found else ():
                if pending.claim is not None and pending.claim.number == number:
                    assert found is not None
                    return found, name, pending
        return None

    def _take_over(
        self,
        active: "AsyncSession",
        name: str,
        before: "AsyncSession",
        known: str,
        pending: "Pending",
        capacity: int,
        places: tuple[object, ...],
    ) -> None:
        """From another session of this process, which has the call no more."""
        if known != name or before.token is not active.token:
            raise CryptokiError(ck.CKR_SAVED_STATE_INVALID)
        _check_room(active, pending.outcome.results, pending.effects, capacity)
        if before.pending.pop(name, None) is not pending:
            raise CryptokiError(ck.CKR_SAVED_STATE_INVALID)
        pending.places = places
        active.pending[name] = pending

    def _take_up(
        self,
        active: "AsyncSession",
        name: str,
        number: int,
        capacity: int,
        places: tuple[object, ...],
    ) -> None:
        """What another process, or a session that has ended, has left behind. It is over."""
        from ghostcard.module.asynchronous import Over, Pending
        from ghostcard.module.job import Claim

        jobs = self._jobs()
        try:
            data = jobs.claim(number)
        except DriverError as error:
            rv = _CLAIMED.get(error.code)
            raise (CryptokiError(rv) if rv else active.refusal(error)) from error
        if data is None:
            raise CryptokiError(ck.CKR_SAVED_STATE_INVALID)
        try:
            job = _read(active, name, data)
            _check_room(active, job.outcome.results, job.effects, capacity)
        except BaseException:
            jobs.release(number)
            raise
        claim = Claim(jobs, number)
        active.pending[name] = Pending(job.outcome, job.effects, Over(), places, claim)


def _asynchronous(session: Session | None) -> "AsyncSession | None":
    if session is None or session.__class__ is Session:
        return None
    from ghostcard.module.asynchronous import AsyncSession

    return session if isinstance(session, AsyncSession) else None


def _read(active: "AsyncSession", name: str, data: bytes) -> "Job":
    from ghostcard.module.job import JobError, unpack

    try:
        job = unpack(data, active.token.owner())
    except JobError:
        raise CryptokiError(ck.CKR_SAVED_STATE_INVALID) from None
    if job.function != name:
        raise CryptokiError(ck.CKR_SAVED_STATE_INVALID)
    return job


def _check_room(
    active: "AsyncSession", results: Sequence[bytes], effects: Sequence[object], capacity: int
) -> None:
    """Whether the session may have what the call makes, and the buffer can take its result."""
    from ghostcard.module.asynchronous import Creation

    for effect in effects:
        if isinstance(effect, Creation):
            on_token, is_private = (
                effect.attributes[each] == b"\1" for each in (ck.CKA_TOKEN, ck.CKA_PRIVATE)
            )
            active.may_write(on_token, is_private)
    if any(len(result) > capacity for result in results):
        raise CryptokiError(ck.CKR_BUFFER_TOO_SMALL)
