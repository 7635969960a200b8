"""The wrapping key of the APQNs that share one, administered with the tokens that depend on it.

    generate or import --> commit --> reencipher, once for each token --> finalize

The APQNs of a group change together. Every step may be cut off anywhere and be done again: what is
done already is left alone. `finalize` holds the turn to write of all tokens of the group, so that
no key comes to one while the cards change; what it leaves undone when it dies, programs or the next
`finalize` do, by what the cards say (`changeover.py`).
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import NamedTuple

from ghostcard.config import SlotConfig, apqn
from ghostcard.driver.administration import DomainAdministrator, Sign, WrappingKeys
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import Ep11Error
from ghostcard.firmware.abi import keypart
from ghostcard.firmware.abi.blob import WKID_SIZE
from ghostcard.firmware.abi.keypart import PART_SIZE
from ghostcard.firmware.abi.status import (
    CKR_IBM_BLOB_ERROR,
    CKR_IBM_WK_NOT_INITIALIZED,
    CKR_IBM_WKID_MISMATCH,
)
from ghostcard.home import home
from ghostcard.machine import Machine
from ghostcard.module.apqns import Apqns
from ghostcard.module.changeover import is_sealed, wkid_of
from ghostcard.module.rows import Rows
from ghostcard.module.store import ObjectRow, Store, store_path
from ghostcard.module.token import Token
from ghostcard.module.token_admin import TokenAdminError

BATCH = 256
"""Objects re-enciphered between two looks at whether this is still wanted."""

Progress = Callable[[int, int], None]
"""Objects done, and how many there were to do."""


class RekeyingError(TokenAdminError):
    """What was asked for cannot be done as things are; one line."""


class Group(NamedTuple):
    """APQNs that hold one wrapping key, since slots connect them, and those slots."""

    apqns: tuple[int, ...]
    slots: tuple[SlotConfig, ...]


def group_of(machine: Machine, slot: int) -> Group:
    """The group of a slot; RekeyingError if there is none."""
    slots = machine.config.slots
    wanted = next((each for each in slots if each.id == slot), None)
    if wanted is None:
        there = ", ".join(str(each.id) for each in slots)
        raise RekeyingError(f"there is no slot {slot}; there are {there}")
    if machine.bus.cards[wanted.apqns[0] >> 8].image.mode != "ep11":
        raise RekeyingError(f"slot {slot} leads to no EP11 cards: it has no wrapping key")
    apqns = machine.group(slot)
    return Group(apqns, tuple(each for each in slots if each.apqns[0] in apqns))


class Reenciphered(NamedTuple):
    """``lost`` are keys that no APQN could open: they were under another wrapping key before."""

    keys: int
    lost: int


class TokenState(NamedTuple):
    """What a slot's token knows: identifiers of its wrapping keys, empty where there is none;
    ``left`` of its objects are not re-enciphered to the next.
    """

    slot: int
    wkid: bytes
    next_wkid: bytes
    objects: int
    left: int


class Rekeying:
    """The wrapping keys of a group; ``sign`` makes the signatures of administrators."""

    def __init__(self, machine: Machine, group: Group, sign: Sign | None = None) -> None:
        self.group = group
        self._hosts = {qid: Ep11Host(machine.native, (qid,)) for qid in group.apqns}
        counter = time.time_ns()
        self.administrators = {
            qid: DomainAdministrator(host, qid & 0xFF, sign, counter)
            for qid, host in self._hosts.items()
        }

    def states(self) -> dict[int, WrappingKeys]:
        """What the registers of each APQN hold."""
        return {qid: each.wrapping_keys() for qid, each in self.administrators.items()}

    # Towards a next wrapping key.

    def generate(self) -> bytes:
        """A random next key for all: its verification pattern. One APQN makes it for itself."""
        self._expect_no_change()
        if len(self.group.apqns) == 1:
            return self.administrators[self.group.apqns[0]].generate()
        return self.import_parts((os.urandom(PART_SIZE), os.urandom(PART_SIZE)))

    def import_parts(self, parts: Iterable[bytes]) -> bytes:
        """The same parts for each APQN, sealed for it: the verification pattern of the key."""
        self._expect_no_change()
        parts = tuple(parts)
        patterns = set()
        for administrator in self.administrators.values():
            importer = administrator.make_importer()
            sealed = [keypart.seal(importer, part) for part in parts]
            patterns.add(administrator.import_parts(sealed))
        return patterns.pop()

    def _expect_no_change(self) -> None:
        for qid, state in self.states().items():
            if state.is_committed:
                raise RekeyingError(
                    f"{apqn(qid)} has a committed wrapping key already: finalize or clear it first"
                )

    def commit(self) -> bytes:
        """COMMIT_WK for all, which must have the same next key: its verification pattern."""
        states = self.states()
        following = {state.following for state in states.values()}
        if following == {b""}:
            raise RekeyingError("there is no next wrapping key: generate or import one first")
        if len(following) > 1:
            raise RekeyingError(_differ(states))
        (pattern,) = following
        for qid, state in states.items():
            if not state.is_committed:
                self.administrators[qid].commit(pattern)
        return pattern

    def clear_next(self) -> None:
        """CLEAR_NEXT_WK for all, and no token expects it any more."""
        states = self.states()
        if self._coming(states) in {state.current for state in states.values()}:
            raise RekeyingError("some APQNs have made the change already: finalize it")
        for qid, state in states.items():
            if state.following:
                self.administrators[qid].clear_next()
        with self._stores() as stores:
            for store in stores.values():
                with store.writing() as token:
                    if token is not None and token.next_wkid:
                        store.begin_change(b"")

    # From the old one to the next.

    def coming(self) -> bytes:
        """The verification pattern that all APQNs have committed, or have made current already."""
        states = self.states()
        pattern = self._coming(states)
        if not pattern:
            raise RekeyingError("no next wrapping key is committed")
        for state in states.values():
            if pattern != state.current and not (state.is_committed and pattern == state.following):
                raise RekeyingError(_differ(states))
        return pattern

    def _coming(self, states: dict[int, WrappingKeys]) -> bytes:
        return next((each.following for each in states.values() if each.is_committed), b"")

    def tokens(self) -> list[TokenState]:
        """The tokens that depend on the wrapping keys."""
        found = []
        with self._stores() as stores:
            for slot, store in stores.items():
                with store.reading() as token:
                    if token is not None:
                        left = store.count_without_following(True)
                        wkids = (token.wkid, token.next_wkid)
                        found.append(TokenState(slot, *wkids, token.objects, left))
        return found

    def needs_pin(self, slot: int) -> bool:
        """Whether the slot's token has private objects that nobody has re-enciphered."""
        with self._stores() as stores, self._store(stores, slot).reading() as token:
            return token is not None and stores[slot].has_private(token.next_wkid != self._wkid())

    def reencipher(self, slot: int, pin: bytes | None, progress: Progress) -> Reenciphered:
        """Give every key of a slot's token a blob that follows; programs do so for new ones from
        the beginning of this on. Without the user's PIN private objects are left out.
        """
        wkid, cards = self._wkid(), Apqns(list(self._hosts.values()))
        keys = lost = done = 0
        with self._stores() as stores:
            store = self._store(stores, slot)
            rows = Rows(store.report) if pin is None else self._unlocked(slot, pin)
            is_user = pin is not None
            total = _begin(store, wkid, is_user)
            for batch in _batches(store, is_user):
                blobs = [_following(rows.unpacked(row)[1], wkid, cards) for row in batch]
                sealed = [
                    (row, rows.sealed(row.is_private, blob or b""))
                    for row, blob in zip(batch, blobs, strict=True)
                ]
                _store(store, wkid, sealed)
                keys += sum(bool(blob) for blob in blobs)
                lost += blobs.count(None)
                done += len(batch)
                progress(done, max(done, total))
        return Reenciphered(keys, lost)

    def finalize(self) -> bytes:
        """FINALIZE_WK for all, and the tokens change with them: the verification pattern."""
        with self._stores() as stores, ExitStack() as turns:
            for store in stores.values():
                turns.enter_context(store.turn())
            pattern = self._made(stores.values())
            if not pattern:
                pattern = self.coming()
                for slot, store in stores.items():
                    _expect_ready(slot, store, pattern[:WKID_SIZE])
                for qid, state in self.states().items():
                    if state.current != pattern:
                        self.administrators[qid].finalize(pattern)
            for store in stores.values():
                with store.transaction() as token:
                    if token is not None and token.next_wkid == pattern[:WKID_SIZE]:
                        store.make_following_present()
        return pattern

    def _made(self, stores: Iterable[Store]) -> bytes:
        """The pattern that all APQNs have, if tokens still wait for it: who has changed the APQNs
        did not come to the tokens.
        """
        states = self.states()
        if self._coming(states):
            return b""
        current = {state.current for state in states.values() if state.current}
        waiting = {token.next_wkid for store in stores if (token := store.token()) is not None}
        pattern = current.pop() if len(current) == 1 else b""
        return pattern if pattern[:WKID_SIZE] in waiting - {b""} else b""

    def _wkid(self) -> bytes:
        return self.coming()[:WKID_SIZE]

    @contextmanager
    def _stores(self) -> Iterator[dict[int, Store]]:
        """The stores of the group's tokens, by slot, of those that there are."""
        with ExitStack() as opened:
            stores = {}
            for slot in sorted(self.group.slots):
                path = store_path(home(), slot.id)
                if os.path.exists(path):
                    store = stores[slot.id] = Store(path, slot.limits)
                    opened.callback(store.close)
            yield stores

    def _store(self, stores: dict[int, Store], slot: int) -> Store:
        if slot not in stores or stores[slot].token() is None:
            raise RekeyingError(f"slot {slot} has no token")
        return stores[slot]

    def _unlocked(self, slot: int, pin: bytes) -> Rows:
        limits = next(each.limits for each in self.group.slots if each.id == slot)
        token = Token(store_path(home(), slot), count(1), limits)
        try:
            return token.unlocked(pin)
        finally:
            token.close()


def _begin(store: Store, wkid: bytes, is_user: bool) -> int:
    """Have the token expect the wrapping key: how many objects are to be looked at."""
    with store.writing() as token:
        if token is not None and token.next_wkid != wkid:
            store.begin_change(wkid)
        return store.count_without_following(is_user)


def _batches(store: Store, is_user: bool) -> Iterator[list[ObjectRow]]:
    """The objects to be looked at, until there are none, those that changed meanwhile again."""
    after = 0
    while True:
        with store.reading():
            batch = store.without_following(is_user, after, BATCH)
        if batch:
            after = batch[-1].id
            yield batch
        elif after:
            after = 0
        else:
            return


def _following(blob: bytes, wkid: bytes, cards: Apqns) -> bytes | None:
    """The blob that follows, nothing where none is needed; None of a key that is dead already."""
    if not is_sealed(blob) or wkid_of(blob) == wkid:
        return b""
    try:
        return cards.reencrypted(blob, wkid)
    except Ep11Error as error:
        if error.rv not in _DEAD:
            raise
        return None


_DEAD = frozenset((CKR_IBM_WKID_MISMATCH, CKR_IBM_BLOB_ERROR, CKR_IBM_WK_NOT_INITIALIZED))


def _store(store: Store, wkid: bytes, blobs: Iterable[tuple[ObjectRow, bytes]]) -> None:
    with store.writing() as token:
        if token is None or token.next_wkid != wkid:
            raise RekeyingError("the change was given up meanwhile")
        for row, blob in blobs:
            store.set_following(row, blob)


def _expect_ready(slot: int, store: Store, wkid: bytes) -> None:
    """Every object of a token has been looked at; of an empty one nothing is expected, nor of one
    that has the key already.
    """
    with store.transaction() as token:
        if token is None or token.wkid == wkid:
            return
        if token.next_wkid != wkid:
            store.begin_change(wkid)
        left = store.count_without_following(True)
    if left:
        raise RekeyingError(
            f"slot {slot}: objects that are not re-enciphered: {left:,}; "
            f"`ghostcard wrapping-key reencipher --slot {slot}` does that"
        )


def _differ(states: dict[int, WrappingKeys]) -> str:
    """Which APQNs have what, for people."""
    told = (f"{apqn(qid)} {_told(state)}" for qid, state in states.items())
    return f"the APQNs do not have the same next wrapping key: {', '.join(told)}"


def _told(state: WrappingKeys) -> str:
    if not state.following:
        return "has none"
    return f"{state.following[:4].hex()} ({'committed' if state.is_committed else 'not committed'})"
