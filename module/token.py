"""One token in one process: who is logged in, and the objects, kept in step with the store."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.config import NO_LIMITS, Limits
from ghostcard.module import pins, tries
from ghostcard.module.catalog import Catalog
from ghostcard.module.changeover import Cards, Changeover, NoCards, Outdated
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.rows import Owner, Rows
from ghostcard.module.session import NOBODY
from ghostcard.module.store import ObjectRow, Store, TokenRow, new_row
from ghostcard.module.template import Attributes
from ghostcard.module.tries import SO, USER

if TYPE_CHECKING:
    from ghostcard.module.session import Session

_ROLES = {ck.CKU_SO: SO, ck.CKU_USER: USER}
_UNREAD = -1

Revision = Callable[[Attributes], tuple[Attributes, bytes]]
"""Attributes of an object -> those it has from now on, and its key blob."""


class Token:
    """Threads share it. `counter[0] != seen` tells that the store has changed: then `refresh()`."""

    def __init__(
        self,
        path: str,
        handles: Iterator[int],
        limits: Limits = NO_LIMITS,
        cards: Cards | None = None,
    ) -> None:
        self.limits = limits
        self._path = path
        self._store: Store | None = None
        self._failure: CryptokiError | None = None
        self._catalog = Catalog(handles, self._load)
        self._lock = self._catalog.lock
        self._rows = Rows(lambda reason: self._opened().report(reason))
        self._changeover = Changeover(cards or NoCards(), self._catalog, self._rows)
        self._sequence = _UNREAD
        self.objects = self._catalog.by_handle
        self.sessions: dict[int, Session] = {}
        self.user = NOBODY
        self.counter: Sequence[int] = (0,)
        self.seen = _UNREAD

    # --- the store -------------------------------------------------------------------------------

    def row(self) -> TokenRow | None:
        """The token as it is now; None before C_InitToken. CKR_DEVICE_ERROR if the store is
        damaged.
        """
        with self._lock:
            if self._store is None and not os.path.exists(self._path):
                return None
            return self._opened().token()

    def close(self) -> None:
        """Forget everything; the next use opens the store again."""
        with self._lock:
            if self._store is not None:
                self._store.close()
            self._store = self._failure = None
            self.counter = (0,)
            for session in self.sessions.values():
                session.end()
            self.sessions.clear()
            self._forget()

    def abandon(self) -> None:
        """In the child of a fork: give up the parent's store without a word to SQLite, which must
        not hear of it here, and the counter's file, whose lock would outlive the parent.
        """
        if self._store is not None:
            self._store.counter.close()

    def _opened(self) -> Store:
        if self._failure is not None:
            raise CryptokiError(self._failure.rv)
        if self._store is None:
            try:
                self._store = Store(self._path, self.limits)
            except CryptokiError as error:
                if error.rv == ck.CKR_DEVICE_ERROR:
                    self._failure = error  # it was reported, and will not mend itself
                raise
            self.counter = self._store.counter.view
        return self._store

    # --- initialisation and PINs -----------------------------------------------------------------

    def initialise(self, pin: bytes | None, label: bytes) -> None:
        """C_InitToken: a new token, or a new life of this one; all objects and the user's PIN go.

        CKR_SESSION_EXISTS, CKR_PIN_LEN_RANGE, CKR_PIN_INCORRECT, CKR_PIN_LOCKED.
        """
        if pin is None:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        with self._lock:
            if self.sessions:
                raise CryptokiError(ck.CKR_SESSION_EXISTS)
            store = self._opened()
            before = store.token()
            if before is None:
                pins.check_length(pin)
            else:
                before, _ = self._unlock(SO, pin)
            sealed = pins.seal(pin, pins.new_token_key(), SO)
            with store.writing() as now:
                if (now and now.so.salt) != (before and before.so.salt):
                    raise CryptokiError(ck.CKR_FUNCTION_FAILED)  # another process was faster
                store.initialise(new_row(now, label, sealed))
            self._forget()

    def erase(self) -> None:
        """Take the token away with all its objects; CKR_SESSION_EXISTS."""
        with self._lock:
            if self.sessions:
                raise CryptokiError(ck.CKR_SESSION_EXISTS)
            self._opened().erase()
            self._forget()

    def set_user_pin(self, pin: bytes | None) -> None:
        """C_InitPIN by the SO who is logged in: a new PIN, and all tries back."""
        new = pins.check_length(pin)
        with self._lock:
            if self.user != ck.CKU_SO:
                raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)
            sealed = pins.seal(new, self._rows.key, USER)
            tries.replace(self._opened(), USER, sealed, self._rows.epoch)

    def change_pin(self, old: bytes | None, new: bytes | None) -> None:
        """C_SetPIN of the SO if that is who is logged in, else of the user."""
        role = SO if self.user == ck.CKU_SO else USER
        if old is None:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        fresh = pins.check_length(new)
        row, key = self._unlock(role, old)
        tries.replace(self._opened(), role, pins.seal(fresh, key, role), row.epoch)

    def _unlock(self, role: str, pin: bytes) -> tuple[TokenRow, bytes]:
        return tries.unlock(self._opened(), role, pin, self.limits.pin_tries)

    # --- login -----------------------------------------------------------------------------------

    def login(self, user: int, pin: bytes | None) -> None:
        """C_Login of CKU_USER or CKU_SO, for all sessions of this process."""
        self._check_login(user)
        if pin is None:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        row, key = self._unlock(_ROLES[user], pin)
        with self._lock:
            self._check_login(user)
            self._enter_life(row.epoch)
            knows_public = self._sequence != _UNREAD
            self.user = user
            self._rows.unlock(key)
            try:
                self.refresh()
                if self.user != user:
                    raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)  # initialised anew meanwhile
                if user == ck.CKU_USER and knows_public:
                    self._take_private()
            except BaseException:  # an object is damaged: then nobody is logged in
                self._forget()
                raise

    def verify_user(self, pin: bytes | None) -> None:
        """C_Login with CKU_CONTEXT_SPECIFIC: the user's PIN once more."""
        if pin is None:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        self._unlock(USER, pin)

    def unlocked(self, pin: bytes) -> Rows:
        """What reads the private objects of the store, for the user's PIN; nobody is logged in."""
        rows = Rows(self._opened().report)
        row, key = self._unlock(USER, pin)
        rows.epoch = row.epoch
        rows.unlock(key)
        return rows

    def logout(self) -> None:
        """C_Logout: private session objects die, and handles of private objects (PKCS #11 3.2,
        5.6.9).
        """
        with self._lock:
            if self.user == NOBODY:
                raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)
            self.user = NOBODY
            self._rows.lock()
            self._catalog.remove_private()
            for session in self.sessions.values():
                session.objects = {entry for entry in session.objects if not entry.is_private}
                session.abandon()

    def owner(self) -> Owner:
        """Whose it is what is kept beside the store for a user of the token, or for nobody."""
        with self._lock:
            self.refresh()
            return Owner(self._rows.epoch, self.user, self._rows.key)

    def _check_login(self, user: int) -> None:
        if self.user == user:
            raise CryptokiError(ck.CKR_USER_ALREADY_LOGGED_IN)
        if self.user != NOBODY:
            raise CryptokiError(ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN)
        if user == ck.CKU_SO and not all(session.is_rw for session in self.sessions.values()):
            raise CryptokiError(ck.CKR_SESSION_READ_ONLY_EXISTS)

    # --- sessions --------------------------------------------------------------------------------

    def enter(self, session: "Session") -> None:
        """A session is opened; CKR_SESSION_COUNT if there is no room for it."""
        with self._lock:
            if _is_full(self.limits.sessions, len(self.sessions)) or (
                session.is_rw and _is_full(self.limits.rw_sessions, self.rw_sessions)
            ):
                raise CryptokiError(ck.CKR_SESSION_COUNT)
            if not session.is_rw and self.user == ck.CKU_SO:
                raise CryptokiError(ck.CKR_SESSION_READ_WRITE_SO_EXISTS)
            self.sessions[session.handle] = session

    @property
    def rw_sessions(self) -> int:
        """How many sessions are read/write."""
        return sum(session.is_rw for session in list(self.sessions.values()))

    def leave(self, session: "Session") -> None:
        """A session is closed: its objects die; with the last one the login ends."""
        with self._lock:
            self.sessions.pop(session.handle, None)
            session.end()
            for entry in session.objects:
                self._catalog.remove(entry.handle)
            session.objects.clear()
            if not self.sessions and self.user != NOBODY:
                self.logout()

    # --- objects ---------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Take over what other processes, or this one, have changed in the store."""
        with self._lock:
            store = self._opened()
            value = self.counter[0]
            with store.reading() as token:
                if token is None:
                    self._forget()
                    return
                self._enter_life(token.epoch)
                if token.sequence != self._sequence:
                    self._catch_up(store, token)
            self._sequence = token.sequence
            self._changeover.notice(token, store, self.sessions.values())
            self.seen = value if value % 2 == 0 else _UNREAD

    def _catch_up(self, store: Store, token: TokenRow) -> None:
        """Inside `reading()`: read what was changed, or everything if too much was deleted."""
        since, is_user = self._sequence, self.user == ck.CKU_USER
        if token.forgotten <= since <= token.sequence:
            for row in store.changed(since, is_user):
                self._take(row)
            self._catalog.remove_rows(store.deleted(since))
            return
        there = set()
        for row in store.all(is_user):
            self._take(row)
            there.add(row.id)
        self._catalog.remove_rows(self._catalog.rows() - there)

    def _take_private(self) -> None:
        store = self._opened()
        with store.reading() as token:
            if token is None or token.epoch != self._rows.epoch:
                raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)
            for row in store.private_objects():
                self._take(row)

    @property
    def wkid(self) -> bytes:
        """Identifier of the wrapping key that the token's keys are under; empty if it has none."""
        return self._changeover.wkid

    def expect_alive(self, blob: bytes) -> None:
        """CKR_IBM_WKID_MISMATCH for the blob of a new key that is dead, or will be."""
        if self.counter[0] != self.seen:
            self.refresh()
        self._changeover.expect_alive(blob)

    def renew(self, params: tuple[bytes, ...]) -> tuple[bytes, ...] | None:
        """Parameters of a request with the blobs that their keys have now; None if no key has
        another. Waits for whoever changes the wrapping key.
        """
        with self._lock:
            self.refresh()
            now = self._changeover.renewed(params)
            if now == params and self._changeover.next_wkid:
                self._catch_up_with_cards()
                now = self._changeover.renewed(params)
            return None if now == params else now

    def _catch_up_with_cards(self) -> None:
        self._changeover.settle(self._opened())
        self.refresh()

    def find(self, wanted: Attributes) -> list[int]:
        """Handles of the visible objects with these attributes."""
        if self.counter[0] != self.seen:
            self.refresh()
        return self._catalog.find(wanted)

    def knows(self, handle: int) -> bool:
        """Whether there is an object of this handle, as far as this process has looked."""
        return handle in self._catalog

    def add(self, attributes: Attributes, blob: bytes, session: "Session") -> Object:
        """A new object: of the token if CKA_TOKEN says so (when it returns it is on the disk), else
        of the session. CKR_SESSION_CLOSED, CKR_USER_NOT_LOGGED_IN: what another thread did while
        the key was made.
        """
        is_private = attributes[ck.CKA_PRIVATE] == b"\x01"
        with self._lock:
            if session.handle not in self.sessions:
                raise CryptokiError(ck.CKR_SESSION_CLOSED)
            if is_private and self.user != ck.CKU_USER:
                raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)
            if attributes[ck.CKA_TOKEN] == b"\0":
                self.expect_alive(blob)
                entry = self._catalog.add(attributes, blob)
                session.objects.add(entry)
                self._changeover.prepare([entry])
                return entry
            row = self._insert(is_private, attributes, blob)
            self.refresh()
            added = self._catalog.at_row(row)
            if added is None:
                raise CryptokiError(ck.CKR_FUNCTION_FAILED)  # removed by another process already
            return added

    def change(self, entry: Object, revision: Revision) -> None:
        """The object becomes what ``revision`` makes of its attributes: those of now, whatever
        other threads and processes do to it meanwhile. So it may be asked several times.
        """
        if self.counter[0] != self.seen:
            self.refresh()
        is_changed = False
        while not is_changed:
            seen, before = entry.changed, entry.attributes
            revised = revision(before)
            with self._lock:
                self._check_there(entry)
                if entry.is_on_token:
                    is_changed = self._update(entry, *revised, seen)
                    self.refresh()
                elif entry.attributes is before:
                    self._catalog.replace(entry, *revised)
                    self._changeover.prepare([entry])
                    is_changed = True
                if not is_changed:
                    self._check_there(entry)

    def _insert(self, is_private: bool, attributes: Attributes, blob: bytes) -> int:
        store, change = self._opened(), self._changeover
        while True:
            following = change.stored(is_private, blob)
            packed = self._rows.packed(attributes, blob)
            try:
                return store.insert(
                    is_private, packed, following, lambda row: change.check(row, blob)
                )
            except Outdated:
                self._catch_up_with_cards()

    def _update(self, entry: Object, attributes: Attributes, blob: bytes, seen: int) -> bool:
        """False if the object, or the wrapping key, is not any more what it was."""
        change, packed = self._changeover, self._rows.packed(attributes, blob)
        following = change.stored(entry.is_private, blob)
        try:
            return self._opened().update(
                entry.row, packed, seen, following, lambda row: change.check(row, blob)
            )
        except Outdated:
            self._catch_up_with_cards()
            return False

    def _check_there(self, entry: Object) -> None:
        if self.objects.get(entry.handle) is not entry:
            raise CryptokiError(ck.CKR_OBJECT_HANDLE_INVALID)

    def remove(self, entry: Object) -> None:
        """C_DestroyObject."""
        with self._lock:
            if not entry.is_on_token:
                self._drop(entry)
                return
            if not self._opened().delete(entry.row):
                raise CryptokiError(ck.CKR_OBJECT_HANDLE_INVALID)
            self.refresh()

    def _take(self, row: ObjectRow) -> None:
        before = self._catalog.changed(row.id)
        if before is None:
            outline = self._rows.outlined(row)
            self._catalog.add_row(row.id, row.changed, row.is_private, outline)
            return
        if before == row.changed:
            return
        known = self._catalog.at_row(row.id)
        assert known is not None
        if known.is_read:
            self._catalog.replace(known, *self._rows.unpacked(row))
        else:
            self._catalog.rename(known, self._rows.outlined(row))
        known.changed = row.changed

    def _load(self, entry: Object) -> None:
        """Read the body of an object; CKR_OBJECT_HANDLE_INVALID if it has gone."""
        with self._lock:
            self.refresh()  # so that the row, if there is one, is that of this object
            row = self._opened().object(entry.row)
            if row is None or self._catalog.at_row(entry.row) is not entry:
                raise CryptokiError(ck.CKR_OBJECT_HANDLE_INVALID)
            if not entry.is_read:
                entry.replace(*self._rows.unpacked(row))

    def _drop(self, entry: Object) -> None:
        self._catalog.remove(entry.handle)
        for session in self.sessions.values():
            session.objects.discard(entry)

    def _enter_life(self, epoch: bytes) -> bool:
        """Whether the token was initialised anew since it was last looked at; then nothing of it is
        left.
        """
        is_another = self._rows.epoch not in (b"", epoch)
        if is_another:
            self._forget()
        self._rows.epoch = epoch
        return is_another

    def _forget(self) -> None:
        """The token has begun a new life, or is not used any more."""
        self._catalog.clear()
        for session in self.sessions.values():
            session.objects.clear()
        self.user = NOBODY
        self._rows.lock()
        self._rows.epoch, self._sequence, self.seen = b"", _UNREAD, _UNREAD


def _is_full(limit: int | None, count: int) -> bool:
    return limit is not None and count >= limit
