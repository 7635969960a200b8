"""The objects a process sees of one token, by handle, by row and by what people look for."""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from threading import RLock

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import boolean
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import NO_ROW, Object, Outline
from ghostcard.module.template import Attributes

INDEXED = (ck.CKA_LABEL, ck.CKA_ID, ck.CKA_UNIQUE_ID, ck.CKA_SUBJECT, ck.CKA_CLASS)
"""Attributes that may have an index, the most selective first."""

OUTLINE = (*INDEXED, ck.CKA_KEY_TYPE, ck.CKA_CERTIFICATE_TYPE)
"""What is known of an object without reading its body; programs search by little else."""

_PLACES = {type: place for place, type in enumerate(OUTLINE)}

_Stored = tuple[Outline, int, int, bool]
"""An object of the store that nobody has used yet: outline, row, its last change, is private."""

_Index = dict[bytes, int | dict[int, None]]
"""Value -> handle, or handles."""


class Catalog:
    """Objects with their indexes, each of which is made at the first search that it is for, as is
    an object of the store at its first use. Changes are made under ``lock``, which is the token's;
    look-ups need it for those first times alone.
    """

    def __init__(
        self, handles: Iterator[int], load: Callable[[Object], None] | None = None
    ) -> None:
        """``load`` reads what an object of the store is besides its outline."""
        self.lock = RLock()
        self.by_handle: dict[int, Object] = _Objects(self._made)
        self._handles = handles
        self._load = load
        self._entries: dict[int, Object | _Stored] = {}
        self._by_row: dict[int, int] = {}
        self._indexes: dict[int, _Index] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, handle: int) -> bool:
        return handle in self._entries

    def add(self, attributes: Attributes, blob: bytes) -> Object:
        """A new object that is not of the store, under a handle that was never used."""
        entry = Object(next(self._handles), _outline(attributes), _is_private(attributes))
        entry.replace(attributes, blob)
        self._entries[entry.handle] = self.by_handle[entry.handle] = entry
        self._enter(entry.handle, entry.outline)
        return entry

    def add_row(self, row: int, changed: int, is_private: bool, outline: Outline) -> int:
        """An object of the store; its handle."""
        handle = next(self._handles)
        self._entries[handle] = (outline, row, changed, is_private)
        self._by_row[row] = handle
        if self._indexes:
            self._enter(handle, outline)
        return handle

    def replace(self, entry: Object, attributes: Attributes, blob: bytes) -> None:
        """The object has changed; its handle stays."""
        self.rename(entry, _outline(attributes))
        entry.replace(attributes, blob)

    def rename(self, entry: Object, outline: Outline) -> None:
        """The same of an object whose body nobody has read yet."""
        self._leave(entry.handle, entry.outline)
        entry.outline = outline
        self._enter(entry.handle, outline)

    def remove(self, handle: int) -> None:
        """Forget an object, if it is there; its handle is never used again."""
        entry = self._entries.pop(handle, None)
        if entry is not None:
            self.by_handle.pop(handle, None)
            self._by_row.pop(_row(entry), None)
            self._leave(handle, _outline_of(entry))

    def remove_rows(self, rows: Iterable[int]) -> None:
        """Forget the objects of these rows."""
        for row in rows:
            if row in self._by_row:
                self.remove(self._by_row[row])

    def remove_private(self) -> None:
        """Forget what only the user may know of."""
        for handle, entry in list(self._entries.items()):
            if _is_hidden(entry):
                self.remove(handle)

    def clear(self) -> None:
        """Forget every object."""
        for each in (self._entries, self.by_handle, self._by_row, self._indexes):
            each.clear()

    def rows(self) -> AbstractSet[int]:
        """The rows of the store whose objects are known."""
        return self._by_row.keys()

    def at_row(self, row: int) -> Object | None:
        """The object of a row of the store."""
        handle = self._by_row.get(row)
        return None if handle is None else self.by_handle[handle]

    def changed(self, row: int) -> int | None:
        """The last change of the object of a row, None if there is none."""
        handle = self._by_row.get(row)
        if handle is None:
            return None
        entry = self._entries[handle]
        return entry.changed if isinstance(entry, Object) else entry[2]

    def used(self) -> list[Object]:
        """Objects that somebody has used, and those of sessions."""
        return list(self.by_handle.values())

    def find(self, wanted: Attributes) -> list[int]:
        """Handles of the objects that have all these values, the oldest first."""
        known: list[tuple[int, bytes]] = []
        rest: Attributes = {}
        for type, value in wanted.items():
            place = _PLACES.get(type)
            if place is None:
                rest[type] = value
            else:
                known.append((place, value))
        known.sort()
        candidates = self._candidates(known)
        if rest or len(known) > 1 or (known and known[0][0] >= len(INDEXED)):
            return [each for each in candidates if self._has(each, known, rest)]
        return candidates  # the index has said it all

    def _candidates(self, known: list[tuple[int, bytes]]) -> list[int]:
        if not known or known[0][0] >= len(INDEXED):
            return list(self._entries)
        at, value = known[0]
        index = self._indexes.get(at)
        found = (self._indexed(at) if index is None else index).get(value)
        if isinstance(found, dict):
            return list(found)
        return [] if found is None else [found]

    def _has(self, handle: int, known: list[tuple[int, bytes]], rest: Attributes) -> bool:
        """Whether the object has these values; what is in the store is read last, if at all."""
        entry = self._entries.get(handle)
        if entry is None:  # it has gone since this search began
            return False
        outline = _outline_of(entry)
        for place, value in known:
            if outline[place] != value:
                return False
        for type, value in rest.items():
            if type == ck.CKA_TOKEN:
                there: bytes | None = boolean(_row(entry) != NO_ROW)
            elif type == ck.CKA_PRIVATE:
                there = boolean(_is_hidden(entry))
            else:
                there = self._value(handle, type)
            if there != value:
                return False
        return True

    def _value(self, handle: int, type: int) -> bytes | None:
        try:
            return self.by_handle[handle].attributes.get(type)
        except KeyError:
            return None
        except CryptokiError as error:
            if error.rv != ck.CKR_OBJECT_HANDLE_INVALID:
                raise
            return None

    def _made(self, handle: int) -> Object:
        with self.lock:
            entry = self._entries[handle]
            if not isinstance(entry, Object):
                outline, row, changed, is_private = entry
                entry = Object(handle, outline, is_private, row, self._load)
                entry.changed = changed
                self._entries[handle] = self.by_handle[handle] = entry
            return entry

    def _indexed(self, at: int) -> _Index:
        with self.lock:
            if at not in self._indexes:
                index: _Index = {}
                for handle, entry in self._entries.items():
                    _put(index, _outline_of(entry)[at], handle)
                self._indexes[at] = index
            return self._indexes[at]

    def _enter(self, handle: int, outline: Outline) -> None:
        for at, index in self._indexes.items():
            _put(index, outline[at], handle)

    def _leave(self, handle: int, outline: Outline) -> None:
        for at, index in self._indexes.items():
            _take(index, outline[at], handle)


class _Objects(dict[int, Object]):
    """Objects by handle, made when they are asked for; KeyError for what is none."""

    def __init__(self, make: Callable[[int], Object]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, handle: int) -> Object:
        return self._make(handle)


def _outline_of(entry: Object | _Stored) -> Outline:
    return entry.outline if isinstance(entry, Object) else entry[0]


def _row(entry: Object | _Stored) -> int:
    return entry.row if isinstance(entry, Object) else entry[1]


def _is_hidden(entry: Object | _Stored) -> bool:
    return entry.is_private if isinstance(entry, Object) else entry[-1]


def _put(index: _Index, value: bytes | None, handle: int) -> None:
    if value is None:
        return
    there = index.setdefault(value, handle)
    if isinstance(there, dict):
        there[handle] = None
    elif there != handle:
        index[value] = {there: None, handle: None}


def _take(index: _Index, value: bytes | None, handle: int) -> None:
    if value is None:
        return
    there = index[value]
    if isinstance(there, dict):
        del there[handle]
    if there == handle or not there:
        del index[value]


def _outline(attributes: Attributes) -> Outline:
    return tuple(attributes.get(type) for type in OUTLINE)


def _is_private(attributes: Attributes) -> bool:
    return attributes[ck.CKA_PRIVATE] == b"\x01"
