"""RSAES-OAEP (PKCS #11 3.2, 6.1.8; RFC 8017, 7.1)."""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms.hashes import SIGNATURE_HASHES, algorithm, of_mechanism, of_mgf
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import Mechanism, parameters
from ghostcard.firmware.mechanisms.public import RSA_BITS
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import OAEP

FLAGS = ck.CKF_HW | ck.CKF_ENCRYPT | ck.CKF_DECRYPT | ck.CKF_WRAP | ck.CKF_UNWRAP


class RsaOaep(Mechanism):
    """CKM_RSA_PKCS_OAEP; hash and mask hash may differ, the label may be empty."""

    __slots__ = ()

    def operation(self, key: Key, use: str) -> str:
        return rsa.operation(key, use)

    def _room(self, key: Key, params: bytes) -> int:
        parsed = parameters(self.number, params, wire.Oaep)
        return key.bits // 8 - 2 * of_mechanism(parsed.hash).size - 2

    def _padding(self, params: bytes) -> "OAEP":
        from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

        parsed = parameters(self.number, params, wire.Oaep)
        sources = (ck.CKZ_DATA_SPECIFIED,) if parsed.label else (0, ck.CKZ_DATA_SPECIFIED)
        if parsed.source not in sources:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        mask = MGF1(algorithm(of_mgf(parsed.mgf)))
        return OAEP(mask, algorithm(of_mechanism(parsed.hash)), parsed.label or None)

    def encrypter(self, key: Key) -> Transform:
        handle = rsa.public_handle(key)

        def encrypt(params: bytes, data: bytes) -> bytes:
            padding = self._padding(params)
            if len(data) > self._room(key, params):
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return handle.encrypt(data, padding)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        handle = rsa.private_handle(key)
        size = key.bits // 8

        def decrypt(params: bytes, data: bytes) -> bytes:
            padding = self._padding(params)
            if len(data) != size:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            try:
                return handle.decrypt(data, padding)
            except ValueError:
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

        return decrypt

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        self._padding(params)
        return key.bits // 8

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        self._padding(params)
        return max(self._room(key, params), 0)


def known_answers() -> bool:
    """The RSA Laboratories case in `rsa_vectors` decrypts, and a fresh ciphertext does."""
    mechanism = RsaOaep(ck.CKM_RSA_PKCS_OAEP, RSA_BITS[0], RSA_BITS[-1], FLAGS, ck.CKK_RSA)
    private, public = rsa_vectors.ENCRYPTION_KEY.pair()
    sha1 = SIGNATURE_HASHES[0]
    params = pack(mechanism.number, wire.Oaep(sha1.digest, ck.CKG_MGF1_SHA1))[4:]
    decrypt = mechanism.decrypter(private)
    fresh = mechanism.encrypter(public)(params, b"there and back")
    return (
        decrypt(params, rsa_vectors.OAEP_CIPHERTEXT) == rsa_vectors.OAEP_PLAINTEXT
        and decrypt(params, fresh) == b"there and back"
    )


def register(table: Table) -> None:
    """Add CKM_RSA_PKCS_OAEP."""
    mechanism = RsaOaep(ck.CKM_RSA_PKCS_OAEP, RSA_BITS[0], RSA_BITS[-1], FLAGS, ck.CKK_RSA)
    table.register("rsa-oaep", known_answers, [mechanism])
