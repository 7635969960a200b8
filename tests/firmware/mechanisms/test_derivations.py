"""Keys that are hashes, parts, or encryptions of keys: by other means, and by the examples."""

import hashlib

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import (
    BitIndex,
    CbcData,
    DesCbcData,
    OtherKey,
    Parameters,
    StringData,
)
from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, opener
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.refusing import refuses

TABLE = all_mechanisms()


def generic(value: bytes) -> Key:
    return secret_key(ck.CKK_GENERIC_SECRET, value)


def params(number: int, parameters: Parameters) -> bytes:
    return wire.pack(number, parameters)[4:]


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_hashes(table: Table, which: Hash) -> None:
    mechanism, key = table.find(which.derivation), generic(b"a key")
    expected = opener(which)(b"a key").digest()
    for size in (1, 16, which.size):
        assert mechanism.derive(key, b"", size) == expected[:size]
        assert mechanism.derived_bytes(key, b"", size) == size
    assert mechanism.derive(key, b"", None) == expected
    for wrong in (0, which.size + 1):
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.derive(key, b"", wrong)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.derive(key, b"\0", None)


@pytest.mark.parametrize(
    ("number", "shake"),
    [
        (ck.CKM_SHAKE_128_KEY_DERIVATION, hashlib.shake_128),
        (ck.CKM_SHAKE_256_KEY_DERIVATION, hashlib.shake_256),
    ],
)
def test_shakes(table: Table, number: int, shake: type) -> None:
    mechanism, key = table.find(number), generic(b"a key")
    assert mechanism.derive(key, b"", 2048) == shake(b"a key").digest(2048)
    with refuses(ck.CKR_TEMPLATE_INCOMPLETE):
        mechanism.derive(key, b"", None)
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        mechanism.derive(key, b"", 2049)


@given(key=st.binary(min_size=1, max_size=40), data=st.binary(min_size=1, max_size=40))
def test_joined_and_combined(key: bytes, data: bytes) -> None:
    one = int.from_bytes(key[: len(data)], "big") ^ int.from_bytes(data[: len(key)], "big")
    for number, expected in (
        (ck.CKM_CONCATENATE_BASE_AND_DATA, key + data),
        (ck.CKM_CONCATENATE_DATA_AND_BASE, data + key),
        (ck.CKM_XOR_BASE_AND_DATA, one.to_bytes(min(len(key), len(data)), "big")),
    ):
        mechanism, how = TABLE.find(number), params(number, StringData(data))
        assert mechanism.derive(generic(key), how, None) == expected
        assert mechanism.derived_bytes(generic(key), how, None) == len(expected)
        assert mechanism.derive(generic(key), how, 1) == expected[:1]
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.derive(generic(key), how, len(expected) + 1)


@given(key=st.binary(min_size=1, max_size=40), other=st.binary(min_size=1, max_size=40))
def test_two_keys_joined(key: bytes, other: bytes) -> None:
    mechanism = TABLE.find(ck.CKM_CONCATENATE_BASE_AND_KEY)
    how = params(mechanism.number, OtherKey(b"blob"))
    assert mechanism.other_keys(how) == (b"blob",)
    others = (generic(other),)
    assert mechanism.derive_with(generic(key), others, how, None) == key + other
    assert mechanism.derived_with(generic(key), others, how, None) == len(key + other)


@given(data=st.data(), key=st.binary(min_size=1, max_size=20))
def test_bits_cut_out(data: st.DataObject, key: bytes) -> None:
    mechanism = TABLE.find(ck.CKM_EXTRACT_KEY_FROM_KEY)
    start = data.draw(st.integers(0, 8 * len(key) - 1))
    size = data.draw(st.integers(1, len(key)))
    bits = "".join(f"{byte:08b}" for byte in key * 2)[start : start + 8 * size]
    how = params(mechanism.number, BitIndex(start))
    assert mechanism.derive(generic(key), how, size) == int(bits, 2).to_bytes(size, "big")


def test_bits_that_are_not_there(table: Table) -> None:
    mechanism = table.find(ck.CKM_EXTRACT_KEY_FROM_KEY)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.derive(generic(b"key"), params(mechanism.number, BitIndex(24)), 1)
    with refuses(ck.CKR_TEMPLATE_INCOMPLETE):
        mechanism.derive(generic(b"key"), params(mechanism.number, BitIndex(0)), None)
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        mechanism.derive(generic(b"key"), params(mechanism.number, BitIndex(0)), 4)


@pytest.mark.parametrize(
    ("ecb", "cbc", "key_type", "size", "block"),
    [
        (ck.CKM_AES_ECB_ENCRYPT_DATA, ck.CKM_AES_CBC_ENCRYPT_DATA, ck.CKK_AES, 32, 16),
        (ck.CKM_DES3_ECB_ENCRYPT_DATA, ck.CKM_DES3_CBC_ENCRYPT_DATA, ck.CKK_DES3, 24, 8),
        (ck.CKM_DES_ECB_ENCRYPT_DATA, ck.CKM_DES_CBC_ENCRYPT_DATA, ck.CKK_DES, 8, 8),
    ],
)
def test_encrypted_data(
    table: Table, ecb: int, cbc: int, key_type: int, size: int, block: int
) -> None:
    if key_type == ck.CKK_AES:
        value = bytes(range(size))
        algorithm: algorithms.AES | TripleDES = algorithms.AES(value)
    else:
        value = b"\x01\x02\x04\x07\x08\x0b\x0d\x0e\x10\x13\x15\x16\x19\x1a\x1c\x1f" * 2
        value = value[:size]
        algorithm = TripleDES((value * 3)[:24])
    key, data, iv = secret_key(key_type, value), bytes(range(64)), bytes(range(block))
    of_iv = CbcData(iv, data) if block == 16 else DesCbcData(iv, data)
    for number, mode, parameters in (
        (ecb, modes.ECB(), StringData(data)),
        (cbc, modes.CBC(iv), of_iv),
    ):
        expected = Cipher(algorithm, mode).encryptor().update(data)
        mechanism, how = table.find(number), params(number, parameters)
        assert mechanism.derive(key, how, None) == expected
        assert mechanism.derive(key, how, 20) == expected[:20]
        assert mechanism.derived_bytes(key, how, None) == 64
        for wrong in (how[:-1], how[: -len(data)]):
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                mechanism.derive(key, wrong, None)
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.derive(key, how, 65)
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.derive(key, how, 0)
