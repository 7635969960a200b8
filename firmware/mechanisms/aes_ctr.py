"""AES in counter mode (PKCS #11 3.2, 6.13.7; NIST SP 800-38A, 6.5)."""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.block import AES, CRYPT, WRAP, BlockMode
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

    from ghostcard.firmware.mechanisms.block import Make

BLOCK = AES.block


class Counter(BlockMode):
    """CKM_AES_CTR: the low `counter_bits` of the block count, and wrap (PKCS #11 3.2, 6.13.7)."""

    __slots__ = ()

    def encrypter(self, key: Key) -> Transform:
        make, number = self.maker(key), self.number
        return lambda params, data: CounterStream(make, number, params).update(data)

    decrypter = encrypter

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return CounterStream(self.maker(key), self.number, params)

    decryption = encryption

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size

    decrypted_bytes = encrypted_bytes


class CounterStream:
    """Counter mode; data that would need a counter block twice is refused."""

    __slots__ = ("_before_wrap", "_behind_wrap", "_context", "_make", "_restart")

    def __init__(self, make: "Make", number: int, params: bytes) -> None:
        bits, block = parameters(number, params, wire.Ctr)
        if not 0 < bits <= 8 * BLOCK:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        start = int.from_bytes(block, "big")
        low = start & ((1 << bits) - 1)
        self._make = make
        self._context = self._open(block)
        self._restart = (start - low).to_bytes(BLOCK, "big")
        self._before_wrap = BLOCK * ((1 << bits) - low)  # bytes
        self._behind_wrap = BLOCK * low

    def _open(self, block: bytes) -> "CipherContext":
        from cryptography.hazmat.primitives.ciphers.modes import CTR

        return self._make(CTR(block)).encryptor()

    def update(self, data: bytes, /) -> bytes:
        size = len(data)
        if size > self._before_wrap + self._behind_wrap:
            raise Refused(ck.CKR_DATA_LEN_RANGE)
        if size <= self._before_wrap:
            self._before_wrap -= size
            return self._context.update(data)
        head = self._context.update(data[: self._before_wrap])
        tail = data[self._before_wrap :]
        self._context = self._open(self._restart)
        self._before_wrap, self._behind_wrap = self._behind_wrap - len(tail), 0
        return head + self._context.update(tail)

    def finish(self) -> bytes:
        return b""


# SP 800-38A, F.5.5: first block with AES-256.
_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
_COUNTER = bytes(range(0xF0, 0x100))
_CIPHER = bytes.fromhex("601ec313775789a5b7a7f504bbf3d228")


def known_answers() -> bool:
    """The block above is encrypted to its known answer, and back."""
    mechanism = Counter(ck.CKM_AES_CTR, "ctr", CRYPT | WRAP)
    key = secret_key(ck.CKK_AES, _KEY)
    params = pack(ck.CKM_AES_CTR, wire.Ctr(128, _COUNTER))[4:]
    return (
        mechanism.encrypter(key)(params, _PLAIN) == _CIPHER
        and mechanism.decrypter(key)(params, _CIPHER) == _PLAIN
    )


def register(table: Table) -> None:
    """Add CKM_AES_CTR."""
    table.register("aes-ctr", known_answers, [Counter(ck.CKM_AES_CTR, "ctr", CRYPT | WRAP)])
