"""The library as a C program calls it, with ctypes: pointers, lengths and return values.

Programs beside this file import it; it needs nothing but the numbers of `ghostcard.pkcs11`.
"""

import ctypes
import os
from collections.abc import Sequence

from ghostcard import pkcs11 as ck

Ulong = ctypes.c_ulong
SIZE = ctypes.sizeof(Ulong)
Template = Sequence[tuple[int, "bytes | Template"]]


class Attribute(ctypes.Structure):
    """CK_ATTRIBUTE."""

    _fields_ = (("type", Ulong), ("value", ctypes.c_void_p), ("length", Ulong))


class Mechanism(ctypes.Structure):
    """CK_MECHANISM."""

    _fields_ = (("type", Ulong), ("parameter", ctypes.c_void_p), ("length", Ulong))


class Cryptoki:
    """One session with the token of slot 0. Calls answer the CK_RV, or what they make."""

    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)
        self.expect("C_Initialize", None)
        self.session = self.handle("C_OpenSession", Ulong(0), Ulong(6), None, None)

    def call(self, name: str, *arguments: object) -> int:
        """The CK_RV."""
        function = getattr(self.library, name)
        function.restype = Ulong
        return int(function(*arguments))

    def expect(self, name: str, *arguments: object, rv: int = ck.CKR_OK) -> None:
        """The call must answer `rv`."""
        answer = self.call(name, *arguments)
        if answer != rv:
            raise SystemExit(f"{name}: 0x{answer:x}, not 0x{rv:x}")

    def handle(self, name: str, *arguments: object) -> int:
        """The handle that a call must make."""
        made = Ulong()
        self.expect(name, *arguments, ctypes.byref(made))
        return made.value

    def in_session(self, name: str, *arguments: object) -> tuple[int, int]:
        """CK_RV and handle of a call that makes an object."""
        made = Ulong()
        rv = self.call(name, Ulong(self.session), *arguments, ctypes.byref(made))
        return rv, made.value

    def login(self, user: int, pin: bytes) -> None:
        self.expect("C_Login", Ulong(self.session), Ulong(user), pin, Ulong(len(pin)))

    def create(self, template: Template) -> tuple[int, int]:
        return self.in_session("C_CreateObject", *flat(template))

    def copy(self, object: int, template: Template) -> tuple[int, int]:
        return self.in_session("C_CopyObject", Ulong(object), *flat(template))

    def set(self, object: int, template: Template) -> int:
        return self.call("C_SetAttributeValue", Ulong(self.session), Ulong(object), *flat(template))

    def destroy(self, object: int) -> None:
        self.expect("C_DestroyObject", Ulong(self.session), Ulong(object))

    def get(self, object: int, type: int) -> tuple[int, bytes]:
        """CK_RV and value of one attribute that is no template: its length first, then itself."""
        array = (Attribute * 1)(Attribute(type, None, 0))
        rv = self.read(object, array)
        if rv:
            return rv, b""
        buffer = ctypes.create_string_buffer(array[0].length)
        array[0].value = ctypes.cast(buffer, ctypes.c_void_p)
        return self.read(object, array), buffer.raw

    def read(self, object: int, array: "ctypes.Array[Attribute]") -> int:
        """C_GetAttributeValue into the caller's array."""
        return self.call(
            "C_GetAttributeValue", Ulong(self.session), Ulong(object), array, Ulong(len(array))
        )


def flat(template: Template) -> tuple["ctypes.Array[Attribute]", Ulong]:
    """CK_ATTRIBUTE[] and its count; a value that is a list is a template itself."""
    return attributes(template), Ulong(len(template))


def attributes(template: Template) -> "ctypes.Array[Attribute]":
    array = (Attribute * len(template))()
    kept: list[object] = []
    for entry, (type, value) in zip(array, template, strict=True):
        if isinstance(value, bytes):
            inner: ctypes.Array[ctypes.c_char] | ctypes.Array[Attribute]
            inner = ctypes.create_string_buffer(value, len(value) or 1)
            size = len(value)
        else:
            inner = attributes(value)
            size = ctypes.sizeof(inner)
        kept.append(inner)
        entry.type, entry.length = type, size
        entry.value = ctypes.cast(inner, ctypes.c_void_p)
    array.kept = kept  # type: ignore[attr-defined]  # the memory behind the pointers
    return array


def from_environment() -> Cryptoki:
    """The library that GHOSTCARD_MODULE names."""
    return Cryptoki(os.environ["GHOSTCARD_MODULE"])
