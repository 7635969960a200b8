"""SLH-DSA with NIST's keys, and against an implementation in Python, both ways."""

import hashlib

import pytest
import slhdsa as reference
from slhdsa.lowlevel.parameters import sha2_128f

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameter_sets import SLH_DSA, ParameterSet
from ghostcard.firmware.abi.parameters import SignContext
from ghostcard.firmware.mechanisms import slhdsa
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.prehash import PREHASHES, Prehash
from ghostcard.firmware.mechanisms.public import public_key, raw_spki
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.refusing import refuses

BY_NAME = {each.name.removeprefix("slhdsa-"): each for each in SLH_DSA}
FAST = pytest.mark.parametrize(
    "chosen", [each for each in SLH_DSA if each.name.endswith("f")], ids=lambda each: each.name
)
HASHED = [each for each in PREHASHES if each.slh_dsa is not None]

# NIST ACVP, SLH-DSA-keyGen-FIPS205, the first case of a parameter set.
KEYS = {
    "sha2-128s": "aa9cc7dca491fc86bcb15a709a15e9b3905c800b6e2fb9b54b6b050ee5e4de9a"
    "fa5464d1c661fed38b2a51ca3eae71bacae3d1865215e3d3850e8c1b8292bf42",
    "shake-128s": "ecd0a05696c2ec6bfe85b8b1b2022486bfd8732b1a42cea236e9822aa9e724e6"
    "37d664792198176c12e8121ccf69e684fcf6ffe2a04243dc3e8ed3ee6e44cdef",
    "sha2-128f": "e2bdaa37c8cffe5e8d5676c23267890c31441758f573285881cdc82ab911dd84"
    "72dc8d26df6ef708f4c41af9fd04b65a8927927229891d47a60d67ecef3d2c17",
    "shake-128f": "bbc74306f75dc2daf7372b3c9841a4d6852c17b459f1692b8e9a1a0dace5ba26"
    "380c99304a0ddd32f344b95144e1fdef60bbc2340e08770fb41a80a76cb08e34",
    "sha2-192s": "3bfaed208b7dc795bf3647f86e4b48bf9adb8d6784c50155a20311739497c3fc"
    "b860ee47e09ede036f7ae8a939155bc0a67856a81a6adbced7f1a2780cc48a06"
    "681ba5e8c7938506bd031bc8124f95f0bae2becb2a3fbbaec453c04a6e918ffb",
    "shake-192s": "915173ee0d17f30877e1d463e3dec914e71f436867ad7615ed782e7033c4963a"
    "7ff0b67181de0f0ea7efabb326d40a86520660f654d537da6934f96e5ee01b24"
    "a2f36102f68dcd10aa206fc79803e63850da5e86969569fc8fb021b6c40616e2",
}


def halves(chosen: ParameterSet, value: bytes) -> tuple[Key, Key]:
    private = slhdsa.private_key(chosen, value)
    return private, public_key(raw_spki(chosen, slhdsa.public_of(private)))


def known(name: str) -> tuple[Key, Key]:
    return halves(BY_NAME[name], bytes.fromhex(KEYS[name]))


def params(number: int, context: bytes, hedge: int = ck.CKH_HEDGE_PREFERRED) -> bytes:
    return wire.pack(number, SignContext(hedge, context))[4:]


@pytest.mark.parametrize("name", KEYS)
def test_nists_private_keys_sign_for_nists_public_keys(table: Table, name: str) -> None:
    mechanism = table.find(ck.CKM_SLH_DSA)
    private, public = known(name)
    signature = mechanism.signer(private, b"")(b"message")
    assert len(signature) == mechanism.signature_bytes(private, b"") == BY_NAME[name].output
    check = mechanism.verifier(public, b"")
    check(b"message", signature)
    for message, wrong in (
        (b"messagE", signature),
        (b"message", bytes((signature[0] ^ 1,)) + signature[1:]),
    ):
        with refuses(ck.CKR_SIGNATURE_INVALID):
            check(message, wrong)


@FAST
def test_against_another_implementation(table: Table, chosen: ParameterSet) -> None:
    mechanism, how = table.find(ck.CKM_SLH_DSA), params(ck.CKM_SLH_DSA, b"context")
    named = chosen.name.removeprefix("slhdsa-").replace("-", "_")
    pair = reference.KeyPair.gen(getattr(reference, named))
    secret = pair.sec.digest()
    private, public = halves(chosen, secret)
    assert pair.verify_pure(b"message", mechanism.signer(private, how)(b"message"), b"context")
    signature = pair.sign_pure(b"message", ctx=b"context")
    mechanism.verifier(public, how)(b"message", signature)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        mechanism.verifier(public, b"")(b"message", signature)


@pytest.mark.parametrize("which", HASHED, ids=lambda each: each.name)
def test_every_hash(table: Table, which: Prehash) -> None:
    assert which.slh_dsa is not None
    mechanism, how = table.find(which.slh_dsa), params(which.slh_dsa, b"context")
    private, public = known("sha2-128f")
    signature = mechanism.signer(private, how)(b"message")
    mechanism.verifier(public, how)(b"message", signature)
    others = [each for each in HASHED if each is not which]
    for other in others:
        with refuses(ck.CKR_SIGNATURE_INVALID):
            table.find(other.slh_dsa or 0).verifier(public, how)(b"message", signature)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        table.find(ck.CKM_SLH_DSA).verifier(public, how)(b"message", signature)


# The last arc of the hashes' object identifiers, 2.16.840.1.101.3.4.2 (FIPS 205, 10.2.2).
ARCS = {
    **{"sha256": 1, "sha384": 2, "sha512": 3, "sha224": 4, "sha3_224": 7, "sha3_256": 8},
    **{"sha3_384": 9, "sha3_512": 10, "shake_128": 11, "shake_256": 12},
}


@pytest.mark.parametrize("which", HASHED, ids=lambda each: each.name)
def test_every_hash_against_another_implementation(table: Table, which: Prehash) -> None:
    def prehash(message: bytes) -> bytes:
        name = which.name
        if name.startswith("shake"):
            shake = hashlib.shake_128 if name == "shake_128" else hashlib.shake_256
            digest = shake(message).digest(32 if name == "shake_128" else 64)
        else:
            digest = hashlib.new(name, message).digest()
        return bytes.fromhex("06096086480165030402") + bytes((ARCS[name],)) + digest

    number = which.slh_dsa or 0
    mechanism, how = table.find(number), params(number, b"context")
    private, public = known("sha2-128f")
    secret = reference.SecretKey.from_digest(bytes.fromhex(KEYS["sha2-128f"]), sha2_128f)
    signature = mechanism.signer(private, how)(b"message")
    assert secret.pubkey.verify_hash(b"message", signature, b"context", prehash)
    other = secret.sign_hash(b"message", ctx=b"context", prehash=prehash)
    check = mechanism.verifier(public, how)
    check(b"message", other)
    for message, wrong in ((b"messagE", other), (b"message", other[:-1] + bytes((other[-1] ^ 1,)))):
        with refuses(ck.CKR_SIGNATURE_INVALID):
            check(message, wrong)


def test_messages_in_parts(table: Table) -> None:
    mechanism = table.find(ck.CKM_SLH_DSA)
    private, public = known("sha2-128f")
    sink = mechanism.sink(private, b"")
    sink.update(b"one")
    sink.update(b"two")
    signature = mechanism.closer(private, b"")(sink.digest())
    mechanism.checker(public, b"")(b"onetwo", signature)


def test_sizes_and_parameters(table: Table) -> None:
    mechanism = table.find(ck.CKM_SLH_DSA)
    private, public = known("sha2-128f")
    for size in (0, 17087, 17089):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            mechanism.verifier(public, b"")(b"", bytes(size))
    for wrong in (
        params(ck.CKM_SLH_DSA, bytes(256)),
        params(ck.CKM_SLH_DSA, b"", ck.CKH_DETERMINISTIC_REQUIRED),
        b"\0",
    ):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.signer(private, wrong)
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.signature_bytes(private, wrong)


def test_sets_of_one_size_stay_apart() -> None:
    """The size of a key tells no set: the object identifier does."""
    for chosen in SLH_DSA:
        key = public_key(raw_spki(chosen, bytes(chosen.public)))
        assert (key.material[0], key.bits) == (chosen.number, 8 * chosen.public)
        with refuses(ck.CKR_PUBLIC_KEY_INVALID):
            public_key(raw_spki(chosen, bytes(chosen.public + 1)))
        with refuses(ck.CKR_WRAPPED_KEY_INVALID):
            slhdsa.private_key(chosen, bytes(chosen.private - 1))
