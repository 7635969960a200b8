"""Keys that are data, encrypted (PKCS #11 3.2, "Key derivation by data encryption").

The data is whole blocks; of the ciphertext the leading bytes are the key.
"""

from typing import TypeAlias

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.block import AES, DES, DES3, BlockCipher, encrypt_block
from ghostcard.firmware.mechanisms.derivation import SecretDerivation, within
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

Family: TypeAlias = type[wire.StringData] | type[wire.CbcData] | type[wire.DesCbcData]


class EncryptData(SecretDerivation):
    """CKM_*_ECB_ENCRYPT_DATA, and with an IV CKM_*_CBC_ENCRYPT_DATA."""

    __slots__ = ("cipher", "family")
    counts_bytes = True
    keeps_secrecy = True

    def __init__(self, number: int, cipher: BlockCipher, family: Family) -> None:
        super().__init__(number, *cipher.key_types)
        self.minimum, self.maximum = cipher.key_bytes[0], cipher.key_bytes[-1]
        self.cipher = cipher
        self.family = family

    def _data(self, params: bytes) -> tuple[bytes, bytes]:
        """IV (empty in ECB) and data."""
        parsed = parameters(self.number, params, self.family)
        data = parsed.data
        if not data or len(data) % self.cipher.block:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return (b"" if isinstance(parsed, wire.StringData) else parsed.iv), data

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        whole = len(self._data(params)[1])
        if key_bytes is not None and key_bytes > whole:  # what is too short is the data
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return within(key_bytes, whole, whole)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        iv, data = self._data(params)
        if not iv:
            return encrypt_block(self.cipher, key.material, data)[:size]
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        stream = Cipher(self.cipher.algorithm(key.material), CBC(iv)).encryptor()
        return stream.update(data)[:size]


# SP 800-38A, F.1.1 and F.2.1: first block with AES-128.
_KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
_IV = bytes(range(16))
_ECB = bytes.fromhex("3ad77bb40d7a3660a89ecaf32466ef97")
_CBC = bytes.fromhex("7649abac8119b246cee98e9b12e9197d")

_AES = (
    EncryptData(ck.CKM_AES_ECB_ENCRYPT_DATA, AES, wire.StringData),
    EncryptData(ck.CKM_AES_CBC_ENCRYPT_DATA, AES, wire.CbcData),
)


def known_answers() -> bool:
    """Both modes encrypt the block above to its known answer."""
    key = secret_key(ck.CKK_AES, _KEY)
    ecb, cbc = _AES
    return ecb.derive(key, _PLAIN, None) == _ECB and cbc.derive(key, _IV + _PLAIN, None) == _CBC


def register(table: Table) -> None:
    """Add ECB and CBC of AES, DES and triple DES."""
    mechanisms = [
        *_AES,
        EncryptData(ck.CKM_DES_ECB_ENCRYPT_DATA, DES, wire.StringData),
        EncryptData(ck.CKM_DES_CBC_ENCRYPT_DATA, DES, wire.DesCbcData),
        EncryptData(ck.CKM_DES3_ECB_ENCRYPT_DATA, DES3, wire.StringData),
        EncryptData(ck.CKM_DES3_CBC_ENCRYPT_DATA, DES3, wire.DesCbcData),
    ]
    table.register("cipher-derivation", known_answers, mechanisms)
