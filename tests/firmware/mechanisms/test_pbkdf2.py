"""PBKDF2 against RFC 6070, and every function against the library."""

import pytest
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Pbkdf2
from ghostcard.firmware.mechanisms.hashes import algorithm
from ghostcard.firmware.mechanisms.pbkdf2 import MAX_ITERATIONS, PRFS
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

SHA1 = ck.CKP_PKCS5_PBKD2_HMAC_SHA1


def params(
    password: bytes,
    salt: bytes,
    iterations: int = 1,
    prf: int = SHA1,
    source: int = ck.CKZ_SALT_SPECIFIED,
    data: bytes = b"",
) -> bytes:
    parsed = Pbkdf2(source, iterations, prf, salt, data, password)
    return wire.pack(ck.CKM_PKCS5_PBKD2, parsed)[4:]


def test_rfc_6070(table: Table) -> None:
    mechanism, seen = table.find(ck.CKM_PKCS5_PBKD2), 0
    for case in cases("KDF", "rfc-6070-PBKDF2-SHA1.txt"):
        iterations = int(case.fields["iterations"])
        if iterations > 5000:
            continue
        texts = (case.fields[name].replace("\\0", "\0") for name in ("password", "salt"))
        password, salt = (text.encode() for text in texts)
        size = int(case.fields["length"])
        made = mechanism.generate_from(params(password, salt, iterations), size, bytes)
        assert made.material == case.hex("derived_key")
        seen += 1
    assert seen >= 4


@pytest.mark.parametrize("prf", PRFS)
def test_every_function(table: Table, prf: int) -> None:
    made = table.find(ck.CKM_PKCS5_PBKD2).generate_from(
        params(b"password", b"salt", 3, prf), 100, bytes
    )
    expected = PBKDF2HMAC(algorithm(PRFS[prf]), 100, b"salt", 3).derive(b"password")
    assert made.material == expected


@pytest.mark.parametrize(
    "wrong",
    [
        params(b"p", b"s", 0),
        params(b"p", b"s", MAX_ITERATIONS + 1),
        params(b"p", b"s", 1, 0),
        params(b"p", b"s", 1, ck.CKP_PKCS5_PBKD2_HMAC_GOSTR3411),
        params(b"p", b"s", source=0),
        params(b"p", b"s", data=b"x"),
        b"",
    ],
)
def test_parameters_that_cannot_be(table: Table, wrong: bytes) -> None:
    mechanism = table.find(ck.CKM_PKCS5_PBKD2)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.generate_from(wrong, 20, bytes)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.null_key(wrong, 20)


@pytest.mark.parametrize("size", [0, 2049])
def test_sizes(table: Table, size: int) -> None:
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        table.find(ck.CKM_PKCS5_PBKD2).generate_from(params(b"p", b"s"), size, bytes)
