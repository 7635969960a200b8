"""AES-GCM (PKCS #11 3.2, 6.13.9; NIST SP 800-38D)."""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.aead import HeldDecryption
from ghostcard.firmware.mechanisms.block import CRYPT, WRAP, BlockMode, modes
from ghostcard.firmware.mechanisms.key import Key, Placer, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext

TAG = 16
TAG_BITS = frozenset((32, 64, 96, 104, 112, 120, 128))  # SP 800-38D, 5.2.1.2
IV_BYTES = range(8, 129)  # what the cryptographic library takes

# The parameters nearly every caller sends, up to the IV: a tag of 128 bits, an IV of 96.
_USUAL = pack(ck.CKM_AES_GCM, wire.Gcm(8 * TAG, bytes(12)))[4:12]


def _parsed(params: bytes) -> wire.Gcm:
    if params[:8] == _USUAL and len(params) >= 20:
        return wire.Gcm(8 * TAG, params[8:20], params[20:])
    parsed = parameters(ck.CKM_AES_GCM, params, wire.Gcm)
    if parsed.tag_bits not in TAG_BITS or len(parsed.iv) not in IV_BYTES:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return parsed


class Gcm(BlockMode):
    """CKM_AES_GCM: ciphertext, then the tag."""

    __slots__ = ()

    def encrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        seal = AESGCM(key.material).encrypt

        def encrypt(params: bytes, data: bytes) -> bytes:
            if params[:8] == _USUAL and len(params) >= 20:
                return seal(params[8:20], data, params[20:])
            tag_bits, iv, aad = _parsed(params)
            sealed = seal(iv, data, aad)
            return sealed[: len(data) + tag_bits // 8]

        return encrypt

    def encrypting_placer(self, key: Key) -> Placer:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        seal, seal_into = AESGCM(key.material).encrypt, AESGCM(key.material).encrypt_into

        def place(params: bytes, data: memoryview, out: memoryview) -> int:
            tag_bits, iv, aad = _parsed(params)
            size = len(data) + tag_bits // 8
            if tag_bits == 8 * TAG:
                return seal_into(iv, data, aad, out[:size])
            out[:size] = seal(iv, data, aad)[:size]
            return size

        return place

    def decrypter(self, key: Key) -> Transform:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        unseal = AESGCM(key.material).decrypt

        def decrypt(params: bytes, data: bytes) -> bytes:
            tag_bits, iv, aad = _parsed(params)
            if len(data) < tag_bits // 8:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            try:
                if tag_bits == 8 * TAG:
                    return unseal(iv, data, aad)
                return _decrypt_short(key, iv, aad, data, tag_bits // 8)
            except InvalidTag:
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        tag_bits, iv, aad = _parsed(params)
        context = self.maker(key)(modes().gcm(iv)).encryptor()
        context.authenticate_additional_data(aad)
        return GcmEncryption(context, tag_bits // 8)

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        _parsed(params)
        return HeldDecryption(self.decrypter(key), params)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        if params[:8] == _USUAL and len(params) >= 20:
            return size + TAG
        return size + _parsed(params).tag_bits // 8

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return max(size - _parsed(params).tag_bits // 8, 0)

    def released_bytes(self, use: str, size: int) -> int:
        return 0 if use == "decrypt" else size


def _decrypt_short(key: Key, iv: bytes, aad: bytes, data: bytes, tag_bytes: int) -> bytes:
    """Tags shorter than 16 bytes, which the one-call interface does not know."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    tag = data[-tag_bytes:]
    aes = algorithms.AES(key.material)
    context = Cipher(aes, modes.GCM(iv, tag, tag_bytes)).decryptor()
    context.authenticate_additional_data(aad)
    plain = context.update(data[:-tag_bytes])
    return plain + context.finalize()


class GcmEncryption:
    """GCM in parts: ciphertext at once, the tag at the end."""

    __slots__ = ("_context", "_tag_bytes")

    def __init__(self, context: "AEADEncryptionContext", tag_bytes: int) -> None:
        self._context = context
        self._tag_bytes = tag_bytes

    def update(self, data: bytes, /) -> bytes:
        return self._context.update(data)

    def finish(self) -> bytes:
        return self._context.finalize() + self._context.tag[: self._tag_bytes]


# McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16 (AES-256).
_KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
_IV = bytes.fromhex("cafebabefacedbaddecaf888")
_AAD = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_PLAIN = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
_SEALED = bytes.fromhex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    "76fc6ece0f4e1768cddf8853bb2d551b"
)


def known_answers() -> bool:
    """The case above is encrypted and decrypted; a changed tag is refused."""
    mechanism = Gcm(ck.CKM_AES_GCM, "gcm", CRYPT | WRAP)
    key = secret_key(ck.CKK_AES, _KEY)
    params = pack(ck.CKM_AES_GCM, wire.Gcm(128, _IV, _AAD))[4:]
    if mechanism.encrypter(key)(params, _PLAIN) != _SEALED:
        return False
    decrypt = mechanism.decrypter(key)
    try:
        decrypt(params, _SEALED[:-1] + bytes((_SEALED[-1] ^ 1,)))
    except Refused:
        return decrypt(params, _SEALED) == _PLAIN
    return False


def register(table: Table) -> None:
    """Add CKM_AES_GCM."""
    table.register("aes-gcm", known_answers, [Gcm(ck.CKM_AES_GCM, "gcm", CRYPT | WRAP)])
