"""Mechanisms on the wire: `id u32`, then parameters; everything big-endian (docs/design.md, 4).

The bytes of a mechanism are the same from the C entry of the module to the card. Parameters follow
the structures of PKCS #11 3.2, chapter 6, flattened: the fields of their class (`parameters.py`) in
order, numbers as u32, byte strings behind a u32 length. A field of fixed size, and a byte string
that is the last field, stand bare.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.parameters import FAMILIES, OPTIONAL, Parameters, Raw

_U32 = struct.Struct(">I")

NUMBER, STRING, REST = -1, -2, -3
"""Kinds of field; any other number is the size of a byte string of fixed size."""


class Mechanism(NamedTuple):
    """A parsed mechanism."""

    id: int
    parameters: Parameters


_kinds: dict[type[Parameters], tuple[int, ...]] = {}


def kinds(family: type[Parameters]) -> tuple[int, ...]:
    """The kind of each field of a class of parameters, in order."""
    found = _kinds.get(family)
    if found is None:
        found = _kinds[family] = tuple(map(_kind, family.__annotations__.values()))
        if found and found[-1] == STRING:
            found = _kinds[family] = (*found[:-1], REST)
    return found


def _kind(annotation: object) -> int:
    if annotation is int:
        return NUMBER
    if annotation is bytes:
        return STRING
    size: int = annotation.__metadata__[0]  # type: ignore[attr-defined]  # Annotated[bytes, size]
    return size


def identifier(mechanism: bytes) -> int:
    """The mechanism's number; WireError below four bytes."""
    if len(mechanism) < 4:
        raise WireError(ReplyCode.MALFORMED_MSG, "mechanism: shorter than its identifier")
    return int.from_bytes(mechanism[:4], "big")


def pack(id: int, parameters: Parameters | None = None) -> bytes:
    """The bytes of a mechanism; WireError if the parameters are not of its family or do not fit."""
    if parameters is None:
        parameters = Raw()
    family = FAMILIES.get(id, Raw)
    if type(parameters) is not family and not (id in OPTIONAL and parameters == Raw()):
        raise WireError(
            ReplyCode.FORMAT_FIELD,
            f"mechanism {id:#x}: takes {family.__name__}, got {type(parameters).__name__}",
        )
    try:
        fields = zip(kinds(type(parameters)), parameters, strict=True)
        return b"".join([_U32.pack(id), *(_pack_field(*field) for field in fields)])
    except struct.error as error:
        raise WireError(ReplyCode.FORMAT_FIELD, f"mechanism {id:#x}: {error}") from None


def _pack_field(kind: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _U32.pack(value)
    if kind >= 0 and len(value) != kind:
        raise WireError(
            ReplyCode.FORMAT_FIELD, f"mechanism: {len(value)} bytes where {kind} were expected"
        )
    return _U32.pack(len(value)) + value if kind == STRING else value


def unpack(mechanism: bytes) -> Mechanism:
    """Parse; WireError if the bytes are not exactly those of the mechanism's family."""
    id = identifier(mechanism)
    data = mechanism[4:]
    family = FAMILIES.get(id, Raw)
    if id in OPTIONAL and not data:
        return Mechanism(id, Raw())
    make: Callable[..., Parameters] = family
    try:
        return Mechanism(id, make(*_parse(kinds(family), data)))
    except struct.error:
        raise WireError(
            ReplyCode.MALFORMED_MSG,
            f"mechanism {id:#x}: {len(data)} bytes are no {family.__name__} parameters",
        ) from None


def _parse(kinds: tuple[int, ...], data: bytes) -> list[int | bytes]:
    """The values of the fields; struct.error if they are not exactly the data."""
    values: list[int | bytes] = []
    place = 0
    for kind in kinds:
        if kind == REST:
            values.append(data[place:])
            place = len(data)
            continue
        size = kind
        if kind < 0:
            (size,) = _U32.unpack_from(data, place)
            place += 4
        if kind == NUMBER:
            values.append(size)
            continue
        if place + size > len(data):
            raise struct.error("a byte string goes beyond the data")
        values.append(data[place : place + size])
        place += size
    if place != len(data):
        raise struct.error("there is more behind the last field")
    return values
