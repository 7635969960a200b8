"""Fixed big-endian layouts as data: each field's name, offset, size and meaning stand once.

A layout joins a table of fields to a NamedTuple of the same names in the same order. Bytes that no
field covers are reserved: zero when packed; when unpacked, ignored, or refused if the layout is
`strict`.
"""

import struct
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError

T = TypeVar("T", bound=NamedTuple)

_INTEGERS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Field(NamedTuple):
    """One field: an unsigned integer of 1, 2, 4 or 8 bytes, or `raw` bytes of any size."""

    name: str
    offset: int
    size: int
    meaning: str
    raw: bool = False


class Layout(Generic[T]):
    """A fixed-size part of a message; `unpack(pack(x)) == x` for every x that packs."""

    def __init__(
        self, name: str, record: type[T], size: int, *fields: Field, strict: bool = False
    ) -> None:
        """Refuse (ValueError) fields that overlap, leave `size`, or differ from the record's."""
        names = tuple(field.name for field in fields)
        if names != record._fields:
            raise ValueError(f"{name}: fields {names} are not those of {record.__name__}")
        self.name = name
        self.size = size
        self.fields = fields
        self._record = record
        self._struct = struct.Struct(">" + "".join(_format(name, size, fields)))
        self._reserved = tuple(_gaps(size, fields)) if strict else ()

    def pack(self, value: T) -> bytes:
        """`size` bytes; WireError if a value does not fit its field."""
        try:
            block = self._struct.pack(*value)
        except struct.error as error:
            raise WireError(
                ReplyCode.FORMAT_FIELD, f"{self.name}: a field does not fit: {error}"
            ) from None
        if self._struct.unpack(block) != tuple(value):  # struct cuts or fills byte fields silently
            raise WireError(ReplyCode.FORMAT_FIELD, f"{self.name}: a byte field has a wrong size")
        return block

    def unpack(self, block: bytes, at: int = 0) -> T:
        """Read the layout at offset `at`; WireError if the block ends before it."""
        if len(block) < at + self.size:
            raise WireError(
                ReplyCode.PACKET_TRUNCATED,
                f"{self.name}: {self.size} bytes at offset {at}, the block has {len(block)}",
            )
        for start, end in self._reserved:
            if any(block[at + start : at + end]):
                raise WireError(
                    ReplyCode.RESERVED, f"{self.name}: reserved bytes at {at + start} are not zero"
                )
        return self._record._make(self._struct.unpack_from(block, at))


def _format(name: str, size: int, fields: tuple[Field, ...]) -> Iterator[str]:
    at = 0
    for field in fields:
        if field.offset < at:
            raise ValueError(f"{name}: field {field.name} overlaps the field before it")
        yield f"{field.offset - at}x"
        yield f"{field.size}s" if field.raw else _INTEGERS[field.size]
        at = field.offset + field.size
    if at > size:
        raise ValueError(f"{name}: the fields take {at} bytes, the layout has {size}")
    yield f"{size - at}x"


def _gaps(size: int, fields: tuple[Field, ...]) -> Iterator[tuple[int, int]]:
    at = 0
    for field in fields:
        if field.offset > at:
            yield at, field.offset
        at = field.offset + field.size
    if size > at:
        yield at, size
