"""Exercises with ciphers and their MACs: AES, triple DES, ChaCha20, Poly1305."""

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import ON, Exercise, Material, Sizes
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.abi.operations import AES_BITS, XTS_BITS

BLOCK = 16  # AES
DES_BLOCK = 8
TAG = 16  # of GCM, CCM, ChaCha20-Poly1305
NONCE = 12
SECRET_BLOB = blob_bytes(p.CKK_GENERIC_SECRET, 64)  # of all keys here
AES = pack(p.CKM_AES_KEY_GEN)
AES_XTS = pack(p.CKM_AES_XTS_KEY_GEN)
DES3 = pack(p.CKM_DES3_KEY_GEN)
CHACHA20 = pack(p.CKM_CHACHA20_KEY_GEN)
POLY1305 = pack(p.CKM_POLY1305_KEY_GEN)


class Cipher:
    """EncryptSingle under a key of its own: data of at least `least` bytes, a multiple of `step`,
    becomes `overhead` bytes longer.
    """

    def __init__(
        self,
        keygen: bytes,
        key_bytes: int,
        mechanism: bytes,
        step: int = 1,
        overhead: int = 0,
        least: int = 0,
    ) -> None:
        self.keygen = keygen
        self.key_bytes = key_bytes
        self.mechanism = mechanism
        self.step = step
        self.overhead = overhead
        self.least = least

    def accepts(self, payload: int) -> bool:
        return payload >= self.least and payload % self.step == 0

    def material(self, host: Ep11Host, payload: int) -> Material:
        return (host.generate_key(self.keygen, self.key_bytes, {p.CKA_ENCRYPT: ON})[0],)

    def material_bytes(self, payload: int) -> Sizes:
        return (SECRET_BLOB,)

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.encrypt_single(self.mechanism, material[0], bytes(payload))

    def reply_bytes(self, payload: int) -> Sizes:
        return (payload + self.overhead,)


class CcmCipher(Cipher):
    """The same with AES-CCM, whose parameters have the length of the data."""

    def __init__(self, key_bytes: int) -> None:
        super().__init__(AES, key_bytes, b"", overhead=TAG)

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        mechanism = pack(p.CKM_AES_CCM, wire.Ccm(payload, TAG, bytes(NONCE)))
        host.encrypt_single(mechanism, material[0], bytes(payload))


class CipherMac(Cipher):
    """SignSingle under a key of its own."""

    def __init__(self, keygen: bytes, key_bytes: int, mechanism: bytes, size: int) -> None:
        super().__init__(keygen, key_bytes, mechanism)
        self.size = size

    def material(self, host: Ep11Host, payload: int) -> Material:
        return (host.generate_key(self.keygen, self.key_bytes, {p.CKA_SIGN: ON})[0],)

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.sign_single(self.mechanism, material[0], bytes(payload))

    def reply_bytes(self, payload: int) -> Sizes:
        return (self.size,)


_IV = wire.Iv(bytes(BLOCK))
_DES_IV = wire.DesIv(bytes(DES_BLOCK))
_AES_MODES: dict[str, tuple[bytes, int, int, int]] = {  # mechanism; step, overhead, least in bytes
    "ecb": (pack(p.CKM_AES_ECB), BLOCK, 0, 0),
    "cbc": (pack(p.CKM_AES_CBC, _IV), BLOCK, 0, 0),
    "ctr": (pack(p.CKM_AES_CTR, wire.Ctr(128, bytes(BLOCK))), 1, 0, 0),
    "gcm": (pack(p.CKM_AES_GCM, wire.Gcm(8 * TAG, bytes(NONCE))), 1, TAG, 0),
    "ofb": (pack(p.CKM_AES_OFB, _IV), 1, 0, 0),
    "cfb": (pack(p.CKM_AES_CFB128, _IV), 1, 0, 0),
    "cfb8": (pack(p.CKM_AES_CFB8, _IV), 1, 0, 0),
    "kw": (pack(p.CKM_AES_KEY_WRAP), BLOCK // 2, BLOCK // 2, BLOCK),
}
_DES3_MODES: dict[str, tuple[bytes, int]] = {  # mechanism, step in bytes
    "ecb": (pack(p.CKM_DES3_ECB), DES_BLOCK),
    "cbc": (pack(p.CKM_DES3_CBC, _DES_IV), DES_BLOCK),
    "ofb": (pack(p.CKM_DES_OFB64, _DES_IV), 1),
    "cfb": (pack(p.CKM_DES_CFB64, _DES_IV), 1),
    "cfb8": (pack(p.CKM_DES_CFB8, _DES_IV), 1),
}


def exercises() -> dict[str, Exercise]:
    """By name of the operation."""
    chacha20 = pack(p.CKM_CHACHA20, wire.ChaCha20(bytes(4), bytes(NONCE)))
    sealing = pack(p.CKM_CHACHA20_POLY1305, wire.ChaCha20Poly1305(bytes(NONCE)))
    table: dict[str, Exercise] = {
        "des3-cmac": CipherMac(DES3, 24, pack(p.CKM_DES3_CMAC), DES_BLOCK),
        "chacha20": Cipher(CHACHA20, 32, chacha20),
        "chacha20-poly1305": Cipher(CHACHA20, 32, sealing, overhead=TAG),
        "poly1305": CipherMac(POLY1305, 32, pack(p.CKM_POLY1305), TAG),
    }
    for mode, (mechanism, step) in _DES3_MODES.items():
        table[f"des3-{mode}"] = Cipher(DES3, 24, mechanism, step)
    for bits in XTS_BITS:
        mechanism = pack(p.CKM_AES_XTS, _IV)
        table[f"aes-{bits}-xts"] = Cipher(AES_XTS, bits // 4, mechanism, least=BLOCK)
    for bits in AES_BITS:
        for mode, figures in _AES_MODES.items():
            table[f"aes-{bits}-{mode}"] = Cipher(AES, bits // 8, *figures)
        table[f"aes-{bits}-ccm"] = CcmCipher(bits // 8)
        table[f"aes-{bits}-cmac"] = CipherMac(AES, bits // 8, pack(p.CKM_AES_CMAC), BLOCK)
    return table
