"""Dual-function operations (PKCS #11 3.2, 5.17): two active operations that take the same part."""

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
        result = self.encrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.digest_update(session, data)
        return result

    def decrypt_digest_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Decrypt a part and digest what comes out."""
        result = self.decrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.digest_update(session, result)
        return result

    def sign_encrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Sign a part and encrypt it."""
        result = self.encrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.sign_update(session, data)
        return result

    def decrypt_verify_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Decrypt a part and verify what comes out."""
        result = self.decrypt_update(session, data, capacity)
        if isinstance(result, bytes):
            self.verify_update(session, result)
        return result
