"""Modes of AES, DES and triple DES, and ChaCha20, against NIST's CAVS files and the RFCs."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key, with_parity
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases
from tests.firmware.mechanisms.refusing import refuses

AES_FEEDBACK = {
    "OFB": ck.CKM_AES_OFB,
    "CFB128": ck.CKM_AES_CFB128,
    "CFB8": ck.CKM_AES_CFB8,
}
DES_MODES = {
    "TECB": (ck.CKM_DES3_ECB, ck.CKM_DES_ECB),
    "TCBC": (ck.CKM_DES3_CBC, ck.CKM_DES_CBC),
    "TOFB": (ck.CKM_DES_OFB64, None),
    "TCFB64": (ck.CKM_DES_CFB64, None),
    "TCFB8": (ck.CKM_DES_CFB8, None),
}


def check(table: Table, number: int, key: Key, params: bytes, plain: bytes, cipher: bytes) -> None:
    """In one call and in parts, there and back."""
    mechanism = table.find(number)
    assert mechanism.encrypter(key)(params, plain) == cipher
    assert mechanism.decrypter(key)(params, cipher) == plain
    for stream, given, expected in (
        (mechanism.encryption(key, params), plain, cipher),
        (mechanism.decryption(key, params), cipher, plain),
    ):
        out = stream.update(given[:19]) + stream.update(given[19:])
        assert out + stream.finish() == expected


@pytest.mark.parametrize("mode", AES_FEEDBACK)
@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("kind", ["GFSbox", "KeySbox", "VarKey", "VarTxt", "MMT"])
def test_feedback_of_aes(table: Table, mode: str, bits: int, kind: str) -> None:
    seen = 0
    folder = mode.rstrip("0123456789")
    for case in cases("ciphers", "AES", folder, f"{mode}{kind}{bits}.rsp"):
        if "plaintext" in case.fields:
            key, iv = secret_key(ck.CKK_AES, case.hex("key")), case.hex("iv")
            plain, cipher = case.hex("plaintext"), case.hex("ciphertext")
            check(table, AES_FEEDBACK[mode], key, iv, plain, cipher)
            seen += 1
    assert seen >= 6


def des_key(case: Case, key_type: int) -> Key:
    """A key of the file, whose parity bits are not all as they must be; no mode looks at them."""
    if "keys" in case.fields:
        value = case.hex("keys") * 3
    else:
        value = b"".join(case.hex(f"key{place}") for place in (1, 2, 3))
    size = {ck.CKK_DES: 8, ck.CKK_DES2: 16, ck.CKK_DES3: 24}[key_type]
    assert (value * 2)[size : size + 24 - size] == value[: 24 - size], "the file has another key"
    return secret_key(key_type, with_parity(key_type, value[:size]))


# Three, two and one key; the files before MMT have one.
KINDS = {
    "MMT3": ck.CKK_DES3,
    "MMT2": ck.CKK_DES2,
    "MMT1": ck.CKK_DES,
    "invperm": ck.CKK_DES,
    "permop": ck.CKK_DES,
    "subtab": ck.CKK_DES,
    "varkey": ck.CKK_DES,
    "vartext": ck.CKK_DES,
}


@pytest.mark.parametrize("mode", DES_MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_des_and_triple_des(table: Table, mode: str, kind: str) -> None:
    seen = 0
    folder = mode.rstrip("0123456789")[1:]
    triple, single = DES_MODES[mode]
    for case in cases("ciphers", "3DES", folder, f"{mode}{kind}.rsp"):
        if "plaintext" not in case.fields:
            continue
        params = case.hex("iv") if mode != "TECB" else b""
        plain, cipher = case.hex("plaintext"), case.hex("ciphertext")
        key_type = KINDS[kind]
        if key_type == ck.CKK_DES:
            if single is not None:
                check(table, single, des_key(case, key_type), params, plain, cipher)
            key_type = ck.CKK_DES2
        check(table, triple, des_key(case, key_type), params, plain, cipher)
        seen += 1
    assert seen >= 10


@pytest.mark.parametrize("bits", [128, 256])
def test_xts(table: Table, bits: int) -> None:
    seen = stolen = 0
    path = ("ciphers", "AES", "XTS", "tweak-128hexstr", f"XTSGenAES{bits}.rsp")
    for case in cases(*path):
        size = int(case.fields.get("dataunitlen", 1))
        if size % 8:
            continue  # data units of broken bytes
        key = secret_key(ck.CKK_AES_XTS, case.hex("key"))
        check(table, ck.CKM_AES_XTS, key, case.hex("i"), case.hex("pt"), case.hex("ct"))
        seen += 1
        stolen += size % 128 != 0
    assert (seen, stolen) == {128: (800, 200), 256: (600, 0)}[bits]


# RFC 3962, appendix B: the ciphertexts of CBC-CS3, whose last two blocks stand the other way round.
RFC_3962 = [
    "c6353568f2bf8cb4d8a580362da7ff7f" "97",
    "fc00783e0efdb2c1d445d4c8eff7ed22" "97687268d6ecccc0c07b25e25ecfe5",
    "39312523a78662d5be7fcbcc98ebf5a8" "97687268d6ecccc0c07b25e25ecfe584",
    "97687268d6ecccc0c07b25e25ecfe584"
    "b3fffd940c16a18c1b5549d2f838029e" "39312523a78662d5be7fcbcc98ebf5",
    "97687268d6ecccc0c07b25e25ecfe584"
    "9dad8bbb96c4cdc03bc103e1a194bbd8" "39312523a78662d5be7fcbcc98ebf5a8",
    "97687268d6ecccc0c07b25e25ecfe584" "39312523a78662d5be7fcbcc98ebf5a8"
    "4807efe836ee89a526730dbc2f7bc840" "9dad8bbb96c4cdc03bc103e1a194bbd8",
]  # fmt: skip
TEXT = b"I would like the General Gau's Chicken, please, and wonton soup."


@pytest.mark.parametrize("sample", RFC_3962, ids=len)
def test_ciphertext_stealing(table: Table, sample: str) -> None:
    swapped = bytes.fromhex(sample)
    size = len(swapped)
    last = size % 16 or 16
    head = swapped[: size - last - 16]
    ours = head + swapped[size - last :] + swapped[size - last - 16 : size - last]
    key = secret_key(ck.CKK_AES, b"chicken teriyaki")
    check(table, ck.CKM_AES_CTS, key, bytes(16), TEXT[:size], ours)


def test_ciphertext_stealing_from_nothing_is_cbc(table: Table) -> None:
    """Addendum to SP 800-38A, CBC-CS1: of whole blocks."""
    key, iv = secret_key(ck.CKK_AES, bytes(range(32))), bytes(range(16))
    for blocks in range(1, 5):
        data = bytes(range(16 * blocks))
        check(
            table,
            ck.CKM_AES_CTS,
            key,
            iv,
            data,
            table.find(ck.CKM_AES_CBC).encrypter(key)(iv, data),
        )


def test_chacha20(table: Table) -> None:
    """RFC 7539, A.2."""
    seen = 0
    for case in cases("ciphers", "ChaCha20", "rfc7539.txt"):
        counter = int(case.fields["initial_block_counter"]).to_bytes(4, "little")
        params = pack(ck.CKM_CHACHA20, wire.ChaCha20(counter, case.hex("nonce")))[4:]
        key = secret_key(ck.CKK_CHACHA20, case.hex("key"))
        check(table, ck.CKM_CHACHA20, key, params, case.hex("plaintext"), case.hex("ciphertext"))
        seen += 1
    assert seen == 3


def chacha20(counter: bytes, nonce: bytes) -> bytes:
    return pack(ck.CKM_CHACHA20, wire.ChaCha20(counter, nonce))[4:]


def test_the_original_chacha20_counts_in_eight_bytes(table: Table) -> None:
    """As RFC 8439's where its counter has room; beyond, the carry goes into the upper half."""
    key = secret_key(ck.CKK_CHACHA20, bytes(range(32)))
    encrypt = table.find(ck.CKM_CHACHA20).encrypter(key)
    nonce = bytes(range(8))
    short = chacha20(bytes.fromhex("feffffff"), bytes(4) + nonce)
    long = chacha20(bytes.fromhex("feffffff00000000"), nonce)
    next_half = chacha20(bytes(4), bytes.fromhex("01000000") + nonce)
    stream = encrypt(long, bytes(256))
    assert stream[:128] == encrypt(short, bytes(128))
    assert stream[128:] == encrypt(next_half, bytes(128))
    mechanism = table.find(ck.CKM_CHACHA20)
    parts = mechanism.encryption(key, long)
    assert parts.update(bytes(100)) + parts.update(bytes(156)) + parts.finish() == stream


@pytest.mark.parametrize("counter", [b"\xff" * 4, b"\xff" * 8], ids=len)
def test_no_part_of_a_key_stream_is_used_twice(table: Table, counter: bytes) -> None:
    key = secret_key(ck.CKK_CHACHA20, bytes(range(32)))
    params = chacha20(counter, bytes(16 - len(counter)))
    mechanism = table.find(ck.CKM_CHACHA20)
    assert len(mechanism.encrypter(key)(params, bytes(64))) == 64
    with refuses(ck.CKR_DATA_LEN_RANGE):
        mechanism.encrypter(key)(params, bytes(65))
    stream = mechanism.encryption(key, params)
    stream.update(bytes(64))
    with refuses(ck.CKR_DATA_LEN_RANGE):
        stream.update(b"x")


@pytest.mark.parametrize("sizes", [(4, 8), (8, 12), (5, 11), (0, 16), (16, 0), (8, 7)])
def test_counters_and_nonces_of_other_sizes(table: Table, sizes: tuple[int, int]) -> None:
    key = secret_key(ck.CKK_CHACHA20, bytes(range(32)))
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_CHACHA20).encrypter(key)(chacha20(*map(bytes, sizes)), b"data")
