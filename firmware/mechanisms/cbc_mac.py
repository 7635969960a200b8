"""CBC-MAC of AES, DES and triple DES (PKCS #11 3.2, "MAC" of each cipher; FIPS 113).

The last block is filled up with zeros, and of no data one block of zeros is made. Safe only for
messages of one length; CMAC is what new programs want.
"""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import AES, DES, DES3, BlockCipher
from ghostcard.firmware.mechanisms.block_mac import BlockMac
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

_STEP = 65536  # bytes of ciphertext made at once, of which one block is kept


class CbcMac(BlockMac):
    """CBC with an IV of zeros, of which the last block is the MAC; half of it unless asked for."""

    __slots__ = ()

    def sink(self, key: Key, params: bytes) -> Sink:
        return CbcMacSink(self.cipher, key.material)


class CbcMacSink:
    """CBC-MAC in parts."""

    __slots__ = ("_block", "_context", "_last", "_total")

    def __init__(self, cipher: BlockCipher, value: bytes) -> None:
        self._block = cipher.block
        self._context = encryptor(cipher, value)
        self._last = b""
        self._total = 0

    def update(self, data: bytes, /) -> None:
        self._total += len(data)
        for start in range(0, len(data), _STEP):
            made = self._context.update(data[start : start + _STEP])
            self._last = made[-self._block :] or self._last

    def digest(self) -> bytes:
        fill = -self._total % self._block if self._total else self._block
        self.update(bytes(fill))
        return self._last


def encryptor(cipher: BlockCipher, value: bytes) -> "CipherContext":
    """CBC under a key's value with an IV of zeros."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    return Cipher(cipher.algorithm(value), CBC(bytes(cipher.block))).encryptor()


# FIPS 113, appendix (DES). AES: the last block of CBC under an IV of zeros over SP 800-38A's
# plaintext, by OpenSSL.
_DES_KEY = bytes.fromhex("0123456789abcdef")
_DES_DATA = b"7654321 Now is the time for "
_DES_MAC = bytes.fromhex("f1d30f6849312ca4")
_AES_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
_AES_DATA = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
_AES_MAC = bytes.fromhex("b148c17f309ee692287ae57cf12add49")

_ROWS = (
    (AES, ck.CKM_AES_MAC, ck.CKM_AES_MAC_GENERAL),
    (DES3, ck.CKM_DES3_MAC, ck.CKM_DES3_MAC_GENERAL),
    (DES, ck.CKM_DES_MAC, ck.CKM_DES_MAC_GENERAL),
)


def known_answers() -> bool:
    """The cases above; that of DES under triple DES with equal keys too."""
    cases = (
        (AES, ck.CKK_AES, _AES_KEY, _AES_DATA, _AES_MAC),
        (DES, ck.CKK_DES, _DES_KEY, _DES_DATA, _DES_MAC),
        (DES3, ck.CKK_DES3, _DES_KEY * 3, _DES_DATA, _DES_MAC),
    )
    return all(
        CbcMac(0, "cmac", cipher, cipher.block).signer(secret_key(key_type, value), b"")(data)
        == mac
        for cipher, key_type, value, data, mac in cases
    )


def register(table: Table) -> None:
    """Add MAC and MAC_GENERAL of the three ciphers."""
    table.register(
        "cbc-mac",
        known_answers,
        [
            CbcMac(number, "cmac", cipher, size)
            for cipher, usual, general in _ROWS
            for number, size in ((usual, cipher.block // 2), (general, 0))
        ],
    )
