"""Calls with one thing wrong, and what they must answer (PKCS #11 3.2, chapter 5).

The rules are by the role of an argument; what is peculiar to a function stands in the tables.
"""

from collections.abc import Iterator
from ctypes import string_at
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from tests.module.walk.memory import Ulong
from tests.module.walk.peculiarities import peculiar
from tests.module.walk.recipes import RECIPES
from tests.module.walk.shapes import Argument, Kind, arguments
from tests.module.walk.world import Call, Values, World, number_at

HUGE = (1 << 64) - 1
_ATTRIBUTE_BYTES = 24
UNKNOWN = 999_999
NOT_BUILT = {name for name, recipe in RECIPES.items() if recipe.rv == ck.CKR_FUNCTION_NOT_SUPPORTED}
NOT_PARALLEL = {"C_GetFunctionStatus", "C_CancelFunction"}


class Mistake(NamedTuple):
    """The values of the call, and what it must answer; ``needs``: the length it must tell."""

    name: str
    values: list[Values]
    wanted: int
    needs: int | None = None


def mistakes(world: World, function: str) -> Iterator[tuple[Call, Mistake]]:
    """Each in a session of its own, after everything that comes before the call."""
    for place, role in enumerate(arguments(function)):
        for name in _NAMES[role.kind]:
            call = world.ready(function)
            mistake = _made(world, call, place, role, name)
            wanted = _peculiar(function, place, mistake)
            where = f"{name} in {place}"
            is_usual = peculiar(function, where) is None and function not in NOT_BUILT
            needs = mistake.needs if is_usual else None
            yield call, Mistake(where, mistake.values, wanted, needs)
            world.close()


_NAMES: dict[Kind, tuple[str, ...]] = {
    Kind.SESSION: ("none", "unknown", "huge"),
    Kind.SLOT: ("unknown", "huge"),
    Kind.NUMBER: ("huge",),
    Kind.OBJECT: ("none", "unknown", "huge"),
    Kind.MECHANISM: (
        "null",
        "unknown",
        "huge",
        "null parameter",
        "huge parameter",
        "odd parameter",
    ),
    Kind.DATA: ("null", "huge", "empty", "null empty"),
    Kind.PARAMETER: ("null", "huge", "odd"),
    Kind.TEMPLATE: ("null", "huge", "null value", "huge value", "unknown type"),
    Kind.OUT: ("null length", "null", "short", "empty"),
    Kind.LIST: ("null length", "null", "short", "empty"),
    Kind.FOUND: ("null", "null count"),
    Kind.MADE: ("null",),
    Kind.FILLED: ("null",),
    Kind.TEXT: ("null",),
    Kind.RESERVED: ("set",),
}


def _made(world: World, call: Call, place: int, role: Argument, name: str) -> Mistake:
    values, wanted, needs = _change(world, call, place, role.kind, name)
    return Mistake(name, call.replaced(place, values), wanted, needs)


def _change(
    world: World, call: Call, place: int, kind: Kind, name: str
) -> tuple[Values, int, int | None]:
    before = call.values[place]
    if kind in (Kind.OUT, Kind.LIST) and name != "null length":
        return _short(world, call, place, kind, name)
    parameter = before[0] or call.memory.hold(b"x")
    simple: dict[tuple[Kind, str], tuple[Values, int]] = {
        (Kind.SESSION, "none"): ([0], ck.CKR_SESSION_HANDLE_INVALID),
        (Kind.SESSION, "unknown"): ([UNKNOWN], ck.CKR_SESSION_HANDLE_INVALID),
        (Kind.SESSION, "huge"): ([HUGE], ck.CKR_SESSION_HANDLE_INVALID),
        (Kind.SLOT, "unknown"): ([UNKNOWN], ck.CKR_SLOT_ID_INVALID),
        (Kind.SLOT, "huge"): ([HUGE], ck.CKR_SLOT_ID_INVALID),
        (Kind.NUMBER, "huge"): ([HUGE], ck.CKR_ARGUMENTS_BAD),
        (Kind.OBJECT, "none"): ([0], ck.CKR_KEY_HANDLE_INVALID),
        (Kind.OBJECT, "unknown"): ([UNKNOWN], ck.CKR_KEY_HANDLE_INVALID),
        (Kind.OBJECT, "huge"): ([HUGE], ck.CKR_KEY_HANDLE_INVALID),
        (Kind.DATA, "null"): ([0, 1], ck.CKR_ARGUMENTS_BAD),
        (Kind.DATA, "huge"): ([before[0], HUGE], ck.CKR_ARGUMENTS_BAD),
        (Kind.DATA, "empty"): ([before[0], 0], ck.CKR_OK),
        (Kind.DATA, "null empty"): ([0, 0], ck.CKR_OK),
        (Kind.PARAMETER, "null"): ([0, 48], ck.CKR_ARGUMENTS_BAD),
        (Kind.PARAMETER, "huge"): ([parameter, HUGE], ck.CKR_MECHANISM_PARAM_INVALID),
        (Kind.PARAMETER, "odd"): ([parameter, 47], ck.CKR_MECHANISM_PARAM_INVALID),
        (Kind.FOUND, "null"): ([0, 10, before[-1]], ck.CKR_ARGUMENTS_BAD),
        (Kind.FOUND, "null count"): ([before[0], 10, 0], ck.CKR_ARGUMENTS_BAD),
        (Kind.RESERVED, "set"): ([call.memory.hold(b"x")], ck.CKR_ARGUMENTS_BAD),
    }
    if (kind, name) in simple:
        return *simple[kind, name], None
    if kind is Kind.MECHANISM:
        return _mechanism(call, before, name)
    if kind is Kind.TEMPLATE:
        return _template(call, before, name)
    if name == "null length":
        return [before[0], 0], ck.CKR_ARGUMENTS_BAD, None
    return [0], ck.CKR_ARGUMENTS_BAD, None


def _mechanism(call: Call, before: Values, name: str) -> tuple[Values, int, int | None]:
    number = number_at(before[0])
    changed = {
        "unknown": (0x7FFFFFFF, 0, 0),
        "huge": (HUGE, 0, 0),
        "null parameter": (number, 0, 16),
        "huge parameter": (number, call.memory.hold(bytes(16)), HUGE),
        "odd parameter": (number, call.memory.hold(bytes(13)), 13),
    }
    if name == "null":
        return [0], ck.CKR_ARGUMENTS_BAD, None
    is_number = name in ("unknown", "huge")
    wanted = ck.CKR_MECHANISM_INVALID if is_number else ck.CKR_MECHANISM_PARAM_INVALID
    return [call.memory.hold(call.memory.structure(*changed[name]))], wanted, None


def _template(call: Call, before: Values, name: str) -> tuple[Values, int, int | None]:
    memory = call.memory
    if name in ("null", "huge"):
        return ([0, 1] if name == "null" else [before[0], HUGE]), ck.CKR_ARGUMENTS_BAD, None
    entry = {
        "null value": (ck.CKA_LABEL, 0, 5),
        "huge value": (ck.CKA_LABEL, memory.hold(b"label"), HUGE),
        "unknown type": (0x7FFFFFFF, memory.hold(b"\1"), 1),
    }[name]
    unknown = name == "unknown type"
    wanted = ck.CKR_ATTRIBUTE_TYPE_INVALID if unknown else ck.CKR_ATTRIBUTE_VALUE_INVALID
    good = string_at(before[0], before[1] * _ATTRIBUTE_BYTES)
    return [memory.hold(good + memory.structure(*entry)), before[1] + 1], wanted, None


def _short(
    world: World, call: Call, place: int, kind: Kind, name: str
) -> tuple[Values, int, int | None]:
    """A buffer that is too short; what it must be is asked for with another call."""
    need = world.length_of(call, place)
    length = call.values[place][1]
    room = {"null": 0, "short": max(need - 1, 0), "empty": 0}[name]
    Ulong.from_address(length).value = room
    if name == "null":
        return [0, length], ck.CKR_OK, need
    size = 8 if kind is Kind.LIST else 1
    short = call.memory.hold(bytes(room * size))
    return [short, length], ck.CKR_BUFFER_TOO_SMALL if room < need else ck.CKR_OK, need


_WRAPPING = {
    "C_WrapKey": ck.CKR_WRAPPING_KEY_HANDLE_INVALID,
    "C_WrapKeyAuthenticated": ck.CKR_WRAPPING_KEY_HANDLE_INVALID,
    "C_UnwrapKey": ck.CKR_UNWRAPPING_KEY_HANDLE_INVALID,
    "C_UnwrapKeyAuthenticated": ck.CKR_UNWRAPPING_KEY_HANDLE_INVALID,
}
_OBJECTS = {
    *("C_CopyObject", "C_DestroyObject", "C_GetObjectSize"),
    *("C_GetAttributeValue", "C_SetAttributeValue"),
}


def _peculiar(function: str, place: int, mistake: Mistake) -> int:
    if function in NOT_BUILT:
        return ck.CKR_FUNCTION_NOT_SUPPORTED
    if function in NOT_PARALLEL:
        return ck.CKR_FUNCTION_NOT_PARALLEL
    found = peculiar(function, f"{mistake.name} in {place}")
    if found is not None:
        return found
    wanted = mistake.wanted
    if wanted == ck.CKR_KEY_HANDLE_INVALID:
        if function in _OBJECTS:
            wanted = ck.CKR_OBJECT_HANDLE_INVALID
        elif place == 2:
            wanted = _WRAPPING.get(function, wanted)
    is_mechanism = mistake.name == "null" and arguments(function)[place].kind is Kind.MECHANISM
    if is_mechanism and function.endswith("Init"):
        return ck.CKR_OK  # what is active is cancelled (PKCS #11 3.2, 5.8.1)
    return wanted
