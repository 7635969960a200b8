"""The objects a process sees of one token, by handle, by row and by what people look for."""

from collections.abc import Iterator

from ghostcard import pkcs11 as ck
from ghostcard.module.object import NO_ROW, Object
from ghostcard.module.template import Attributes

INDEXED = (ck.CKA_LABEL, ck.CKA_ID, ck.CKA_UNIQUE_ID, ck.CKA_SUBJECT, ck.CKA_CLASS)
"""Attributes with an index, the most selective first."""


class Catalog:
    """Objects with their indexes. Changes are made under the token's lock; look-ups need none."""

    def __init__(self, handles: Iterator[int]) -> None:
        self._handles = handles
        self.by_handle: dict[int, Object] = {}
        self._by_row: dict[int, Object] = {}
        self._index: dict[tuple[int, bytes], dict[int, Object]] = {}

    def __len__(self) -> int:
        return len(self.by_handle)

    def add(self, attributes: Attributes, blob: bytes, row: int = NO_ROW) -> Object:
        """A new object under a handle that was never used."""
        entry = Object(next(self._handles), attributes, blob, row)
        self.by_handle[entry.handle] = entry
        if row != NO_ROW:
            self._by_row[row] = entry
        self._enter(entry)
        return entry

    def replace(self, entry: Object, attributes: Attributes, blob: bytes) -> None:
        """The object has changed; its handle stays."""
        self._leave(entry)
        entry.replace(attributes, blob)
        self._enter(entry)

    def remove(self, entry: Object) -> None:
        """Forget the object; its handle is never used again."""
        if self.by_handle.pop(entry.handle, None) is not None:
            self._by_row.pop(entry.row, None)
            self._leave(entry)

    def at_row(self, row: int) -> Object | None:
        """The object of a row of the store."""
        return self._by_row.get(row)

    def all(self) -> list[Object]:
        """Every object, oldest handle first."""
        return list(self.by_handle.values())

    def find(self, wanted: Attributes) -> list[int]:
        """Handles of the objects that have all these values."""
        return [
            entry.handle
            for entry in self._candidates(wanted)
            if wanted.items() <= entry.attributes.items()
        ]

    def _candidates(self, wanted: Attributes) -> list[Object]:
        for type in INDEXED:
            if type in wanted:
                return list(self._index.get((type, wanted[type]), {}).values())
        return self.all()

    def _enter(self, entry: Object) -> None:
        for key in _keys(entry):
            self._index.setdefault(key, {})[entry.handle] = entry

    def _leave(self, entry: Object) -> None:
        for key in _keys(entry):
            bucket = self._index[key]
            del bucket[entry.handle]
            if not bucket:
                del self._index[key]


def _keys(entry: Object) -> list[tuple[int, bytes]]:
    values = entry.attributes
    return [(type, values[type]) for type in INDEXED if type in values]
