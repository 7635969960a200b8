"""Templates that are the value of an attribute: CKA_WRAP_TEMPLATE and its kind.

Flattened as `module/template.c` flattens every template: type u64, length u64 (native), value; one
attribute after the other.
"""

from collections.abc import Iterable, Iterator
from struct import Struct, error

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError

_HEAD = Struct("=QQ")


def pack(template: Iterable[tuple[int, bytes]]) -> bytes:
    """The value of a template."""
    return b"".join(_HEAD.pack(type, len(value)) + value for type, value in template)


def unpack(value: bytes) -> list[tuple[int, bytes]]:
    """The template of a value; CKR_ATTRIBUTE_VALUE_INVALID for bytes that are none."""
    try:
        return list(_walk(value))
    except error:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID) from None


def _walk(value: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(value):
        type, length = _HEAD.unpack_from(value, position)
        start = position + _HEAD.size
        position = start + length
        if position > len(value):
            raise error
        yield type, value[start:position]
