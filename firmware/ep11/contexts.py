"""Multi-part operations in card memory: bounded in number and bytes, each behind a state blob.

A state blob is 64 bytes: "GCST", domain u32, context u64, 16 zero bytes, keyed BLAKE2b of these
under a key drawn at boot. So a context belongs to one boot of one card, and its host keeps to one
APQN.
"""

from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest
from threading import Lock

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.status import CKR_IBM_BLOB_ERROR
from ghostcard.firmware.mechanisms.mechanism import Draw, Holder
from ghostcard.firmware.mechanisms.refusal import Refused

MAX_CONTEXTS = 1024
MAX_HELD = 32 << 20  # bytes that all contexts together may keep
STATE_SIZE = 64

_MAGIC = b"GCST"


def no_signature(signature: bytes) -> None:
    """The check of an operation that is no verification."""
    raise Refused(ck.CKR_OPERATION_NOT_INITIALIZED)


class Context:
    """One operation: `feed` takes data and gives what comes out, `close` gives the last of it.

    `check` takes the signature instead, if the operation is a verification. Two requests with one
    state do not meet in it, and none gets in after the end.
    """

    __slots__ = (
        "_check", "_close", "_feed", "_is_closed", "_lock", "_rest", "close_operation",
        "feed_operation", "held_bytes", "holder", "kind",
    )  # fmt: skip

    def __init__(
        self,
        kind: str,
        feed: Callable[[bytes], bytes],
        close: Callable[[], bytes],
        operations: tuple[str, str],
        check: Callable[[bytes], None] = no_signature,
        holder: Holder | None = None,
    ) -> None:
        self.kind = kind
        self._feed = feed
        self._close = close
        self._check = check
        self._is_closed = False
        self._rest: bytes | None = None
        self._lock = Lock()
        self.feed_operation, self.close_operation = operations
        self.holder = holder
        self.held_bytes = 0

    def update(self, data: bytes) -> bytes:
        """Work on a part of the data."""
        with self._lock:
            self._refuse_if_closed()
            return self._feed(data)

    def finish(self, data: bytes) -> bytes:
        """Work on the last part, if there is one, and end."""
        with self._lock:
            self._end()
            return (self._feed(data) if data else b"") + self._close()

    def portion(self, data: bytes, size: int) -> tuple[bytes, bool]:
        """As `finish`, but `size` bytes at most; whether there is more, for the next call."""
        with self._lock:
            rest = self._rest
            if rest is None:
                self._end()
                rest = (self._feed(data) if data else b"") + self._close()
            elif data:
                raise Refused(ck.CKR_SAVED_STATE_INVALID)
            self._rest = rest[size:] if len(rest) >= size else None
            return rest[:size], self._rest is not None

    def verify(self, data: bytes, signature: bytes) -> None:
        """Work on the last part, if there is one, and check the signature of all."""
        with self._lock:
            self._end()
            self._feed(data)
            self._check(signature)

    def _end(self) -> None:
        self._refuse_if_closed()
        self._is_closed = True

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise Refused(ck.CKR_SAVED_STATE_INVALID)


class Contexts:
    """The contexts of a card; the one unused for longest makes room for a new one."""

    def __init__(self, draw: Draw) -> None:
        self._key = draw(32)
        self._lock = Lock()
        self._open: dict[
            bytes, tuple[int, Context]
        ] = {}  # state -> domain and context, oldest first
        self._count = 0
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def held_bytes(self) -> int:
        """Bytes the contexts keep."""
        return self._held_bytes

    def add(self, domain: int, context: Context) -> bytes:
        """Keep a new context; the state blob that leads back to it."""
        with self._lock:
            self._count += 1
            state = self._state(domain, self._count)
            if len(self._open) >= MAX_CONTEXTS:
                self._drop(next(iter(self._open)))
            self._open[state] = (domain, context)
        return state

    def find(self, domain: int, state: bytes, kind: str) -> Context:
        """The context of a state blob, now the one used last.

        Refused: a state this card did not make (CKR_IBM_BLOB_ERROR); one whose operation has ended
        or had to make room (CKR_SAVED_STATE_INVALID); one of another domain or kind of operation.
        """
        with self._lock:
            found = self._open.pop(state, None)
            if found is not None:
                self._open[state] = found
        if found is None:
            raise Refused(
                ck.CKR_SAVED_STATE_INVALID if self._is_ours(state) else CKR_IBM_BLOB_ERROR
            )
        if found[0] != domain or found[1].kind != kind:
            raise Refused(ck.CKR_OPERATION_NOT_INITIALIZED)
        return found[1]

    def account(self, state: bytes, context: Context) -> None:
        """Note what the context keeps by now; the operation ends if card memory is exhausted."""
        if context.holder is None:
            return
        held = context.holder.held
        with self._lock:
            if state in self._open:
                self._held_bytes += held - context.held_bytes
                context.held_bytes = held
            exhausted = self._held_bytes > MAX_HELD
            if exhausted:
                self._drop(state)
        if exhausted:
            raise Refused(ck.CKR_DEVICE_MEMORY)

    def end(self, state: bytes) -> None:
        """Forget a context; that it has gone already is no error."""
        with self._lock:
            self._drop(state)

    def end_domain(self, domain: int) -> None:
        """Forget all contexts of a domain."""
        with self._lock:
            for state in [state for state, (owner, _) in self._open.items() if owner == domain]:
                self._drop(state)

    def _drop(self, state: bytes) -> None:
        found = self._open.pop(state, None)
        if found is not None:
            self._held_bytes -= found[1].held_bytes

    def _state(self, domain: int, count: int) -> bytes:
        head = _MAGIC + domain.to_bytes(4, "big") + count.to_bytes(8, "big") + bytes(16)
        return head + self._mac(head)

    def _mac(self, head: bytes) -> bytes:
        return blake2b(head, key=self._key, digest_size=32).digest()

    def _is_ours(self, state: bytes) -> bool:
        head, mac = state[:32], state[32:]
        return len(state) == STATE_SIZE and compare_digest(self._mac(head), mac)
