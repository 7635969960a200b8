"""Mechanisms and templates at random, through the real library: no crash, no wrong answer.

python -m tests.module.walk.fuzz LIBRARY EXAMPLES [asynchronous]
"""

import sys
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module import attributes
from tests.module.walk.memory import OUT_BYTES, Memory
from tests.module.walk.recipes import RECIPES, SECRET, Template, ulong
from tests.module.walk.shapes import Kind
from tests.module.walk.structures import filled, size_of, structures_of
from tests.module.walk.waiting import WaitingWorld
from tests.module.walk.world import AES, Call, World, number_at

ANSWERS = {value for name, value in vars(ck).items() if name.startswith("CKR_")}
NEVER = {ck.CKR_GENERAL_ERROR, ck.CKR_FUNCTION_FAILED, ck.CKR_DEVICE_ERROR, ck.CKR_HOST_MEMORY}
"""What the library answers only when something has gone wrong in itself."""

MECHANISMS = sorted({value for name, value in vars(ck).items() if name.startswith("CKM_")})
TYPES = sorted({value for name, value in vars(ck).items() if name.startswith("CKA_")})
NESTED = {value for name, value in vars(ck).items() if name.endswith("_TEMPLATE")}
ULONG_BYTES = 8
UNDO = {
    "C_Encrypt": (ck.CKF_ENCRYPT, "C_Decrypt"),
    "C_Decrypt": (ck.CKF_DECRYPT, ""),
    "C_Sign": (ck.CKF_SIGN, "C_Verify"),
    "C_Digest": (ck.CKF_DIGEST, ""),
}
"""A function with output -> the flag of its mechanisms, and what undoes or checks it."""

FUNCTIONS = tuple(UNDO)
KEYS = ("aes", "secret", "ec private", "ec public", "rsa public", "rsa private")
SYMMETRIC = ("aes", "secret")
UNFIT = {ck.CKR_MECHANISM_INVALID, ck.CKR_KEY_TYPE_INCONSISTENT, ck.CKR_KEY_FUNCTION_NOT_PERMITTED}

world = (WaitingWorld if "asynchronous" in sys.argv else World)(sys.argv[1])
FEW = settings(
    max_examples=int(sys.argv[2]),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def answered(call: Call) -> int:
    """The answer, which must be one of the standard's; no memory but ours was written to."""
    rv = world.call(call.function, call.values)
    assert rv in ANSWERS - NEVER, f"{call.function}: {rv:#x}"
    assert call.memory.is_intact, call.function
    return rv


def put(call: Call, kind: Kind, values: list[int], which: int = 0) -> Call:
    """Replace the values of an argument of the kind."""
    places = [place for place, role in enumerate(call.roles) if role.kind is kind]
    call.values[places[which]] = values
    return call


def parameter(draw: st.DrawFn, number: int, memory: Memory) -> bytes:
    """A structure that the mechanism takes, or bytes, or nothing."""
    names = structures_of(number)
    is_apt = draw(st.integers(0, 9)) > 0
    if names and is_apt:
        return filled(draw, draw(st.sampled_from(names)), memory)
    right = size_of(number)
    size = right if is_apt else draw(st.integers(0, 20))
    if size == ULONG_BYTES:
        return ulong(draw(st.integers(0, 40)))
    return draw(st.binary(min_size=size, max_size=size))


@st.composite
def parameters(draw: st.DrawFn) -> tuple[int, bytes, Memory]:
    """A mechanism, and something for it."""
    number = draw(st.sampled_from(OFFERED) | st.sampled_from(MECHANISMS) | st.integers(0, 1 << 33))
    memory = Memory()
    return number, parameter(draw, number, memory), memory


@st.composite
def uses(draw: st.DrawFn) -> tuple[str, int, str, bytes, Memory]:
    """A function, a mechanism and a key, mostly of those that go together."""
    if draw(st.integers(0, 9)):
        function, number, key = draw(st.sampled_from(FITTING))
    else:
        function = draw(st.sampled_from(FUNCTIONS))
        number, key = draw(st.sampled_from(MECHANISMS)), draw(st.sampled_from(KEYS))
    memory = Memory()
    return function, number, key, parameter(draw, number, memory), memory


VALUES = {
    attributes.BOOL: st.sampled_from((b"\0", b"\1")),
    attributes.ULONG: st.integers(0, 64).map(ulong),
    attributes.DATE: st.sampled_from((b"", b"20260101", b"20261231")),
    attributes.BIG: st.binary(min_size=1, max_size=40),
}


@st.composite
def templates(draw: st.DrawFn, object_class: int, subtype: int) -> list[tuple[int, bytes]]:
    """Attributes of such an object, and sometimes others."""
    rows = attributes.SCHEMAS[object_class, subtype]
    plain = [row for row in rows.values() if row.type not in NESTED]
    chosen = draw(st.lists(st.sampled_from(plain), max_size=4, unique_by=lambda row: row.type))
    template = [(row.type, draw(VALUES.get(row.kind, st.binary(max_size=40)))) for row in chosen]
    if not draw(st.integers(0, 4)):
        odd = draw(st.sampled_from(TYPES) | st.integers(0, 1 << 33))
        template += [] if odd in NESTED else [(odd, draw(st.binary(max_size=9)))]
    return template


@FEW
@given(st.deferred(uses), st.binary(max_size=20).map(lambda some: some * 4))
def operations(drawn: tuple[str, int, str, bytes, Memory], data: bytes) -> None:
    """An operation is refused when it starts or when it ends, or its result can be used."""
    function, number, key, parameter, memory = drawn
    world.open()
    result = _run(function, number, parameter, key, data)
    undo = UNDO[function][1]
    if result is not None and undo == "C_Decrypt" and key in SYMMETRIC:
        assert _run(undo, number, parameter, key, result) == data, hex(number)
    if result is not None and undo == "C_Verify" and key in SYMMETRIC:
        assert _verify(number, parameter, key, data, result) == ck.CKR_OK, hex(number)
    world.close()
    assert memory.is_intact


def _run(function: str, number: int, parameter: bytes, key: str, data: bytes) -> bytes | None:
    if not _init(f"{function}Init", number, parameter, key):
        return None
    call = world.prepare(function)
    put(call, Kind.DATA, [call.memory.hold(data), len(data)])
    if answered(call):
        return None
    buffer, length = call.values[-1]
    assert number_at(length) <= OUT_BYTES
    return call.memory.at(buffer)[: number_at(length)]


def _verify(number: int, parameter: bytes, key: str, data: bytes, signature: bytes) -> int:
    assert _init("C_VerifyInit", number, parameter, key)
    call = world.prepare("C_Verify")
    for which, content in enumerate((data, signature)):
        put(call, Kind.DATA, [call.memory.hold(content), len(content)], which)
    return answered(call)


def _init(function: str, number: int, parameter: bytes, key: str) -> bool:
    call = world.prepare(function)
    put(call, Kind.MECHANISM, [call.memory.mechanism(number, parameter)])
    if function != "C_DigestInit":
        put(call, Kind.OBJECT, [world.objects[key]])
    return answered(call) == ck.CKR_OK


MAKERS: dict[str, tuple[tuple[int, int], ...]] = {
    "C_GenerateKey": ((ck.CKO_SECRET_KEY, ck.CKK_AES),),
    "C_GenerateKeyPair": ((ck.CKO_PUBLIC_KEY, ck.CKK_EC), (ck.CKO_PRIVATE_KEY, ck.CKK_EC)),
    "C_WrapKey": (),
    "C_UnwrapKey": ((ck.CKO_SECRET_KEY, ck.CKK_GENERIC_SECRET),),
    "C_DeriveKey": ((ck.CKO_SECRET_KEY, ck.CKK_GENERIC_SECRET),),
    "C_EncapsulateKey": ((ck.CKO_SECRET_KEY, ck.CKK_GENERIC_SECRET),),
    "C_DecapsulateKey": ((ck.CKO_SECRET_KEY, ck.CKK_GENERIC_SECRET),),
}
"""Functions that make or wrap keys, and of which class and type."""


@FEW
@given(st.data(), st.sampled_from(sorted(MAKERS)), st.deferred(parameters), st.integers(0, 3))
def keys(
    data: st.DataObject, function: str, drawn: tuple[int, bytes, Memory], another: int
) -> None:
    """Key management with attributes beside those that do, or with another mechanism."""
    number, parameter, memory = drawn
    call = world.ready(function)
    given = RECIPES[function].templates
    for which, (good, kind) in enumerate(zip(given, MAKERS[function], strict=True)):
        wanted = [*good, *data.draw(templates(*kind))]
        put(call, Kind.TEMPLATE, [call.memory.template(wanted), len(wanted)], which)
    if not another:
        put(call, Kind.MECHANISM, [call.memory.mechanism(number, parameter)])
    answered(call)
    world.close()
    assert memory.is_intact


BASES: dict[tuple[int, int], Template] = {
    (ck.CKO_DATA, 0): RECIPES["C_CreateObject"].templates[0],
    (ck.CKO_SECRET_KEY, ck.CKK_GENERIC_SECRET): (*SECRET, (ck.CKA_VALUE, b"value")),
    (ck.CKO_SECRET_KEY, ck.CKK_AES): AES,
}
"""Class and type -> what such an object needs."""


@FEW
@given(
    st.data(),
    st.sampled_from(sorted(BASES)),
    st.sampled_from(("C_CreateObject", "C_CopyObject", "C_SetAttributeValue", "C_FindObjectsInit")),
)
def objects(data: st.DataObject, kind: tuple[int, int], function: str) -> None:
    """What an object is made of can be read from it, but for a value that is sensitive."""
    call = world.ready(function)
    some = data.draw(templates(*kind))
    wanted = [*BASES[kind], *some] if function == "C_CreateObject" else some
    put(call, Kind.TEMPLATE, [call.memory.template(wanted), len(wanted)])
    if answered(call) == ck.CKR_OK and function in ("C_CreateObject", "C_CopyObject"):
        made = number_at(call.values[-1][0])
        for type, value in wanted:
            if type != ck.CKA_VALUE:
                assert world.attribute(made, type, len(value)) == value, hex(type)
    world.close()


def _offered() -> list[int]:
    call = world.ready("C_GetMechanismList")
    world.must(call)
    array, length = call.values[-1]
    return [number_at(array + 8 * place) for place in range(number_at(length))]


def _flags(number: int) -> int:
    """The flags of CK_MECHANISM_INFO."""
    call = put(world.prepare("C_GetMechanismInfo"), Kind.NUMBER, [number])
    world.must(call)
    return number_at(call.values[-1][0] + 2 * ULONG_BYTES)


def _fitting() -> list[tuple[str, int, str]]:
    """Function, mechanism and key that go together, whatever the parameter should be."""
    found = []
    for function in FUNCTIONS:
        for number in (one for one in OFFERED if _flags(one) & UNDO[function][0]):
            for key in KEYS:
                world.open()
                call = world.prepare(f"{function}Init")
                put(call, Kind.MECHANISM, [call.memory.mechanism(number, b"")])
                if function != "C_Digest":
                    put(call, Kind.OBJECT, [world.objects[key]])
                if answered(call) not in UNFIT:
                    found.append((function, number, key))
                world.close()
    return found


if __name__ == "__main__":
    world.begin()
    OFFERED: list[int] = _offered()
    FITTING: list[tuple[str, int, str]] = _fitting()
    tests: tuple[Any, ...] = (operations, keys, objects)
    for test in tests:
        test()
    world.end()
