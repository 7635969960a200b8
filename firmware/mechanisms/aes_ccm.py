"""AES-CCM (PKCS #11 3.2, "AES-CCM"; NIST SP 800-38C, RFC 3610).

In one piece it is the library's. Encryption in parts is composed of counter mode and CBC-MAC, whose
first block needs the length of all the data: the parameters have it.
"""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.aead import HeldDecryption
from ghostcard.firmware.mechanisms.block import AES, CRYPT, WRAP, BlockMode
from ghostcard.firmware.mechanisms.cbc_mac import CbcMacSink
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

    from ghostcard.firmware.mechanisms.block import Make

BLOCK = AES.block
MAC_BYTES = frozenset((4, 6, 8, 10, 12, 14, 16))
NONCE_BYTES = range(7, 14)
AAD_BYTES = 0xFEFF  # with more the encoding of the length changes, which no message of ours reaches


class Ccm(BlockMode):
    """CKM_AES_CCM: ciphertext, then the MAC."""

    __slots__ = ()

    def _asked(self, params: bytes) -> wire.Ccm:
        asked = parameters(self.number, params, wire.Ccm)
        if asked.mac_bytes not in MAC_BYTES or len(asked.nonce) not in NONCE_BYTES:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        if asked.data_bytes >> 8 * (15 - len(asked.nonce)) or len(asked.aad) > AAD_BYTES:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return asked

    def encrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM

        def encrypt(params: bytes, data: bytes) -> bytes:
            asked = self._asked(params)
            if len(data) != asked.data_bytes:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return AESCCM(key.material, asked.mac_bytes).encrypt(asked.nonce, data, asked.aad)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM

        def decrypt(params: bytes, data: bytes) -> bytes:
            asked = self._asked(params)
            if len(data) != asked.data_bytes + asked.mac_bytes:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            try:
                return AESCCM(key.material, asked.mac_bytes).decrypt(asked.nonce, data, asked.aad)
            except InvalidTag:
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return CcmEncryption(self.maker(key), key.material, self._asked(params))

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        self._asked(params)
        return HeldDecryption(self.decrypter(key), params)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size + self._asked(params).mac_bytes

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return max(size - self._asked(params).mac_bytes, 0)

    def released_bytes(self, use: str, size: int) -> int:
        return 0 if use == "decrypt" else size


class CcmEncryption:
    """CCM in parts: ciphertext at once, the MAC at the end."""

    __slots__ = ("_context", "_left", "_mac", "_mac_bytes", "_mask")

    def __init__(self, make: "Make", value: bytes, asked: wire.Ccm) -> None:
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        rest = 15 - len(asked.nonce)  # bytes of the block counter, and of the data's length
        front = bytes((rest - 1,)) + asked.nonce
        self._context: CipherContext = make(CTR(front.ljust(BLOCK, b"\0"))).encryptor()
        self._mask = self._context.update(bytes(BLOCK))
        self._mac = CbcMacSink(AES, value)
        self._mac.update(_first_block(asked, rest) + _encoded(asked.aad))
        self._mac_bytes = asked.mac_bytes
        self._left = asked.data_bytes

    def update(self, data: bytes, /) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise Refused(ck.CKR_DATA_LEN_RANGE)
        self._mac.update(data)
        return self._context.update(data)

    def finish(self) -> bytes:
        if self._left:
            raise Refused(ck.CKR_DATA_LEN_RANGE)
        mixed = zip(self._mac.digest(), self._mask, strict=True)
        return bytes(a ^ b for a, b in mixed)[: self._mac_bytes]


def _first_block(asked: wire.Ccm, rest: int) -> bytes:
    """SP 800-38C, A.2.1."""
    flags = (0x40 if asked.aad else 0) | (asked.mac_bytes - 2) // 2 << 3 | rest - 1
    return bytes((flags,)) + asked.nonce + asked.data_bytes.to_bytes(rest, "big")


def _encoded(aad: bytes) -> bytes:
    """SP 800-38C, A.2.2, filled up to whole blocks."""
    if not aad:
        return b""
    encoded = len(aad).to_bytes(2, "big") + aad
    return encoded + bytes(-len(encoded) % BLOCK)


# SP 800-38C, C.3, example 3.
_KEY = bytes(range(0x40, 0x50))
_NONCE = bytes(range(0x10, 0x1C))
_AAD = bytes(range(20))
_PLAIN = bytes(range(0x20, 0x38))
_SEALED = bytes.fromhex("e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951")


def known_answers() -> bool:
    """The case above is encrypted in both ways, and decrypted; a changed MAC is refused."""
    mechanism, key = Ccm(ck.CKM_AES_CCM, "ccm", CRYPT), secret_key(ck.CKK_AES, _KEY)
    params = pack(ck.CKM_AES_CCM, wire.Ccm(len(_PLAIN), 8, _NONCE, _AAD))[4:]
    stream = mechanism.encryption(key, params)
    parts = stream.update(_PLAIN[:5]) + stream.update(_PLAIN[5:]) + stream.finish()
    if mechanism.encrypter(key)(params, _PLAIN) != _SEALED or parts != _SEALED:
        return False
    decrypt = mechanism.decrypter(key)
    try:
        decrypt(params, _SEALED[:-1] + bytes((_SEALED[-1] ^ 1,)))
    except Refused:
        return decrypt(params, _SEALED) == _PLAIN
    return False


def register(table: Table) -> None:
    """Add CKM_AES_CCM."""
    table.register("aes-ccm", known_answers, [Ccm(ck.CKM_AES_CCM, "ccm", CRYPT | WRAP)])
