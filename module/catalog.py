"""The objects a process sees of one token, by handle, by row and by what people look for."""

from collections.abc import Callable, Iterator
from threading import RLock

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import boolean
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object, Outline
from ghostcard.module.template import Attributes

INDEXED = (ck.CKA_LABEL, ck.CKA_ID, ck.CKA_UNIQUE_ID, ck.CKA_SUBJECT, ck.CKA_CLASS)
"""Attributes that may have an index, the most selective first."""

OUTLINE = (*INDEXED, ck.CKA_KEY_TYPE, ck.CKA_CERTIFICATE_TYPE)
"""What is known of an object without reading its body; programs search by little else."""

_PLACES = {type: place for place, type in enumerate(OUTLINE)}


_Index = dict[bytes, Object | dict[int, Object]]


class Catalog:
    """Objects with their indexes, each of which is made at the first search that it is for. Changes
    are made under ``lock``, which is the token's; look-ups need it for that first search alone.
    """

    def __init__(self, handles: Iterator[int]) -> None:
        self.lock = RLock()
        self._handles = handles
        self.by_handle: dict[int, Object] = {}
        self._by_row: dict[int, Object] = {}
        self._indexes: dict[int, _Index] = {}

    def __len__(self) -> int:
        return len(self.by_handle)

    def add(self, attributes: Attributes, blob: bytes) -> Object:
        """A new object that is not of the store, under a handle that was never used."""
        entry = Object(next(self._handles), _outline(attributes), _is_private(attributes))
        entry.replace(attributes, blob)
        self.by_handle[entry.handle] = entry
        self._enter(entry)
        return entry

    def add_row(
        self,
        row: int,
        is_private: bool,
        outline: Outline,
        load: Callable[[Object], None],
    ) -> Object:
        """An object of the store; ``load`` reads the rest of it when it is wanted."""
        entry = Object(next(self._handles), outline, is_private, row, load)
        self.by_handle[entry.handle] = entry
        self._by_row[row] = entry
        self._enter(entry)
        return entry

    def replace(self, entry: Object, attributes: Attributes, blob: bytes) -> None:
        """The object has changed; its handle stays."""
        self._leave(entry)
        entry.outline = _outline(attributes)
        entry.replace(attributes, blob)
        self._enter(entry)

    def rename(self, entry: Object, outline: Outline) -> None:
        """The same of an object whose body nobody has read yet."""
        self._leave(entry)
        entry.outline = outline
        self._enter(entry)

    def remove(self, entry: Object) -> None:
        """Forget the object; its handle is never used again."""
        if self.by_handle.pop(entry.handle, None) is not None:
            self._by_row.pop(entry.row, None)
            self._leave(entry)

    def clear(self) -> None:
        """Forget every object."""
        self.by_handle.clear()
        self._by_row.clear()
        self._indexes.clear()

    def at_row(self, row: int) -> Object | None:
        """The object of a row of the store."""
        return self._by_row.get(row)

    def all(self) -> list[Object]:
        """Every object, oldest handle first."""
        return list(self.by_handle.values())

    def find(self, wanted: Attributes) -> list[int]:
        """Handles of the objects that have all these values."""
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
        if rest:
            return [each.handle for each in candidates if _has(each, known, rest)]
        if len(known) > 1 or (known and known[0][0] >= len(INDEXED)):
            return [each.handle for each in candidates if _is_outlined(each, known)]
        return [each.handle for each in candidates]  # the index has said it all

    def _candidates(self, known: list[tuple[int, bytes]]) -> list[Object]:
        if not known or known[0][0] >= len(INDEXED):
            return self.all()
        at, value = known[0]
        index = self._indexes.get(at)
        found = (self._indexed(at) if index is None else index).get(value)
        if isinstance(found, dict):
            return list(found.values())
        return [] if found is None else [found]

    def _indexed(self, at: int) -> _Index:
        with self.lock:
            if at not in self._indexes:
                index: _Index = {}
                for entry in self.by_handle.values():
                    _put(index, entry.outline[at], entry)
                self._indexes[at] = index
            return self._indexes[at]

    def _enter(self, entry: Object) -> None:
        for at, index in self._indexes.items():
            _put(index, entry.outline[at], entry)

    def _leave(self, entry: Object) -> None:
        for at, index in self._indexes.items():
            _take(index, entry.outline[at], entry)


def _put(index: _Index, value: bytes | None, entry: Object) -> None:
    if value is None:
        return
    there = index.setdefault(value, entry)
    if isinstance(there, dict):
        there[entry.handle] = entry
    elif there is not entry:
        index[value] = {there.handle: there, entry.handle: entry}


def _take(index: _Index, value: bytes | None, entry: Object) -> None:
    if value is None:
        return
    there = index[value]
    if isinstance(there, dict):
        del there[entry.handle]
    if there is entry or not there:
        del index[value]


def _is_outlined(entry: Object, known: list[tuple[int, bytes]]) -> bool:
    outline = entry.outline
    for place, value in known:  # noqa: SIM110  # half the cost of all()
        if outline[place] != value:
            return False
    return True


def _has(entry: Object, known: list[tuple[int, bytes]], rest: Attributes) -> bool:
    """Whether the object has these values; what is in the store is read last, if at all."""
    return _is_outlined(entry, known) and all(
        _value(entry, type) == value for type, value in rest.items()
    )


def _value(entry: Object, type: int) -> bytes | None:
    if type == ck.CKA_TOKEN:
        return boolean(entry.is_on_token)
    if type == ck.CKA_PRIVATE:
        return boolean(entry.is_private)
    try:
        return entry.attributes.get(type)
    except CryptokiError as error:
        if error.rv != ck.CKR_OBJECT_HANDLE_INVALID:
            raise
        return None  # it has gone since this search began


def _outline(attributes: Attributes) -> Outline:
    return tuple(attributes.get(type) for type in OUTLINE)


def _is_private(attributes: Attributes) -> bool:
    return attributes[ck.CKA_PRIVATE] == b"\x01"
