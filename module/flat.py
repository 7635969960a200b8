"""Templates as flat bytes: type u64, length u64 (native), value; one attribute after the other.

So they come from `module/template.c`, and so CKA_WRAP_TEMPLATE and its kind are kept: their value
is a template again.
"""

from collections.abc import Iterable
from struct import Struct, error

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError

_HEAD = Struct("=QQ")


def pack(template: Iterable[tuple[int, bytes]]) -> bytes:
    """The bytes of a template."""
    return b"".join(_HEAD.pack(type, len(value)) + value for type, value in template)


def unpack(flat: bytes) -> list[tuple[int, bytes]]:
    """The template of the bytes; CKR_ATTRIBUTE_VALUE_INVALID for bytes that are none."""
    template = []
    position = 0
    try:
        while position < len(flat):
            type, length = _HEAD.unpack_from(flat, position)
            start = position + _HEAD.size
            position = start + length
            template.append((type, flat[start:position]))
    except error:
        position = -1
    if position != len(flat):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return template
