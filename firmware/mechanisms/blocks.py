"""ECB, CBC and CBC with PKCS #7 padding, of any block cipher (PKCS #11 3.2, 6.13.4 to 6.13.6)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import BlockMode, modes
from ghostcard.firmware.mechanisms.key import Key, Placer, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream, no_parameters
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

    from ghostcard.firmware.mechanisms.block import Mode


class Blocks(BlockMode):
    """ECB and CBC: whole blocks in, whole blocks out."""

    __slots__ = ()

    def chosen(self, params: bytes) -> "Mode":
        """The mode of one message; refused if the parameters are not the mechanism's."""
        if self.mode == "ecb":
            no_parameters(params)
            return modes().ecb()
        return modes().cbc(self.initial(params))

    def encrypter(self, key: Key) -> Transform:
        make, chosen, block = self.maker(key), self.chosen, self.cipher.block

        def encrypt(params: bytes, data: bytes) -> bytes:
            if len(data) % block:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return make(chosen(params)).encryptor().update(data)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        make, chosen, block = self.maker(key), self.chosen, self.cipher.block

        def decrypt(params: bytes, data: bytes) -> bytes:
            if len(data) % block:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            return make(chosen(params)).decryptor().update(data)

        return decrypt

    def _unchecked(self) -> "Callable[[bytes], Mode]":
        """As `chosen`; parameters of a wrong length are left for the cipher to refuse."""
        return modes().cbc if self.mode == "cbc" else self.chosen

    def encrypting_placer(self, key: Key) -> Placer:
        make, chosen, block = self.maker(key), self._unchecked(), self.cipher.block

        def place(params: bytes, data: memoryview, out: memoryview) -> int:
            if len(data) % block:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return _through(make(chosen(params)).encryptor(), data, out, block)

        return place

    def decrypting_placer(self, key: Key) -> Placer:
        make, chosen, block = self.maker(key), self._unchecked(), self.cipher.block

        def place(params: bytes, data: memoryview, out: memoryview) -> int:
            if len(data) % block:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            return _through(make(chosen(params)).decryptor(), data, out, block)

        return place

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        context = self.maker(key)(self.chosen(params)).encryptor()
        return BlockStream(context, ck.CKR_DATA_LEN_RANGE)

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        context = self.maker(key)(self.chosen(params)).decryptor()
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


def _through(context: "CipherContext", data: memoryview, out: memoryview, block: int) -> int:
    """Whole blocks straight into `out`. The library wants room for almost a block more than comes
    out; without that the last block goes by itself.
    """
    size = len(data)
    if len(out) >= size + block - 1:
        return context.update_into(data, out)
    start = size - block
    context.update_into(data[:start], out)
    out[start:size] = context.update(data[start:])
    return size


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


class CbcPad(BlockMode):
    """CBC behind PKCS #7 padding."""

    __slots__ = ()

    def chosen(self, params: bytes) -> "Mode":
        return modes().cbc(self.initial(params))

    def encrypter(self, key: Key) -> Transform:
        make, chosen, block = self.maker(key), self.chosen, self.cipher.block

        def encrypt(params: bytes, data: bytes) -> bytes:
            fill = block - len(data) % block
            return make(chosen(params)).encryptor().update(data + bytes((fill,)) * fill)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        make, chosen, block = self.maker(key), self.chosen, self.cipher.block

        def decrypt(params: bytes, data: bytes) -> bytes:
            stream = PadDecryption(make(chosen(params)).decryptor(), block)
            return stream.update(data) + stream.finish()

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return PadEncryption(self.maker(key)(self.chosen(params)).encryptor(), self.cipher.block)

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        return PadDecryption(self.maker(key)(self.chosen(params)).decryptor(), self.cipher.block)

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

    __slots__ = ("_block", "_context", "_total", "_unpadder")

    def __init__(self, context: "CipherContext", block: int) -> None:
        from cryptography.hazmat.primitives.padding import PKCS7

        self._context = context
        self._unpadder = PKCS7(8 * block).unpadder()
        self._block = block
        self._total = 0

    def update(self, data: bytes, /) -> bytes:
        self._total += len(data)
        return self._unpadder.update(self._context.update(data))

    def finish(self) -> bytes:
        if self._total == 0 or self._total % self._block:
            raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
        try:
            return self._unpadder.finalize()
        except ValueError:
            raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None
