"""Output and cipher feedback of AES, DES and triple DES (PKCS #11 3.2; SP 800-38A).

OFB of a block, CFB of a block and of a byte; the library has no others (`left_out.toml`).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import AES, ANY_DES, CRYPT, WRAP, BlockCipher, BlockMode
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

    from ghostcard.firmware.mechanisms.block import Mode


class Feedback(BlockMode):
    """A mode that makes a stream cipher of a block cipher: any number of bytes, as many out."""

    __slots__ = ()

    def chosen(self, params: bytes) -> "Mode":
        """The mode of one message."""
        from cryptography.hazmat.decrepit.ciphers.modes import CFB, CFB8, OFB

        modes: dict[str, Callable[[bytes], Mode]] = {"ofb": OFB, "cfb": CFB, "cfb8": CFB8}
        return modes[self.mode](self.initial(params))

    def encrypter(self, key: Key) -> Transform:
        make, chosen = self.maker(key), self.chosen
        return lambda params, data: make(chosen(params)).encryptor().update(data)

    def decrypter(self, key: Key) -> Transform:
        make, chosen = self.maker(key), self.chosen
        return lambda params, data: make(chosen(params)).decryptor().update(data)

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return FeedbackStream(self.maker(key)(self.chosen(params)).encryptor())

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        return FeedbackStream(self.maker(key)(self.chosen(params)).decryptor())

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    decrypted_bytes = encrypted_bytes


class FeedbackStream:
    """Bytes as they come."""

    __slots__ = ("_context",)

    def __init__(self, context: "CipherContext") -> None:
        self._context = context

    def update(self, data: bytes, /) -> bytes:
        return self._context.update(data)

    def finish(self) -> bytes:
        return self._context.finalize()


class _Case(NamedTuple):
    number: int
    mode: str
    cipher: BlockCipher
    key_type: int
    key: bytes
    iv: bytes
    plain: bytes
    encrypted: bytes


_AES_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
_AES_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
_IV = bytes(range(16))
_DES_KEY = bytes.fromhex("0123456789abcdef")
_DES_PLAIN = b"Now is the time "
_DES_IV = bytes.fromhex("1234567890abcdef")

# AES: SP 800-38A, F.3.11 (CFB8), F.3.17 (CFB128), F.4.5 (OFB). DES: FIPS 81, tables D2 (CFB8), D3
# (CFB64) and D4 (OFB64).
_CASES = tuple(
    _Case(
        number,
        mode,
        cipher,
        key_type,
        key,
        iv,
        plain[: len(encrypted) // 2],
        bytes.fromhex(encrypted),
    )
    for cipher, key_type, key, iv, plain, rows in (
        (
            *(AES, ck.CKK_AES, _AES_KEY, _IV, _AES_PLAIN),
            (
                (
                    ck.CKM_AES_OFB,
                    "ofb",
                    "dc7e84bfda79164b7ecd8486985d38604febdc6740d20b3ac88f6ad82a4fb08d",
                ),
                (
                    ck.CKM_AES_CFB128,
                    "cfb",
                    "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b",
                ),
                (ck.CKM_AES_CFB8, "cfb8", "dc1f1a8520a64db55fcc8ac554844e889700"),
            ),
        ),
        (
            *(ANY_DES, ck.CKK_DES, _DES_KEY, _DES_IV, _DES_PLAIN),
            (
                (ck.CKM_DES_OFB64, "ofb", "f3096249c7f46e5135f24a242eeb3d3f"),
                (ck.CKM_DES_CFB64, "cfb", "f3096249c7f46e51a69e839b1a92f784"),
                (ck.CKM_DES_CFB8, "cfb8", "f31fda07011462ee187f43d80a7cd9b5"),
            ),
        ),
    )
    for number, mode, encrypted in rows
)


def known_answers() -> bool:
    """Each case is encrypted to its known answer, and back."""
    return all(
        (mode := Feedback(case.number, case.mode, CRYPT, case.cipher)).encrypter(
            key := secret_key(case.key_type, case.key)
        )(case.iv, case.plain)
        == case.encrypted
        and mode.decrypter(key)(case.iv, case.encrypted) == case.plain
        for case in _CASES
    )


def register(table: Table) -> None:
    """Add OFB and CFB; those of DES take keys of triple DES, too."""
    table.register(
        "feedback",
        known_answers,
        [Feedback(case.number, case.mode, CRYPT | WRAP, case.cipher) for case in _CASES],
    )
