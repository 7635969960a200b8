"""AES key wrap against NIST's KW and KWP files, good and bad."""

import pytest

from ghostcard import pkcs11 as ck
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
            with refuses(ck.CKR_WRAPPED_KEY_INVALID):
                unwrap(b"", case.hex("c"))
        else:
            assert unwrap(b"", case.hex("c")) == case.hex("p")
    assert refused >= 10


@pytest.mark.parametrize("size", [0, 8, 15, 17, 20])
def test_kw_takes_whole_half_blocks(table: Table, size: int) -> None:
    mechanism = table.find(ck.CKM_AES_KEY_WRAP)
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        mechanism.wrapper(secret_key(ck.CKK_AES, bytes(16)))(b"", bytes(size))


@pytest.mark.parametrize("number", NUMBERS.values(), ids=hex)
def test_parameters_and_other_uses_are_refused(table: Table, number: int) -> None:
    mechanism, key = table.find(number), secret_key(ck.CKK_AES, bytes(16))
    for transform in (mechanism.wrapper(key), mechanism.unwrapper(key)):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            transform(b"\xa6" * 8, bytes(24))
    with refuses(ck.CKR_MECHANISM_INVALID):
        mechanism.encrypter(key)
