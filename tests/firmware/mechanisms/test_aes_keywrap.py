"""AES key wrap against NIST's KW and KWP files, good and bad."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.aes_keywrap import INITIAL, INITIAL_PADDED
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

NUMBERS = {"KW": ck.CKM_AES_KEY_WRAP, "KWP": ck.CKM_AES_KEY_WRAP_KWP}


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_wrapping(table: Table, kind: str, bits: int) -> None:
    mechanism = table.find(NUMBERS[kind])
    found = list(cases("keywrap", "kwtestvectors", f"{kind}_AE_{bits}.txt"))
    assert len(found) >= 500
    for case in found[::5]:
        key, value = secret_key(ck.CKK_AES, case.hex("k")), case.hex("p")
        assert mechanism.wrapper(key)(b"", value) == case.hex("c")
        assert mechanism.wrapped_bytes(key, b"", len(value)) == len(case.hex("c"))


@pytest.mark.parametrize("kind", NUMBERS)
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_unwrapping(table: Table, kind: str, bits: int) -> None:
    mechanism = table.find(NUMBERS[kind])
    refused = 0
    for case in list(cases("keywrap", "kwtestvectors", f"{kind}_AD_{bits}.txt"))[::5]:
        unwrap = mechanism.unwrapper(secret_key(ck.CKK_AES, case.hex("k")))
        if "fail" in case.fields:
            refused += 1
            with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
                unwrap(b"", case.hex("c"))
        else:
            assert unwrap(b"", case.hex("c")) == case.hex("p")
    assert refused >= 10


KEY = secret_key(ck.CKK_AES, bytes(range(16)))
ALL = {
    ck.CKM_AES_KEY_WRAP: INITIAL,
    ck.CKM_AES_KEY_WRAP_KWP: INITIAL_PADDED,
    ck.CKM_AES_KEY_WRAP_PAD: INITIAL,
    ck.CKM_AES_KEY_WRAP_PKCS7: INITIAL,
}


@pytest.mark.parametrize("size", [0, 8, 15, 17, 20])
def test_kw_takes_whole_half_blocks_of_data(table: Table, size: int) -> None:
    mechanism = table.find(ck.CKM_AES_KEY_WRAP)
    with refuses(ck.CKR_DATA_LEN_RANGE):
        mechanism.encrypter(KEY)(b"", bytes(size))


@pytest.mark.parametrize("size", [9, 15, 16, 17, 24, 77])
def test_kw_fills_up_values_with_zeros(table: Table, size: int) -> None:
    mechanism, value = table.find(ck.CKM_AES_KEY_WRAP), b"v" * size
    wrapped = mechanism.wrapper(KEY)(b"", value)
    assert len(wrapped) == mechanism.wrapped_bytes(KEY, b"", size)
    assert mechanism.unwrapper(KEY)(b"", wrapped) == value + bytes(-size % 8)


@pytest.mark.parametrize("number", ALL, ids=hex)
def test_lengths_that_cannot_be_ciphertext(table: Table, number: int) -> None:
    decrypt = table.find(number).decrypter(KEY)
    for size in (0, 8, 15, 25):
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            decrypt(b"", bytes(size))
    with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
        decrypt(b"", bytes(24))


@pytest.mark.parametrize("number", ALL, ids=hex)
def test_the_usual_initial_value_may_be_spelt_out(table: Table, number: int) -> None:
    mechanism, data = table.find(number), b"sixteen bytes ok"
    for transform in (mechanism.encrypter(KEY), mechanism.wrapper(KEY)):
        assert transform(ALL[number], data) == transform(b"", data)
        for other in (b"\0" * 8, ALL[number][1:], b"\xa6" * 9):
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                transform(other, data)
    with refuses(ck.CKR_MECHANISM_INVALID):
        mechanism.encryption(KEY, b"")


@pytest.mark.parametrize("number", [ck.CKM_AES_KEY_WRAP_PAD, ck.CKM_AES_KEY_WRAP_PKCS7], ids=hex)
@pytest.mark.parametrize("size", range(8, 34))
def test_pkcs7_is_padding_and_then_key_wrap(table: Table, number: int, size: int) -> None:
    mechanism, data = table.find(number), bytes(range(1, size + 1))
    fill = 8 - size % 8
    sealed = table.find(ck.CKM_AES_KEY_WRAP).encrypter(KEY)(b"", data + bytes((fill,)) * fill)
    assert mechanism.encrypter(KEY)(b"", data) == sealed == mechanism.wrapper(KEY)(b"", data)
    assert len(sealed) == mechanism.encrypted_bytes(KEY, b"", size)
    assert mechanism.decrypter(KEY)(b"", sealed) == data
    assert mechanism.decrypted_bytes(KEY, b"", len(sealed)) <= size


def test_pkcs7_of_a_bad_padding(table: Table) -> None:
    sealed = table.find(ck.CKM_AES_KEY_WRAP).encrypter(KEY)(b"", bytes(24))
    with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
        table.find(ck.CKM_AES_KEY_WRAP_PKCS7).decrypter(KEY)(b"", sealed)
    with refuses(ck.CKR_DATA_LEN_RANGE):
        table.find(ck.CKM_AES_KEY_WRAP_PKCS7).encrypter(KEY)(b"", b"short")


def test_kwp_of_nothing(table: Table) -> None:
    with refuses(ck.CKR_DATA_LEN_RANGE):
        table.find(ck.CKM_AES_KEY_WRAP_KWP).encrypter(KEY)(b"", b"")
