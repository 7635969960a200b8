"""Signatures that give their data back (PKCS #11 3.2, 5.14 and 5.16): CKM_RSA_PKCS, CKM_RSA_X_509.

Signing is SignSingle of the card. No verb of the card gives signed data back; that takes the public
key and no secret, so the host computes it.
"""

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, Mechanism, ask, misplaced
from ghostcard.module.object import Object
from ghostcard.module.operation import Operation
from ghostcard.module.preparation import recovering_signature
from ghostcard.module.rule import mechanism_id
from ghostcard.module.usage import VERIFY_RECOVER, check_use

_MIN_PADDING = 8


class Recovery(Chapter):
    """C_SignRecoverInit, C_SignRecover, C_VerifyRecoverInit, C_VerifyRecover."""

    def sign_recover_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start a signature from which the data can be recovered."""
        active = self._session(session)
        if mechanism is None:
            active.signing_recover = None
            return
        if active.signing_recover is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        entry = active.key(key)
        active.signing_recover = ask(active, lambda: recovering_signature(active, mechanism, entry))

    def sign_recover(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Sign the data and end."""
        active = self._session(session)
        operation = active.signing_recover
        if operation.__class__ is not Operation:
            active.signing_recover = None
            raise misplaced(operation)
        room = operation.room(len(data))
        if capacity is None or capacity < room:
            return room
        active.signing_recover = None
        try:
            return operation.whole(data)
        except DriverError as error:
            raise active.refusal(error) from error

    def verify_recover_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start a verification that gives the data back."""
        active = self._session(session)
        if mechanism is None:
            active.verifying_recover = None
            return
        if active.verifying_recover is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        entry = active.key(key)
        ask(active, lambda: check_use(active.slot, mechanism, entry, VERIFY_RECOVER))
        active.verifying_recover = entry, mechanism_id(mechanism) == ck.CKM_RSA_PKCS

    def verify_recover(self, session: int, signature: bytes, capacity: int | None) -> bytes | int:
        """The signed data; CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE. A question for its
        length, or too short a buffer, leaves the operation active.
        """
        active = self._session(session)
        begun, active.verifying_recover = active.verifying_recover, None
        if begun is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        key, is_padded = begun
        data = message_of(key, signature)
        if is_padded:
            data = without_padding(data)
        if capacity is None or capacity < len(data):
            active.verifying_recover = begun
            return len(data)
        return data


def message_of(key: Object, signature: bytes) -> bytes:
    """The number that was signed, at the width of the modulus (RFC 8017, 5.2.2)."""
    modulus = key.attributes[ck.CKA_MODULUS]
    n, e = (
        int.from_bytes(part, "big") for part in (modulus, key.attributes[ck.CKA_PUBLIC_EXPONENT])
    )
    if len(signature) != len(modulus):
        raise CryptokiError(ck.CKR_SIGNATURE_LEN_RANGE)
    number = int.from_bytes(signature, "big")
    if number >= n:
        raise CryptokiError(ck.CKR_SIGNATURE_INVALID)
    return pow(number, e, n).to_bytes(len(modulus), "big")


def without_padding(message: bytes) -> bytes:
    """What was signed with the padding of PKCS #1 1.5 (RFC 8017, 9.2), which need be no hash."""
    padding, zero, data = message[2:].partition(b"\0")
    is_padded = padding == b"\xff" * max(len(padding), _MIN_PADDING)
    if message[:2] != b"\0\1" or not zero or not is_padded:
        raise CryptokiError(ck.CKR_SIGNATURE_INVALID)
    return data
