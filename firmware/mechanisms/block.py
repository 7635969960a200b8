"""Block ciphers as their modes of operation see them, and what all modes have in common.

`Cipher` objects of whole-message functions are made per request (but see `context.py`), as
they hold the state of one message; the key schedule's input is what is kept.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast, overload

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import AES_BYTES

if TYPE_CHECKING:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB, CFB8, OFB
    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, CipherContext
    from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR, ECB, GCM, XTS

    Mode = ECB | CBC | CTR | XTS | OFB | CFB | CFB8

    class Make(Protocol):
        @overload
        def __call__(self, mode: GCM, /) -> Cipher[GCM]: ...
        @overload
        def __call__(self, mode: Mode, /) -> Cipher[Mode]: ...


CRYPT = ck.CKF_HW | ck.CKF_ENCRYPT | ck.CKF_DECRYPT
WRAP = ck.CKF_WRAP | ck.CKF_UNWRAP


class BlockCipher(NamedTuple):
    """A block cipher: sizes in bytes."""

    operation: str  # the front of its rows in the profile's service table; {bits}: size of the key
    block: int
    key_bytes: tuple[int, ...]
    key_types: tuple[int, ...]
    algorithm: Callable[[bytes], "BlockCipherAlgorithm"]  # of `cryptography`, from a key's value

    def priced(self, mode: str, bits: int) -> str:
        """The name of an operation: a mode under a key of that size."""
        return f"{self.operation.format(bits=bits)}-{mode}"


def _aes(value: bytes) -> "BlockCipherAlgorithm":
    from cryptography.hazmat.primitives.ciphers.algorithms import AES

    return AES(value)


def _triple_des(value: bytes) -> "BlockCipherAlgorithm":
    """A shorter key goes round: DES is triple DES with three equal keys."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

    return TripleDES((value * 3)[:24])


AES = BlockCipher("aes-{bits}", 16, AES_BYTES, (ck.CKK_AES,), _aes)
DES3 = BlockCipher("des3", 8, (16, 24), (ck.CKK_DES2, ck.CKK_DES3), _triple_des)
DES = BlockCipher("des3", 8, (8,), (ck.CKK_DES,), _triple_des)
ANY_DES = BlockCipher("des3", 8, (8, 16, 24), (ck.CKK_DES, ck.CKK_DES2, ck.CKK_DES3), _triple_des)


class BlockMode(Mechanism):
    """A mode of a block cipher; `mode` is its name in operations."""

    __slots__ = ("cipher", "mode")
    counts_bytes = True

    def __init__(self, number: int, mode: str, flags: int, cipher: BlockCipher = AES) -> None:
        sizes = cipher.key_bytes
        super().__init__(number, sizes[0], sizes[-1], flags, *cipher.key_types)
        self.mode = mode
        self.cipher = cipher

    def operation(self, key: Key, use: str) -> str:
        return self.cipher.priced(self.mode, key.bits)

    def maker(self, key: Key) -> "Make":
        """Makes the cipher of one message from its mode; kept by the key."""
        made = key.handle
        if made is None:
            from cryptography.hazmat.primitives.ciphers import Cipher

            algorithm = self.cipher.algorithm(key.material)
            made = key.handle = lambda mode: Cipher(algorithm, mode)
        return cast("Make", made)

    def initial(self, params: bytes) -> bytes:
        """The parameters as an initialisation vector, which is one block."""
        if len(params) != self.cipher.block:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return params


class Modes(NamedTuple):
    """The modes that are in the hottest paths."""

    cbc: "type[CBC]"
    ecb: "type[ECB]"
    gcm: "type[GCM]"


@cache
def modes() -> Modes:
    """Loaded at first need: an import in a function costs each call a third of a microsecond."""
    from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, GCM

    return Modes(CBC, ECB, GCM)


def encrypt_block(cipher: BlockCipher, value: bytes, block: bytes) -> bytes:
    """One block, or several each by itself, encrypted under a key's value."""
    return _raw(cipher, value).encryptor().update(block)


def decrypter_of_blocks(cipher: BlockCipher, value: bytes) -> "CipherContext":
    """Decrypts blocks, each by itself."""
    return _raw(cipher, value).decryptor()


def _raw(cipher: BlockCipher, value: bytes) -> "Cipher[ECB]":
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    return Cipher(cipher.algorithm(value), ECB())
