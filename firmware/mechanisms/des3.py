"""DES and triple DES: key generation, ECB, CBC and CBC_PAD (PKCS #11 3.2; SP 800-67).

DES runs as triple DES with three equal keys. It is here for old programs: its keys can be searched.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.block import CRYPT, DES, DES3, WRAP, BlockMode
from ghostcard.firmware.mechanisms.blocks import Blocks, CbcPad
from ghostcard.firmware.mechanisms.secret import SecretKeyGen, secret_key
from ghostcard.firmware.mechanisms.table import Table

# SP 800-67, B.1 (three keys, ECB); FIPS 81, table C1, first two blocks of CBC under one key.
_KEY3 = bytes.fromhex("0123456789abcdef23456789abcdef01456789abcdef0123")
_PLAIN3 = b"The qufck brown fox jump"
_ECB3 = bytes.fromhex("a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900")
_KEY = bytes.fromhex("0123456789abcdef")
_IV = bytes.fromhex("1234567890abcdef")
_PLAIN = b"Now is the time "
_CBC = bytes.fromhex("e5c7cdde872bf27c43e934008c389c0f")


def _modes() -> list[BlockMode]:
    return [
        Blocks(ck.CKM_DES3_ECB, "ecb", CRYPT | WRAP, DES3),
        Blocks(ck.CKM_DES3_CBC, "cbc", CRYPT | WRAP, DES3),
        CbcPad(ck.CKM_DES3_CBC_PAD, "cbc", CRYPT | WRAP, DES3),
        Blocks(ck.CKM_DES_ECB, "ecb", CRYPT | WRAP, DES),
        Blocks(ck.CKM_DES_CBC, "cbc", CRYPT | WRAP, DES),
        CbcPad(ck.CKM_DES_CBC_PAD, "cbc", CRYPT | WRAP, DES),
    ]


def known_answers() -> bool:
    """Both cases above, there and back; CBC under one, two equal and three equal keys."""
    ecb, *_ = _modes()
    three = secret_key(ck.CKK_DES3, _KEY3)
    if ecb.encrypter(three)(b"", _PLAIN3) != _ECB3 or ecb.decrypter(three)(b"", _ECB3) != _PLAIN3:
        return False
    keys = {DES: (ck.CKK_DES, _KEY), DES3: (ck.CKK_DES2, _KEY * 2)}
    return all(
        (found := mode.encrypter(key := secret_key(*keys[mode.cipher]))(_IV, _PLAIN))[:16] == _CBC
        and mode.decrypter(key)(_IV, found) == _PLAIN
        for mode in _modes()
        if mode.mode == "cbc"
    )


def register(table: Table) -> None:
    """Add the keys of DES and triple DES, ECB, CBC and CBC_PAD."""
    keygens = [
        SecretKeyGen(ck.CKM_DES_KEY_GEN, ck.CKK_DES),
        SecretKeyGen(ck.CKM_DES2_KEY_GEN, ck.CKK_DES2),
        SecretKeyGen(ck.CKM_DES3_KEY_GEN, ck.CKK_DES3),
    ]
    table.register("des3", known_answers, [*keygens, *_modes()])
