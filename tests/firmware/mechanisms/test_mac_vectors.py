"""Codes of ciphers against SP 800-38B, RFC 3566, FIPS 113, NIST's files of GCM and RFC 7539."""

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.aes_gcm import IV_BYTES
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.ciphers import DES, DES2, DES3
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_cmac_of_aes(table: Table, bits: int) -> None:
    seen = 0
    for case in cases("CMAC", f"nist-800-38b-aes{bits}.txt"):
        key = secret_key(ck.CKK_AES, case.hex("key"))
        assert table.find(ck.CKM_AES_CMAC).signer(key, b"")(case.hex("message")) == case.hex(
            "output"
        )
        seen += 1
    assert seen >= 4


def test_cmac_of_triple_des(table: Table) -> None:
    seen = 0
    for case in cases("CMAC", "nist-800-38b-3des.txt"):
        value = b"".join(case.hex(f"key{place}") for place in (1, 2, 3))
        keys = [secret_key(ck.CKK_DES3, value)]
        if value[16:] == value[:8]:
            keys.append(secret_key(ck.CKK_DES2, value[:16]))
        for key in keys:
            code = table.find(ck.CKM_DES3_CMAC).signer(key, b"")(case.hex("message"))
            assert code == case.hex("output")
        seen += len(keys)
    assert seen == 12


# RFC 3566, 4.6: length of the message 00 01 02 ... and its code.
RFC_3566 = [
    (0, "75f0251d528ac01c4573dfd584d79f29"),
    (3, "5b376580ae2f19afe7219ceef172756f"),
    (16, "d2a246fa349b68a79998a4394ff7a263"),
    (20, "47f51b4564966215b8985c63055ed308"),
    (32, "f54f0ec8d2b9f3d36807734bd5283fd4"),
    (34, "becbb3bccdb518a30677d5481fb6b4d8"),
]


@pytest.mark.parametrize(("size", "code"), RFC_3566)
def test_xcbc(table: Table, size: int, code: str) -> None:
    key, data = secret_key(ck.CKK_AES, bytes(range(16))), bytes(range(size))
    assert table.find(ck.CKM_AES_XCBC_MAC).signer(key, b"")(data).hex() == code
    assert table.find(ck.CKM_AES_XCBC_MAC_96).signer(key, b"")(data).hex() == code[:24]


def test_xcbc_of_a_thousand_zeros(table: Table) -> None:
    """RFC 3566, 4.6, test case 7."""
    key = secret_key(ck.CKK_AES, bytes(range(16)))
    code = table.find(ck.CKM_AES_XCBC_MAC).signer(key, b"")(bytes(1000))
    assert code.hex() == "f0dafee895db30253761103b5d84528f"


MACS: list[tuple[int, int, Key]] = [
    (ck.CKM_AES_MAC, ck.CKM_AES_MAC_GENERAL, secret_key(ck.CKK_AES, bytes(range(24)))),
    (ck.CKM_DES3_MAC, ck.CKM_DES3_MAC_GENERAL, DES3),
    (ck.CKM_DES3_MAC, ck.CKM_DES3_MAC_GENERAL, DES2),
    (ck.CKM_DES_MAC, ck.CKM_DES_MAC_GENERAL, DES),
]


@pytest.mark.parametrize(("usual", "general", "key"), MACS)
@pytest.mark.parametrize("size", [0, 1, 8, 16, 17, 100, 70_000])
def test_cbc_mac(table: Table, usual: int, general: int, key: Key, size: int) -> None:
    """FIPS 113: the last block of CBC under an IV of zeros, the data filled up with zeros."""
    data = bytes(place % 251 for place in range(size))
    is_aes = key.key_type == ck.CKK_AES
    block = 16 if is_aes else 8
    cipher = AES(key.material) if is_aes else TripleDES((key.material * 3)[:24])
    filled = data + bytes(-size % block if size else block)
    whole = Cipher(cipher, CBC(bytes(block))).encryptor().update(filled)[-block:]
    assert table.find(usual).signer(key, b"")(data) == whole[: block // 2]
    assert table.find(general).signer(key, block.to_bytes(4, "big"))(data) == whole


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_gmac(table: Table, bits: int) -> None:
    """NIST's cases of GCM that have no text."""
    mechanism, seen = table.find(ck.CKM_AES_GMAC), 0
    for case in cases("ciphers", "AES", "GCM", f"gcmEncryptExtIV{bits}.rsp"):
        if case.fields.get("pt") != "" or len(case.hex("iv")) not in IV_BYTES:
            continue
        key, tag = secret_key(ck.CKK_AES, case.hex("key")), case.hex("tag")
        params = pack(ck.CKM_AES_GMAC, wire.Gcm(8 * len(tag), case.hex("iv")))[4:]
        assert mechanism.signer(key, params)(case.hex("aad")) == tag
        seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    "parameters",
    [
        wire.Gcm(128, bytes(12), b"additional data"),
        wire.Gcm(127, bytes(12)),
        wire.Gcm(128, b""),
        wire.Gcm(128, bytes(129)),
    ],
)
def test_gmac_parameters_that_are_none(table: Table, parameters: wire.Gcm) -> None:
    key = secret_key(ck.CKK_AES, bytes(range(16)))
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_AES_GMAC).signer(key, pack(ck.CKM_AES_GMAC, parameters)[4:])


def test_poly1305(table: Table) -> None:
    """RFC 7539, A.3."""
    mechanism, seen = table.find(ck.CKM_POLY1305), 0
    for case in cases("poly1305", "rfc7539.txt"):
        key = secret_key(ck.CKK_POLY1305, case.hex("key"))
        assert mechanism.signer(key, b"")(case.hex("msg")) == case.hex("tag")
        seen += 1
    assert seen == 11
