"""AES: key generation, ECB and CBC (PKCS #11 3.2, 6.13).

`Cipher` objects of the whole-message functions are made per request: they hold the state of one
message and so cannot be shared between threads; the key schedule's input is what is kept.
"""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast, overload

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import (
    CipherStream,
    Draw,
    Mechanism,
    no_parameters,
)
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import AES_BYTES, secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
    from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, ECB, GCM

    PlainMode = ECB | CBC | CTR

    class Make(Protocol):
        @overload
        def __call__(self, mode: GCM, /) -> Cipher[GCM]: ...
        @overload
        def __call__(self, mode: PlainMode, /) -> Cipher[PlainMode]: ...


BLOCK = 16
CRYPT = ck.CKF_HW | ck.CKF_ENCRYPT | ck.CKF_DECRYPT
WRAP = ck.CKF_WRAP | ck.CKF_UNWRAP


def cipher(key: Key) -> "Make":
    """Makes the cipher of one message from its mode; kept by the key."""
    made = key.handle
    if made is None:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES

        aes = AES(key.material)
        made = key.handle = lambda mode: Cipher(aes, mode)
    return cast("Make", made)


class Modes(NamedTuple):
    """The modes of the cryptographic library."""

    cbc: "type[CBC]"
    ecb: "type[ECB]"
    gcm: "type[GCM]"


@cache
def modes() -> Modes:
    """Loaded at first need: an import in a function costs each call a third of a microsecond."""
    from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, GCM

    return Modes(CBC, ECB, GCM)


def _cbc(iv: bytes) -> "CBC":
    """CBC from the mechanism's parameters, which are the IV and nothing else."""
    if len(iv) != BLOCK:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return modes().cbc(iv)


class AesKeyGen(Mechanism):
    """CKM_AES_KEY_GEN."""

    __slots__ = ()
    counts_bytes = True

    def keyless_operation(self) -> str:
        return "aes-keygen"

    def generate(self, key_bytes: int, draw: Draw) -> Key:
        if key_bytes not in AES_BYTES:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        return secret_key(ck.CKK_AES, draw(key_bytes))


class AesMode(Mechanism):
    """A mode of AES; `mode` is its name in operations."""

    __slots__ = ("mode",)
    counts_bytes = True

    def __init__(self, number: int, mode: str, flags: int) -> None:
        super().__init__(number, AES_BYTES[0], AES_BYTES[-1], flags, ck.CKK_AES)
        self.mode = mode

    def operation(self, key: Key, use: str) -> str:
        return f"aes-{key.bits}-{self.mode}"


class Blocks(AesMode):
    """CKM_AES_ECB and CKM_AES_CBC: whole blocks in, whole blocks out."""

    __slots__ = ()

    def chosen(self, params: bytes) -> "PlainMode":
        """The mode of one message; refused if the parameters are not the mechanism's."""
        if self.mode == "ecb":
            no_parameters(params)
            return modes().ecb()
        return _cbc(params)

    def encrypter(self, key: Key) -> Transform:
        make, chosen = cipher(key), self.chosen

        def encrypt(params: bytes, data: bytes) -> bytes:
            if len(data) % BLOCK:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return make(chosen(params)).encryptor().update(data)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        make, chosen = cipher(key), self.chosen

        def decrypt(params: bytes, data: bytes) -> bytes:
            if len(data) % BLOCK:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            return make(chosen(params)).decryptor().update(data)

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return BlockStream(
            cipher(key)(self.chosen(params)).encryptor(), ck.CKR_DATA_LEN_RANGE
        )  # fmt: skip

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        return BlockStream(
            cipher(key)(self.chosen(params)).decryptor(), ck.CKR_ENCRYPTED_DATA_LEN_RANGE
        )

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    def released_bytes(self, use: str, size: int) -> int:
        return size - size % BLOCK

    def wrapper(self, key: Key) -> Transform:
        """Values are filled up with zeros to whole blocks (PKCS #11 3.2, 6.13.4, 6.13.5)."""
        encrypt = self.encrypter(key)
        return lambda params, value: encrypt(params, value + bytes(-len(value) % BLOCK))

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size + -size % BLOCK


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


class CbcPad(AesMode):
    """CKM_AES_CBC_PAD: CBC behind PKCS #7 padding (PKCS #11 3.2, 6.13.6)."""

    __slots__ = ()

    def chosen(self, params: bytes) -> "PlainMode":
        return _cbc(params)

    def encrypter(self, key: Key) -> Transform:
        make, chosen = cipher(key), self.chosen

        def encrypt(params: bytes, data: bytes) -> bytes:
            fill = BLOCK - len(data) % BLOCK
            return make(chosen(params)).encryptor().update(data + bytes((fill,)) * fill)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        make, chosen = cipher(key), self.chosen

        def decrypt(params: bytes, data: bytes) -> bytes:
            stream = PadDecryption(make(chosen(params)).decryptor())
            return stream.update(data) + stream.finish()

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return PadEncryption(cipher(key)(self.chosen(params)).encryptor())

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        return PadDecryption(cipher(key)(self.chosen(params)).decryptor())

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size + BLOCK - size % BLOCK

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return max(size - BLOCK, 0)

    def released_bytes(self, use: str, size: int) -> int:
        whole = size - size % BLOCK
        return max(whole - BLOCK, 0) if use == "decrypt" else whole


class PadEncryption:
    """CBC_PAD in parts."""

    __slots__ = ("_context", "_total")

    def __init__(self, context: "CipherContext") -> None:
        self._context = context
        self._total = 0

    def update(self, data: bytes, /) -> bytes:
        self._total += len(data)
        return self._context.update(data)

    def finish(self) -> bytes:
        fill = BLOCK - self._total % BLOCK
        return self._context.update(bytes((fill,)) * fill)


class PadDecryption:
    """CBC_PAD in parts; the last block waits for the end. One error for every bad padding."""

    __slots__ = ("_context", "_total", "_unpadder")

    def __init__(self, context: "CipherContext") -> None:
        from cryptography.hazmat.primitives.padding import PKCS7

        self._context = context
        self._unpadder = PKCS7(8 * BLOCK).unpadder()
        self._total = 0

    def update(self, data: bytes, /) -> bytes:
        self._total += len(data)
        return self._unpadder.update(self._context.update(data))

    def finish(self) -> bytes:
        if self._total == 0 or self._total % BLOCK:
            raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
        try:
            return self._unpadder.finalize()
        except ValueError:
            raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None


# SP 800-38A, F.1.5 and F.2.5: first block with AES-256.
_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
_IV = bytes(range(16))
_ECB = bytes.fromhex("f3eed1bdb5d2a03c064b5a7e3db181f8")
_CBC = bytes.fromhex("f58c4c04d6e5f1ba779eabfb5f7bfbd6")


def _modes() -> list[AesMode]:
    return [
        Blocks(ck.CKM_AES_ECB, "ecb", CRYPT | WRAP),
        Blocks(ck.CKM_AES_CBC, "cbc", CRYPT | WRAP),
        CbcPad(ck.CKM_AES_CBC_PAD, "cbc", CRYPT | WRAP),
    ]


def known_answers() -> bool:
    """Each mode encrypts the block above to its known answer, and decrypts it back."""
    key = secret_key(ck.CKK_AES, _KEY)
    cases = zip(_modes(), (b"", _IV, _IV), (_ECB, _CBC, _CBC), strict=True)
    return all(
        (found := mode.encrypter(key)(params, _PLAIN))[:BLOCK] == answer
        and mode.decrypter(key)(params, found) == _PLAIN
        for mode, params, answer in cases
    )


def register(table: Table) -> None:
    """Add AES key generation, ECB, CBC and CBC_PAD."""
    flags = ck.CKF_HW | ck.CKF_GENERATE
    keygen = AesKeyGen(ck.CKM_AES_KEY_GEN, AES_BYTES[0], AES_BYTES[-1], flags, ck.CKK_AES)
    table.register("aes", known_answers, [keygen, *_modes()])
