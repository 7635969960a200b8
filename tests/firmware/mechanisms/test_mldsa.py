"""ML-DSA by NIST's deterministic vectors, HashML-DSA by one and against another library."""

import hashlib
from pathlib import Path

import pytest
from pqcrypto import HashAlgorithm, sign

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameter_sets import ML_DSA, ParameterSet
from ghostcard.firmware.abi.parameters import HashSignContext, SignContext
from ghostcard.firmware.mechanisms import mldsa
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.prehash import BY_DIGEST, PREHASHES, Prehash
from ghostcard.firmware.mechanisms.public import public_key, raw_spki
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases
from tests.firmware.mechanisms.refusing import refuses

SETS = pytest.mark.parametrize("chosen", ML_DSA, ids=lambda each: each.name)
HASHED = [each for each in PREHASHES if each.ml_dsa is not None]
HASHES = pytest.mark.parametrize("which", HASHED, ids=lambda each: each.name)
PREFERRED, DETERMINISTIC = ck.CKH_HEDGE_PREFERRED, ck.CKH_DETERMINISTIC_REQUIRED


def vectors(chosen: ParameterSet, count: int = 5) -> list[Case]:
    size = chosen.name.removeprefix("mldsa")
    found = cases("asymmetric", "MLDSA", f"kat_MLDSA_{size}_det_pure.rsp")
    return [next(found) for _ in range(count)]


def pair(chosen: ParameterSet) -> tuple[Key, Key]:
    """A private key and its public key."""
    private = mldsa.seeded_key(chosen, bytes(range(32)))
    return private, public_key(raw_spki(chosen, mldsa.public_of(private)))


def params(number: int, context: bytes, hedge: int = PREFERRED) -> bytes:
    return wire.pack(number, SignContext(hedge, context))[4:]


def given(hash: int, context: bytes = b"") -> bytes:
    return wire.pack(ck.CKM_HASH_ML_DSA, HashSignContext(PREFERRED, hash, context))[4:]


def hashed(which: Prehash, message: bytes) -> bytes:
    if which.name.startswith("shake"):
        shake = hashlib.shake_128 if which.name == "shake_128" else hashlib.shake_256
        return shake(message).digest(which.size)
    return hashlib.new(which.name, message).digest()


def theirs(which: Prehash) -> object:
    return getattr(HashAlgorithm, which.name.replace("shake_", "shake").capitalize())


@SETS
def test_keys_and_signatures_of_the_vectors(table: Table, chosen: ParameterSet) -> None:
    mechanism = table.find(ck.CKM_ML_DSA)
    for case in vectors(chosen):
        private = mldsa.seeded_key(chosen, case.hex("xi"))
        assert mldsa.public_of(private) == case.hex("pk")
        public = public_key(raw_spki(chosen, case.hex("pk")))
        with_context = params(ck.CKM_ML_DSA, case.hex("ctx"))
        message = case.hex("msg")
        signature = case.hex("sm")[: chosen.output]
        check = mechanism.verifier(public, with_context)
        check(message, signature)
        check(message, mechanism.signer(private, with_context)(message))
        for wrong in (message + b"\0", message[:-1]):
            with refuses(ck.CKR_SIGNATURE_INVALID):
                check(wrong, signature)
        with refuses(ck.CKR_SIGNATURE_INVALID):
            mechanism.verifier(public, b"")(message, signature)
        damaged = bytes((signature[0] ^ 1,)) + signature[1:]
        with refuses(ck.CKR_SIGNATURE_INVALID):
            check(message, damaged)


def test_a_hashed_message_of_the_vectors(table: Table) -> None:
    """kat_MLDSA_44_det_hashed.rsp, the first case: HashML-DSA-44 with SHA-256."""
    text = (Path(__file__).parent / "hash_mldsa44_sha256.txt").read_text()
    fields = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
    xi, message, context, signature = (
        bytes.fromhex(fields[name]) for name in ("xi", "msg", "ctx", "sig")
    )
    public = raw_spki(ML_DSA[0], mldsa.public_of(mldsa.seeded_key(ML_DSA[0], xi)))
    number = ck.CKM_HASH_ML_DSA_SHA256
    check = table.find(number).verifier(public_key(public), params(number, context))
    check(message, signature)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        check(message + b"\0", signature)
    digest = hashlib.sha256(message).digest()
    by_hash = table.find(ck.CKM_HASH_ML_DSA).verifier(
        public_key(public), given(ck.CKM_SHA256, context)
    )
    by_hash(digest, signature)


@HASHES
@SETS
def test_hashed_messages_against_another_library(
    table: Table, chosen: ParameterSet, which: Prehash
) -> None:
    """pqcrypto makes M' of FIPS 204, algorithm 4, by itself, of a hash that it is given."""
    library = getattr(sign, f"ml_dsa_{chosen.name.removeprefix('mldsa')}")
    assert which.ml_dsa is not None
    mechanism, with_context = table.find(which.ml_dsa), params(which.ml_dsa, b"context")
    private, public = pair(chosen)
    digest = hashed(which, b"message")
    signature = mechanism.signer(private, with_context)(b"message")
    library.verify(mldsa.public_of(private), digest, signature, b"context", theirs(which))
    value, secret = library.keygen()
    signature = library.sign(secret, digest, b"context", theirs(which))
    check = mechanism.verifier(public_key(raw_spki(chosen, value)), with_context)
    check(b"message", signature)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        mechanism.verifier(public, with_context)(b"message", signature)


@pytest.mark.parametrize("which", BY_DIGEST.values(), ids=lambda each: each.name)
def test_a_hash_the_caller_made(table: Table, which: Prehash) -> None:
    private, public = pair(ML_DSA[0])
    mechanism, how = table.find(ck.CKM_HASH_ML_DSA), given(which.digest or 0, b"c")
    digest = hashlib.new(which.name, b"message").digest()
    signature = mechanism.signer(private, how)(digest)
    mechanism.verifier(public, how)(digest, signature)
    if which.ml_dsa is not None:
        hashing = table.find(which.ml_dsa)
        hashing.verifier(public, params(which.ml_dsa, b"c"))(b"message", signature)
    for wrong in (digest[:-1], digest + b"\0", b""):
        with refuses(ck.CKR_DATA_LEN_RANGE):
            mechanism.signer(private, how)(wrong)
        with refuses(ck.CKR_DATA_LEN_RANGE):
            mechanism.verifier(public, how)(wrong, signature)


@pytest.mark.parametrize("number", [ck.CKM_ML_DSA, *(each.ml_dsa for each in HASHED)])
def test_messages_in_parts(table: Table, number: int) -> None:
    mechanism = table.find(number)
    private, public = pair(ML_DSA[1])
    sink = mechanism.sink(private, b"")
    for part in (b"one", b"", b"two"):
        sink.update(part)
    signature = mechanism.closer(private, b"")(sink.digest())
    mechanism.verifier(public, b"")(b"onetwo", signature)
    sink = mechanism.sink(public, b"")
    sink.update(b"onetwo")
    mechanism.checker(public, b"")(sink.digest(), signature)


def test_signatures_are_hedged(table: Table) -> None:
    signer = table.find(ck.CKM_ML_DSA).signer(pair(ML_DSA[0])[0], b"")
    assert signer(b"message") != signer(b"message")


@SETS
def test_sizes_and_parameters(table: Table, chosen: ParameterSet) -> None:
    private, public = pair(chosen)
    mechanism = table.find(ck.CKM_ML_DSA)
    assert mechanism.signature_bytes(private, b"") == chosen.output
    assert len(mechanism.signer(private, b"")(b"")) == chosen.output
    for size in (0, chosen.output - 1, chosen.output + 1):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            mechanism.verifier(public, b"")(b"", bytes(size))
    longest = params(ck.CKM_ML_DSA, bytes(255), ck.CKH_HEDGE_REQUIRED)
    mechanism.verifier(public, longest)(b"x", mechanism.signer(private, longest)(b"x"))
    for wrong in (
        params(ck.CKM_ML_DSA, bytes(256)),
        params(ck.CKM_ML_DSA, b"", DETERMINISTIC),
        params(ck.CKM_ML_DSA, b"", 3),
        b"\0",
    ):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.signature_bytes(private, wrong)
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.signer(private, wrong)


@pytest.mark.parametrize("wrong", [b"", given(ck.CKM_SHA_1), given(ck.CKM_MD5), bytes(4)])
def test_a_given_hash_needs_its_name(table: Table, wrong: bytes) -> None:
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_HASH_ML_DSA).signer(pair(ML_DSA[0])[0], wrong)


@pytest.mark.parametrize(
    ("number", "rv"),
    [(None, ck.CKR_TEMPLATE_INCOMPLETE), (4, ck.CKR_PARAMETER_SET_NOT_SUPPORTED)],
)
def test_parameter_sets_that_are_none(table: Table, number: int | None, rv: int) -> None:
    keygen = table.find(ck.CKM_ML_DSA_KEY_PAIR_GEN)
    template = {} if number is None else {ck.CKA_PARAMETER_SET: number}
    with refuses(rv):
        keygen.generate_pair(template, bytes)
    with refuses(rv):
        keygen.null_pair(template)
