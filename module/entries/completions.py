"""Crossings of the asynchronous functions (PKCS #11 3.2, 5.22)."""

from typing import TYPE_CHECKING

from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer

if TYPE_CHECKING:
    from ghostcard.module.asynchronous import Completed

NO_LIMIT = (1 << 64) - 1
"""GHOSTCARD_NO_LIMIT of `module/ghostcard.h`."""


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""

    def named(function: Pointer, length: int) -> str:
        return edge.read(function, length).decode(errors="replace")

    def async_complete(session: int, function: Pointer, length: int, result: Pointer) -> int:
        has_place = result != edge.ffi.NULL
        completed = cryptoki.async_complete(session, named(function, length), has_place)
        if completed.outcome.answer < 0:
            return completed.outcome.answer
        put(edge, completed)
        if has_place:
            fill(edge, result, completed)
        return 0

    def async_get_id(session: int, function: Pointer, length: int) -> int:
        return cryptoki.async_get_id(session, named(function, length))

    def async_join(
        session: int, function: Pointer, length: int, number: int, out: Pointer, capacity: int
    ) -> int:
        cryptoki.async_join(session, named(function, length), number, capacity, (out,))
        return 0

    def wait_for_any(sessions: Pointer, count: int, simulated_ns: int, milliseconds: int) -> int:
        return cryptoki.wait_for_any(
            [sessions[place] for place in range(count)],
            None if simulated_ns == NO_LIMIT else simulated_ns,
            None if milliseconds == NO_LIMIT else milliseconds / 1000,
        )

    edge.cross("wait_for_any", wait_for_any)
    edge.cross("get_event_fd", cryptoki.event_fd)
    edge.cross("async_complete", async_complete)
    edge.cross("async_get_id", async_get_id)
    edge.cross("async_join", async_join)


def put(edge: Edge, completed: "Completed") -> None:
    """Write the results of a call to where the application wants them."""
    for place, result in zip(completed.places, completed.outcome.results, strict=False):
        if result:
            edge.write(place, result, len(result))


def fill(edge: Edge, result: Pointer, completed: "Completed") -> None:
    """A CK_ASYNC_DATA: the first result, which the application has in its buffer, and objects."""
    results, handles = completed.outcome.results, (*completed.handles, 0, 0)
    result.pValue = edge.ffi.cast("CK_BYTE *", completed.places[0]) if results else edge.ffi.NULL
    result.ulValue = len(results[0]) if results else 0
    result.hObject, result.hAdditionalObject = handles[:2]
