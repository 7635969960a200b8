"""HMAC against RFC 2202 and RFC 4231, whole, cut and in parts; keys for it."""

import hashlib
import hmac as reference

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, opener
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

FILES = {"sha1": "rfc-2202-sha1.txt"} | {
    name: f"rfc-4231-{name}.txt" for name in ("sha224", "sha256", "sha384", "sha512")
}


@pytest.mark.parametrize("which", HASHES[:5], ids=lambda each: each.name)
def test_rfc_cases(table: Table, which: Hash) -> None:
    mechanism = table.find(which.hmac)
    seen = 0
    for case in cases("HMAC", FILES[which.name]):
        key = secret_key(ck.CKK_GENERIC_SECRET, case.hex("key"))
        message = case.hex("msg")
        # RFC 4231 cuts case 5 to 128 bits; the file has the whole.
        mac = mechanism.signer(key, b"")(message)
        assert mac[: len(case.hex("md"))] == case.hex("md")
        mechanism.verifier(key, b"")(message, mac)
        seen += 1
    assert seen >= 6


@given(
    key=st.binary(min_size=1, max_size=200), data=st.binary(max_size=300), cut=st.integers(0, 300)
)
@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_equals_the_reference_in_one_call_and_in_parts(
    which: Hash, key: bytes, data: bytes, cut: int
) -> None:
    mechanism = TABLE.find(which.hmac)
    secret = secret_key(which.hmac_key_type, key)
    expected = reference.digest(key, data, opener(which))
    sink = mechanism.sink(secret, b"")
    sink.update(data[:cut])
    sink.update(data[cut:])
    assert mechanism.signer(secret, b"")(data) == expected
    assert mechanism.closer(secret, b"")(sink.digest()) == expected


TABLE = all_mechanisms()


@pytest.mark.parametrize("length", range(1, 33))
def test_general_cuts_to_the_length_asked_for(table: Table, length: int) -> None:
    mechanism = table.find(ck.CKM_SHA256_HMAC_GENERAL)
    key = secret_key(ck.CKK_GENERIC_SECRET, b"key")
    params = length.to_bytes(4, "big")
    mac = mechanism.signer(key, params)(b"data")
    assert mac == reference.new(b"key", b"data", hashlib.sha256).digest()[:length]
    assert mechanism.signature_bytes(key, params) == length
    mechanism.verifier(key, params)(b"data", mac)


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_general_of_every_hash(table: Table, which: Hash) -> None:
    mechanism = table.find(which.hmac_general)
    key = secret_key(which.hmac_key_type, b"key")
    whole = reference.digest(b"key", b"data", opener(which))
    for length in (1, len(whole)):
        params = length.to_bytes(4, "big")
        assert mechanism.signer(key, params)(b"data") == whole[:length]
        with refuses(ck.CKR_SIGNATURE_INVALID):
            mechanism.verifier(key, params)(b"other", whole[:length])
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.signer(key, (len(whole) + 1).to_bytes(4, "big"))


@pytest.mark.parametrize("params", [bytes(4), (33).to_bytes(4, "big"), b"", bytes(5)])
def test_general_refuses_other_lengths(table: Table, params: bytes) -> None:
    key = secret_key(ck.CKK_GENERIC_SECRET, b"key")
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_SHA256_HMAC_GENERAL).signer(key, params)


def test_a_wrong_mac_is_refused_at_every_bit(table: Table) -> None:
    mechanism = table.find(ck.CKM_SHA256_HMAC)
    key = secret_key(ck.CKK_GENERIC_SECRET, b"key")
    mac = mechanism.signer(key, b"")(b"data")
    verify = mechanism.verifier(key, b"")
    for bit in range(256):
        wrong = (int.from_bytes(mac, "big") ^ 1 << bit).to_bytes(32, "big")
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", wrong)
    for wrong in (b"", mac[:-1], mac + b"\0"):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", wrong)


def test_parameters_where_there_are_none(table: Table) -> None:
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_SHA_1_HMAC).signer(secret_key(ck.CKK_GENERIC_SECRET, b"key"), b"x")


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_keys_are_made_for_one_hmac(table: Table, which: Hash) -> None:
    mechanism = table.find(which.key_gen)
    assert mechanism.flags == ck.CKF_HW | ck.CKF_GENERATE
    assert mechanism.keyless_operation() == "secret-keygen"
    key = mechanism.generate(77, lambda size: b"k" * size)
    assert (key.key_type, key.bits, key.material) == (which.hmac_key_type, 616, b"k" * 77)
    assert mechanism.key_types == (which.hmac_key_type,)
    assert which.hmac_key_type in table.find(which.hmac).key_types
    for size in (0, 2049):
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.generate(size, bytes)
