"""HKDF against RFC 5869 and the library's own vectors; all hashes against the library."""

import pytest
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Hkdf
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, algorithm
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

NULL, DATA, KEY = ck.CKF_HKDF_SALT_NULL, ck.CKF_HKDF_SALT_DATA, ck.CKF_HKDF_SALT_KEY
CLASSIC = [each for each in HASHES if each.operation != "blake2b"]


def params(parsed: Hkdf) -> bytes:
    return wire.pack(ck.CKM_HKDF_DERIVE, parsed)[4:]


def key(value: bytes) -> Key:
    return secret_key(ck.CKK_HKDF, value)


@pytest.mark.parametrize(
    ("file", "hash"),
    [("rfc-5869-HKDF-SHA1.txt", ck.CKM_SHA_1), ("rfc-5869-HKDF-SHA256.txt", ck.CKM_SHA256)],
)
def test_rfc_5869(table: Table, file: str, hash: int) -> None:
    mechanism, seen = table.find(ck.CKM_HKDF_DERIVE), 0
    for case in cases("KDF", file):
        salt, info, okm = case.hex("salt"), case.hex("info"), case.hex("okm")
        kind = DATA if salt else NULL
        base = key(case.hex("ikm"))
        both = params(Hkdf(1, 1, hash, kind, salt, b"", info))
        assert mechanism.derive_with(base, (), both, len(okm)) == okm
        extract = params(Hkdf(1, 0, hash, kind, salt, b"", info))
        prk = mechanism.derive_with(base, (), extract, None)
        assert prk == case.hex("prk")
        expand = params(Hkdf(0, 1, hash, NULL, b"", b"", info))
        assert mechanism.derive_with(key(prk), (), expand, len(okm)) == okm
        seen += 1
    assert seen >= 2


@pytest.mark.parametrize("which", CLASSIC, ids=lambda each: each.name)
def test_every_hash(table: Table, which: Hash) -> None:
    mechanism = table.find(ck.CKM_HKDF_DERIVE)
    both = params(Hkdf(1, 1, which.digest, DATA, b"salt", b"", b"info"))
    expected = HKDF(algorithm(which), 100, b"salt", b"info").derive(b"a key")
    assert mechanism.derive_with(key(b"a key"), (), both, 100) == expected
    expand = params(Hkdf(0, 1, which.digest, NULL, b"", b"", b"info"))
    expected = HKDFExpand(algorithm(which), 100, b"info").derive(b"a key")
    assert mechanism.derive_with(key(b"a key"), (), expand, 100) == expected


def test_a_key_as_salt(table: Table) -> None:
    mechanism = table.find(ck.CKM_HKDF_DERIVE)
    how = params(Hkdf(1, 1, ck.CKM_SHA256, KEY, b"", b"blob", b"info"))
    assert mechanism.other_keys(how) == (b"blob",)
    by_data = params(Hkdf(1, 1, ck.CKM_SHA256, DATA, b"the salt", b"", b"info"))
    assert mechanism.other_keys(by_data) == ()
    expected = mechanism.derive_with(key(b"a key"), (), by_data, 40)
    assert mechanism.derive_with(key(b"a key"), (key(b"the salt"),), how, 40) == expected


def test_data(table: Table) -> None:
    mechanism = table.find(ck.CKM_HKDF_DATA)
    how = params(Hkdf(1, 1, ck.CKM_SHA256, NULL, b"", b"", b"info"))
    values, data = mechanism.derive_many(key(b"a key"), (), how, (50,))
    assert values == ()
    assert data == mechanism.derive_with(key(b"a key"), (), how, 50)
    assert mechanism.derived_many(key(b"a key"), (), how, (50,)) == ((), 50)
    with refuses(ck.CKR_TEMPLATE_INCONSISTENT):
        mechanism.derive_many(key(b"a key"), (), how, (50, 50))


@pytest.mark.parametrize(
    "wrong",
    [
        Hkdf(0, 0, ck.CKM_SHA256, NULL),
        Hkdf(2, 1, ck.CKM_SHA256, NULL),
        Hkdf(1, 1, ck.CKM_SHA256, 0),
        Hkdf(1, 1, ck.CKM_SHA256, DATA | NULL, b"salt"),
        Hkdf(1, 1, ck.CKM_SHA256, NULL, b"salt"),
        Hkdf(1, 1, ck.CKM_SHA256, KEY),
        Hkdf(1, 1, ck.CKM_SHA256_HMAC, NULL),
    ],
)
def test_parameters_that_cannot_be(table: Table, wrong: Hkdf) -> None:
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_HKDF_DERIVE).derive_with(key(b"a key"), (), params(wrong), 10)


def test_no_bytes_are_a_salt(table: Table) -> None:
    mechanism = table.find(ck.CKM_HKDF_DERIVE)
    empty, none = (params(Hkdf(1, 1, ck.CKM_SHA256, kind)) for kind in (DATA, NULL))
    expected = mechanism.derive_with(key(b"a key"), (), none, 40)
    assert mechanism.derive_with(key(b"a key"), (), empty, 40) == expected


def test_sizes(table: Table) -> None:
    mechanism = table.find(ck.CKM_HKDF_DERIVE)
    both = params(Hkdf(1, 1, ck.CKM_SHA_1, NULL))
    assert mechanism.derived_with(key(b"k"), (), both, None) == 20
    assert len(mechanism.derive_with(key(b"k"), (), both, 2048)) == 2048
    for size, flags in ((2049, (1, 1)), (21, (1, 0)), (0, (1, 1))):
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.derived_with(key(b"k"), (), params(Hkdf(*flags, ck.CKM_SHA_1, NULL)), size)
