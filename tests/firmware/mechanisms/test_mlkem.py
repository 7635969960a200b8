"""ML-KEM against NIST's key and decapsulation vectors (cryptography_vectors, FIPS 203)."""

import pytest
from cryptography.hazmat.primitives.asymmetric import mlkem as reference

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.parameter_sets import ML_KEM, ParameterSet
from ghostcard.firmware.mechanisms import mlkem
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import public_key, raw_spki
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases
from tests.firmware.mechanisms.refusing import refuses

SETS = pytest.mark.parametrize("chosen", ML_KEM, ids=lambda each: each.name)
SEEDED = pytest.mark.parametrize("chosen", ML_KEM[1:], ids=lambda each: each.name)


def vectors(chosen: ParameterSet, count: int) -> list[Case]:
    """The first cases of NIST's vectors: d, z, pk, sk, ct and ss; ct_n is no genuine ciphertext."""
    found = cases("asymmetric", "MLKEM", f"kat_MLKEM_{chosen.name.removeprefix('mlkem')}.rsp")
    return [next(found) for _ in range(count)]


def public(chosen: ParameterSet, value: bytes) -> Key:
    return public_key(raw_spki(chosen, value))


@SETS
def test_decapsulation_by_the_full_key(table: Table, chosen: ParameterSet) -> None:
    mechanism = table.find(ck.CKM_ML_KEM)
    for case in vectors(chosen, 10):
        key = mlkem.full_key(chosen, case.hex("sk"))
        assert mlkem.public_of(key) == case.hex("pk")
        assert mechanism.decapsulate(key, b"", case.hex("ct")) == case.hex("ss")
        # implicit rejection: a ciphertext that nobody made gives a secret that nobody knows
        assert mechanism.decapsulate(key, b"", case.hex("ct_n")) == case.hex("ss_n")


@SEEDED
def test_keys_and_decapsulation_by_the_seed(table: Table, chosen: ParameterSet) -> None:
    mechanism = table.find(ck.CKM_ML_KEM)
    for case in vectors(chosen, 10):
        key = mlkem.seeded_key(chosen, case.hex("d") + case.hex("z"))
        assert mlkem.public_of(key) == case.hex("pk")
        key.handle = None  # made again from the material
        assert mechanism.decapsulate(key, b"", case.hex("ct")) == case.hex("ss")
        assert mechanism.decapsulate(key, b"", case.hex("ct_n")) == case.hex("ss_n")


@SETS
def test_what_is_encapsulated_is_decapsulated(table: Table, chosen: ParameterSet) -> None:
    mechanism = table.find(ck.CKM_ML_KEM)
    case = vectors(chosen, 1)[0]
    secret, ciphertext = mechanism.encapsulate(public(chosen, case.hex("pk")), b"", bytes)
    full = mlkem.full_key(chosen, case.hex("sk"))
    assert mechanism.decapsulate(full, b"", ciphertext) == secret
    assert (len(secret), len(ciphertext)) == (32, chosen.output)
    assert mechanism.encapsulated_bytes(full, b"") == (32, chosen.output)
    again = mechanism.encapsulate(public(chosen, case.hex("pk")), b"", bytes)
    assert again[1] != ciphertext


@SEEDED
def test_both_libraries_agree(table: Table, chosen: ParameterSet) -> None:
    case = vectors(chosen, 1)[0]
    made = getattr(reference, f"{chosen.name.upper()}PublicKey").from_public_bytes(case.hex("pk"))
    secret, ciphertext = made.encapsulate()
    full = mlkem.full_key(chosen, case.hex("sk"))
    assert table.find(ck.CKM_ML_KEM).decapsulate(full, b"", ciphertext) == secret


@SETS
def test_a_damaged_full_key_is_refused(chosen: ParameterSet) -> None:
    full = bytearray(vectors(chosen, 1)[0].hex("sk"))
    for place in (0, 700, chosen.private - 40):  # secret vector, public key, its hash
        damaged = bytes((*full[:place], full[place] ^ 1, *full[place + 1 :]))
        with refuses(ck.CKR_WRAPPED_KEY_INVALID):
            mlkem.full_key(chosen, damaged)
    for size in (0, chosen.private - 1, chosen.private + 1):
        with refuses(ck.CKR_WRAPPED_KEY_INVALID):
            mlkem.full_key(chosen, bytes(size))


@SETS
def test_a_public_key_beyond_the_modulus_is_refused(table: Table, chosen: ParameterSet) -> None:
    with refuses(ck.CKR_PUBLIC_KEY_INVALID):
        table.find(ck.CKM_ML_KEM).encapsulate(public(chosen, b"\xff" * chosen.public), b"", bytes)


@SETS
def test_wrong_sizes_and_parameters(table: Table, chosen: ParameterSet) -> None:
    mechanism = table.find(ck.CKM_ML_KEM)
    key = mlkem.full_key(chosen, vectors(chosen, 1)[0].hex("sk"))
    for size in (0, chosen.output - 1, chosen.output + 1):
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            mechanism.decapsulate(key, b"", bytes(size))
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.encapsulate(key, b"\0", bytes)
    with refuses(ck.CKR_PUBLIC_KEY_INVALID):
        public(chosen, bytes(chosen.public - 1))


@pytest.mark.parametrize(
    ("number", "rv"),
    [
        (None, ck.CKR_TEMPLATE_INCOMPLETE),
        (0, ck.CKR_PARAMETER_SET_NOT_SUPPORTED),
        (4, ck.CKR_PARAMETER_SET_NOT_SUPPORTED),
    ],
)
def test_parameter_sets_that_are_none(table: Table, number: int | None, rv: int) -> None:
    keygen = table.find(ck.CKM_ML_KEM_KEY_PAIR_GEN)
    template = {} if number is None else {ck.CKA_PARAMETER_SET: number}
    with refuses(rv):
        keygen.generate_pair(template, bytes)
    with refuses(rv):
        keygen.null_pair(template)
    with refuses(rv):
        keygen.pair_operation(template)
