"""AES key wrap, plain and in two paddings (PKCS #11 3.2, "AES Key Wrap"; RFC 3394, RFC 5649).

The standard lets a caller choose the initial value; the library has the usual one alone, which may
be left out or spelt out.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import AES, CRYPT, WRAP, BlockMode
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

HALF = AES.block // 2
INITIAL = b"\xa6" * HALF  # RFC 3394, 2.2.3.1
INITIAL_PADDED = bytes.fromhex("a65959a6")  # RFC 5649, 3


class KeyWrap(BlockMode):
    """CKM_AES_KEY_WRAP: data of whole half blocks, two at least; key values of any length."""

    __slots__ = ()
    initial_value = INITIAL

    def check(self, params: bytes) -> None:
        """Refuse an initial value that is not the usual one."""
        if params not in (b"", self.initial_value):
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)

    def encrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap

        def encrypt(params: bytes, data: bytes) -> bytes:
            self.check(params)
            if len(data) % HALF or len(data) < AES.block:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return aes_key_wrap(key.material, data)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        def decrypt(params: bytes, data: bytes) -> bytes:
            self.check(params)
            if len(data) % HALF or len(data) < AES.block + HALF:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            try:
                return aes_key_unwrap(key.material, data)
            except InvalidUnwrap:
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

        return decrypt

    def wrapper(self, key: Key) -> Transform:
        """A value that is not whole half blocks is filled up with zeros."""
        encrypt = self.encrypter(key)
        return lambda params, value: encrypt(params, value + bytes(-len(value) % HALF))

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        self.check(params)
        return size + HALF

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        return self.encrypted_bytes(key, params, size + -size % HALF)

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        self.check(params)
        return max(size - HALF, 0)


class KeyWrapPkcs7(KeyWrap):
    """CKM_AES_KEY_WRAP_PKCS7: PKCS #7 padding to half blocks, then key wrap.

    CKM_AES_KEY_WRAP_PAD, which others read as RFC 5649, is this, as PKCS #11 2.40 describes it.
    """

    __slots__ = ()

    def encrypter(self, key: Key) -> Transform:
        encrypt = super().encrypter(key)

        def pad_and_encrypt(params: bytes, data: bytes) -> bytes:
            fill = HALF - len(data) % HALF
            return encrypt(params, data + bytes((fill,)) * fill)

        return pad_and_encrypt

    def decrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.padding import PKCS7

        decrypt = super().decrypter(key)

        def decrypt_and_strip(params: bytes, data: bytes) -> bytes:
            unpadder = PKCS7(8 * HALF).unpadder()
            try:
                return unpadder.update(decrypt(params, data)) + unpadder.finalize()
            except ValueError:
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

        return decrypt_and_strip

    def wrapper(self, key: Key) -> Transform:
        return self.encrypter(key)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return super().encrypted_bytes(key, params, size + HALF - size % HALF)

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        return self.encrypted_bytes(key, params, size)

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return max(super().decrypted_bytes(key, params, size) - HALF, 0)


class KeyWrapPadded(KeyWrap):
    """CKM_AES_KEY_WRAP_KWP: data of any length (RFC 5649)."""

    __slots__ = ()
    initial_value = INITIAL_PADDED

    def encrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

        def encrypt(params: bytes, data: bytes) -> bytes:
            self.check(params)
            if not data:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return aes_key_wrap_with_padding(key.material, data)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import (
            InvalidUnwrap,
            aes_key_unwrap_with_padding,
        )

        def decrypt(params: bytes, data: bytes) -> bytes:
            self.check(params)
            if len(data) % HALF or len(data) < AES.block:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            try:
                return aes_key_unwrap_with_padding(key.material, data)
            except InvalidUnwrap:
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

        return decrypt

    def wrapper(self, key: Key) -> Transform:
        return self.encrypter(key)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return super().encrypted_bytes(key, params, size + -size % HALF)


# RFC 3394, 4.6 (256 bits of key data under a 256-bit key); RFC 5649, 6 (7 octets, 192-bit key).
_KEK = bytes(range(32))
_VALUE = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
_WRAPPED = bytes.fromhex(
    "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
)
_PAD_KEK = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
_PAD_VALUE = bytes.fromhex("466f7250617369")
_PAD_WRAPPED = bytes.fromhex("afbeb0f07dfbf5419200f2ccb50bb24f")


# The same key data in PKCS #7 padding, by OpenSSL's key wrap.
_PKCS7_WRAPPED = bytes.fromhex(
    "bedda2ae2bd4d45a988036805e20310b9ad335f0b4e5ff4990fb044c6f42fb1c"
    "d54845d801a044a2bbc7d84a49d48390"
)


def _mechanisms() -> list[KeyWrap]:
    return [
        KeyWrap(ck.CKM_AES_KEY_WRAP, "kw", CRYPT | WRAP),
        KeyWrapPadded(ck.CKM_AES_KEY_WRAP_KWP, "kw", CRYPT | WRAP),
        KeyWrapPkcs7(ck.CKM_AES_KEY_WRAP_PKCS7, "kw", CRYPT | WRAP),
        KeyWrapPkcs7(ck.CKM_AES_KEY_WRAP_PAD, "kw", CRYPT | WRAP),
    ]


def known_answers() -> bool:
    """The cases above, there and back."""
    padded = (_KEK, _VALUE, _PKCS7_WRAPPED)
    cases = zip(
        _mechanisms(),
        ((_KEK, _VALUE, _WRAPPED), (_PAD_KEK, _PAD_VALUE, _PAD_WRAPPED), padded, padded),
        strict=True,
    )
    return all(
        mechanism.wrapper(key := secret_key(ck.CKK_AES, kek))(b"", value) == wrapped
        and mechanism.unwrapper(key)(b"", wrapped) == value
        for mechanism, (kek, value, wrapped) in cases
    )


def register(table: Table) -> None:
    """Add the key wraps of AES."""
    table.register("aes-keywrap", known_answers, _mechanisms())
