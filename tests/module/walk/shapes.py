"""What the arguments of a function are for, read from their types in `module/standard.json`."""

import json
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

STANDARD = json.loads(
    (Path(__file__).resolve().parents[3] / "module" / "standard.json").read_text(encoding="utf-8")
)
FUNCTIONS: dict[str, list[str]] = STANDARD["functions"]


class Kind(Enum):
    """The role of an argument, or of several that belong together."""

    SESSION = auto()
    SLOT = auto()
    NUMBER = auto()
    OBJECT = auto()
    MECHANISM = auto()
    DATA = auto()  # pointer and length
    PARAMETER = auto()  # pointer and length, of a message
    TEMPLATE = auto()  # pointer and count
    OUT = auto()  # buffer, and pointer to its length
    LIST = auto()  # array of CK_ULONG, and pointer to its length
    FOUND = auto()  # array, its length, and pointer to the count
    MADE = auto()  # pointer to one CK_ULONG that is filled in
    FILLED = auto()  # pointer to a structure, or pointer, that is filled in
    TEXT = auto()  # pointer to what needs no length
    RESERVED = auto()


class Argument(NamedTuple):
    """A role, and how many arguments of the C function it takes."""

    kind: Kind
    width: int


_BYTES = ("CK_BYTE *", "CK_UTF8CHAR *")
_BY_VALUE = {
    "CK_SESSION_HANDLE": Kind.SESSION,
    "CK_SLOT_ID": Kind.SLOT,
    "CK_OBJECT_HANDLE": Kind.OBJECT,
    "CK_MECHANISM *": Kind.MECHANISM,
    "CK_NOTIFY": Kind.RESERVED,
}
_PAIRS = {
    **{(bytes, "CK_ULONG"): Kind.DATA for bytes in _BYTES},
    **{(bytes, "CK_ULONG *"): Kind.OUT for bytes in _BYTES},
    ("void *", "CK_ULONG"): Kind.PARAMETER,
    ("CK_ATTRIBUTE *", "CK_ULONG"): Kind.TEMPLATE,
    ("CK_SLOT_ID *", "CK_ULONG *"): Kind.LIST,
    ("CK_MECHANISM_TYPE *", "CK_ULONG *"): Kind.LIST,
    ("CK_INTERFACE *", "CK_ULONG *"): Kind.LIST,
}
_ONE_NUMBER = (
    *("CK_SESSION_HANDLE *", "CK_OBJECT_HANDLE *", "CK_SLOT_ID *", "CK_FLAGS *"),
    "CK_ULONG *",
)
_OF_A_FUNCTION = ("C_AsyncComplete", "C_AsyncGetID", "C_AsyncJoin")
"""The second argument is the name of a function; its length is that of a C string."""


def arguments(function: str) -> list[Argument]:
    """The roles of a function's arguments, in order."""
    types = FUNCTIONS[function]
    found = []
    if function in _OF_A_FUNCTION:
        found = [Argument(Kind.SESSION, 1), Argument(Kind.TEXT, 1)]
        types = types[2:]
    while types:
        argument = _first(types)
        found.append(argument)
        types = types[argument.width :]
    return found


def _first(types: list[str]) -> Argument:
    first, rest = types[0], tuple(types[1:3])
    if first == "CK_OBJECT_HANDLE *" and rest == ("CK_ULONG", "CK_ULONG *"):
        return Argument(Kind.FOUND, 3)
    pair = _PAIRS.get((first, rest[0])) if rest else None
    if pair is not None:
        return Argument(pair, 2)
    if first in _BY_VALUE:
        return Argument(_BY_VALUE[first], 1)
    if not first.endswith("*"):
        return Argument(Kind.NUMBER, 1)
    if first == "void *":
        return Argument(Kind.RESERVED, 1)
    if first in _BYTES:
        return Argument(Kind.TEXT, 1)
    return Argument(Kind.MADE if first in _ONE_NUMBER else Kind.FILLED, 1)
