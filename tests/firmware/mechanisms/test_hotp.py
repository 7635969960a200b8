"""HOTP against RFC 4226."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Hotp
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses


def params(counter: int, digits: int = 6) -> bytes:
    return wire.pack(ck.CKM_HOTP, Hotp(digits, counter.to_bytes(8, "big")))[4:]


def test_rfc_4226(table: Table) -> None:
    mechanism, seen = table.find(ck.CKM_HOTP), 0
    for case in cases("twofactor", "rfc-4226.txt"):
        key = secret_key(ck.CKK_HOTP, case.fields["secret"].encode())
        how = params(int(case.fields["counter"]))
        password = case.fields["hotp"].encode()
        assert mechanism.signer(key, how)(b"") == password
        verify = mechanism.verifier(key, how)
        verify(b"", password)
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"", bytes((password[0] ^ 1,)) + password[1:])
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"", password[:-1])
        seen += 1
    assert seen == 10


@pytest.mark.parametrize("digits", [6, 7, 8])
def test_digits(table: Table, digits: int) -> None:
    value = bytes(range(20))
    made = table.find(ck.CKM_HOTP).signer(secret_key(ck.CKK_HOTP, value), params(77, digits))(b"")
    assert made == HOTP(value, digits, SHA1()).generate(77)


def test_short_keys(table: Table) -> None:
    """The library would refuse them; RFC 4226 only recommends longer ones."""
    mechanism = table.find(ck.CKM_HOTP)
    assert len(mechanism.signer(secret_key(ck.CKK_HOTP, b"short"), params(0))(b"")) == 6


def test_in_parts(table: Table) -> None:
    mechanism, key = table.find(ck.CKM_HOTP), secret_key(ck.CKK_HOTP, b"12345678901234567890")
    sink = mechanism.sink(key, params(0))
    password = mechanism.closer(key, params(0))(sink.digest())
    assert password == b"755224"
    mechanism.checker(key, params(0))(sink.digest(), password)


@pytest.mark.parametrize("wrong", [params(0, 5), params(0, 9), b"", params(0)[:-1]])
def test_parameters_that_cannot_be(table: Table, wrong: bytes) -> None:
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_HOTP).signer(secret_key(ck.CKK_HOTP, b"key"), wrong)


def test_data_that_must_not_be(table: Table) -> None:
    with refuses(ck.CKR_DATA_LEN_RANGE):
        table.find(ck.CKM_HOTP).signer(secret_key(ck.CKK_HOTP, b"key"), params(0))(b"data")
