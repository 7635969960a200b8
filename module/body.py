"""A token object as the bytes the store keeps: its attributes, and the key blob if it is a key.

    count u16 | attribute types u64 x count | lengths u32 x count | values | the rest: key blob

All big-endian, so that a store can be moved between machines.
"""

import struct

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
