"""C memory as the crossings use it, and the one place where an exception becomes a CKR code."""

import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, ClassVar

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.emulator.errors import EmulatorError
from ghostcard.module.errors import CryptokiError, complaint, refusal

Pointer = Any
"""A cffi pointer. Nothing behind this package sees one."""


Crossing = Callable[..., int]
Wrap = Callable[[str, Crossing], Crossing]
"""A crossing, by its name, -> what takes its place."""


class Edge:
    """The library's cffi module: memory, and crossings by name."""

    connected: ClassVar[bool] = False
    """A process has one library, and so one edge."""

    def __init__(self, ffi: Any, lib: Any) -> None:
        self.ffi = ffi
        self.lib = lib
        self.read: Callable[[Pointer, int], bytes] = ffi.unpack
        self.write: Callable[[Pointer, bytes, int], None] = ffi.memmove
        self._numbers = ffi.typeof("unsigned long[]")
        self._told: set[str] = set()
        self._crossings: dict[str, Crossing] = {}
        self._postpone: Wrap | None = None
        self._tell: list[Wrap] = []
        self.is_traced = False
        self.is_asynchronous = False

    def cross(self, name: str, crossing: Crossing) -> None:
        """Makes ``crossing`` the Python side of ``cross_<name>``."""
        self._crossings[name] = crossing
        self._register(name, crossing)

    def trace(self, wrap: Wrap | None) -> None:
        """Has every crossing but C_Initialize tell what it does; None: not any more."""
        self.is_traced = wrap is not None
        self._tell = [wrap] if wrap else []
        self._interpose()

    def surround(self, wrap: Wrap) -> None:
        """Has every crossing but C_Initialize, as it is now, wrapped too; `trace` undoes it."""
        self.is_traced = True
        self._tell.append(wrap)
        self._interpose()

    def postpone(self, wrap: Wrap | None) -> None:
        """Puts something between every crossing and what it does, for asynchronous sessions, within
        what tells of it; None: takes it away.
        """
        self.is_asynchronous = wrap is not None
        self._postpone = wrap
        self._interpose()

    def _interpose(self) -> None:
        for name, crossing in self._crossings.items():
            if name in ("initialize", "sleep", "refuse"):  # none is a function one may trace
                continue
            if self._postpone is not None:
                crossing = self._postpone(name, crossing)
            for wrap in self._tell:
                crossing = wrap(name, crossing)
            self._register(name, crossing)

    def _register(self, name: str, crossing: Crossing) -> None:
        register = self.ffi.def_extern(
            f"cross_{name}", error=-ck.CKR_GENERAL_ERROR, onerror=self.answer
        )
        register(crossing)

    def answer(
        self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> int:
        """What a crossing that raised returns: minus the code. What is wrong with a card or its
        keys is told once; GHOSTCARD_DEBUG shows the unforeseen.
        """
        rv, what = code(error), complaint(error)
        if what and what not in self._told:
            self._told.add(what)
            self.complain(what)
        if rv == ck.CKR_GENERAL_ERROR and os.environ.get("GHOSTCARD_DEBUG"):
            sys.excepthook(kind, error, traceback)
        return -rv

    def read_or_none(self, pointer: Pointer, length: int) -> bytes | None:
        """The bytes, or None for NULL."""
        return None if pointer == self.ffi.NULL else self.read(pointer, length)

    def write_numbers(self, numbers: Sequence[int], out: Pointer, capacity: int) -> int:
        """Writes CK_ULONGs if they fit (``capacity`` -1: NULL); how many there are."""
        count = len(numbers)
        if 0 < count <= capacity:
            self.ffi.memmove(out, self.ffi.new(self._numbers, numbers), 8 * count)
        return count

    def complain(self, what: str) -> None:
        """One line on stderr."""
        self.lib.complain_of(what.encode(errors="replace"))


def code(error: BaseException) -> int:
    """The CKR code of an exception; one that was not foreseen is CKR_GENERAL_ERROR."""
    if isinstance(error, CryptokiError):
        return error.rv
    if isinstance(error, DriverError):
        return refusal(error).rv
    if isinstance(error, EmulatorError):  # a card that cannot start: its memory is damaged
        return ck.CKR_DEVICE_ERROR
    if isinstance(error, MemoryError):
        return ck.CKR_HOST_MEMORY
    if isinstance(error, KeyboardInterrupt):  # a Python host's signal handler ran inside the call
        return ck.CKR_FUNCTION_CANCELED
    return ck.CKR_GENERAL_ERROR
