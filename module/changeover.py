"""A change of the wrapping key, as one token lives through it.

While the next wrapping key is committed (`TokenRow.next_wkid`) every key has two blobs, the present
one and the one that follows. Which is good is decided by the cards: once all of them have the next
key, whoever notices first makes the following blobs the present ones (`settle`), in one
transaction. Nobody stores a key in between that would not outlive the change.
"""

from typing import TYPE_CHECKING, Protocol

from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.firmware.abi import blob as wire
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.status import CKR_IBM_WKID_MISMATCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghostcard.module.catalog import Catalog
    from ghostcard.module.object import Object
    from ghostcard.module.rows import Rows
    from ghostcard.module.session import Session
    from ghostcard.module.store import Store, TokenRow


class Cards(Protocol):
    """What the token asks of the cards of its slot."""

    def wkids(self) -> list[bytes]:
        """Identifiers of the wrapping keys that the APQNs have, of each APQN that has one."""
        ...

    def reencrypted(self, blob: bytes, wkid: bytes) -> bytes:
        """The key of a blob under the next wrapping key, which must be that one; DriverError."""
        ...


class NoCards:
    """Of a token that is opened where nobody uses keys."""

    def wkids(self) -> list[bytes]:
        return []

    def reencrypted(self, blob: bytes, wkid: bytes) -> bytes:
        raise Ep11Error(CKR_IBM_WKID_MISMATCH, verbs.REENCRYPT_SINGLE)


class Outdated(Exception):
    """The store has begun or ended a change since it was last looked at."""


def is_sealed(blob: bytes) -> bool:
    """Whether a key lies in a card's blob; public keys and data do not."""
    return bool(blob) and not wire.is_public(blob)


def wkid_of(blob: bytes) -> bytes:
    """The identifier of the wrapping key that a blob is under."""
    return blob[wire.SESSION_SIZE :][: wire.WKID_SIZE]


class Changeover:
    """``wkid`` and ``next_wkid`` are those of the token's row as it was last seen."""

    def __init__(self, cards: Cards, catalog: "Catalog", rows: "Rows") -> None:
        self._cards = cards
        self._catalog = catalog
        self._rows = rows
        self.wkid = self.next_wkid = b""
        self._is_prepared = True

    def notice(self, row: "TokenRow", store: "Store", sessions: "Iterable[Session]") -> None:
        """A change has begun or was made, if the row says so: the keys of this process take part,
        those of its sessions and those of the token that it has read.
        """
        is_another = row.wkid != self.wkid
        if not is_another and row.next_wkid == self.next_wkid and self._is_prepared:
            return
        self.wkid, self.next_wkid = row.wkid, row.next_wkid
        own = [entry for session in sessions for entry in session.objects]
        for entry in own:
            if not _is_under(entry.blob, self.wkid) and _is_under(entry.following, self.wkid):
                self._catalog.replace(entry, entry.attributes, entry.following)
        self.prepare(own)
        for entry in self._catalog.used() if is_another else ():
            if entry.is_on_token and entry.is_read and entry.blob:
                now = store.object(entry.row)
                if now is not None and now.changed == entry.changed:
                    self._catalog.replace(entry, *self._rows.unpacked(now))

    def renewed(self, params: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Parameters of a request with the blobs that their keys have now, wherever in them."""
        for entry in self._catalog.used():
            for former in entry.former:
                params = tuple(param.replace(former, entry.blob) for param in params)
        return params

    def stored(self, is_private: bool, blob: bytes) -> bytes | None:
        """The blob that follows, as the store has it."""
        following = self.following(blob)
        return following and self._rows.sealed(is_private, following)

    def following(self, blob: bytes) -> bytes | None:
        """The blob that follows: nothing where none is needed, None without a change under way or
        if the cards cannot make it now.
        """
        if not self.next_wkid:
            return None
        if not is_sealed(blob) or wkid_of(blob) == self.next_wkid:
            return b""
        try:
            return self._cards.reencrypted(blob, self.next_wkid)
        except DriverError:
            return None

    def prepare(self, entries: "Iterable[Object]") -> None:
        """Make the blobs that follow, of keys that are not in the store."""
        self._is_prepared = True
        for entry in entries:
            if self.next_wkid and not _is_under(entry.following, self.next_wkid):
                following = self.following(entry.blob)
                self._is_prepared &= following is not None
                entry.following = following or b""

    def expect_alive(self, blob: bytes) -> None:
        """Of a new key that is not for the store: CKR_IBM_WKID_MISMATCH if it comes too late, or
        from an APQN that has another wrapping key than the token's.
        """
        if not self.wkid or not is_sealed(blob) or wkid_of(blob) in (self.wkid, self.next_wkid):
            return
        there = self._cards.wkids()
        if self.wkid in there or wkid_of(blob) not in there:
            raise Ep11Error(CKR_IBM_WKID_MISMATCH, verbs.GENERATE_KEY)

    def check(self, row: "TokenRow", blob: bytes) -> bytes:
        """Inside `Store.writing()`: whether a new blob will live, else it is to be made again
        (CKR_IBM_WKID_MISMATCH). The token's wrapping key, if it is not the one in the row: that of
        the first blob, or after the cards have been given another without the token.
        """
        if row.next_wkid != self.next_wkid:
            raise Outdated
        if not is_sealed(blob):
            return b""
        wkid = wkid_of(blob)
        if wkid == row.wkid and not row.next_wkid:
            return b""
        there = self._cards.wkids()
        if _is_made(row, there):
            raise Outdated
        is_new = row.wkid not in there
        if wkid not in there or not (is_new or wkid in (row.wkid, row.next_wkid)):
            raise Ep11Error(CKR_IBM_WKID_MISMATCH, verbs.GENERATE_KEY)
        return wkid if is_new and not row.next_wkid else b""

    def settle(self, store: "Store") -> None:
        """Wait for whoever changes the wrapping key; if the cards have the next one and the store
        does not know, because he died, finish his work.
        """
        with store.writing() as row:
            if row is not None and _is_made(row, self._cards.wkids() if row.next_wkid else []):
                store.make_following_present()


def _is_made(row: "TokenRow", there: list[bytes]) -> bool:
    return bool(row.next_wkid and there) and all(wkid == row.next_wkid for wkid in there)


def _is_under(blob: bytes, wkid: bytes) -> bool:
    return is_sealed(blob) and wkid_of(blob) == wkid
