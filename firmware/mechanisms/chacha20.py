"""ChaCha20 and its keys (PKCS #11 3.2, "ChaCha20"; RFC 8439, and the original: counter and nonce of
64 bits).
"""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.block import CRYPT, WRAP
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream, Mechanism, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import SecretKeyGen, secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

BLOCK = 64
KEY_BYTES = 32
STATE = 16  # bytes of counter and nonce together
_STRETCH = 1 << 32  # blocks the library counts on from where it starts, at most


class ChaCha(Mechanism):
    """CKM_CHACHA20: a counter of 4 bytes and a nonce of 12, or 8 and 8; little-endian."""

    __slots__ = ()
    counts_bytes = True

    def __init__(self, flags: int) -> None:
        super().__init__(ck.CKM_CHACHA20, KEY_BYTES, KEY_BYTES, flags, ck.CKK_CHACHA20)

    def operation(self, key: Key, use: str) -> str:
        return "chacha20"

    def encrypter(self, key: Key) -> Transform:
        value = key.material
        return lambda params, data: ChaChaStream(value, _asked(params)).update(data)

    decrypter = encrypter

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return ChaChaStream(key.material, _asked(params))

    decryption = encryption

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    decrypted_bytes = encrypted_bytes


def _asked(params: bytes) -> wire.ChaCha20:
    asked = parameters(ck.CKM_CHACHA20, params, wire.ChaCha20)
    if len(asked.counter) not in (4, 8) or len(asked.counter) + len(asked.nonce) != STATE:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return asked


class ChaChaStream:
    """A key stream and where it is. The counter does not wrap: data beyond its end is refused."""

    __slots__ = ("_context", "_counter_bytes", "_left", "_nonce", "_start", "_value")

    def __init__(self, value: bytes, asked: wire.ChaCha20) -> None:
        self._value = value
        self._nonce = asked.nonce
        self._counter_bytes = len(asked.counter)
        self._start = int.from_bytes(asked.counter, "little")
        self._open()

    def _open(self) -> None:
        """The library counts in the low 32 bits alone."""
        counter = self._start.to_bytes(self._counter_bytes, "little")
        self._context = opened(self._value, counter + self._nonce)
        self._left = (_STRETCH - self._start % _STRETCH) * BLOCK  # bytes

    def update(self, data: bytes, /) -> bytes:
        if len(data) <= self._left:
            self._left -= len(data)
            return self._context.update(data)
        front, data = data[: self._left], data[self._left :]
        made = self._context.update(front)
        self._start += _STRETCH - self._start % _STRETCH
        if self._start >> 8 * self._counter_bytes:
            raise Refused(ck.CKR_DATA_LEN_RANGE)
        self._open()
        return made + self.update(data)

    def finish(self) -> bytes:
        return b""


def opened(value: bytes, state: bytes) -> "CipherContext":
    """The key stream from a counter and nonce of 16 bytes on."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

    return Cipher(ChaCha20(value, state), None).encryptor()


# RFC 8439, 2.4.2: its first block of 64 bytes.
_KEY = bytes(range(32))
_COUNTER = bytes.fromhex("01000000")
_NONCE = bytes.fromhex("000000000000004a00000000")
_PLAIN = b"Ladies and Gentlemen of the class of '99: If I could offer you o"
_CIPHER = bytes.fromhex(
    "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b"
    "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
)


def known_answers() -> bool:
    """The case above, there and back."""
    mechanism, key = ChaCha(CRYPT), secret_key(ck.CKK_CHACHA20, _KEY)
    params = pack(ck.CKM_CHACHA20, wire.ChaCha20(_COUNTER, _NONCE))[4:]
    return (
        mechanism.encrypter(key)(params, _PLAIN) == _CIPHER
        and mechanism.decrypter(key)(params, _CIPHER) == _PLAIN
    )


def register(table: Table) -> None:
    """Add CKM_CHACHA20 and its keys."""
    keygen = SecretKeyGen(ck.CKM_CHACHA20_KEY_GEN, ck.CKK_CHACHA20)
    table.register("chacha20", known_answers, [keygen, ChaCha(CRYPT | WRAP)])
