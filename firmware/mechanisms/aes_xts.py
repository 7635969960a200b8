"""AES-XTS: keys of two halves, and the mode (PKCS #11 3.2, "AES XTS"; IEEE 1619, SP 800-38E).

The parameter is the tweak of one data unit, 16 bytes. The library takes a data unit in one piece.
In parts, each part is a unit of its own whose tweak, encrypted, is what the mode has come to: the
first one times alpha to the number of blocks before it.
"""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import (
    AES,
    CRYPT,
    WRAP,
    decrypter_of_blocks,
    encrypt_block,
)
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import SIZES, SecretKeyGen, secret_key
from ghostcard.firmware.mechanisms.stealing import BLOCK, StealingMode, StealingStream
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from ghostcard.firmware.mechanisms.block import Make

MAX_UNIT = BLOCK << 20  # bytes of a data unit: IEEE 1619, 5.1, and the library's limit
_LOW = (1 << 128) - 1

_XTS = AES._replace(key_bytes=tuple(SIZES[ck.CKK_AES_XTS]), key_types=(ck.CKK_AES_XTS,))


class Xts(StealingMode):
    """CKM_AES_XTS."""

    __slots__ = ()

    def __init__(self, number: int, flags: int) -> None:
        super().__init__(number, "xts", flags, _XTS)

    def operation(self, key: Key, use: str) -> str:
        return self.cipher.priced(self.mode, key.bits // 2)

    def encrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.ciphers.modes import XTS

        make = self.maker(key)

        def encrypt(params: bytes, data: bytes) -> bytes:
            if not BLOCK <= len(data) <= MAX_UNIT:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return make(XTS(self.initial(params))).encryptor().update(data)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.ciphers.modes import XTS

        make = self.maker(key)

        def decrypt(params: bytes, data: bytes) -> bytes:
            if not BLOCK <= len(data) <= MAX_UNIT:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            return make(XTS(self.initial(params))).decryptor().update(data)

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return XtsStream(self.maker(key), key.material, self.initial(params), encrypts=True)

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        return XtsStream(self.maker(key), key.material, self.initial(params), encrypts=False)


class XtsStream(StealingStream):
    """A data unit in parts."""

    __slots__ = ("_encrypts", "_left", "_make", "_mask", "_tweak_key")

    def __init__(self, make: "Make", value: bytes, tweak: bytes, encrypts: bool) -> None:
        super().__init__(ck.CKR_DATA_LEN_RANGE if encrypts else ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
        self._make = make
        self._encrypts = encrypts
        self._tweak_key = value[len(value) // 2 :]
        self._mask = int.from_bytes(encrypt_block(AES, self._tweak_key, tweak), "little")
        self._left = MAX_UNIT

    def blocks(self, data: bytes) -> bytes:
        made = self.tail(data)
        self._mask = times_alpha(self._mask, len(data) // BLOCK)
        return made

    def tail(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.modes import XTS

        self._left -= len(data)
        if self._left < 0:
            raise Refused(self._rv)
        single = decrypter_of_blocks(AES, self._tweak_key)
        cipher = self._make(XTS(single.update(self._mask.to_bytes(BLOCK, "little"))))
        return (cipher.encryptor() if self._encrypts else cipher.decryptor()).update(data)


def times_alpha(mask: int, power: int) -> int:
    """The mask `power` blocks further on: in GF(2^128), where x^128 = x^7 + x^2 + x + 1."""
    mask <<= power
    while high := mask >> 128:
        mask = mask & _LOW ^ high ^ high << 1 ^ high << 2 ^ high << 7
    return mask


# IEEE 1619, annex B, vector 15 (AES-128, 17 bytes, one byte stolen) and the first two blocks of
# vector 4 (AES-128, a unit of 512 bytes, of which these depend on nothing behind them).
_KEY_17 = bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0")
_TWEAK_17 = bytes.fromhex("9a785634120000000000000000000000")
_PLAIN_17 = bytes(range(17))
_CIPHER_17 = bytes.fromhex("6c1625db4671522d3d7599601de7ca09ed")
_KEY = bytes.fromhex("2718281828459045235360287471352631415926535897932384626433832795")
_CIPHER = bytes.fromhex("27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c")


def known_answers() -> bool:
    """The cases above, there and back; the second in one call and in parts."""
    mechanism = Xts(ck.CKM_AES_XTS, CRYPT)
    key = secret_key(ck.CKK_AES_XTS, _KEY_17)
    if (
        mechanism.encrypter(key)(_TWEAK_17, _PLAIN_17) != _CIPHER_17
        or mechanism.decrypter(key)(_TWEAK_17, _CIPHER_17) != _PLAIN_17
    ):
        return False
    key, zeros = secret_key(ck.CKK_AES_XTS, _KEY), bytes(16)
    plain = bytes(range(32))
    stream = mechanism.encryption(key, zeros)
    return (
        mechanism.encrypter(key)(zeros, plain) == _CIPHER
        and mechanism.decrypter(key)(zeros, _CIPHER) == plain
        and stream.update(plain) + stream.finish() == _CIPHER
    )


def register(table: Table) -> None:
    """Add CKM_AES_XTS and CKM_AES_XTS_KEY_GEN."""
    keygen = SecretKeyGen(ck.CKM_AES_XTS_KEY_GEN, ck.CKK_AES_XTS, "aes-keygen")
    table.register("aes-xts", known_answers, [keygen, Xts(ck.CKM_AES_XTS, CRYPT | WRAP)])
