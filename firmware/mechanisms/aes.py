"""AES: key generation, ECB, CBC and CBC_PAD (PKCS #11 3.2, 6.13)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import CRYPT, WRAP, BlockMode
from ghostcard.firmware.mechanisms.blocks import Blocks, CbcPad
from ghostcard.firmware.mechanisms.secret import SecretKeyGen, secret_key
from ghostcard.firmware.mechanisms.table import Table

# SP 800-38A, F.1.5 and F.2.5: first block with AES-256.
_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
_PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
_IV = bytes(range(16))
_ECB = bytes.fromhex("f3eed1bdb5d2a03c064b5a7e3db181f8")
_CBC = bytes.fromhex("f58c4c04d6e5f1ba779eabfb5f7bfbd6")


def _modes() -> list[BlockMode]:
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
        (found := mode.encrypter(key)(params, _PLAIN))[: len(_PLAIN)] == answer
        and mode.decrypter(key)(params, found) == _PLAIN
        for mode, params, answer in cases
    )


def register(table: Table) -> None:
    """Add AES key generation, ECB, CBC and CBC_PAD."""
    keygen = SecretKeyGen(ck.CKM_AES_KEY_GEN, ck.CKK_AES, "aes-keygen")
    table.register("aes", known_answers, [keygen, *_modes()])
