"""Crossings of asynchronous sessions: what stands between a function and its application.

Only a process that opens such a session imports this file. A crossing is then given memory of ours
for its results instead of the caller's, and what it has written there goes to the caller when the
call is over for him.
"""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard.module.asynchronous import FUNCTIONS, AsyncSession, Outcome
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries import structures
from ghostcard.module.entries.completions import put
from ghostcard.module.entries.edge import Crossing, Edge, Pointer
from ghostcard.module.operation import Password

_IV_BYTES, _TAG_BITS = 2, 5
"""Places among the numbers of a message (`module/message.h`)."""

_ROOM = 1 << 26
"""Bytes; more than any result without its data has."""


class Places(NamedTuple):
    """Which arguments of a crossing are for results: ``out`` and the capacity behind it, places of
    an IV (which is read, too) and a tag, and ``made`` handles. ``data`` is the length of what the
    result is made of. ``is_exact``: the capacity is what is asked for. ``answers_handle``: what it
    answers is the handle of a new object.
    """

    out: int | None = None
    data: int | None = None
    iv: int | None = None
    tag: int | None = None
    handles: int | None = None
    made: int = 0
    is_exact: bool = False
    answers_handle: bool = False


_NO_RESULT = Places()
_MADE = Places(answers_handle=True)
PLACES: dict[str, Places] = {
    **dict.fromkeys(
        (
            *("encrypt", "encrypt_update", "decrypt", "decrypt_update", "digest"),
            *("sign", "sign_recover", "verify_recover", "sign_message", "sign_message_next"),
            *("digest_encrypt_update", "decrypt_digest_update"),
            *("sign_encrypt_update", "decrypt_verify_update"),
        ),
        Places(out=3, data=2),
    ),
    **dict.fromkeys(
        (
            *("encrypt_final", "decrypt_final", "digest_final", "sign_final"),
            "get_operation_state",
        ),
        Places(out=1),
    ),
    "generate_random": Places(out=1, data=2, is_exact=True),
    "wrap_key": Places(out=5),
    "encrypt_message": Places(out=8, data=7, iv=2, tag=3),
    "encrypt_message_begin": Places(iv=2),
    "encrypt_message_next": Places(out=5, data=4, tag=2),
    "decrypt_message": Places(out=8, data=7),
    "decrypt_message_next": Places(out=5, data=4),
    "generate_key_pair": Places(handles=7, made=2),
    "derive_key": Places(handles=6, made=1),
    **dict.fromkeys(("create_object", "copy_object", "generate_key", "unwrap_key"), _MADE),
}
"""Of the functions that give something; all others have nothing but a return value."""


def postpone(edge: Edge, cryptoki: Cryptoki) -> Callable[[str, Crossing], Crossing]:
    """What puts an asynchronous session's own way in the place of a crossing."""
    beginning = Beginning(edge)

    def wrap(name: str, crossing: Crossing) -> Crossing:
        if name not in FUNCTIONS:
            return crossing

        def postponed(*values: Pointer) -> int:
            active = cryptoki.async_session(values[0])
            if active is None or beginning.is_answered_at_once(name, active, values):
                return crossing(*values)
            return beginning.begin(active, name, crossing, values)

        return postponed

    return wrap


class Beginning:
    """How a call in an asynchronous session begins."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._allocate = edge.ffi.new_allocator(should_clear_after_alloc=False)

    def is_answered_at_once(
        self, name: str, active: AsyncSession, values: tuple[Pointer, ...]
    ) -> bool:
        """What CK_ASYNC_DATA has no place for: pointers within a result, more than two results.
        And a mechanism of NULL, which cancels.
        """
        if name.endswith("_init") and FUNCTIONS[name].kinds != ("found",) and values[2] < 0:
            active.cancel_pending(FUNCTIONS[name].kinds)
            return True
        if name == "sign":
            return isinstance(active.signing, Password)
        if name == "derive_key":
            found = structures.read(self._edge, self._edge.read(values[1], values[2]))
            return found is not None and found.finish is not None
        return False

    def begin(
        self, active: AsyncSession, name: str, crossing: Crossing, values: tuple[Pointer, ...]
    ) -> int:
        """The answer of a call that is over at once; else CryptokiError(CKR_PENDING)."""
        places = PLACES.get(name, _NO_RESULT)
        completed = active.begin(
            name,
            lambda: self._outcome(crossing, values, places),
            tuple(values[each] for each in (places.out, places.iv, places.tag) if each is not None),
        )
        outcome = completed.outcome
        if outcome.answer < 0 or outcome.is_question:
            return outcome.answer
        put(self._edge, completed)
        if places.handles is not None:
            for place, handle in enumerate(completed.handles):
                values[places.handles][place] = handle
        return completed.handles[0] if places.answers_handle else outcome.answer

    def _outcome(self, crossing: Crossing, values: tuple[Pointer, ...], places: Places) -> Outcome:
        """Call a crossing with places of ours for its results."""
        edge, ours = self._edge, list(values)
        room = 0
        if places.out is not None and values[places.out + 1] >= 0:
            most = _ROOM + (0 if places.data is None else values[places.data])
            room = min(values[places.out + 1], most)
            ours[places.out] = self._allocate("char[]", max(room, 1))
            ours[places.out + 1] = room
        if places.iv is not None:
            size = values[1][_IV_BYTES]
            ours[places.iv] = edge.ffi.new("char[]", edge.read(values[places.iv], size))
        if places.tag is not None:
            ours[places.tag] = edge.ffi.new("char[]", values[1][_TAG_BITS] // 8 + 1)
        if places.handles is not None and values[places.handles] != edge.ffi.NULL:
            ours[places.handles] = edge.ffi.new("unsigned long[]", places.made)
        try:
            answer = crossing(*ours)
        except BaseException as error:  # told when the call is over
            return Outcome(edge.answer(type(error), error, error.__traceback__))
        if places.out is not None and answer > room:
            return Outcome(answer, is_question=True)
        return self._told(answer, values, ours, places)

    def _told(
        self, answer: int, values: tuple[Pointer, ...], ours: list[Pointer], places: Places
    ) -> Outcome:
        """What a crossing has written to places of ours."""
        read, results = self._edge.read, []
        if places.out is not None:
            size = values[places.out + 1] if places.is_exact else answer
            results.append(read(ours[places.out], size) if size else b"")
        if places.iv is not None:
            results.append(read(ours[places.iv], values[1][_IV_BYTES]))
        if places.tag is not None:
            results.append(read(ours[places.tag], values[1][_TAG_BITS] // 8))
        if places.answers_handle:
            return Outcome(0, tuple(results), (answer,))
        if places.handles is None:
            return Outcome(answer, tuple(results))
        return Outcome(0, tuple(results), tuple(ours[places.handles][0 : places.made]))
