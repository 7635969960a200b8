"""A token object as the bytes the store keeps: its attributes, and the key blob if it is a key.

    count u16 | attribute types u64 x count | lengths u32 x count | values | the rest: key blob

All big-endian, so that a store can be moved between machines.
"""

import struct
from itertools import accumulate

from ghostcard.module.template import Attributes

_COUNT = struct.Struct(">H")


class BodyError(ValueError):
    """The bytes are no object: the store is damaged."""


def pack(attributes: Attributes, blob: bytes) -> bytes:
    """The bytes of an object."""
    count = len(attributes)
    values = attributes.values()
    head = struct.pack(f">H{count}Q{count}I", count, *attributes, *map(len, values))
    return b"".join((head, *values, blob))


def unpack(body: bytes) -> tuple[Attributes, bytes]:
    """Attributes and blob; BodyError for anything that `pack` does not make."""
    try:
        (count,) = _COUNT.unpack_from(body)
        head = struct.unpack_from(f">{count}Q{count}I", body, _COUNT.size)
    except struct.error:
        raise BodyError("an object is cut off") from None
    offset = _COUNT.size + 12 * count
    attributes: Attributes = {}
    for type, size in zip(head[:count], head[count:], strict=True):
        attributes[type] = body[offset : offset + size]
        offset += size
    if offset > len(body) or len(attributes) != count:
        raise BodyError("an object's lengths do not add up")
    return attributes, body[offset:]


class Outlines:
    """What a few attributes of bodies are, at a fraction of the cost of `unpack`. Bodies of a kind
    differ in the length of a label and little else: where what is, is worked out once for a head.
    """

    def __init__(self, wanted: tuple[int, ...]) -> None:
        self._wanted = wanted
        self._layouts: dict[bytes, _Layout] = {}

    def read(self, body: bytes) -> tuple[bytes, list[bytes | None]]:
        """Which attributes there are (`types`), and the values of those wanted, None where there is
        none; BodyError if the body cannot be one.
        """
        count = int.from_bytes(body[: _COUNT.size], "big")
        head = body[: _COUNT.size + 12 * count]
        kind, end, places = self._layouts.get(head) or self._layout(head, count)
        if end > len(body):
            raise BodyError("an object's lengths do not add up")
        return kind, [None if place is None else body[place] for place in places]

    def _layout(self, head: bytes, count: int) -> "_Layout":
        if len(head) != _COUNT.size + 12 * count:
            raise BodyError("an object is cut off")
        kind = head[: _COUNT.size + 8 * count]
        sizes = struct.unpack_from(f">{count}I", head, len(kind))
        ends = list(accumulate(sizes, initial=len(head)))
        there = dict(zip(types(kind), map(slice, ends, ends[1:]), strict=True))
        layout = kind, ends[-1], [there.get(type) for type in self._wanted]
        if len(self._layouts) < _LAYOUTS_KEPT:
            self._layouts[head] = layout
        return layout


def types(kind: bytes) -> tuple[int, ...]:
    """The attributes that are in a body, in its order."""
    return struct.unpack_from(f">{len(kind) // 8}Q", kind, _COUNT.size)


_Layout = tuple[bytes, int, list[slice | None]]
"""Which attributes there are, the end of the last value, the places of those wanted."""

_LAYOUTS_KEPT = 1000
