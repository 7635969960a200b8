"""Encryption and decryption (PKCS #11 3.2, 5.8 and 5.10)."""

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, Mechanism, end, misplaced, part
from ghostcard.module.operation import Operation, finished
from ghostcard.module.preparation import decryption, encryption


class Ciphers(Chapter):
    """C_EncryptInit to C_EncryptFinal, C_DecryptInit to C_DecryptFinal."""

    def encrypt_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start an encryption."""
        active = self._session(session)
        if mechanism is None:
            active.encrypting = None
            return
        if active.encrypting is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        active.encrypting = encryption(active, mechanism, active.key(key))

    def encrypt(
        self,
        session: int,
        data: bytes | memoryview,
        capacity: int | None,
        out: memoryview | None = None,
    ) -> bytes | int:
        """Encrypt everything at once and end."""
        active = self._session(session)
        operation = active.encrypting
        if operation.__class__ is not Operation:
            active.encrypting = None
            raise misplaced(operation)
        room = operation.room(len(data))
        if capacity is None or (capacity < room and operation.is_exact):
            return room
        active.encrypting = None
        try:
            result = (
                operation.whole(data) if isinstance(data, bytes) else operation.place(data, out)
            )
        except DriverError as error:
            raise active.refusal(error) from error
        if isinstance(result, bytes) and len(result) > capacity:
            active.encrypting = finished(result)
            return len(result)
        return result

    def encrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Encrypt a part."""
        return part(self._session(session), "encrypting", lambda it: it.take(data, capacity))

    def encrypt_final(self, session: int, capacity: int | None) -> bytes | int:
        """Fetch the last part and end."""
        return end(self._session(session), "encrypting", lambda it: it.finish(capacity))

    def decrypt_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start a decryption."""
        active = self._session(session)
        if mechanism is None:
            active.decrypting = None
            return
        if active.decrypting is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        active.decrypting = decryption(active, mechanism, active.key(key))

    def decrypt(
        self,
        session: int,
        data: bytes | memoryview,
        capacity: int | None,
        out: memoryview | None = None,
    ) -> bytes | int:
        """Decrypt everything at once and end; what does not fit waits for a longer buffer."""
        active = self._session(session)
        operation = active.decrypting
        if operation.__class__ is not Operation:
            active.decrypting = None
            raise misplaced(operation)
        room = operation.room(len(data))
        if capacity is None or (capacity < room and operation.is_exact):
            return room
        active.decrypting = None
        try:
            result = (
                operation.whole(data) if isinstance(data, bytes) else operation.place(data, out)
            )
        except DriverError as error:
            raise encrypted(active.refusal(error)) from error
        if isinstance(result, bytes) and len(result) > capacity:
            active.decrypting = finished(result)
            return len(result)
        return result

    def decrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Decrypt a part."""
        active = self._session(session)
        try:
            return part(active, "decrypting", lambda it: it.take(data, capacity))
        except CryptokiError as error:
            raise encrypted(error) from error

    def decrypt_final(self, session: int, capacity: int | None) -> bytes | int:
        """Fetch the last part and end."""
        active = self._session(session)
        try:
            return end(active, "decrypting", lambda it: it.finish(capacity))
        except CryptokiError as error:
            raise encrypted(error) from error


def encrypted(error: CryptokiError) -> CryptokiError:
    """What is wrong with the data of a decryption is wrong with encrypted data."""
    if error.rv == ck.CKR_DATA_LEN_RANGE:
        return CryptokiError(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
    if error.rv == ck.CKR_DATA_INVALID:
        return CryptokiError(ck.CKR_ENCRYPTED_DATA_INVALID)
    return error
