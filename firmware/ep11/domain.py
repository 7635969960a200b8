"""One domain of the card: its wrapping key, and the keys it has opened lately.

The cache looks a blob up by its MAC and then compares the whole of it, so that a blob with a byte
changed misses and is opened, and refused, as if there were no cache. Neither step tells a caller
anything about a MAC that he does not hold already.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from ghostcard.emulator.nvram import Nvram
from ghostcard.firmware.abi import blob as wire
from ghostcard.firmware.abi import controlpoints, spki
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.status import (
    CKR_IBM_BLOB_ERROR,
    CKR_IBM_PARAM_NOT_SUPPORTED,
    CKR_IBM_WK_NOT_INITIALIZED,
)
from ghostcard.firmware.ep11 import domainstate, policy, rights, wrapping
from ghostcard.firmware.ep11.wrapping import WrappingKey
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Draw
from ghostcard.firmware.mechanisms.public import public_key
from ghostcard.firmware.mechanisms.refusal import Refused

MAX_KEYS = 4096  # opened keys kept in card memory; then all are forgotten
_UNKNOWN = -1  # no number of changes

Equipment = Callable[[Key], None]


class Domain:
    """Opens and seals the keys of one domain; safe to use from several threads.

    NVRAM is the truth: what another process changes there holds from the next request on.
    `wrapping` is None while the domain has no wrapping key.
    """

    __slots__ = (
        "_changes", "_draw", "_ensure_tested", "_equip", "_is_null", "_keys", "_lock", "_nvram",
        "_read", "_seen",
        "index", "next_wrapping", "points", "state", "wrapping",
    )  # fmt: skip

    def __init__(
        self,
        index: int,
        nvram: Nvram,
        draw: Draw,
        is_null: bool,
        ensure_tested: Callable[[], None],
        equip: Equipment | None,
    ) -> None:
        """`ensure_tested` runs the self test of blobs before the first is opened or made; `equip`
        is shown each key that has been opened.
        """
        self.index = index
        self._nvram = nvram
        self._ensure_tested = ensure_tested
        self._draw = draw
        self._equip = equip
        self._is_null = is_null
        self._keys: dict[bytes, Key] = {}
        self._lock = Lock()
        self._changes = nvram.changes
        self._seen = _UNKNOWN
        self._read: tuple[bytes | None, bytes | None] = (None, None)
        self._install(domainstate.DomainState(), None)
        self.refresh()

    def refresh(self) -> None:
        """Learn what has changed in NVRAM; the keys opened before are forgotten if anything has."""
        number = self._changes[0]
        if number == self._seen:
            return
        with self._lock:
            self._learn(number)

    def _learn(self, number: int) -> None:
        key = self._nvram.read(wrapping.nvram_name(self.index))
        entry = self._nvram.read(domainstate.nvram_name(self.index))
        if (key, entry) != self._read:
            self._install(domainstate.unpack(entry), key or None)
            self._read = (key, entry)
        self._seen = _UNKNOWN if number & 1 else number

    def _install(self, state: domainstate.DomainState, key: bytes | None) -> None:
        self.state = state
        self.points = controlpoints.unpack(state.points)
        self.wrapping = None if key is None else WrappingKey(key)
        has_next = state.next is not domainstate.Next.EMPTY
        self.next_wrapping = WrappingKey(state.next_key) if has_next else None
        self.forget()

    @contextmanager
    def change(self) -> Iterator[dict[str, bytes]]:
        """The NVRAM's entries, to be changed as a whole; `state` is up to date in between."""
        with self._nvram.transaction() as entries, self._lock:
            self._install(
                domainstate.unpack(entries.get(domainstate.nvram_name(self.index))),
                entries.get(wrapping.nvram_name(self.index)) or None,
            )
            self._seen, self._read = _UNKNOWN, (None, None)
            yield entries
        self.refresh()

    def key(self, blob: bytes) -> Key:
        """The key of a blob or of a public key in clear; refused if it is not genuine."""
        if self._changes[0] != self._seen:
            self.refresh()
        key = self._keys.get(blob[-wire.MAC_SIZE :])
        if key is not None and key.blob == blob:
            return key
        return self._opened(blob)

    def seal(self, key: Key) -> bytes:
        """The blob of a new key."""
        self._ensure_tested()
        self.refresh()
        return self._current().seal(key, self._draw)

    def seal_new(self, key: Key) -> bytes:
        """The blob of a key that comes to be; refused if the control points allow none like it."""
        self.refresh()
        policy.check_making(key, self.points)
        return self.seal(key)

    def reseal(self, blob: bytes) -> bytes:
        """The key of a blob under the next wrapping key; refused if there is none."""
        key, following = self.key(blob), self.next_wrapping
        if following is None or wire.is_public(blob):
            raise Refused(CKR_IBM_BLOB_ERROR)
        return following.seal(key, self._draw)

    def _current(self) -> WrappingKey:
        if self.wrapping is None:
            raise Refused(CKR_IBM_WK_NOT_INITIALIZED)
        return self.wrapping

    def forget(self) -> None:
        """Drop all opened keys."""
        self._keys.clear()

    def _opened(self, blob: bytes) -> Key:
        self._ensure_tested()
        points = self.points
        key = _public(blob) if wire.is_public(blob) else self._current().open(blob)
        rights.check_null(key, self._is_null)
        key.points = points
        if self._equip is not None:
            self._equip(key)
        with self._lock:
            if points is not self.points:  # they have changed meanwhile: the key is for this once
                return key
            if len(self._keys) >= MAX_KEYS:
                self._keys.clear()
            self._keys[blob[-wire.MAC_SIZE :]] = key
        return key


def _public(blob: bytes) -> Key:
    try:
        bare, trailer = spki.split(blob)
    except WireError:
        raise Refused(CKR_IBM_BLOB_ERROR) from None
    if trailer is not None:  # this card makes none, so it knows no MAC that could vouch for it
        raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)
    key = public_key(bare)
    key.booleans = rights.PUBLIC
    key.blob = blob
    return key
