"""CMAC of AES and triple DES, whole or cut to a length (PKCS #11 3.2, "CMAC"; SP 800-38B)."""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import AES, DES3, BlockCipher
from ghostcard.firmware.mechanisms.block_mac import BlockMac
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key, Signer
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.cmac import CMAC


class Cmac(BlockMac):
    """CMAC; the key's two subkeys are made once, and copied for each message."""

    __slots__ = ()

    def _context(self, key: Key) -> "CMAC":
        from cryptography.hazmat.primitives.cmac import CMAC

        return CMAC(self.cipher.algorithm(key.material))

    def keyed(self, key: Key, params: bytes) -> Signer:
        copy = self._context(key).copy

        def mac(data: bytes) -> bytes:
            context = copy()
            context.update(data)
            return context.finalize()

        return mac

    def sink(self, key: Key, params: bytes) -> Sink:
        return CmacSink(self._context(key))


class CmacSink:
    """CMAC in parts."""

    __slots__ = ("digest", "update")

    def __init__(self, context: "CMAC") -> None:
        self.update = context.update
        self.digest = context.finalize


# SP 800-38B, D.3, example 11 (AES-256, 40 bytes), and D.4, example 15 (three keys, 20 bytes).
_MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
)
_AES_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
_AES_MAC = bytes.fromhex("aaf3d8f1de5640c232f5b169b9c911e6")
_DES_KEY = bytes.fromhex("8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5")
_DES_MAC = bytes.fromhex("743ddbe0ce2dc2ed")


def _mechanisms(cipher: BlockCipher, usual: int, general: int) -> list[Cmac]:
    return [Cmac(usual, "cmac", cipher, cipher.block), Cmac(general, "cmac", cipher, 0)]


def known_answers() -> bool:
    """Both cases above, in one call and in parts."""
    cases = (
        (AES, ck.CKK_AES, _AES_KEY, _MESSAGE, _AES_MAC),
        (DES3, ck.CKK_DES3, _DES_KEY, _MESSAGE[:20], _DES_MAC),
    )
    for cipher, key_type, value, message, mac in cases:
        mechanism, key = Cmac(0, "cmac", cipher, cipher.block), secret_key(key_type, value)
        sink = mechanism.sink(key, b"")
        sink.update(message[:9])
        sink.update(message[9:])
        if not mechanism.signer(key, b"")(message) == mac == sink.digest():
            return False
    return True


def register(table: Table) -> None:
    """Add CMAC and CMAC_GENERAL of both ciphers."""
    aes = _mechanisms(AES, ck.CKM_AES_CMAC, ck.CKM_AES_CMAC_GENERAL)
    des3 = _mechanisms(DES3, ck.CKM_DES3_CMAC, ck.CKM_DES3_CMAC_GENERAL)
    table.register("cmac", known_answers, [*aes, *des3])
