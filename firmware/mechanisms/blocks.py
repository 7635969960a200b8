"""ECB, CBC and CBC with PKCS #7 padding, of any block cipher (PKCS #11 3.2, 6.13.4 to 6.13.6)."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import AES, BlockCipher, BlockMode, modes
from ghostcard.firmware.mechanisms.context import Chain, Codebook, Contexts
from ghostcard.firmware.mechanisms.key import Key, Placer, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

    from ghostcard.firmware.mechanisms.block import Mode


class BlockByBlock(BlockMode):
    """ECB or CBC, as what is made of them sees it."""

    __slots__ = ("iv_bytes",)

    def __init__(self, number: int, mode: str, flags: int, cipher: BlockCipher = AES) -> None:
        super().__init__(number, mode, flags, cipher)
        self.iv_bytes = cipher.block if mode == "cbc" else 0

    def initial(self, params: bytes) -> bytes:
        if len(params) != self.iv_bytes:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return params

    def chosen(self, iv: bytes) -> "Mode":
        """The mode of one message."""
        return modes().cbc(iv) if self.mode == "cbc" else modes().ecb()

    def encryptor(self, key: Key, iv: bytes) -> "CipherContext":
        """The context of one message."""
        return self.maker(key)(self.chosen(iv)).encryptor()

    def decryptor(self, key: Key, iv: bytes) -> "CipherContext":
        """The same for decryption."""
        return self.maker(key)(self.chosen(iv)).decryptor()

    def encrypting(self, key: Key, rv: int) -> Contexts:
        """Contexts for whole messages, kept from one to the next; `rv` refuses half blocks."""
        made = Chain if self.mode == "cbc" else Codebook
        return made(partial(self.encryptor, key), self.cipher.block, self.iv_bytes, rv)

    def decrypting(self, key: Key, rv: int) -> Contexts:
        """The same for decryption."""
        return Codebook(partial(self.decryptor, key), self.cipher.block, self.iv_bytes, rv)


class Blocks(BlockByBlock):
    """ECB and CBC: whole blocks in, whole blocks out."""

    __slots__ = ()

    def encrypter(self, key: Key) -> Transform:
        return self.encrypting(key, ck.CKR_DATA_LEN_RANGE).whole

    def decrypter(self, key: Key) -> Transform:
        return self.decrypting(key, ck.CKR_ENCRYPTED_DATA_LEN_RANGE).whole

    def encrypting_placer(self, key: Key) -> Placer:
        return self.encrypting(key, ck.CKR_DATA_LEN_RANGE).into

    def decrypting_placer(self, key: Key) -> Placer:
        return self.decrypting(key, ck.CKR_ENCRYPTED_DATA_LEN_RANGE).into

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        context = self.encryptor(key, self.initial(params))
        return BlockStream(context, ck.CKR_DATA_LEN_RANGE)

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        context = self.decryptor(key, self.initial(params))
        return BlockStream(context, ck.CKR_ENCRYPTED_DATA_LEN_RANGE)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    def released_bytes(self, use: str, size: int) -> int:
        return size - size % self.cipher.block

    def wrapper(self, key: Key) -> Transform:
        """Values are filled up with zeros to whole blocks (PKCS #11 3.2, 6.13.4, 6.13.5)."""
        encrypt, block = self.encrypter(key), self.cipher.block
        return lambda params, value: encrypt(params, value + bytes(-len(value) % block))

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size + -size % self.cipher.block


class BlockStream:
    """Whole blocks as they fill; a part of a block left at the end is refused with `rv`."""

    __slots__ = ("_context", "_rv")

    def __init__(self, context: "CipherContext", rv: int) -> None:
        self._context = context
        self._rv = rv

    def update(self, data: bytes, /) -> bytes:
        return self._context.update(data)

    def finish(self) -> bytes:
        try:
            return self._context.finalize()
        except ValueError:
            raise Refused(self._rv) from None


class CbcPad(BlockByBlock):
    """CBC behind PKCS #7 padding."""

    __slots__ = ()

    def encrypter(self, key: Key) -> Transform:
        whole, block = self.encrypting(key, ck.CKR_DATA_LEN_RANGE).whole, self.cipher.block

        def encrypt(params: bytes, data: bytes) -> bytes:
            fill = block - len(data) % block
            return whole(params, data + bytes((fill,)) * fill)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        whole = self.decrypting(key, ck.CKR_ENCRYPTED_DATA_LEN_RANGE).whole
        block = self.cipher.block

        def decrypt(params: bytes, data: bytes) -> bytes:
            stream = PadDecryption(partial(whole, params), block)
            return stream.update(data) + stream.finish()

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return PadEncryption(self.encryptor(key, self.initial(params)), self.cipher.block)

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        context = self.decryptor(key, self.initial(params))
        return PadDecryption(context.update, self.cipher.block)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size + self.cipher.block - size % self.cipher.block

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return max(size - self.cipher.block, 0)

    def released_bytes(self, use: str, size: int) -> int:
        whole = size - size % self.cipher.block
        return max(whole - self.cipher.block, 0) if use == "decrypt" else whole


class PadEncryption:
    """CBC_PAD in parts."""

    __slots__ = ("_block", "_context", "_total")

    def __init__(self, context: "CipherContext", block: int) -> None:
        self._context = context
        self._block = block
        self._total = 0

    def update(self, data: bytes, /) -> bytes:
        self._total += len(data)
        return self._context.update(data)

    def finish(self) -> bytes:
        fill = self._block - self._total % self._block
        return self._context.update(bytes((fill,)) * fill)


class PadDecryption:
    """CBC_PAD in parts; the last block waits for the end. One error for every bad padding."""

    __slots__ = ("_block", "_decrypt", "_total", "_unpadder")

    def __init__(self, decrypt: Callable[[bytes], bytes], block: int) -> None:
        from cryptography.hazmat.primitives.padding import PKCS7

        self._decrypt = decrypt
        self._unpadder = PKCS7(8 * block).unpadder()
        self._block = block
        self._total = 0

    def update(self, data: bytes, /) -> bytes:
        self._total += len(data)
        return self._unpadder.update(self._decrypt(data))

    def finish(self) -> bytes:
        if self._total == 0 or self._total % self._block:
            raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
        try:
            return self._unpadder.finalize()
        except ValueError:
            raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None
