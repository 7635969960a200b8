"""Sessions: their states, and what is going on in each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError, refusal
from ghostcard.module.object import Object

if TYPE_CHECKING:
    from ghostcard.driver.errors import DriverError
    from ghostcard.module.messages import AeadMessages, SignedMessages
    from ghostcard.module.operation import Locked, Operation, Password, Stream
    from ghostcard.module.slot import Slot
    from ghostcard.module.template import Attributes
    from ghostcard.module.token import Revision, Token
    from ghostcard.module.verification import Verification

Active: TypeAlias = "Operation | Stream | Locked | Password | None"

NOBODY = -1
"""`Token.user` while nobody is logged in; else CKU_USER or CKU_SO."""

STATES: dict[tuple[bool, int], int] = {
    (False, NOBODY): ck.CKS_RO_PUBLIC_SESSION,
    (False, ck.CKU_USER): ck.CKS_RO_USER_FUNCTIONS,
    (True, NOBODY): ck.CKS_RW_PUBLIC_SESSION,
    (True, ck.CKU_USER): ck.CKS_RW_USER_FUNCTIONS,
    (True, ck.CKU_SO): ck.CKS_RW_SO_FUNCTIONS,
}
"""(is it read/write, who is logged in) -> state, PKCS #11 3.2, 5.6. There is no read-only SO
session.
"""


OPERATIONS: dict[str, int] = {
    "encrypting": ck.CKF_ENCRYPT,
    "decrypting": ck.CKF_DECRYPT,
    "digesting": ck.CKF_DIGEST,
    "signing": ck.CKF_SIGN,
    "signing_recover": ck.CKF_SIGN_RECOVER,
    "verifying": ck.CKF_VERIFY,
    "verifying_signature": ck.CKF_VERIFY,
    "verifying_recover": ck.CKF_VERIFY_RECOVER,
    "encrypting_messages": ck.CKF_MESSAGE_ENCRYPT,
    "decrypting_messages": ck.CKF_MESSAGE_DECRYPT,
    "signing_messages": ck.CKF_MESSAGE_SIGN,
    "verifying_messages": ck.CKF_MESSAGE_VERIFY,
    "found": ck.CKF_FIND_OBJECTS,
}
"""What can be active in a session, an attribute each, and the flag by which C_SessionCancel knows
it.
"""


class Session:
    """One session. At most one operation of each kind is active in it (PKCS #11 3.2, 5.6)."""

    __slots__ = (*OPERATIONS, "device_error", "handle", "is_rw", "objects", "slot", "token")

    def __init__(self, handle: int, slot: "Slot", is_rw: bool) -> None:
        self.handle = handle
        self.slot = slot
        self.token: Token = slot.token
        self.is_rw = is_rw
        self.device_error = 0
        self.objects: set[Object] = set()
        self.found: Iterator[int] | None = None
        self.stop()

    def cancel(self, flags: int) -> None:
        """End the operations of these CKF_*."""
        for operation, flag in OPERATIONS.items():
            if flags & flag:
                setattr(self, operation, None)

    def stop(self) -> None:
        """End every operation but the search."""
        self.encrypting: Active = None
        self.decrypting: Active = None
        self.digesting: Active = None
        self.signing: Active = None
        self.verifying: Active = None
        self.signing_recover: Active = None
        self.verifying_recover: tuple[Object, bool] | None = None  # whether it has padding
        self.verifying_signature: Verification | None = None
        self.encrypting_messages: AeadMessages | None = None
        self.decrypting_messages: AeadMessages | None = None
        self.signing_messages: SignedMessages | None = None
        self.verifying_messages: SignedMessages | None = None

    def abandon(self) -> None:
        """The session, or the login that its operations need, has ended."""
        self.stop()

    def end(self) -> None:
        """The session is closed."""
        self.abandon()

    @property
    def state(self) -> int:
        """CKS_*"""
        return STATES[self.is_rw, self.token.user]

    @property
    def flags(self) -> int:
        """CKF_* the session was opened with."""
        return ck.CKF_SERIAL_SESSION | (ck.CKF_RW_SESSION if self.is_rw else 0)

    def object(self, handle: int, invalid: int = ck.CKR_OBJECT_HANDLE_INVALID) -> Object:
        """The object of a handle, if the session may know of it; else the error `invalid`."""
        token = self.token
        if token.counter[0] != token.seen:
            token.refresh()
        try:
            return token.objects[handle]
        except KeyError:
            found = self.slot.known_builtin(handle)
        if found is None:
            raise CryptokiError(invalid)
        return found

    def key(self, handle: int, invalid: int = ck.CKR_KEY_HANDLE_INVALID) -> Object:
        """The key of a handle."""
        found = self.object(handle, invalid)
        if ck.CKA_KEY_TYPE not in found.attributes:
            raise CryptokiError(invalid)
        return found

    def may_write(self, on_token: bool, is_private: bool) -> None:
        """Refuse what this session may not create, change or destroy (PKCS #11 3.2, 5.6)."""
        if on_token and not self.is_rw:
            raise CryptokiError(ck.CKR_SESSION_READ_ONLY)
        if is_private and self.token.user != ck.CKU_USER:
            raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)

    def add(self, attributes: "Attributes", blob: bytes) -> Object:
        """A new object, of the token or of the session (`Token.add`)."""
        return self.token.add(attributes, blob, self)

    def change(self, entry: Object, revision: "Revision") -> None:
        """A change of an object (`Token.change`)."""
        self.token.change(entry, revision)

    def refusal(self, error: "DriverError") -> CryptokiError:
        """The driver's error for the application; its own number stays as ulDeviceError."""
        self.device_error = int(getattr(error, "rv", 0))
        return refusal(error)
