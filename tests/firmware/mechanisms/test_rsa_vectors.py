"""RSA signatures with every hash: NIST's files, good and bad, and SHA-3 by another library."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from Cryptodome.Hash import SHA3_224, SHA3_256, SHA3_384, SHA3_512
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pkcs1_15, pss

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Pss
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms.hashes import HASHES, SIGNATURE_HASHES, Hash, opener
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import public_key, rsa_spki
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.laboratories import examples
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

FOLDER = ("asymmetric", "RSA", "FIPS_186-2")
BY_NAME = {each.name.upper(): each for each in HASHES[:5]}
SHA3: dict[str, Any] = {
    "sha3_224": SHA3_224,
    "sha3_256": SHA3_256,
    "sha3_384": SHA3_384,
    "sha3_512": SHA3_512,
}
BY_SHA3 = [each for each in SIGNATURE_HASHES if each.name in SHA3]


class Signed(NamedTuple):
    """One signature of a file, under which key, and whether it holds."""

    which: Hash
    public: Key
    message: bytes
    signature: bytes
    salt: int
    holds: bool


def signed(file: str) -> Iterator[Signed]:
    """Those whose public exponent the card takes; some of the bad ones have a longer one."""
    modulus = 0
    for case in cases(*FOLDER, file):
        modulus = int(case.fields.get("n", "0"), 16) or modulus
        if "s" not in case.fields:
            continue
        exponent = int(case.fields["e"], 16)
        holds = case.fields["result"].startswith("P")
        assert exponent.bit_length() <= 64 or not holds
        if exponent.bit_length() <= 64:
            public = public_key(rsa_spki(modulus, exponent))
            which, salt = BY_NAME[case.fields["shaalg"]], len(case.hex("saltval"))
            yield Signed(which, public, case.hex("msg"), case.hex("s"), salt, holds)


def spoilt(value: bytes) -> bytes:
    """With the last bit turned over."""
    return value[:-1] + bytes((value[-1] ^ 1,))


def pss_of(which: Hash, salt: int) -> bytes:
    assert which.rsa_pss is not None
    assert which.mgf is not None
    return wire.pack(which.rsa_pss, Pss(which.digest, which.mgf, salt))[4:]


@pytest.mark.parametrize("file", ["SigVer15_186-3.rsp", "SigVerPSS_186-3.rsp"])
def test_good_and_bad_signatures_of_the_cavs_files(table: Table, file: str) -> None:
    good: dict[str, int] = {}
    bad: dict[str, int] = {}
    for which, public, message, signature, salt, holds in signed(file):
        by_pss = "PSS" in file
        mechanism = table.find((which.rsa_pss if by_pss else which.rsa_pkcs) or 0)
        verify = mechanism.verifier(public, pss_of(which, salt) if by_pss else b"")
        digest = opener(which)(message).digest()
        bare = table.find(ck.CKM_RSA_PKCS_PSS) if by_pss else None
        seen = good if holds else bad
        seen[which.name] = seen.get(which.name, 0) + 1
        if holds:
            verify(message, signature)
            if bare is not None:
                bare.verifier(public, pss_of(which, salt))(digest, signature)
            continue
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(message, signature)
        if bare is not None:
            with refuses(ck.CKR_SIGNATURE_INVALID):
                bare.verifier(public, pss_of(which, salt))(digest, signature)
    assert good.keys() == bad.keys() == {each.name for each in HASHES[:5]}
    assert min(good.values()) >= 3
    assert min(bad.values()) >= 10


@pytest.mark.parametrize("which", BY_SHA3, ids=lambda each: each.name)
@pytest.mark.parametrize("family", ["rsa_pkcs", "rsa_pss"])
def test_sha3_by_another_library(table: Table, which: Hash, family: str) -> None:
    """Nobody has published any: pycryptodome verifies ours, and we verify pycryptodome's."""
    ours, public = rsa_vectors.SIGNING_KEY.pair()
    key = RSA.construct(rsa.all_numbers(ours)[:5])  # type: ignore[arg-type]  # of five
    hashed = SHA3[which.name].new(b"data")
    if family == "rsa_pkcs":
        other: Any = pkcs1_15.new(key)
        mechanism, params = table.find(which.rsa_pkcs or 0), b""
    else:
        other = pss.new(key, salt_bytes=20)
        mechanism, params = table.find(which.rsa_pss or 0), pss_of(which, 20)
    other.verify(hashed, mechanism.signer(ours, params)(b"data"))
    signature = other.sign(hashed)
    verify = mechanism.verifier(public, params)
    verify(b"data", signature)
    for message, wrong in ((b"date", signature), (b"data", spoilt(signature))):
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(message, wrong)


def test_the_bare_power_of_the_vectors(table: Table) -> None:
    """RSA Laboratories, pkcs1v15sign-vectors.txt: what is signed, with the padding around it."""
    raw, seen = table.find(ck.CKM_RSA_X_509), 0
    info = bytes.fromhex("3021300906052b0e03021a05000414")  # RFC 8017, 9.2, note 1: SHA-1
    for private, public, fields in examples(
        "signature", "asymmetric", "RSA", "pkcs1v15sign-vectors.txt"
    ):
        digest = opener(HASHES[0])(fields["message to be signed"]).digest()
        filled = b"\xff" * (private.bits // 8 - 3 - len(info) - len(digest))
        encoded = b"\0\1" + filled + b"\0" + info + digest
        assert raw.signer(private, b"")(encoded) == fields["signature"]
        assert raw.encrypter(public)(b"", fields["signature"]) == encoded
        raw.verifier(public, b"")(encoded, fields["signature"])
        with refuses(ck.CKR_SIGNATURE_INVALID):
            raw.verifier(public, b"")(spoilt(encoded), fields["signature"])
        seen += 1
    assert seen == 8 * 20
