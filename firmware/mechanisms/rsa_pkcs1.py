"""RSA with the padding of PKCS #1 v1.5 (PKCS #11 3.2, 6.1.6 and 6.1.9; RFC 8017, 7.2 and 8.2)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms.hashes import SIGNATURE_HASHES, Hash
from ghostcard.firmware.mechanisms.key import Key, Signer, Transform, Verifier
from ghostcard.firmware.mechanisms.mechanism import Signing, no_parameters
from ghostcard.firmware.mechanisms.public import RSA_BITS
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.rsa_schemes import Pkcs1
from ghostcard.firmware.mechanisms.table import Table

OVERHEAD = 11  # bytes of padding at least
DIGEST_INFO = 19  # bytes a DigestInfo has before the hash, at most (15 of SHA-1; RFC 8017, 9.2)


class RsaPkcs1(Signing):
    """SHAx_RSA_PKCS; without a hash CKM_RSA_PKCS, which signs what it is given, a DigestInfo."""

    __slots__ = ()

    def __init__(self, number: int, which: Hash | None) -> None:
        super().__init__(number, RSA_BITS[0], RSA_BITS[-1], which, ck.CKK_RSA)

    def operation(self, key: Key, use: str) -> str:
        return rsa.operation(key, use)

    def signature_bytes(self, key: Key, params: bytes) -> int:
        self._check(key, params)
        return rsa.width(key.bits)

    def _check(self, key: Key, params: bytes) -> None:
        """Refuse parameters, and a key that is too short for the hash."""
        no_parameters(params)
        if self.hash and self.hash.size + DIGEST_INFO + OVERHEAD > rsa.width(key.bits):
            raise Refused(ck.CKR_KEY_SIZE_RANGE)

    def closer(self, key: Key, params: bytes) -> Signer:
        self._check(key, params)
        sign = rsa.private_handle(key).signer(Pkcs1(self.hash))
        room = rsa.width(key.bits) - OVERHEAD

        def close(data: bytes) -> bytes:
            if len(data) > room:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return sign(data)

        return close

    def checker(self, key: Key, params: bytes) -> Verifier:
        self._check(key, params)
        verify, size = rsa.public_handle(key).verifier(Pkcs1(self.hash)), rsa.width(key.bits)

        def check(data: bytes, signature: bytes) -> None:
            if len(data) > size - OVERHEAD:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            verify(data, signature)

        return check


class RsaPkcs1Crypt(RsaPkcs1):
    """CKM_RSA_PKCS, which also encrypts and wraps.

    Bad padding is not an error (`PrivateHandle.decrypter`).
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(ck.CKM_RSA_PKCS, None)
        self.flags |= rsa.CRYPT_FLAGS

    def encrypter(self, key: Key) -> Transform:
        encrypt_padded = rsa.public_handle(key).encrypter(Pkcs1())
        room = rsa.width(key.bits) - OVERHEAD

        def encrypt(params: bytes, data: bytes) -> bytes:
            no_parameters(params)
            if len(data) > room:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return encrypt_padded(data)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        decrypt_padded = rsa.private_handle(key).decrypter(Pkcs1())
        size = rsa.width(key.bits)

        def decrypt(params: bytes, data: bytes) -> bytes:
            no_parameters(params)
            if len(data) != size:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            return decrypt_padded(data)

        return decrypt

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        no_parameters(params)
        return rsa.width(key.bits)

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        no_parameters(params)
        return rsa.width(key.bits) - OVERHEAD


def known_answers() -> bool:
    """The RSA Laboratories cases in `rsa_vectors`: sign, verify, decrypt, encrypt and back."""
    by_hash = {each.name: each for each in SIGNATURE_HASHES}
    signing = RsaPkcs1(ck.CKM_SHA1_RSA_PKCS, by_hash["sha1"])
    private, public = rsa_vectors.SIGNING_KEY.pair()
    message, signature = rsa_vectors.PKCS1_MESSAGE, rsa_vectors.PKCS1_SIGNATURE
    if signing.signer(private, b"")(message) != signature:
        return False
    try:
        signing.verifier(public, b"")(message, signature)
    except Refused:
        return False
    crypt = RsaPkcs1Crypt()
    private, public = rsa_vectors.ENCRYPTION_KEY.pair()
    decrypt = crypt.decrypter(private)
    return (
        decrypt(b"", rsa_vectors.PKCS1_CIPHERTEXT) == rsa_vectors.PKCS1_PLAINTEXT
        and decrypt(b"", crypt.encrypter(public)(b"", b"there and back")) == b"there and back"
    )


def register(table: Table) -> None:
    """Add key pair generation, CKM_RSA_PKCS and SHAx_RSA_PKCS."""
    flags = ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR
    bits = rsa.KEYGEN_BITS
    keygen = rsa.RsaKeyPairGen(ck.CKM_RSA_PKCS_KEY_PAIR_GEN, bits[0], bits[-1], flags, ck.CKK_RSA)
    hashed = [
        RsaPkcs1(each.rsa_pkcs, each) for each in SIGNATURE_HASHES if each.rsa_pkcs is not None
    ]
    table.register("rsa-pkcs1", known_answers, [keygen, RsaPkcs1Crypt(), *hashed])
