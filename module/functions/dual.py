"""Dual-function operations (PKCS #11 3.2, 5.17): two active operations that take the same part."""

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.ciphers import Ciphers
from ghostcard.module.functions.digesting import Digesting
from ghostcard.module.functions.signing import Signing


class Dual(Ciphers, Digesting, Signing):
    """C_DigestEncryptUpdate to C_DecryptVerifyUpdate.

    The cipher goes first: if its result does not fit, the caller gives the part again, and it is
    digested once.
    """

    def digest_encrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Digest a part and encrypt it."""
        self._check_active(session, "encrypting", "digesting")
        result = self.encrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.digest_update(session, data)
        return result

    def decrypt_digest_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Decrypt a part and digest what comes out."""
        self._check_active(session, "decrypting", "digesting")
        result = self.decrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.digest_update(session, result)
        return result

    def sign_encrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Sign a part and encrypt it."""
        self._check_active(session, "encrypting", "signing")
        result = self.encrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.sign_update(session, data)
        return result

    def decrypt_verify_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Decrypt a part and verify what comes out."""
        self._check_active(session, "decrypting", "verifying")
        result = self.decrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.verify_update(session, result)
        return result

    def _check_active(self, session: int, *kinds: str) -> None:
        """Refuse before anything is done, and before either operation ends by it."""
        active = self._session(session)
        if any(getattr(active, kind) is None for kind in kinds):
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
