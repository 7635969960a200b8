"""AES-CBC with ciphertext stealing (PKCS #11 3.2; addendum to SP 800-38A).

The standard names the addendum and not one of its three variants. This is CBC-CS1, as in NSS and
kryoptic: the blocks stay in their order, so that whole blocks give what CBC gives. Composed of CBC
and single blocks: the library does not have it.
"""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import AES, CRYPT, WRAP, decrypter_of_blocks
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import CipherStream
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.stealing import BLOCK, StealingMode, StealingStream
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext


class Cts(StealingMode):
    """CKM_AES_CTS."""

    __slots__ = ()

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        return CtsEncryption(self.maker(key)(CBC(self.initial(params))).encryptor())

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        blocks = self.maker(key)(CBC(self.initial(params))).decryptor()
        return CtsDecryption(blocks, decrypter_of_blocks(AES, key.material))


class CtsEncryption(StealingStream):
    """The part at the end is filled up with zeros; what CBC adds to them is left out before it."""

    __slots__ = ("_context",)

    def __init__(self, context: "CipherContext") -> None:
        super().__init__(ck.CKR_DATA_LEN_RANGE)
        self._context = context

    def blocks(self, data: bytes) -> bytes:
        return self._context.update(data)

    def tail(self, data: bytes) -> bytes:
        full, part = data[:BLOCK], data[BLOCK:]
        made = self._context.update(full)
        if not part:
            return made
        return made[: len(part)] + self._context.update(part.ljust(BLOCK, b"\0"))


class CtsDecryption(StealingStream):
    """The last block tells the bytes that were left out of the one before it."""

    __slots__ = ("_context", "_single")

    def __init__(self, context: "CipherContext", single: "CipherContext") -> None:
        super().__init__(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
        self._context = context
        self._single = single

    def blocks(self, data: bytes) -> bytes:
        return self._context.update(data)

    def tail(self, data: bytes) -> bytes:
        size = len(data) - BLOCK
        part, last = data[:size], data[size:]
        if not part:
            return self._context.update(last)
        mixed = self._single.update(last)
        plain = bytes(a ^ b for a, b in zip(mixed, part, strict=False))
        return self._context.update(part + mixed[size:]) + plain


# RFC 3962, appendix B (AES-128, IV of zeros), which is CBC-CS3: here the last two blocks have
# changed places.
_KEY = b"chicken teriyaki"
_PLAIN = b"I would like the General Gau's Chicken, please,"
_CASES = tuple(
    map(
        bytes.fromhex,
        (
            "97" "c6353568f2bf8cb4d8a580362da7ff7f",
            "97687268d6ecccc0c07b25e25ecfe5" "fc00783e0efdb2c1d445d4c8eff7ed22",
            "97687268d6ecccc0c07b25e25ecfe584"
            "39312523a78662d5be7fcbcc98ebf5" "b3fffd940c16a18c1b5549d2f838029e",
        ),
    )
)  # fmt: skip


def known_answers() -> bool:
    """The cases above, there and back."""
    mechanism, key, zeros = (
        Cts(ck.CKM_AES_CTS, "cbc", CRYPT),
        secret_key(ck.CKK_AES, _KEY),
        bytes(16),
    )
    return all(
        mechanism.encrypter(key)(zeros, _PLAIN[: len(case)]) == case
        and mechanism.decrypter(key)(zeros, case) == _PLAIN[: len(case)]
        for case in _CASES
    )


def register(table: Table) -> None:
    """Add CKM_AES_CTS."""
    table.register("aes-cts", known_answers, [Cts(ck.CKM_AES_CTS, "cbc", CRYPT | WRAP)])
