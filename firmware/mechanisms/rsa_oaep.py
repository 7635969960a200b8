"""RSAES-OAEP (PKCS #11 3.2, 6.1.8; RFC 8017, 7.1)."""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms.hashes import SHA1, of_mechanism, of_mgf
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import Mechanism, parameters
from ghostcard.firmware.mechanisms.public import RSA_BITS
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.rsa_schemes import Oaep
from ghostcard.firmware.mechanisms.table import Table

FLAGS = ck.CKF_HW | rsa.CRYPT_FLAGS


def scheme_of(parsed: wire.Oaep) -> Oaep:
    """The scheme of parameters; refused if there is none such."""
    sources = (ck.CKZ_DATA_SPECIFIED,) if parsed.label else (0, ck.CKZ_DATA_SPECIFIED)
    if parsed.source not in sources:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return Oaep(of_mechanism(parsed.hash), of_mgf(parsed.mgf), parsed.label)


def room(key: Key, scheme: Oaep) -> int:
    """The longest plaintext; below 0 if the key is too short for the hash."""
    return rsa.width(key.bits) - 2 * scheme.hash.size - 2


def encrypt(key: Key, scheme: Oaep, data: bytes) -> bytes:
    """RSAES-OAEP-ENCRYPT (RFC 8017, 7.1.1)."""
    if len(data) > room(key, scheme):
        raise Refused(ck.CKR_DATA_LEN_RANGE)
    return rsa.public_handle(key).encrypter(scheme)(data)


def decrypt(key: Key, scheme: Oaep, data: bytes) -> bytes:
    """RSAES-OAEP-DECRYPT (RFC 8017, 7.1.2); one answer for whatever is wrong."""
    if len(data) != rsa.width(key.bits):
        raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
    return rsa.private_handle(key).decrypter(scheme)(data)


class RsaOaep(Mechanism):
    """CKM_RSA_PKCS_OAEP."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(ck.CKM_RSA_PKCS_OAEP, RSA_BITS[0], RSA_BITS[-1], FLAGS, ck.CKK_RSA)

    def operation(self, key: Key, use: str) -> str:
        return rsa.operation(key, use)

    def _scheme(self, params: bytes) -> Oaep:
        return scheme_of(parameters(self.number, params, wire.Oaep))

    def encrypter(self, key: Key) -> Transform:
        return self._transform(encrypt, key)

    def decrypter(self, key: Key) -> Transform:
        return self._transform(decrypt, key)

    def _transform(self, function: Callable[[Key, Oaep, bytes], bytes], key: Key) -> Transform:
        return lambda params, data: function(key, self._scheme(params), data)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        self._scheme(params)
        return rsa.width(key.bits)

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return max(room(key, self._scheme(params)), 0)


def known_answers() -> bool:
    """The RSA Laboratories case in `rsa_vectors` decrypts, and a fresh ciphertext does."""
    private, public = rsa_vectors.ENCRYPTION_KEY.pair()
    scheme = Oaep(SHA1, SHA1)
    fresh = encrypt(public, scheme, b"there and back")
    return (
        decrypt(private, scheme, rsa_vectors.OAEP_CIPHERTEXT) == rsa_vectors.OAEP_PLAINTEXT
        and decrypt(private, scheme, fresh) == b"there and back"
    )


def register(table: Table) -> None:
    """Add CKM_RSA_PKCS_OAEP."""
    table.register("rsa-oaep", known_answers, [RsaOaep()])
