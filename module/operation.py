"""Active operations: what C_*Init leaves in a session until the result has been fetched.

An `Operation` without parts is prepared once per key, function and mechanism, kept by the key, and
shared: it has no state. The first part of a multi-part operation turns it into a `Stream`, whose
context is in the card. `finished` keeps a result that did not fit into the caller's buffer;
`locked` waits for the PIN of a key that asks for it each time.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import Ep11Error
from ghostcard.module.errors import CryptokiError
from ghostcard.module.rule import Length, fixed

if TYPE_CHECKING:
    from ghostcard.module.object import Object

JOURNAL_BYTES = 1 << 20
"""What may have been fed to an operation that is to be saved."""

Part = Callable[[bytes], bytes | None]
Single = Callable[[bytes], bytes]
Check = Callable[[bytes, bytes], None]


class Origin(NamedTuple):
    """What an operation was begun with; of a digest no key."""

    mechanism: bytes
    key: "Object | None"


class Journal:
    """The parts of an operation so far, up to `JOURNAL_BYTES`."""

    __slots__ = ("_size", "parts")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def keep(self, data: bytes) -> bool:
        """Whether one more part still fits."""
        self._size += len(data)
        self.parts.append(data)
        return self._size <= JOURNAL_BYTES


class Stream:
    """A multi-part operation: three functions of the host library around a context in the card.

    ``update`` takes a part of at most ``limit`` bytes and returns what comes out; ``final`` returns
    the end, ``last`` takes a part and returns what comes out and the end; ``check`` verifies.
    ``journal`` keeps what has been fed, for C_GetOperationState; None: it is not to be saved, or is
    too much to keep.
    """

    __slots__ = (
        "_kept", "_length", "_limit", "_pending", "check", "final", "journal", "last", "origin",
        "update",
    )  # fmt: skip

    def __init__(
        self,
        length: Length,
        limit: int,
        update: Part,
        final: Callable[[], bytes],
        last: Single,
        check: Callable[[bytes], None],
    ) -> None:
        self._length = length
        self._limit = limit
        self._pending = 0
        self._kept: bytes | None = None
        self.journal: Journal | None = None
        self.origin: Origin | None = None
        self.update = update
        self.final = final
        self.last = last
        self.check = check

    def take(self, data: bytes, capacity: int | None) -> bytes | int:
        """The result of one more part, or its length; then the part is to be given again."""
        room = self._length.update(self._pending + len(data))
        if capacity is None or capacity < room:
            return room
        result = self.feed(data)
        self._pending += len(data) - len(result)
        return result

    def finish(self, capacity: int | None) -> bytes | int:
        """The last result, or the length it needs."""
        if self._kept is None:
            room = self._length.final(self._pending)
            if capacity is None or (capacity < room and self._length.is_exact):
                return room
            self._kept = self.final()
        result = self._kept
        return result if capacity is not None and capacity >= len(result) else len(result)

    def feed(self, data: bytes) -> bytes:
        """One more part, in as many requests as it takes; what comes out (of a digest or signature
        nothing).
        """
        limit = self._limit
        if self.journal is not None and not self.journal.keep(data):
            self.journal = None
        pieces = (data[start : start + limit] for start in range(0, len(data), limit))
        return b"".join([self.update(piece) or b"" for piece in pieces])

    def whole(self, data: bytes) -> bytes:
        """The result of all the data, of which no part has been given; the last request ends it."""
        start = (len(data) - 1) // self._limit * self._limit
        begun = self.feed(data[:start])
        ended = self.last(data[start:])
        return begun + ended if begun else ended

    def settle(self, signature: bytes) -> None:
        """Check the signature of all parts; CKR_SIGNATURE_LEN_RANGE."""
        if len(signature) != self._length.final(0):
            raise CryptokiError(ck.CKR_SIGNATURE_LEN_RANGE)
        self.check(signature)


class Operation:
    """An operation of which no part has been given yet.

    ``room(size)`` is the length of the result of ``size`` bytes, the largest possible unless
    ``is_exact``; ``single`` and ``check`` do everything at once, up to ``limit`` bytes; ``begin``
    starts the parts. The one that does not belong to the function refuses.
    """

    __slots__ = ("begin", "check", "is_exact", "limit", "origin", "room", "single")

    def __init__(
        self, length: Length, limit: int, single: Single, check: Check, begin: Callable[[], Stream]
    ) -> None:
        self.room = length.single
        self.is_exact = length.is_exact
        self.limit = limit
        self.single = single
        self.check = check
        self.begin = begin
        self.origin: Origin | None = None

    def part(self) -> Stream:
        """The parts of an operation that may be saved."""
        stream = self.begin()
        stream.origin, stream.journal = self.origin, Journal()
        return stream

    def whole(self, data: bytes) -> bytes:
        """The result of all the data at once; in several requests if it is too long for one."""
        if len(data) <= self.limit:
            return self.single(data)
        return self._begin_long().whole(data)

    def verify(self, data: bytes, signature: bytes) -> None:
        """Check all the data at once."""
        if len(data) <= self.limit:
            self.check(data, signature)
            return
        stream = self._begin_long()
        stream.feed(data)
        stream.settle(signature)

    def _begin_long(self) -> Stream:
        """The parts of what is too long for one request; CKR_DATA_LEN_RANGE if the mechanism has
        none.
        """
        try:
            return self.begin()
        except Ep11Error as error:
            if error.rv == ck.CKR_MECHANISM_INVALID:
                raise Ep11Error(ck.CKR_DATA_LEN_RANGE, error.function) from error
            raise


class Locked:
    """An operation of a CKA_ALWAYS_AUTHENTICATE key until C_Login with CKU_CONTEXT_SPECIFIC."""

    __slots__ = ("inner",)

    def __init__(self, inner: Operation) -> None:
        self.inner = inner


def finished(result: bytes) -> Operation:
    """An operation that is done, and whose result waits for a buffer that is long enough."""
    size = len(result)
    return Operation(fixed(size), sys.maxsize, lambda _: result, misplaced_call, misplaced_call)


def misplaced_call(*_: bytes) -> NoReturn:
    """In the place of what the function does not have."""
    raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
