"""The world of a program whose sessions are asynchronous: every call is taken to its end.

What it is told at the end goes where a synchronous call would have put it, so that the same walk
can be taken. What a call that is pending has written anywhere is counted as a mistake of ours.
"""

import ctypes
from collections.abc import Iterator, Sequence

from ghostcard import pkcs11 as ck
from tests.module.walk.memory import TAG_BYTES, Memory, Ulong
from tests.module.walk.shapes import Kind, arguments
from tests.module.walk.world import Values, World, number_at

_IV_BYTES = 12
_MESSAGE_BYTES = 48  # of CK_GCM_MESSAGE_PARAMS


class WaitingWorld(World):
    """Counts what was pending, by function."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.pending: dict[str, int] = {}

    def open(
        self,
        slot: int = 0,
        flags: int = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION | ck.CKF_ASYNC_SESSION,
    ) -> int:
        """An asynchronous session."""
        return super().open(slot, flags)

    def call(self, function: str, values: Sequence[Values]) -> int:
        """The CK_RV, be it that of C_AsyncComplete."""
        before = list(_seen(function, values))
        answer = super().call(function, values)
        if answer != ck.CKR_PENDING or function == "C_AsyncComplete":
            return answer
        if list(_seen(function, values)) != before:
            raise SystemExit(f"{function}: written while it is pending")
        self.pending[function] = self.pending.get(function, 0) + 1
        return self._complete(function, values)

    def _complete(self, function: str, values: Sequence[Values]) -> int:
        memory = Memory()
        name, result = memory.hold(function.encode() + b"\0"), memory.hold(bytes(40))
        asked: list[Values] = [[values[0][0]], [name], [result]]
        answer = ck.CKR_PENDING
        while answer == ck.CKR_PENDING:
            answer = super().call("C_AsyncComplete", asked)
        if answer == ck.CKR_OK:
            _give(function, values, result)
        if not memory.is_intact:
            raise SystemExit(f"C_AsyncComplete of {function}: written out of place")
        return answer


def _seen(function: str, values: Sequence[Values]) -> Iterator[bytes]:
    """What a call may write to, as it is now."""
    for role, group in zip(arguments(function), values, strict=True):
        if role.kind is Kind.MADE and group[0]:
            yield ctypes.string_at(group[0], 8)
        elif role.kind is Kind.OUT and all(group):
            yield ctypes.string_at(group[1], 8)
            yield ctypes.string_at(group[0], min(number_at(group[1]), 1 << 20))
        elif role.kind is Kind.PARAMETER and group[0] and group[1] == _MESSAGE_BYTES:
            yield ctypes.string_at(number_at(group[0]), _IV_BYTES)
            yield ctypes.string_at(number_at(group[0] + 32), TAG_BYTES)


def _give(function: str, values: Sequence[Values], result: int) -> None:
    """Put what C_AsyncComplete tells where a synchronous call puts it."""
    version, place, size, first, second = (number_at(result + 8 * i) for i in range(5))
    handles = iter((first, second))
    for role, group in zip(arguments(function), values, strict=True):
        if role.kind is Kind.MADE:
            Ulong.from_address(group[0]).value = next(handles)
        elif role.kind is Kind.OUT and group[1]:
            if version or place != group[0]:
                raise SystemExit(f"C_AsyncComplete of {function}: another place than was given")
            Ulong.from_address(group[1]).value = size
