"""The KDFs of the key agreements against NIST's files."""

import hashlib

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import kdf
from ghostcard.firmware.mechanisms.hashes import HASHES
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

ONE_STEP = {
    "sha1": ck.CKD_SHA1_KDF_SP800,
    "sha224": ck.CKD_SHA224_KDF_SP800,
    "sha256": ck.CKD_SHA256_KDF_SP800,
    "sha384": ck.CKD_SHA384_KDF_SP800,
    "sha512": ck.CKD_SHA512_KDF_SP800,
    "sha3_224": ck.CKD_SHA3_224_KDF_SP800,
    "sha3_256": ck.CKD_SHA3_256_KDF_SP800,
    "sha3_384": ck.CKD_SHA3_384_KDF_SP800,
    "sha3_512": ck.CKD_SHA3_512_KDF_SP800,
}
X963 = {
    "sha1": ck.CKD_SHA1_KDF,
    "sha224": ck.CKD_SHA224_KDF,
    "sha256": ck.CKD_SHA256_KDF,
    "sha384": ck.CKD_SHA384_KDF,
    "sha512": ck.CKD_SHA512_KDF,
    "sha3_224": ck.CKD_SHA3_224_KDF,
    "sha3_256": ck.CKD_SHA3_256_KDF,
    "sha3_384": ck.CKD_SHA3_384_KDF,
    "sha3_512": ck.CKD_SHA3_512_KDF,
}


def test_one_step_kdf_of_the_cavs_file() -> None:
    """SP 800-56A concatenation KDF: what it makes for the key that confirms the agreement."""
    file = "KASValidityTest_ECCStaticUnified_KDFConcat_NOKC_init.fax"
    seen, which = 0, "sha1"
    for case in cases("asymmetric", "ECDH", file):
        if case.headings and " - SHA" in case.headings[-1]:
            which = case.headings[-1].partition(" - ")[2].lower()
        result = case.fields.get("result", "")
        if not result.startswith(("P", "F (12", "F (13")):  # others: Z or the keys are changed
            continue
        wanted = case.hex("dkm")
        found = kdf.derive(ONE_STEP[which], case.hex("z"), case.hex("oi"), len(wanted))
        assert (found == wanted) == (not result.startswith("F (13"))
        seen += 1
    assert seen >= 100


@pytest.mark.parametrize("name", ONE_STEP)
def test_both_constructions_with_every_hash(name: str) -> None:
    """Written out once more, by hashlib."""
    secret, shared = b"\x11" * 32, b"shared information"
    one, two = ((count).to_bytes(4, "big") for count in (1, 2))

    def hashed(data: bytes) -> bytes:
        return hashlib.new(name, data).digest()

    whole = hashed(one + secret + shared) + hashed(two + secret + shared)
    for size in (1, len(whole) // 2, len(whole) // 2 + 1, len(whole)):
        assert kdf.derive(ONE_STEP[name], secret, shared, size) == whole[:size]
    whole = hashed(secret + one + shared) + hashed(secret + two + shared)
    assert kdf.derive(X963[name], secret, shared, len(whole)) == whole


@pytest.mark.parametrize("name", ["blake2b_160", "blake2b_256", "blake2b_384", "blake2b_512"])
def test_x963_with_blake2b(name: str) -> None:
    which = next(each for each in HASHES if each.name == name)
    expected = hashlib.blake2b(b"secret\0\0\0\1info", digest_size=which.size).digest()
    assert kdf.derive(which.kdf or 0, b"secret", b"info", which.size) == expected


def test_sizes() -> None:
    assert kdf.derived_bytes(ck.CKD_NULL, b"", 32, None) == 32
    assert kdf.derived_bytes(ck.CKD_NULL, b"", 32, 5) == 5
    assert kdf.derived_bytes(ck.CKD_SHA384_KDF_SP800, b"info", 32, None) == 48
    assert kdf.derived_bytes(ck.CKD_SHA384_KDF_SP800, b"info", 32, 2048) == 2048
    for arguments, rv in (
        ((ck.CKD_NULL, b"", 32, 33), ck.CKR_KEY_SIZE_RANGE),
        ((ck.CKD_NULL, b"", 32, 0), ck.CKR_KEY_SIZE_RANGE),
        ((ck.CKD_SHA1_KDF, b"", 32, 2049), ck.CKR_KEY_SIZE_RANGE),
        ((ck.CKD_NULL, b"info", 32, 5), ck.CKR_MECHANISM_PARAM_INVALID),
        ((ck.CKD_SHA1_KDF_ASN1, b"", 32, 5), ck.CKR_MECHANISM_PARAM_INVALID),
        ((ck.CKD_CPDIVERSIFY_KDF, b"", 32, 5), ck.CKR_MECHANISM_PARAM_INVALID),
        ((0, b"", 32, 5), ck.CKR_MECHANISM_PARAM_INVALID),
    ):
        with refuses(rv):
            kdf.derived_bytes(*arguments)
