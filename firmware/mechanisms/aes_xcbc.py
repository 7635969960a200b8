"""AES-XCBC-MAC, whole and of 96 bits (PKCS #11 3.2, "AES XCBC-MAC"; RFC 3566).

Composed of CBC and single blocks: the library does not have it.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import AES, encrypt_block
from ghostcard.firmware.mechanisms.block_mac import BlockMac
from ghostcard.firmware.mechanisms.cbc_mac import encryptor
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

BLOCK = AES.block
KEY_BYTES = 16  # RFC 3566 knows no other


class Xcbc(BlockMac):
    """CKM_AES_XCBC_MAC and CKM_AES_XCBC_MAC_96, by the bytes they give."""

    __slots__ = ()

    def __init__(self, number: int, usual: int) -> None:
        super().__init__(number, "cmac", AES, usual)
        self.maximum = KEY_BYTES

    def sink(self, key: Key, params: bytes) -> Sink:
        return XcbcSink(key.material)


class XcbcSink:
    """XCBC in parts: the last block, full or not, waits for the end, where it meets its subkey."""

    __slots__ = ("_context", "_for_full", "_for_part", "_kept")

    def __init__(self, value: bytes) -> None:
        subkeys = encrypt_block(AES, value, b"".join(bytes((n,)) * BLOCK for n in (1, 2, 3)))
        self._context = encryptor(AES, subkeys[:BLOCK])
        self._for_full = subkeys[BLOCK : 2 * BLOCK]
        self._for_part = subkeys[2 * BLOCK :]
        self._kept = b""

    def update(self, data: bytes, /) -> None:
        data = self._kept + data
        ready = max(len(data) - 1, 0) // BLOCK * BLOCK
        self._context.update(data[:ready])
        self._kept = data[ready:]

    def digest(self) -> bytes:
        last, subkey = self._kept, self._for_full
        if len(last) < BLOCK:
            last, subkey = (last + b"\x80").ljust(BLOCK, b"\0"), self._for_part
        mixed = int.from_bytes(last, "big") ^ int.from_bytes(subkey, "big")
        return self._context.update(mixed.to_bytes(BLOCK, "big"))


# RFC 3566, 4.6, test cases 3 (one block) and 6 (34 bytes).
_KEY = bytes(range(16))
_ONE_BLOCK = bytes.fromhex("d2a246fa349b68a79998a4394ff7a263")
_LONGER = bytes.fromhex("becbb3bccdb518a30677d5481fb6b4d8")


def known_answers() -> bool:
    """Both cases above, and the shorter form of the second."""
    key = secret_key(ck.CKK_AES, _KEY)
    whole = Xcbc(ck.CKM_AES_XCBC_MAC, BLOCK).signer(key, b"")
    return (
        whole(bytes(range(16))) == _ONE_BLOCK
        and whole(bytes(range(34))) == _LONGER
        and Xcbc(ck.CKM_AES_XCBC_MAC_96, 12).signer(key, b"")(bytes(range(34))) == _LONGER[:12]
    )


def register(table: Table) -> None:
    """Add both lengths."""
    mechanisms = [Xcbc(ck.CKM_AES_XCBC_MAC, BLOCK), Xcbc(ck.CKM_AES_XCBC_MAC_96, 12)]
    table.register("aes-xcbc", known_answers, mechanisms)
