"""RSA without padding (PKCS #11 3.2, 6.1.10 and 6.1.11; RFC 8017, 5).

What has no padding protects nothing by itself: a host offers it to keys that ask for it alone
(`ghostcard.module.usage`).
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms.key import Key, Signer, Transform, Verifier
from ghostcard.firmware.mechanisms.mechanism import Signing, no_parameters
from ghostcard.firmware.mechanisms.public import RSA_BITS
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table


class RsaRaw(Signing):
    """CKM_RSA_X_509: data is a number below the modulus; what is shorter has zeros before it."""

    __slots__ = ()
    pads_in_front = True

    def __init__(self) -> None:
        super().__init__(ck.CKM_RSA_X_509, RSA_BITS[0], RSA_BITS[-1], None, ck.CKK_RSA)
        self.flags |= rsa.CRYPT_FLAGS

    def operation(self, key: Key, use: str) -> str:
        return rsa.operation(key, use)

    def signature_bytes(self, key: Key, params: bytes) -> int:
        no_parameters(params)
        return rsa.width(key.bits)

    def closer(self, key: Key, params: bytes) -> Signer:
        size = self.signature_bytes(key, params)

        def close(data: bytes) -> bytes:
            _check_length(data, size)
            return rsa.private_operation(key, data)

        return close

    def checker(self, key: Key, params: bytes) -> Verifier:
        size = self.signature_bytes(key, params)

        def check(data: bytes, signature: bytes) -> None:
            _check_length(data, size)
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            if rsa.recovered(key, signature) != data.rjust(size, b"\0"):
                raise Refused(ck.CKR_SIGNATURE_INVALID)

        return check

    def encrypter(self, key: Key) -> Transform:
        def encrypt(params: bytes, data: bytes) -> bytes:
            _check_length(data, self.signature_bytes(key, params))
            return rsa.public_operation(key, data)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        def decrypt(params: bytes, data: bytes) -> bytes:
            if len(data) != self.signature_bytes(key, params):
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            try:
                return rsa.private_operation(key, data)
            except Refused as refusal:
                known = refusal.rv == ck.CKR_DATA_INVALID
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID if known else refusal.rv) from None

        return decrypt

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return self.signature_bytes(key, params)

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return self.signature_bytes(key, params)


def _check_length(data: bytes, size: int) -> None:
    if not data or len(data) > size:
        raise Refused(ck.CKR_DATA_LEN_RANGE)


def known_answers() -> bool:
    """The padded message of a PKCS #1 vector signs to the vector's signature, and comes back."""
    private, public = rsa_vectors.SIGNING_KEY.pair()
    padded = rsa.public_operation(public, rsa_vectors.PKCS1_SIGNATURE)
    has_padding = padded.startswith(b"\0\1\xff") and padded[-37:-34] == b"\xff\0\x30"
    return has_padding and rsa.private_operation(private, padded) == rsa_vectors.PKCS1_SIGNATURE


def register(table: Table) -> None:
    """Add CKM_RSA_X_509."""
    table.register("rsa-raw", known_answers, [RsaRaw()])
