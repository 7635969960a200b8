"""Signatures and message authentication codes (PKCS #11 3.2, 5.13 and 5.15)."""

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, Mechanism, ask, end, misplaced, part
from ghostcard.module.operation import Operation, Password
from ghostcard.module.otp import password
from ghostcard.module.preparation import signature, verification
from ghostcard.module.session import Session


class Signing(Chapter):
    """C_SignInit to C_SignFinal, C_VerifyInit to C_VerifyFinal."""

    def sign_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start a signature."""
        active = self._session(session)
        if mechanism is None:
            active.signing = None
            return
        if active.signing is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        entry = active.key(key)
        if entry.object_class == ck.CKO_OTP_KEY:
            active.signing = password(active, mechanism, entry, verifies=False)
        else:
            active.signing = signature(active, mechanism, entry)

    def sign(
        self,
        session: int,
        data: bytes | memoryview,
        capacity: int | None,
        out: memoryview | None = None,
    ) -> bytes | int:
        """Sign everything at once and end."""
        active = self._session(session)
        operation = active.signing
        if operation.__class__ is not Operation:
            active.signing = None
            if isinstance(operation, Password):
                return _password(active, operation, bytes(data), capacity)
            raise misplaced(operation)
        room = operation.room(0)
        if capacity is None or capacity < room:
            return room
        active.signing = None
        try:
            return operation.whole(data) if isinstance(data, bytes) else operation.place(data, out)
        except DriverError as error:
            raise active.refusal(error) from error

    def sign_update(self, session: int, data: bytes) -> None:
        """Sign a part."""
        part(self._session(session), "signing", lambda it: it.feed(data))

    def sign_final(self, session: int, capacity: int | None) -> bytes | int:
        """Fetch the signature and end."""
        return end(self._session(session), "signing", lambda it: it.finish(capacity))

    def verify_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start a verification."""
        active = self._session(session)
        if mechanism is None:
            active.verifying = None
            return
        if active.verifying is not None or active.verifying_signature is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        entry = active.key(key)
        if entry.object_class == ck.CKO_OTP_KEY:
            active.verifying = password(active, mechanism, entry, verifies=True)
        else:
            active.verifying = verification(active, mechanism, entry)

    def verify(self, session: int, data: bytes, signature: bytes) -> None:
        """Verify everything at once and end; CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE."""
        active = self._session(session)
        operation = active.verifying
        active.verifying = None
        if operation.__class__ is not Operation:
            if isinstance(operation, Password):
                check = operation.verify
                ask(active, lambda: check(data, signature))
                return
            raise misplaced(operation)
        if len(signature) != operation.room(0):
            raise CryptokiError(ck.CKR_SIGNATURE_LEN_RANGE)
        try:
            operation.verify(data, signature)
        except DriverError as error:
            raise active.refusal(error) from error

    def verify_update(self, session: int, data: bytes) -> None:
        """Verify a part."""
        part(self._session(session), "verifying", lambda it: it.feed(data))

    def verify_final(self, session: int, signature: bytes) -> None:
        """Check the signature and end."""
        active = self._session(session)
        part(active, "verifying", lambda it: it.settle(signature))
        active.verifying = None


def _password(
    active: Session, operation: Password, data: bytes, capacity: int | None
) -> bytes | int:
    """A one-time password, if there is room for it: the question for the length makes none."""
    if capacity is None or capacity < operation.room:
        active.signing = operation
        return operation.room
    return ask(active, lambda: operation.sign(data))
