"""Every symmetric mechanism with a key that fits it and parameters for a message of some size."""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key, with_parity

AES_BLOCK, DES_BLOCK = 16, 8
IV = bytes(range(AES_BLOCK))


class Subject(NamedTuple):
    """`step`: data is a multiple of so many bytes; `least`: and at least so many."""

    key: Key
    parameters: Callable[[int], wire.Parameters]
    step: int = 1
    least: int = 0

    def params(self, number: int, size: int) -> bytes:
        """The bytes behind the mechanism's number, for a message of `size` bytes."""
        return pack(number, self.parameters(size))[4:]


def key_of(key_type: int, size: int) -> Key:
    """A key of the type."""
    return secret_key(key_type, with_parity(key_type, bytes(range(1, size + 1))))


AES, XTS = key_of(ck.CKK_AES, 32), key_of(ck.CKK_AES_XTS, 64)
DES, DES2, DES3 = key_of(ck.CKK_DES, 8), key_of(ck.CKK_DES2, 16), key_of(ck.CKK_DES3, 24)
CHACHA20, POLY1305 = key_of(ck.CKK_CHACHA20, 32), key_of(ck.CKK_POLY1305, 32)


def nothing(size: int) -> wire.Parameters:
    return wire.Raw()


def iv(size: int) -> wire.Parameters:
    return wire.Iv(IV)


def des_iv(size: int) -> wire.Parameters:
    return wire.DesIv(IV[:DES_BLOCK])


CIPHERS: dict[int, Subject] = {
    ck.CKM_AES_ECB: Subject(AES, nothing, AES_BLOCK),
    ck.CKM_AES_CBC: Subject(AES, iv, AES_BLOCK),
    ck.CKM_AES_CBC_PAD: Subject(AES, iv),
    ck.CKM_AES_CTR: Subject(AES, lambda size: wire.Ctr(128, IV)),
    ck.CKM_AES_GCM: Subject(AES, lambda size: wire.Gcm(96, IV[:12], b"head")),
    ck.CKM_AES_CCM: Subject(AES, lambda size: wire.Ccm(size, 10, IV[:13], b"head")),
    ck.CKM_AES_CTS: Subject(AES, iv, least=AES_BLOCK),
    ck.CKM_AES_XTS: Subject(XTS, iv, least=AES_BLOCK),
    ck.CKM_AES_OFB: Subject(AES, iv),
    ck.CKM_AES_CFB128: Subject(AES, iv),
    ck.CKM_AES_CFB8: Subject(AES, iv),
    ck.CKM_DES_ECB: Subject(DES, nothing, DES_BLOCK),
    ck.CKM_DES_CBC: Subject(DES, des_iv, DES_BLOCK),
    ck.CKM_DES_CBC_PAD: Subject(DES, des_iv),
    ck.CKM_DES3_ECB: Subject(DES3, nothing, DES_BLOCK),
    ck.CKM_DES3_CBC: Subject(DES2, des_iv, DES_BLOCK),
    ck.CKM_DES3_CBC_PAD: Subject(DES3, des_iv),
    ck.CKM_DES_OFB64: Subject(DES3, des_iv),
    ck.CKM_DES_CFB64: Subject(DES2, des_iv),
    ck.CKM_DES_CFB8: Subject(DES, des_iv),
    ck.CKM_CHACHA20: Subject(CHACHA20, lambda size: wire.ChaCha20(IV[:4], IV[4:])),
    ck.CKM_CHACHA20_POLY1305: Subject(
        CHACHA20, lambda size: wire.ChaCha20Poly1305(IV[:12], b"head")
    ),
}
"""Ciphers that work in parts; those that wrap keys in one part alone are not here."""

MACS: dict[int, Subject] = {
    ck.CKM_AES_CMAC: Subject(AES, nothing),
    ck.CKM_AES_CMAC_GENERAL: Subject(AES, lambda size: wire.MacLength(5)),
    ck.CKM_AES_MAC: Subject(AES, nothing),
    ck.CKM_AES_MAC_GENERAL: Subject(AES, lambda size: wire.MacLength(16)),
    ck.CKM_AES_GMAC: Subject(AES, lambda size: wire.Gcm(104, IV[:12])),
    ck.CKM_AES_XCBC_MAC: Subject(key_of(ck.CKK_AES, 16), nothing),
    ck.CKM_AES_XCBC_MAC_96: Subject(key_of(ck.CKK_AES, 16), nothing),
    ck.CKM_DES_MAC: Subject(DES, nothing),
    ck.CKM_DES_MAC_GENERAL: Subject(DES, lambda size: wire.MacLength(8)),
    ck.CKM_DES3_MAC: Subject(DES3, nothing),
    ck.CKM_DES3_MAC_GENERAL: Subject(DES2, lambda size: wire.MacLength(1)),
    ck.CKM_DES3_CMAC: Subject(DES3, nothing),
    ck.CKM_DES3_CMAC_GENERAL: Subject(DES2, lambda size: wire.MacLength(7)),
    ck.CKM_POLY1305: Subject(POLY1305, nothing),
}
KEY_WRAPS: dict[int, Subject] = {
    ck.CKM_AES_KEY_WRAP: Subject(AES, nothing, AES_BLOCK // 2, AES_BLOCK),
    ck.CKM_AES_KEY_WRAP_KWP: Subject(AES, nothing, least=1),
    ck.CKM_AES_KEY_WRAP_PAD: Subject(AES, nothing, least=8),
    ck.CKM_AES_KEY_WRAP_PKCS7: Subject(AES, nothing, least=8),
}
