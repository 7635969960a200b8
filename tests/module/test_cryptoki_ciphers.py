"""Every cipher and every code of ciphers through the library, against `cryptography`."""

import os
from collections.abc import Callable
from typing import NamedTuple

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB, CFB8, OFB
from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES, ChaCha20
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, XTS
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.poly1305 import Poly1305

from ghostcard import pkcs11 as ck
from tests.module.program import Program, attributes, mechanism, refusing

IV = bytes(range(1, 17))
NONCE = IV[:12]
AAD = b"additional data"
Mode = ECB | CBC | OFB | CFB | CFB8 | XTS


class Subject(NamedTuple):
    """A cipher: what makes its keys, its parameters, what another implementation makes of it."""

    keygen: int
    key_bytes: int
    number: int
    parameters: Callable[[int], tuple[bytes | int, ...]]
    other: Callable[[bytes, bytes], bytes]
    step: int = 1
    least: int = 0

    def how(self, size: int) -> bytes:
        return mechanism(self.number, *self.parameters(size))


def plain(algorithm: Callable[[bytes], CipherAlgorithm], mode: Mode) -> Callable[..., bytes]:
    def other(value: bytes, data: bytes) -> bytes:
        context = Cipher(algorithm(value), mode).encryptor()
        return context.update(data) + context.finalize()

    return other


def padded(algorithm: Callable[[bytes], CipherAlgorithm], block: int) -> Callable[..., bytes]:
    def other(value: bytes, data: bytes) -> bytes:
        padder = PKCS7(8 * block).padder()
        return plain(algorithm, CBC(IV[:block]))(value, padder.update(data) + padder.finalize())

    return other


def stolen(value: bytes, data: bytes) -> bytes:
    """CBC-CS1: of the last block but one only as much as there is of the last."""
    last = len(data) % 16
    whole = plain(AES, CBC(IV))(value, data + bytes(-len(data) % 16))
    return whole[: len(data) - last - (16 - last)] + whole[-16:] if last else whole


def triple(value: bytes) -> CipherAlgorithm:
    return TripleDES((value * 3)[:24])


def always(*parameters: bytes | int) -> Callable[[int], tuple[bytes | int, ...]]:
    return lambda size: parameters


AES_KEYS = (ck.CKM_AES_KEY_GEN, 32)
AES_128_KEYS = (ck.CKM_AES_KEY_GEN, 16)
XTS_KEYS = (ck.CKM_AES_XTS_KEY_GEN, 64)
DES_KEYS = (ck.CKM_DES_KEY_GEN, 8)
DES2_KEYS = (ck.CKM_DES2_KEY_GEN, 16)
DES3_KEYS = (ck.CKM_DES3_KEY_GEN, 24)
CHACHA_KEYS = (ck.CKM_CHACHA20_KEY_GEN, 32)
POLY_KEYS = (ck.CKM_POLY1305_KEY_GEN, 32)

SUBJECTS = {
    "aes-ofb": Subject(*AES_KEYS, ck.CKM_AES_OFB, always(IV), plain(AES, OFB(IV))),
    "aes-cfb128": Subject(*AES_KEYS, ck.CKM_AES_CFB128, always(IV), plain(AES, CFB(IV))),
    "aes-cfb8": Subject(*AES_KEYS, ck.CKM_AES_CFB8, always(IV), plain(AES, CFB8(IV))),
    "aes-cts": Subject(*AES_KEYS, ck.CKM_AES_CTS, always(IV), stolen, least=16),
    "aes-xts": Subject(*XTS_KEYS, ck.CKM_AES_XTS, always(IV), plain(AES, XTS(IV)), least=16),
    "aes-ccm": Subject(
        *AES_KEYS,
        ck.CKM_AES_CCM,
        lambda size: (size, 12, 12, NONCE, AAD),
        lambda value, data: AESCCM(value, 12).encrypt(NONCE, data, AAD),
    ),
    "aes-gcm": Subject(
        *AES_KEYS,
        ck.CKM_AES_GCM,
        always(128, 12, NONCE, AAD),
        lambda value, data: AESGCM(value).encrypt(NONCE, data, AAD),
    ),
    "des-ecb": Subject(*DES_KEYS, ck.CKM_DES_ECB, always(), plain(triple, ECB()), 8),
    "des-cbc": Subject(*DES_KEYS, ck.CKM_DES_CBC, always(IV[:8]), plain(triple, CBC(IV[:8])), 8),
    "des-cbc-pad": Subject(*DES_KEYS, ck.CKM_DES_CBC_PAD, always(IV[:8]), padded(triple, 8)),
    "des3-ecb": Subject(*DES3_KEYS, ck.CKM_DES3_ECB, always(), plain(triple, ECB()), 8),
    "des2-cbc": Subject(*DES2_KEYS, ck.CKM_DES3_CBC, always(IV[:8]), plain(triple, CBC(IV[:8])), 8),
    "des3-cbc-pad": Subject(*DES3_KEYS, ck.CKM_DES3_CBC_PAD, always(IV[:8]), padded(triple, 8)),
    "des3-ofb": Subject(*DES3_KEYS, ck.CKM_DES_OFB64, always(IV[:8]), plain(triple, OFB(IV[:8]))),
    "des-ofb": Subject(*DES_KEYS, ck.CKM_DES_OFB64, always(IV[:8]), plain(triple, OFB(IV[:8]))),
    "des2-cfb": Subject(*DES2_KEYS, ck.CKM_DES_CFB64, always(IV[:8]), plain(triple, CFB(IV[:8]))),
    "des3-cfb8": Subject(*DES3_KEYS, ck.CKM_DES_CFB8, always(IV[:8]), plain(triple, CFB8(IV[:8]))),
    "chacha20": Subject(
        *CHACHA_KEYS,
        ck.CKM_CHACHA20,
        always(4, IV),
        lambda value, data: Cipher(ChaCha20(value, IV), None).encryptor().update(data),
    ),
    "chacha20-poly1305": Subject(
        *CHACHA_KEYS,
        ck.CKM_CHACHA20_POLY1305,
        always(12, NONCE, AAD),
        lambda value, data: ChaCha20Poly1305(value).encrypt(NONCE, data, AAD),
    ),
}


def made(program: Program, keygen: int, size: int, **values: bool) -> tuple[int, bytes]:
    """A new key that tells its value."""
    length = {"VALUE_LEN": size} if keygen in (ck.CKM_AES_KEY_GEN, ck.CKM_AES_XTS_KEY_GEN) else {}
    wanted = attributes(SENSITIVE=False, EXTRACTABLE=True, **length, **values)
    key = program.library.generate_key(program.session, mechanism(keygen), wanted)
    value = program.one(key, "VALUE")
    assert len(value) == size
    return key, value


def copied(program: Program, key: int, value: bytes) -> int:
    """The same key, created from its value."""
    key_type = int.from_bytes(program.one(key, "KEY_TYPE"), "little")
    return program.create(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=key_type, VALUE=value)


@pytest.mark.parametrize("name", SUBJECTS)
def test_ciphers(program: Program, name: str) -> None:
    subject = SUBJECTS[name]
    key, value = made(program, subject.keygen, subject.key_bytes)
    copy = copied(program, key, value)
    for size in (0, 1, 8, 16, 17, 31, 32, 1000, 100_000):
        if size % subject.step or size < subject.least:
            continue
        data, how = os.urandom(size), subject.how(size)
        sealed = subject.other(value, data)
        assert program.run("encrypt", how, key, data) == sealed
        assert program.run("decrypt", how, copy, sealed) == data
        for step in {1, 7, 16, 33} if size < 200 else {33, 7777, 70_000}:
            if size / step < 200:
                assert program.run_in_parts("encrypt", how, copy, data, step) == sealed
                assert program.run_in_parts("decrypt", how, key, sealed, step) == data


@pytest.mark.parametrize("name", ["aes-gcm", "aes-ccm", "chacha20-poly1305"])
def test_what_is_not_genuine_is_not_decrypted(program: Program, name: str) -> None:
    subject, data = SUBJECTS[name], b"some data that is sealed"
    key, value = made(program, subject.keygen, subject.key_bytes)
    sealed = subject.other(value, data)
    wrong = sealed[:3] + bytes((sealed[3] ^ 1,)) + sealed[4:]
    with refusing(ck.CKR_ENCRYPTED_DATA_INVALID):
        program.run("decrypt", subject.how(len(data)), key, wrong)
    with refusing(ck.CKR_ENCRYPTED_DATA_INVALID):
        program.run_in_parts("decrypt", subject.how(len(data)), key, wrong, 5)


@pytest.mark.parametrize("name", ["aes-cts", "aes-xts", "des-ecb", "des2-cbc"])
def test_data_that_is_too_short_or_no_whole_blocks(program: Program, name: str) -> None:
    subject = SUBJECTS[name]
    key, _ = made(program, subject.keygen, subject.key_bytes)
    with refusing(ck.CKR_DATA_LEN_RANGE):
        program.run("encrypt", subject.how(0), key, bytes(7))
    with refusing(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        program.run("decrypt", subject.how(0), key, bytes(7))
    with refusing(ck.CKR_DATA_LEN_RANGE):
        program.run_in_parts("encrypt", subject.how(0), key, bytes(7), 3)


WRONG = [
    mechanism(ck.CKM_AES_OFB, IV[:15]),
    mechanism(ck.CKM_AES_CTS),
    mechanism(ck.CKM_AES_CCM, 16, 3, 12, NONCE),
    mechanism(ck.CKM_AES_CCM, 16, 16, 6, NONCE[:6]),
    mechanism(ck.CKM_AES_CCM, 1 << 16, 16, 13, IV[:13]),
    mechanism(ck.CKM_AES_GMAC, 127, 12, NONCE),
    mechanism(ck.CKM_AES_GMAC, 128, 12, NONCE, AAD),
    mechanism(ck.CKM_AES_CMAC, b"x"),
    mechanism(ck.CKM_AES_CMAC_GENERAL, 17),
    mechanism(ck.CKM_AES_MAC_GENERAL, 0),
    mechanism(ck.CKM_AES_KEY_WRAP, bytes(8)),
    mechanism(ck.CKM_AES_KEY_WRAP, bytes(9)),
    mechanism(ck.CKM_AES_KEY_WRAP_PAD, b"\xa6" * 7),
    mechanism(ck.CKM_AES_KEY_WRAP_PKCS7, bytes.fromhex("a65959a6")),
    mechanism(ck.CKM_AES_KEY_WRAP_KWP, b"\xa6" * 8),
]


@pytest.mark.parametrize("how", WRONG, ids=bytes.hex)
def test_parameters_are_refused(program: Program, how: bytes) -> None:
    key = program.aes()
    signs = how[2:4] in (b"\x10\x8e", b"\x10\x8a", b"\x10\x8b", b"\x10\x84")
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init("sign" if signs else "encrypt", how, key)


def test_keys_of_another_type_or_size(program: Program) -> None:
    aes, _ = made(program, *AES_KEYS)
    for name, subject in SUBJECTS.items():
        if not name.startswith("aes") or name == "aes-xts":
            with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
                program.init("encrypt", subject.how(16), aes)
    with refusing(ck.CKR_KEY_SIZE_RANGE):
        program.init("sign", mechanism(ck.CKM_AES_XCBC_MAC), aes)
    with refusing(ck.CKR_KEY_SIZE_RANGE):
        program.init("verify", mechanism(ck.CKM_AES_XCBC_MAC_96), aes)
    for number, key in ((ck.CKM_DES3_CBC, DES_KEYS), (ck.CKM_DES_CBC, DES3_KEYS)):
        with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
            program.init("encrypt", mechanism(number, IV[:8]), made(program, *key)[0])


@pytest.mark.parametrize("keys", [DES_KEYS, DES2_KEYS, DES3_KEYS, CHACHA_KEYS, POLY_KEYS])
def test_the_length_of_keys_of_one_length_need_not_be_told(
    program: Program, keys: tuple[int, int]
) -> None:
    number, size = keys
    library, session, how = program.library, program.session, mechanism(number)
    key = library.generate_key(session, how, attributes(VALUE_LEN=size))
    assert program.get(key, "VALUE_LEN") == [ck.CKR_ATTRIBUTE_TYPE_INVALID]
    for other in (0, size - 1, size + 1):
        with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
            library.generate_key(session, how, attributes(VALUE_LEN=other))


BAD_VALUES = [
    (ck.CKK_DES3, bytes(24)),  # parity
    (ck.CKK_DES, b"\1" * 7 + b"\3"),
    (ck.CKK_DES2, b"\1" * 24),
    (ck.CKK_AES_XTS, b"x" * 32),  # equal halves
    (ck.CKK_AES_XTS, bytes(range(48))),
    (ck.CKK_CHACHA20, bytes(16)),
    (ck.CKK_POLY1305, bytes(31)),
]


@pytest.mark.parametrize(("key_type", "value"), BAD_VALUES)
def test_values_that_no_key_may_have(program: Program, key_type: int, value: bytes) -> None:
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=key_type, VALUE=value)


def cmac(algorithm: Callable[[bytes], CipherAlgorithm]) -> Callable[[bytes, bytes], bytes]:
    def other(value: bytes, data: bytes) -> bytes:
        context = CMAC(algorithm(value))  # type: ignore[arg-type]
        context.update(data)
        return context.finalize()

    return other


def cbc_mac(algorithm: Callable[[bytes], CipherAlgorithm], block: int) -> Callable[..., bytes]:
    def other(value: bytes, data: bytes) -> bytes:
        filled = data + bytes(-len(data) % block if data else block)
        return plain(algorithm, CBC(bytes(block)))(value, filled)[-block:]

    return other


def gmac(value: bytes, data: bytes) -> bytes:
    return AESGCM(value).encrypt(NONCE, b"", data)


def xcbc(value: bytes, data: bytes) -> bytes:
    """RFC 3566, 4, step by step."""
    encrypt = plain(AES, ECB())
    first, full, part = (encrypt(value, bytes((n,)) * 16) for n in (1, 2, 3))
    blocks = [data[at : at + 16] for at in range(0, len(data), 16)] or [b""]
    last = blocks.pop()
    mixed, subkey = (last, full) if len(last) == 16 else ((last + b"\x80").ljust(16, b"\0"), part)
    code = bytes(16)
    for block in blocks:
        code = encrypt(first, bytes(a ^ b for a, b in zip(code, block, strict=True)))
    final = bytes(a ^ b ^ c for a, b, c in zip(code, mixed, subkey, strict=True))
    return encrypt(first, final)


Other = Callable[[bytes, bytes], bytes]
CODES: dict[str, tuple[tuple[int, int], bytes, Other, int]] = {
    "aes-cmac": (AES_KEYS, mechanism(ck.CKM_AES_CMAC), cmac(AES), 16),
    "aes-cmac-general": (AES_KEYS, mechanism(ck.CKM_AES_CMAC_GENERAL, 5), cmac(AES), 5),
    "aes-mac": (AES_KEYS, mechanism(ck.CKM_AES_MAC), cbc_mac(AES, 16), 8),
    "aes-mac-general": (AES_KEYS, mechanism(ck.CKM_AES_MAC_GENERAL, 15), cbc_mac(AES, 16), 15),
    "aes-gmac": (AES_KEYS, mechanism(ck.CKM_AES_GMAC, 104, 12, NONCE), gmac, 13),
    "aes-xcbc": (AES_128_KEYS, mechanism(ck.CKM_AES_XCBC_MAC), xcbc, 16),
    "aes-xcbc-96": (AES_128_KEYS, mechanism(ck.CKM_AES_XCBC_MAC_96), xcbc, 12),
    "des-mac": (DES_KEYS, mechanism(ck.CKM_DES_MAC), cbc_mac(triple, 8), 4),
    "des-mac-general": (DES_KEYS, mechanism(ck.CKM_DES_MAC_GENERAL, 7), cbc_mac(triple, 8), 7),
    "des3-mac": (DES3_KEYS, mechanism(ck.CKM_DES3_MAC), cbc_mac(triple, 8), 4),
    "des3-mac-general": (DES2_KEYS, mechanism(ck.CKM_DES3_MAC_GENERAL, 8), cbc_mac(triple, 8), 8),
    "des3-cmac": (DES3_KEYS, mechanism(ck.CKM_DES3_CMAC), cmac(triple), 8),
    "des3-cmac-general": (DES2_KEYS, mechanism(ck.CKM_DES3_CMAC_GENERAL, 3), cmac(triple), 3),
    "poly1305": (POLY_KEYS, mechanism(ck.CKM_POLY1305), Poly1305.generate_tag, 16),
}


@pytest.mark.parametrize("name", CODES)
def test_codes(program: Program, name: str) -> None:
    keys, how, other, size = CODES[name]
    key, value = made(program, *keys)
    for length in (0, 1, 16, 33, 1000) if "xcbc" in name else (0, 1, 16, 33, 1000, 100_000):
        data = os.urandom(length)
        code = other(value, data)[:size]
        assert program.run("sign", how, key, data) == code
        program.verify(how, key, data, code)
        for step in {1, 16, 33} if length < 200 else {33, 70_000}:
            if length / step < 200:
                assert program.run_in_parts("sign", how, key, data, step) == code
        with refusing(ck.CKR_SIGNATURE_INVALID):
            program.verify(how, key, data, bytes((code[0] ^ 1,)) + code[1:])
    with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
        program.verify(how, key, b"", bytes(size + 1))


def pkcs7_wrapped(value: bytes, data: bytes) -> bytes:
    fill = 8 - len(data) % 8
    return keywrap.aes_key_wrap(value, data + bytes((fill,)) * fill)


def kw_wrapped(value: bytes, data: bytes) -> bytes:
    return keywrap.aes_key_wrap(value, data + bytes(-len(data) % 8))


WRAPS: dict[int, Other] = {
    ck.CKM_AES_KEY_WRAP: kw_wrapped,
    ck.CKM_AES_KEY_WRAP_KWP: keywrap.aes_key_wrap_with_padding,
    ck.CKM_AES_KEY_WRAP_PAD: pkcs7_wrapped,
    ck.CKM_AES_KEY_WRAP_PKCS7: pkcs7_wrapped,
}


@pytest.mark.parametrize("number", WRAPS, ids=hex)
def test_key_wrap_of_data(program: Program, number: int) -> None:
    kek, value = made(program, *AES_KEYS)
    initial = bytes.fromhex("a65959a6") if number == ck.CKM_AES_KEY_WRAP_KWP else b"\xa6" * 8
    for how in (mechanism(number), mechanism(number, initial)):
        for size in (16, 24, 1000) if number == ck.CKM_AES_KEY_WRAP else (8, 9, 16, 31, 1000):
            data = os.urandom(size)
            sealed = WRAPS[number](value, data)
            assert program.run("encrypt", how, kek, data) == sealed
            assert program.run("decrypt", how, kek, sealed) == data
    with refusing(ck.CKR_ENCRYPTED_DATA_INVALID):
        program.run("decrypt", mechanism(number), kek, bytes(24))
    with refusing(ck.CKR_MECHANISM_INVALID):
        program.run_in_parts("encrypt", mechanism(number), kek, bytes(16), 8)


@pytest.mark.parametrize("number", WRAPS, ids=hex)
@pytest.mark.parametrize("size", [16, 21])
def test_key_wrap_of_keys(program: Program, number: int, size: int) -> None:
    library, session = program.library, program.session
    kek, value = made(program, *AES_KEYS)
    secret = os.urandom(size)
    key = program.secret(secret, SENSITIVE=False, EXTRACTABLE=True)
    wrapped = library.wrap_key(session, mechanism(number), kek, key, 1000)
    assert wrapped == WRAPS[number](value, secret)
    assert isinstance(wrapped, bytes)
    wanted = attributes(
        CLASS=ck.CKO_SECRET_KEY,
        KEY_TYPE=ck.CKK_GENERIC_SECRET,
        VALUE_LEN=size,
        SENSITIVE=False,
        EXTRACTABLE=True,
    )
    back = library.unwrap_key(session, mechanism(number), kek, wrapped, wanted)
    assert program.one(back, "VALUE") == secret


@pytest.mark.parametrize("name", SUBJECTS)
def test_keys_wrapped_by_ciphers(program: Program, name: str) -> None:
    subject = SUBJECTS[name]
    library, session = program.library, program.session
    kek, value = made(program, subject.keygen, subject.key_bytes, WRAP=True, UNWRAP=True)
    secret = os.urandom(32)
    key = program.secret(secret, SENSITIVE=False, EXTRACTABLE=True)
    how = subject.how(32)
    wrapped = library.wrap_key(session, how, kek, key, 1000)
    assert wrapped == subject.other(value, secret)
    assert isinstance(wrapped, bytes)
    wanted = attributes(
        CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_GENERIC_SECRET, SENSITIVE=False, EXTRACTABLE=True
    )
    back = library.unwrap_key(session, how, kek, wrapped, wanted)
    assert program.one(back, "VALUE") == secret


def test_triple_des_keys_come_unwrapped_with_their_parity(program: Program) -> None:
    library, session = program.library, program.session
    kek, value = made(program, *AES_KEYS)
    wanted = attributes(
        CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_DES3, SENSITIVE=False, EXTRACTABLE=True
    )
    good = keywrap.aes_key_wrap(value, bytes.fromhex("0123456789abcdef") * 3)
    key = library.unwrap_key(session, mechanism(ck.CKM_AES_KEY_WRAP), kek, good, wanted)
    assert program.one(key, "VALUE") == bytes.fromhex("0123456789abcdef") * 3
    assert (
        program.one(key, "CHECK_VALUE")
        == plain(triple, ECB())(program.one(key, "VALUE"), bytes(8))[:3]
    )
    bad = keywrap.aes_key_wrap(value, bytes(24))
    with refusing(ck.CKR_WRAPPED_KEY_INVALID):
        library.unwrap_key(session, mechanism(ck.CKM_AES_KEY_WRAP), kek, bad, wanted)
