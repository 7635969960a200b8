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
from ghostcard.module.rule import Length, Mechanism, fixed

if TYPE_CHECKING:
    from ghostcard.module.object import Object

JOURNAL_BYTES = 1 << 20
"""What may have been fed to an operation that is to be saved."""

Part = Callable[[bytes], bytes | None]
Place = Callable[[bytes, memoryview, memoryview, Callable[[], bytes]], int]


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
        last: Callable[[bytes], bytes],
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
        starts = range(0, len(data), limit)
        return b"".join([self.update(data[start : start + limit]) or b"" for start in starts])

    def whole(self, data: bytes) -> bytes:
        """The result of all the data, of which no part has been given; the last request ends it."""
        limit, update = self._limit, self.update
        end = (len(data) - 1) // limit * limit
        results = [update(data[start : start + limit]) or b"" for start in range(0, end, limit)]
        return b"".join((*results, self.last(data[end:])))

    def settle(self, signature: bytes) -> None:
        """Check the signature of all parts; CKR_SIGNATURE_LEN_RANGE."""
        if len(signature) != self._length.final(0):
            raise CryptokiError(ck.CKR_SIGNATURE_LEN_RANGE)
        self.check(signature)


class Ready(NamedTuple):
    """What is ready for one key and function, whatever the mechanism's parameters.

    ``single`` and ``check`` do everything at once, up to ``limit`` bytes of data; ``begin`` starts
    the parts. The one that does not belong to the function refuses. ``is_locked``: each operation
    waits for the PIN. ``long`` does more data than ``limit`` without parts, if that can be;
    ``place`` does long data in one piece, or as its last argument does it (`driver/whole.py`).
    """

    key: "Object | None"
    rule: Mechanism | None
    limit: int
    single: Callable[[bytes, bytes], bytes]
    check: Callable[[bytes, bytes, bytes], None]
    begin: Callable[[bytes, Length], Stream]
    is_locked: bool = False
    long: Callable[[bytes, bytes], bytes] | None = None
    place: Place | None = None


class Operation:
    """An operation of which no part has been given yet.

    ``room(size)`` is the length of the result of ``size`` bytes, the largest possible unless
    ``is_exact``.
    """

    __slots__ = ("_length", "_mechanism", "_ready", "is_exact", "room")

    def __init__(self, ready: Ready, mechanism: bytes, length: Length) -> None:
        self._ready = ready
        self._mechanism = mechanism
        self._length = length
        self.room = length.single
        self.is_exact = length.is_exact

    @property
    def origin(self) -> Origin | None:
        """What it was begun with; None when it is done and only its result is left."""
        ready = self._ready
        return None if ready.rule is None else Origin(self._mechanism, ready.key)

    def part(self) -> Stream:
        """The parts of an operation that may be saved."""
        stream = self.begin()
        stream.origin, stream.journal = self.origin, Journal()
        return stream

    def whole(self, data: bytes) -> bytes:
        """The result of all the data at once; in several requests if it is too long for one."""
        ready = self._ready
        if len(data) <= ready.limit:
            return ready.single(self._mechanism, data)
        if ready.long is not None:
            return ready.long(self._mechanism, data)
        return self._begin_long().whole(data)

    def place(self, data: memoryview, out: memoryview | None) -> int | bytes:
        """As `whole`, the result written to ``out`` if that is sure to hold it: then its length."""
        place = self._ready.place
        if place is None or out is None or len(out) < self.room(len(data)):
            return self.whole(bytes(data))
        return place(self._mechanism, data, out, lambda: self.whole(bytes(data)))

    def verify(self, data: bytes, signature: bytes) -> None:
        """Check all the data at once."""
        if len(data) <= self._ready.limit:
            self._ready.check(self._mechanism, data, signature)
            return
        stream = self._begin_long()
        stream.feed(data)
        stream.settle(signature)

    def begin(self) -> Stream:
        """Start the parts."""
        return self._ready.begin(self._mechanism, self._length)

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


class Password:
    """A one-time password to be made or checked: ``room`` is the length of what ``sign`` gives."""

    __slots__ = ("room", "sign", "verify")

    def __init__(
        self, room: int, sign: Callable[[bytes], bytes], verify: Callable[[bytes, bytes], None]
    ) -> None:
        self.room = room
        self.sign = sign
        self.verify = verify


def finished(result: bytes) -> Operation:
    """An operation that is done, and whose result waits for a buffer that is long enough."""
    ready = Ready(None, None, sys.maxsize, lambda *_: result, misplaced_call, misplaced_call)
    return Operation(ready, b"", fixed(len(result)))


def misplaced_call(*_: object) -> NoReturn:
    """In the place of what the function does not have."""
    raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
