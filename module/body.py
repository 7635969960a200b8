"""A token object as the bytes the store keeps: its attributes, and the key blob if it is a key.

    count u16 | attribute types u64 x count | lengths u32 x count | values | the rest: key blob

All big-endian, so that a store can be moved between machines.
"""

import struct
from itertools import accumulate
from typing import NamedTuple

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


class Outline(NamedTuple):
    """``head`` says which attributes there are (`types`), and is the same in all objects of a kind;
    ``values`` are those of some attributes, None where there is none.
    """

    head: bytes
    values: list[bytes | None]


def outline(body: bytes, wanted: tuple[int, ...]) -> Outline:
    """A few attributes, at a third of the cost of `unpack`; BodyError if the body cannot be one.
    ``wanted`` are always the same.
    """
    try:
        (count,) = _COUNT.unpack_from(body)
        start = _COUNT.size + 8 * count
        lengths = struct.unpack_from(f">{count}I", body, start)
    except struct.error:
        raise BodyError("an object is cut off") from None
    ends = list(accumulate(lengths, initial=start + 4 * count))
    if ends[-1] > len(body):
        raise BodyError("an object's lengths do not add up")
    head = body[:start]
    places = _places.get(head) or _find(head, wanted)
    values = [None if place < 0 else body[ends[place] : ends[place + 1]] for place in places]
    return Outline(head, values)


def types(head: bytes) -> tuple[int, ...]:
    """The attributes of a body with this head, in order."""
    return struct.unpack_from(f">{len(head) // 8}Q", head, _COUNT.size)


_places: dict[bytes, list[int]] = {}
"""Where in a body with this head the attributes of an outline are; few heads are ever met."""

_HEADS = 1000


def _find(head: bytes, wanted: tuple[int, ...]) -> list[int]:
    there = types(head)
    if len(_places) >= _HEADS:
        _places.clear()
    found = [there.index(type) if type in there else -1 for type in wanted]
    _places[head] = found
    return found
