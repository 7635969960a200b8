"""The parameter structures of mechanisms as memory, their members drawn at random.

A pointer leads to as many bytes as its length says, or is NULL: what no library can check, whether
memory is there, is always true.
"""

import ctypes
from typing import Any

from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.parameters import FAMILIES
from ghostcard.module.declarations import Field, load
from ghostcard.module.flattening import EXTRA, FLATTENINGS
from tests.module.walk.memory import Memory

STANDARD = load()
HASHES = (ck.CKM_SHA_1, ck.CKM_SHA256, ck.CKM_SHA384, ck.CKM_SHA512)
LENGTHS = st.sampled_from((8, 12, 16, 20, 32, 64, 96, 128))
LIKELY = st.integers(0, 5) | LENGTHS | st.sampled_from(HASHES)
NUMBERS = st.one_of(LIKELY, LIKELY, LIKELY, st.integers(0, (1 << 64) - 1))
BYTES = st.sampled_from((12, 16)).flatmap(lambda n: st.binary(min_size=n, max_size=n)) | st.binary(
    max_size=40
)
_TYPES = {"CK_BYTE": ctypes.c_ubyte, "CK_BBOOL": ctypes.c_ubyte}


def structures_of(mechanism: int) -> tuple[str, ...]:
    """The names of the structures that the mechanism takes."""
    family = FAMILIES.get(mechanism)
    flattenings = FLATTENINGS.get(family, ()) if family else ()
    return tuple(one.structure for one in flattenings if one.structure in _FIELDS)


def size_of(mechanism: int) -> int:
    """Bytes of a parameter that is no structure: of an array or a number; 0: there is none."""
    family = FAMILIES.get(mechanism)
    for one in FLATTENINGS.get(family, ()) if family else ():
        if one.structure.startswith("CK_BYTE["):
            return int(one.structure[8:-1])
        if one.structure in STANDARD.ulong_types:
            return ctypes.sizeof(ctypes.c_ulong)
    return 0


def filled(draw: st.DrawFn, structure: str, memory: Memory) -> bytes:
    """The bytes of a structure."""
    shape = _shape(structure)
    value = shape()
    lengths = dict(_pairs(structure))
    for field in _FIELDS[structure]:
        if field.type.endswith("*"):
            content = draw(BYTES)
            is_null = not content or draw(st.integers(0, 9)) == 0
            setattr(value, field.name, None if is_null else memory.hold(content))
            length = lengths.get(field.name)
            if length:
                setattr(value, length, len(content))
        elif field.name not in lengths.values():
            setattr(value, field.name, _number(draw, shape, field))
    return bytes(value)


def _number(draw: st.DrawFn, shape: Any, field: Field) -> Any:
    kind = dict(shape._fields_)[field.name]
    size = ctypes.sizeof(kind)
    if kind in (ctypes.c_ulong, ctypes.c_ubyte):
        return draw(NUMBERS) % (1 << 8 * size)
    return kind.from_buffer_copy(draw(st.binary(min_size=size, max_size=size)))


def _pairs(structure: str) -> list[tuple[str, str]]:
    """Pointers with their lengths, which the flattening of a structure names."""
    return [
        (member[0], member[1].partition("/")[0])
        for flattenings in FLATTENINGS.values()
        for one in flattenings
        if one.structure == structure
        for member in one.members
        if isinstance(member, tuple)
    ]


def _shape(structure: str) -> Any:
    fields = [(field.name, _type(field)) for field in _FIELDS[structure]]
    return type(structure, (ctypes.Structure,), {"_fields_": fields})


def _type(field: Field) -> Any:
    base, _, size = field.type.partition("[")
    if base.endswith("*"):
        return ctypes.c_void_p
    kind = _TYPES.get(base, ctypes.c_ulong)
    return kind * int(size[:-1]) if size else kind


def _is_flat(fields: list[Field]) -> bool:
    """Whether no structure lies within it."""
    return not any(field.type.partition("[")[0] in STANDARD.structures for field in fields)


_FIELDS = {
    name: fields for name, fields in {**STANDARD.structures, **EXTRA}.items() if _is_flat(fields)
}
