"""CKA_WRAP_TEMPLATE and its kind as a C program gives and reads them (PKCS #11 3.2, 4.8, 5.7.5)."""

import ctypes
import struct
import sys

from cryptoki import Attribute, Mechanism, Template, Ulong, attributes, flat, from_environment

from ghostcard import pkcs11 as ck

TRUE, FALSE = b"\1", b"\0"
UNKNOWN = ck.CK_UNAVAILABLE_INFORMATION
ENTRY = ctypes.sizeof(Attribute)


def ulong(value: int) -> bytes:
    return struct.pack("=Q", value)


def aes(*more: tuple[int, "bytes | Template"]) -> Template:
    return [
        (ck.CKA_CLASS, ulong(ck.CKO_SECRET_KEY)),
        (ck.CKA_KEY_TYPE, ulong(ck.CKK_AES)),
        (ck.CKA_VALUE, bytes(16)),
        (ck.CKA_TOKEN, TRUE),
        *more,
    ]


p11 = from_environment()
p11.login(ck.CKU_USER, sys.argv[1].encode())


def check(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise SystemExit(f"{what}: {found}, not {wanted}")


def made(template: Template) -> int:
    rv, handle = p11.create(template)
    check("C_CreateObject", rv, ck.CKR_OK)
    return handle


WRAP: Template = [(ck.CKA_LABEL, b"a fitting label"), (ck.CKA_DERIVE, FALSE)]
INNER: Template = [(ck.CKA_SENSITIVE, TRUE)]
UNWRAP: Template = [(ck.CKA_EXTRACTABLE, TRUE), (ck.CKA_UNWRAP_TEMPLATE, INNER)]
key = made(aes((ck.CKA_WRAP_TEMPLATE, WRAP), (ck.CKA_UNWRAP_TEMPLATE, UNWRAP)))


def lengths_then_values() -> None:
    """The three calls: how many, how long, what."""
    outer = (Attribute * 1)(Attribute(ck.CKA_WRAP_TEMPLATE, None, 0))
    check("first call", p11.read(key, outer), ck.CKR_OK)
    check("its length", outer[0].length, 2 * ENTRY)
    inner = (Attribute * 2)(*(Attribute(UNKNOWN, None, 0) for _ in range(2)))
    outer[0].value = ctypes.cast(inner, ctypes.c_void_p)
    check("second call", p11.read(key, outer), ck.CKR_OK)
    check("types", [entry.type for entry in inner], [ck.CKA_LABEL, ck.CKA_DERIVE])
    check("lengths", [entry.length for entry in inner], [15, 1])
    buffers = [ctypes.create_string_buffer(entry.length) for entry in inner]
    for entry, buffer in zip(inner, buffers, strict=True):
        entry.value = ctypes.cast(buffer, ctypes.c_void_p)
    check("third call", p11.read(key, outer), ck.CKR_OK)
    check("values", [buffer.raw for buffer in buffers], [value for _, value in WRAP])
    inner[0].length = 14
    check("a short buffer inside", p11.read(key, outer), ck.CKR_BUFFER_TOO_SMALL)
    check("is told", [entry.length for entry in inner], [UNKNOWN, 1])
    outer[0].length = 2 * ENTRY - 1
    check("a short array", p11.read(key, outer), ck.CKR_BUFFER_TOO_SMALL)
    check("is told as well", outer[0].length, UNKNOWN)


def template_in_template() -> None:
    value = ctypes.create_string_buffer(1)
    innermost = (Attribute * 1)(Attribute(0, ctypes.cast(value, ctypes.c_void_p), 1))
    inner = (Attribute * 2)(
        Attribute(0, None, 0), Attribute(0, ctypes.cast(innermost, ctypes.c_void_p), ENTRY)
    )
    outer = (Attribute * 1)(
        Attribute(ck.CKA_UNWRAP_TEMPLATE, ctypes.cast(inner, ctypes.c_void_p), 2 * ENTRY)
    )
    check("all at once", p11.read(key, outer), ck.CKR_OK)
    check("innermost", (innermost[0].type, value.raw), (ck.CKA_SENSITIVE, TRUE))


def none_and_wrong_ones() -> None:
    plain = made(aes())
    outer = (Attribute * 1)(Attribute(ck.CKA_WRAP_TEMPLATE, None, 7))
    check("no template", p11.read(plain, outer), ck.CKR_OK)
    check("is an empty one", outer[0].length, 0)
    for what, rv, value in (
        ("unknown inside", ck.CKR_ATTRIBUTE_TYPE_INVALID, [(0x87654321, b"")]),
        ("misshapen inside", ck.CKR_ATTRIBUTE_VALUE_INVALID, [(ck.CKA_SIGN, b"")]),
        ("twice", ck.CKR_TEMPLATE_INCONSISTENT, [(ck.CKA_DERIVE, TRUE), (ck.CKA_DERIVE, FALSE)]),
        ("no whole array", ck.CKR_ATTRIBUTE_VALUE_INVALID, bytes(ENTRY + 1)),
        ("too many", ck.CKR_ATTRIBUTE_VALUE_INVALID, [(ck.CKA_LABEL, b"")] * 1025),
    ):
        check(what, p11.create(aes((ck.CKA_WRAP_TEMPLATE, value)))[0], rv)
    array = attributes(aes((ck.CKA_WRAP_TEMPLATE, WRAP)))
    for length, pointer in ((ENTRY, None), (~0, array[4].value)):
        array[4].value, array[4].length = pointer, length
        rv, _ = p11.in_session("C_CreateObject", array, Ulong(5))
        check("a bad pointer or length", rv, ck.CKR_ATTRIBUTE_VALUE_INVALID)
    array[4].value, array[4].length = ctypes.addressof(array), ctypes.sizeof(array)
    rv, _ = p11.in_session("C_CreateObject", array, Ulong(5))
    check("an array that holds itself", rv, ck.CKR_TEMPLATE_INCONSISTENT)


def wrap(target: int) -> tuple[int, bytes]:
    kwp = Mechanism(ck.CKM_AES_KEY_WRAP_KWP, None, 0)
    room = ctypes.create_string_buffer(64)
    size = Ulong(64)
    rv = p11.call(
        *("C_WrapKey", Ulong(p11.session), ctypes.byref(kwp), Ulong(key), Ulong(target)),
        *(room, ctypes.byref(size)),
    )
    return rv, room.raw[: size.value]


def unwrap(wrapped: bytes, template: Template) -> tuple[int, int]:
    kwp = Mechanism(ck.CKM_AES_KEY_WRAP_KWP, None, 0)
    return p11.in_session(
        *("C_UnwrapKey", ctypes.byref(kwp), Ulong(key), wrapped, Ulong(len(wrapped))),
        *flat(template),
    )


def enforced() -> None:
    """Only fitting keys are wrapped; unwrapped ones get what the template says."""
    fitting = made(aes((ck.CKA_LABEL, b"a fitting label")))
    rv, wrapped = wrap(fitting)
    check("a key that matches", rv, ck.CKR_OK)
    check("one that does not", wrap(made(aes()))[0], ck.CKR_KEY_HANDLE_INVALID)
    wanted = aes()[:2]
    rv, new = unwrap(wrapped, wanted)
    check("C_UnwrapKey", rv, ck.CKR_OK)
    check("what it got", p11.get(new, ck.CKA_EXTRACTABLE), (ck.CKR_OK, TRUE))
    outer = (Attribute * 1)(Attribute(ck.CKA_UNWRAP_TEMPLATE, None, 0))
    check("a template of its own", (p11.read(new, outer), outer[0].length), (ck.CKR_OK, ENTRY))
    rv, _ = unwrap(wrapped, [*wanted, (ck.CKA_EXTRACTABLE, FALSE)])
    check("a conflict", rv, ck.CKR_TEMPLATE_INCONSISTENT)


def found_by_it() -> None:
    p11.expect("C_FindObjectsInit", Ulong(p11.session), *flat([(ck.CKA_WRAP_TEMPLATE, WRAP)]))
    handles, count = (Ulong * 4)(), Ulong()
    p11.expect("C_FindObjects", Ulong(p11.session), handles, Ulong(4), ctypes.byref(count))
    check("found", handles[: count.value], [key])


for case in (
    *(lengths_then_values, template_in_template, none_and_wrong_ones),
    *(enforced, found_by_it),
):
    case()
p11.expect("C_Finalize", None)
print("nested templates are right")
