"""Sessions in which calls are answered before they are over (PKCS #11 3.2, 5.22).

A call in an asynchronous session is done at once: the card computes, the session's operations go
on. What it has come to is kept from the application until simulated time has come to its end:
result, return value and new objects (`docs/asynchronous.md`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import get_ident
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.session import OPERATIONS, Session
from ghostcard.module.template import Attributes

if TYPE_CHECKING:
    from ghostcard.driver.asyncport import AsyncPort, Ticket
    from ghostcard.module.job import Claim
    from ghostcard.module.slot import Slot
    from ghostcard.module.token import Revision
    from ghostcard.module.watcher import Watcher


class Function(NamedTuple):
    """A function that may be pending: the operations of the session (`session.OPERATIONS`) that it
    is a part of, what C_SessionCancel knows it by, whether C_AsyncComplete has results to give, and
    whether all of what it has come to can be kept and told to another process.
    """

    kinds: tuple[str, ...] = ()
    flag: int = 0
    gives: bool = False
    may_detach: bool = False


_ALL = tuple(kind for kind in OPERATIONS if kind != "found")


def _operation(kind: str, flag: int, *functions: str) -> dict[str, Function]:
    """The functions of one kind of operation: those that end in ! give a result, and those that end
    in * end the operation, so that nothing of it is left in the session.
    """
    return {
        name.rstrip("!*"): Function((kind,), flag, "!" in name, "*" in name) for name in functions
    }


FUNCTIONS: dict[str, Function] = {
    "create_object": Function(gives=True, may_detach=True),
    "copy_object": Function(gives=True, may_detach=True),
    "set_attribute_value": Function(),
    "find_objects_init": Function(("found",), ck.CKF_FIND_OBJECTS),
    "get_operation_state": Function(_ALL),
    "set_operation_state": Function(_ALL),
    **_operation(
        *("encrypting", ck.CKF_ENCRYPT),
        *("encrypt_init", "encrypt!*", "encrypt_update!", "encrypt_final!*"),
    ),
    **_operation(
        *("decrypting", ck.CKF_DECRYPT),
        *("decrypt_init", "decrypt!*", "decrypt_update!", "decrypt_final!*"),
    ),
    **_operation(
        *("digesting", ck.CKF_DIGEST),
        *("digest_init", "digest!*", "digest_update", "digest_key", "digest_final!*"),
    ),
    **_operation(
        *("signing", ck.CKF_SIGN), *("sign_init", "sign!*", "sign_update", "sign_final!*")
    ),
    **_operation(
        *("verifying", ck.CKF_VERIFY),
        *("verify_init", "verify*", "verify_update", "verify_final*"),
    ),
    **_operation("signing_recover", ck.CKF_SIGN_RECOVER, "sign_recover_init", "sign_recover!*"),
    **_operation(
        "verifying_recover", ck.CKF_VERIFY_RECOVER, "verify_recover_init", "verify_recover!*"
    ),
    **_operation(
        *("encrypting_messages", ck.CKF_MESSAGE_ENCRYPT),
        *("message_encrypt_init", "encrypt_message!", "encrypt_message_begin"),
        *("encrypt_message_next!", "message_encrypt_final"),
    ),
    **_operation(
        *("decrypting_messages", ck.CKF_MESSAGE_DECRYPT),
        *("message_decrypt_init", "decrypt_message!*", "decrypt_message_begin"),
        *("decrypt_message_next!", "message_decrypt_final"),
    ),
    **_operation(
        *("signing_messages", ck.CKF_MESSAGE_SIGN),
        *("message_sign_init", "sign_message!*", "sign_message_begin"),
        *("sign_message_next!", "message_sign_final"),
    ),
    **_operation(
        *("verifying_messages", ck.CKF_MESSAGE_VERIFY),
        *("message_verify_init", "verify_message*", "verify_message_begin"),
        *("verify_message_next", "message_verify_final"),
    ),
    "digest_encrypt_update": Function(
        ("digesting", "encrypting"), ck.CKF_DIGEST | ck.CKF_ENCRYPT, gives=True
    ),
    "decrypt_digest_update": Function(
        ("decrypting", "digesting"), ck.CKF_DECRYPT | ck.CKF_DIGEST, gives=True
    ),
    "sign_encrypt_update": Function(
        ("signing", "encrypting"), ck.CKF_SIGN | ck.CKF_ENCRYPT, gives=True
    ),
    "decrypt_verify_update": Function(
        ("decrypting", "verifying"), ck.CKF_DECRYPT | ck.CKF_VERIFY, gives=True
    ),
    "generate_key": Function((), ck.CKF_GENERATE, gives=True, may_detach=True),
    "generate_key_pair": Function((), ck.CKF_GENERATE_KEY_PAIR, gives=True, may_detach=True),
    "wrap_key": Function((), ck.CKF_WRAP, gives=True, may_detach=True),
    "unwrap_key": Function((), ck.CKF_UNWRAP, gives=True, may_detach=True),
    "derive_key": Function((), ck.CKF_DERIVE, gives=True, may_detach=True),
    "seed_random": Function(),
    "generate_random": Function(gives=True, may_detach=True),
}
"""Of the functions for which the standard lists CKR_PENDING those that may ask a card for
something: all others are answered at once.
"""


def c_name(function: str) -> str:
    """C_SignUpdate of sign_update."""
    return "C_" + "".join(word.capitalize() for word in function.split("_"))


BY_NAME = {c_name(function): function for function in FUNCTIONS}


class Effect(Protocol):
    """What is left to be done when a call is over."""

    def apply(self, active: "AsyncSession") -> Object | None:
        """Do it; the object that is made by it."""
        ...


class Creation(NamedTuple):
    """An object that the application does not have yet."""

    attributes: Attributes
    blob: bytes

    def apply(self, active: "AsyncSession") -> Object:
        """Give it its place in the session or on the token."""
        return active.token.add(self.attributes, self.blob, active)


class Change(NamedTuple):
    """A change of an object, worked out for the attributes ``before``."""

    entry: Object
    before: Attributes
    revised: tuple[Attributes, bytes]
    revision: "Revision"

    def apply(self, active: "AsyncSession") -> None:
        """Make it."""
        active.token.change(self.entry, self.renewed)

    def renewed(self, now: Attributes) -> tuple[Attributes, bytes]:
        """What the object is to be; if it is another by now, that is worked out anew."""
        return self.revised if now is self.before else self.revision(now)


class Outcome(NamedTuple):
    """What a call has come to: ``answer`` as of a crossing (a length, a handle; minus a CKR code),
    the bytes of its results in the order in which it gives them, and which of the objects that it
    makes the application is told of. ``is_question``: only a length was asked for, or there was no
    room; that is answered at once.
    """

    answer: int
    results: tuple[bytes, ...] = ()
    objects: tuple[int, ...] = ()
    is_question: bool = False


class Completed(NamedTuple):
    """A call that is over: its outcome, handles of the objects made, and ``places`` as they were
    given.
    """

    outcome: Outcome
    handles: tuple[int, ...]
    places: tuple[object, ...]


class Over:
    """The ticket of a call that ended in another process."""

    is_over = True


class Pending:
    """A call that is not over for the application. ``places`` is where it wants the results;
    ``is_over``: somebody has waited for its ticket, or it was begun by another process; ``claim``
    holds what is kept of it for others, if somebody asked for its identifier.
    """

    __slots__ = ("claim", "effects", "is_over", "outcome", "places", "ticket")

    def __init__(
        self,
        outcome: Outcome,
        effects: Sequence[Effect],
        ticket: "Ticket",
        places: tuple[object, ...],
        claim: "Claim | None" = None,
    ) -> None:
        self.outcome = outcome
        self.effects = effects
        self.ticket = ticket
        self.places = places
        self.claim = claim
        self.is_over = isinstance(ticket, Over)


class AsyncSession(Session):
    """A session opened with CKF_ASYNC_SESSION. One call of each function may be pending, and one
    of each operation: the next part of an operation must wait for the one before.
    """

    __slots__ = ("_collected", "_port", "pending", "watcher")

    def __init__(self, handle: int, slot: "Slot", is_rw: bool, port: "AsyncPort") -> None:
        self.pending: dict[str, Pending] = {}
        self._collected: dict[int, list[Effect]] = {}  # by thread, while it is in `begin`
        self._port = port
        self.watcher: Watcher | None = None
        super().__init__(handle, slot, is_rw)

    @property
    def flags(self) -> int:
        """CKF_* the session was opened with."""
        return super().flags | ck.CKF_ASYNC_SESSION

    # --- a call ----------------------------------------------------------------------------------

    def begin(
        self, function: str, action: Callable[[], Outcome], places: tuple[object, ...]
    ) -> Completed:
        """Do a call, whose ``action`` tells errors by its outcome. CKR_PENDING if it is not over;
        CKR_OPERATION_ACTIVE if another one that is pending is in its way.
        """
        self.expect_idle(function)
        me, effects = get_ident(), list[Effect]()
        self._collected[me] = effects
        try:
            outcome, ticket = self._port.begin(action)
        except DriverError as error:  # the keeper of time is gone
            raise self.refusal(error) from error
        finally:
            del self._collected[me]
        pending = Pending(outcome, effects, ticket, places)
        if outcome.is_question and not ticket.is_over:
            with suppress(DriverError):  # a length is told, whatever becomes of its time
                self._port.wait((ticket,))
        if outcome.is_question or ticket.is_over:
            return self._finish(pending)
        self.pending[function] = pending
        if self.watcher is not None:
            self.watcher.watch(self, pending)
        raise CryptokiError(ck.CKR_PENDING)

    def complete(self, function: str) -> Completed:
        """A call that is over, once. CKR_PENDING if it is not, CKR_OPERATION_NOT_INITIALIZED if
        there is none. DriverError if it is lost, and then it is no more.
        """
        pending = self.found_pending(function)
        try:
            is_over = pending.is_over or self._port.is_done(pending.ticket)
        except DriverError:
            self._drop(function, for_good=False)
            raise
        if not is_over:
            raise CryptokiError(ck.CKR_PENDING)
        if self.pending.pop(function, None) is not pending:  # another thread was faster
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        if pending.claim is not None:
            pending.claim.remove()
        return self._finish(pending)

    def found_pending(self, function: str) -> Pending:
        """What is pending of a function; CKR_OPERATION_NOT_INITIALIZED if nothing is."""
        found = self.pending.get(function)
        if found is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        return found

    def expect_idle(self, function: str) -> None:
        """CKR_OPERATION_ACTIVE if the function has to wait for what is pending."""
        if not self.pending:
            return
        kinds = FUNCTIONS[function].kinds
        for other in self.pending:
            if other == function or not set(kinds).isdisjoint(FUNCTIONS[other].kinds):
                raise CryptokiError(ck.CKR_OPERATION_ACTIVE)

    def _finish(self, pending: Pending) -> Completed:
        """Make the objects of a call that has succeeded: all of them or none."""
        outcome = pending.outcome
        if outcome.answer < 0:
            return Completed(outcome, (), pending.places)
        made: list[Object | None] = []
        try:
            for effect in pending.effects:
                made.append(effect.apply(self))
        except BaseException:
            for entry in made:
                if entry is not None:
                    self.token.remove(entry)
            raise
        told = [made[place] for place in outcome.objects]
        return Completed(outcome, tuple(each.handle for each in told if each), pending.places)

    # --- what a call does to objects -------------------------------------------------------------

    def add(self, attributes: Attributes, blob: bytes) -> Object:
        """A new object when the call is over. What stands for it meanwhile has its place among the
        effects of the call for a handle.
        """
        effects = self._collected.get(get_ident())
        if effects is None:
            return super().add(attributes, blob)
        effects.append(Creation(attributes, blob))
        return Object(len(effects) - 1, (), attributes[ck.CKA_PRIVATE] == b"\x01")

    def change(self, entry: Object, revision: "Revision") -> None:
        """A change of an object when the call is over; the card is asked now."""
        effects = self._collected.get(get_ident())
        if effects is None:
            super().change(entry, revision)
            return
        before = entry.attributes
        effects.append(Change(entry, before, revision(before), revision))

    # --- the end ---------------------------------------------------------------------------------

    def cancel(self, flags: int) -> None:
        """End the operations of these CKF_*, and what is pending of them, for good."""
        super().cancel(flags)
        for function in [each for each in self.pending if FUNCTIONS[each].flag & flags]:
            self._drop(function, for_good=True)

    def cancel_pending(self, kinds: Sequence[str]) -> None:
        """End what is pending of operations that are cancelled."""
        for function in list(self.pending):
            if not set(kinds).isdisjoint(FUNCTIONS[function].kinds):
                self._drop(function, for_good=False)

    def abandon(self) -> None:
        """End every operation but the search. Of what is pending, that whose identifier somebody
        has may be joined elsewhere.
        """
        super().abandon()
        for function in list(self.pending):
            self._drop(function, for_good=False)

    def end(self) -> None:
        """The session is closed, and its descriptor with it."""
        super().end()
        if self.watcher is not None:
            self.watcher.forget(self)

    def _drop(self, function: str, for_good: bool) -> None:
        pending = self.pending.pop(function, None)
        if pending is None:
            return
        if self.watcher is not None:
            self.watcher.unwatch(pending)
        if not pending.is_over:
            self._port.abandon(pending.ticket)
        if pending.claim is not None:
            pending.claim.remove() if for_good else pending.claim.release()
