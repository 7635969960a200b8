"""Verification with the signature given first (PKCS #11 3.2, 5.15.5 to 5.15.8)."""

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, Mechanism, ask, misplaced
from ghostcard.module.operation import Operation, Stream
from ghostcard.module.preparation import verification
from ghostcard.module.session import Session
from ghostcard.module.verification import Verification


class Signatures(Chapter):
    """C_VerifySignatureInit to C_VerifySignatureFinal."""

    def verify_signature_init(
        self, session: int, mechanism: Mechanism, key: int, signature: bytes
    ) -> None:
        """Start the verification of a signature; CKR_SIGNATURE_LEN_RANGE for one of a length that
        the mechanism never makes.
        """
        active = self._session(session)
        if mechanism is None:
            active.verifying_signature = None
            return
        if active.verifying_signature is not None or active.verifying is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        operation = verification(active, mechanism, active.key(key))
        if not isinstance(operation, Operation):
            raise misplaced(operation)
        if len(signature) != operation.room(0):
            raise CryptokiError(ck.CKR_SIGNATURE_LEN_RANGE)
        active.verifying_signature = Verification(operation, signature)

    def verify_signature(self, session: int, data: bytes) -> None:
        """Verify everything at once and end."""
        active = self._session(session)
        verifying = _ended(active)
        operation = verifying.operation
        if not isinstance(operation, Operation):
            raise misplaced(operation)
        whole = operation
        ask(active, lambda: whole.verify(data, verifying.signature))

    def verify_signature_update(self, session: int, data: bytes) -> None:
        """Verify a part."""
        active = self._session(session)
        verifying = _ended(active)
        stream = _begun(active, verifying)
        ask(active, lambda: stream.feed(data))
        active.verifying_signature = Verification(stream, verifying.signature)

    def verify_signature_final(self, session: int) -> None:
        """Check the signature and end."""
        active = self._session(session)
        verifying = _ended(active)
        stream = _begun(active, verifying)
        ask(active, lambda: stream.settle(verifying.signature))


def _ended(active: Session) -> Verification:
    """What is active; it stays ended unless it is put back."""
    verifying, active.verifying_signature = active.verifying_signature, None
    if verifying is None:
        raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
    return verifying


def _begun(active: Session, verifying: Verification) -> Stream:
    operation = verifying.operation
    return ask(active, operation.begin) if isinstance(operation, Operation) else operation
