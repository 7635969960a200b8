"""SP 800-108 by NIST's vectors of the counter mode, and by what is built on the other two."""

import hmac

import pytest
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Kbkdf
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, algorithm
from ghostcard.firmware.mechanisms.kbkdf import field
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases
from tests.firmware.mechanisms.refusing import refuses

COUNTER, FEEDBACK = ck.CKM_SP800_108_COUNTER_KDF, ck.CKM_SP800_108_FEEDBACK_KDF
DOUBLE = ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF
VARIABLE, BYTES = ck.CK_SP800_108_ITERATION_VARIABLE, ck.CK_SP800_108_BYTE_ARRAY
EXTRA, LENGTH = ck.CK_SP800_108_COUNTER, ck.CK_SP800_108_DKM_LENGTH
KEYS, SEGMENTS = ck.CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, ck.CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS
SHA256 = ck.CKM_SHA256_HMAC
ITERATION = field(VARIABLE)


def params(number: int, fields: bytes, prf: int = SHA256, iv: bytes = b"") -> bytes:
    return wire.pack(number, Kbkdf(prf, iv, fields))[4:]


def key(value: bytes) -> Key:
    return secret_key(ck.CKK_GENERIC_SECRET, value)


PRFS = {
    "CMAC_AES128": ck.CKM_AES_CMAC,
    "CMAC_AES192": ck.CKM_AES_CMAC,
    "CMAC_AES256": ck.CKM_AES_CMAC,
    "HMAC_SHA1": ck.CKM_SHA_1_HMAC,
    "HMAC_SHA224": ck.CKM_SHA224_HMAC,
    "HMAC_SHA256": ck.CKM_SHA256_HMAC,
    "HMAC_SHA384": ck.CKM_SHA384_HMAC,
    "HMAC_SHA512": ck.CKM_SHA512_HMAC,
}


def counter_cases() -> list[tuple[str, str, int, Case]]:
    """PRF, place of the counter, its width, case: some of each."""
    prf = place = width = ""
    found: list[tuple[str, str, int, Case]] = []
    for case in cases("KDF", "nist-800-108-KBKDF-CTR.txt"):
        for heading in case.headings:
            name, _, value = heading.partition("=")
            if name == "PRF":
                prf = value
            elif name == "CTRLOCATION":
                place = value
            elif name == "RLEN":
                width = value
        if prf in PRFS and case.fields["count"] in ("0", "11", "39"):
            found.append((prf, place, int(width.split("_")[0]), case))
    return found


def test_nists_vectors_of_the_counter_mode(table: Table) -> None:
    mechanism, seen = table.find(COUNTER), 0
    for prf, place, width, case in counter_cases():
        counter = field(VARIABLE, 0, width)
        if place == "MIDDLE_FIXED":
            before, after = case.hex("databeforectrdata"), case.hex("dataafterctrdata")
            fields = field(BYTES, before) + counter + field(BYTES, after)
        else:
            fixed = field(BYTES, case.hex("fixedinputdata"))
            fields = counter + fixed if place == "BEFORE_FIXED" else fixed + counter
        output = case.hex("ko")
        base = secret_key(ck.CKK_GENERIC_SECRET, case.hex("ki"))
        how = params(COUNTER, fields, PRFS[prf])
        assert mechanism.derive_with(base, (), how, len(output)) == output
        seen += 1
    assert seen >= 200


@pytest.mark.parametrize("which", HASHES[:11], ids=lambda each: each.name)
def test_the_feedback_mode_is_hkdfs_expansion(table: Table, which: Hash) -> None:
    """RFC 5869, 2.3: T(i) = HMAC(PRK, T(i - 1) | info | i)."""
    fields = ITERATION + field(BYTES, b"info") + field(EXTRA, 0, 8)
    how = params(FEEDBACK, fields, which.hmac)
    expected = HKDFExpand(algorithm(which), 150, b"info").derive(b"a key")
    assert table.find(FEEDBACK).derive_with(key(b"a key"), (), how, 150) == expected


def test_the_feedback_mode_begins_with_the_iv(table: Table) -> None:
    how = params(FEEDBACK, ITERATION + field(BYTES, b"data"), iv=b"iv")
    first = hmac.digest(b"a key", b"ivdata", "sha256")
    second = hmac.digest(b"a key", first + b"data", "sha256")
    made = table.find(FEEDBACK).derive_with(key(b"a key"), (), how, 64)
    assert made == first + second


def test_the_double_pipeline(table: Table) -> None:
    """SP 800-108r1, 4.3, with a counter and a length; TLS's function is among the self tests."""
    length = field(LENGTH, KEYS, 0, 32)
    how = params(DOUBLE, ITERATION + field(EXTRA, 0, 16) + field(BYTES, b"label") + length)
    fixed = b"label" + (512).to_bytes(4, "big")
    one = hmac.digest(b"a key", fixed, "sha256")
    two = hmac.digest(b"a key", one, "sha256")
    expected = hmac.digest(b"a key", one + b"\0\1" + fixed, "sha256")
    expected += hmac.digest(b"a key", two + b"\0\2" + fixed, "sha256")
    assert table.find(DOUBLE).derive_with(key(b"a key"), (), how, 64) == expected


@pytest.mark.parametrize(
    ("method", "little", "bits", "expected"),
    [
        (KEYS, 0, 32, "000000c8"),
        (KEYS, 1, 16, "c800"),
        (SEGMENTS, 0, 24, "000100"),
        (KEYS, 0, 64, "00000000000000c8"),
    ],
)
def test_lengths(table: Table, method: int, little: int, bits: int, expected: str) -> None:
    how = params(COUNTER, field(VARIABLE, 0, 8) + field(LENGTH, method, little, bits))
    made = table.find(COUNTER).derive_with(key(b"a key"), (), how, 25)
    assert made == hmac.digest(b"a key", b"\1" + bytes.fromhex(expected), "sha256")[:25]


def test_a_little_endian_counter(table: Table) -> None:
    how = params(COUNTER, field(VARIABLE, 1, 32))
    made = table.find(COUNTER).derive_with(key(b"a key"), (), how, 32)
    assert made == hmac.digest(b"a key", b"\1\0\0\0", "sha256")


def test_several_keys_are_one_after_the_other(table: Table) -> None:
    mechanism = table.find(COUNTER)
    how = params(COUNTER, field(VARIABLE, 0, 8) + field(LENGTH, KEYS, 0, 32))
    values, data = mechanism.derive_many(key(b"a key"), (), how, (16, 40, 10))
    assert data == b""
    assert b"".join(values) == mechanism.derive_with(key(b"a key"), (), how, 66)
    assert list(map(len, values)) == [16, 40, 10]
    with refuses(ck.CKR_TEMPLATE_INCOMPLETE):
        mechanism.derive_many(key(b"a key"), (), how, (16, 0))


def test_a_key_among_the_fields(table: Table) -> None:
    mechanism = table.find(COUNTER)
    with_key = params(COUNTER, field(VARIABLE, 0, 8) + field(ck.CK_SP800_108_KEY_HANDLE, b"blob"))
    assert mechanism.other_keys(with_key) == (b"blob",)
    with_data = params(COUNTER, field(VARIABLE, 0, 8) + field(BYTES, b"other"))
    expected = mechanism.derive_with(key(b"a key"), (), with_data, 20)
    assert mechanism.derive_with(key(b"a key"), (key(b"other"),), with_key, 20) == expected


@pytest.mark.parametrize(
    ("number", "fields", "prf", "iv"),
    [
        (COUNTER, b"", SHA256, b""),
        (COUNTER, field(BYTES, b"x"), SHA256, b""),
        (COUNTER, field(VARIABLE), SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8) * 2, SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 9), SHA256, b""),
        (COUNTER, field(VARIABLE, 2, 8), SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8) + field(EXTRA, 0, 8), SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8) + field(LENGTH, 3, 0, 32), SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8) + field(LENGTH, KEYS, 0, 8), SHA256, b""),  # 800 bits
        (COUNTER, field(VARIABLE, 0, 8) + field(9, b"x"), SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8)[:-1], SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8) + b"\0", SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8), ck.CKM_SHA256, b""),
        (COUNTER, field(VARIABLE, 0, 8), SHA256, b"iv"),
        (FEEDBACK, field(VARIABLE, 0, 8), SHA256, b""),
        (FEEDBACK, ITERATION + field(EXTRA, 0, 8) * 2, SHA256, b""),
        (DOUBLE, ITERATION, SHA256, b"iv"),
    ],
)
def test_fields_that_cannot_be(
    table: Table, number: int, fields: bytes, prf: int, iv: bytes
) -> None:
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(number).derived_with(key(b"a key"), (), params(number, fields, prf, iv), 100)


def test_sizes(table: Table) -> None:
    mechanism = table.find(COUNTER)
    assert mechanism.derived_with(key(b"k"), (), params(COUNTER, field(VARIABLE, 0, 8)), None) == 32
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        mechanism.derived_with(key(b"k"), (), params(COUNTER, field(VARIABLE, 0, 8)), 2049)
    with refuses(ck.CKR_KEY_SIZE_RANGE):  # no key of AES
        mechanism.derived_with(
            key(b"k"), (), params(COUNTER, field(VARIABLE, 0, 8), ck.CKM_AES_CMAC), 16
        )
