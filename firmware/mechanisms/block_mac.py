"""MACs of block ciphers: a MAC of one block, priced as an operation of the cipher."""

from ghostcard.firmware.mechanisms.block import AES, BlockCipher
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mac import Mac


class BlockMac(Mac):
    """A MAC of one block of the cipher; `mode` is its name in operations, `usual` as for a Mac."""

    __slots__ = ("cipher", "mode")
    counts_bytes = True

    def __init__(
        self, number: int, mode: str, cipher: BlockCipher = AES, usual: int = AES.block
    ) -> None:
        sizes = cipher.key_bytes
        super().__init__(number, sizes[0], sizes[-1], cipher.block, usual, *cipher.key_types)
        self.cipher = cipher
        self.mode = mode

    def operation(self, key: Key, use: str) -> str:
        return self.cipher.priced(self.mode, key.bits)
