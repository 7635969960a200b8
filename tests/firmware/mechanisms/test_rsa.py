"""RSA key pairs: generation, sizes, and every number there and back."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa as reference

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa
from ghostcard.firmware.mechanisms.mechanism import Attributes
from ghostcard.firmware.mechanisms.public import public_key, rsa_spki
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.refusing import refuses


@pytest.fixture(scope="module")
def numbers() -> reference.RSAPrivateNumbers:
    return reference.generate_private_key(65537, 2048).private_numbers()


def test_numbers_survive_card_memory(numbers: reference.RSAPrivateNumbers) -> None:
    key = rsa.private_key(numbers)
    assert len(key.material) == rsa.material_bytes(2048) == 1160
    assert rsa.private_numbers(key) == numbers
    assert rsa.public_numbers(key) == (numbers.public_numbers.n, 65537)


def test_a_pair_is_generated_and_works(table: Table) -> None:
    mechanism = table.find(ck.CKM_RSA_PKCS_KEY_PAIR_GEN)
    public: Attributes = {ck.CKA_MODULUS_BITS: 2048, ck.CKA_PUBLIC_EXPONENT: b"\1\0\1"}
    private, spki = mechanism.generate_pair(public, bytes)
    signature = table.find(ck.CKM_SHA256_RSA_PKCS).signer(private, b"")(b"data")
    table.find(ck.CKM_SHA256_RSA_PKCS).verifier(public_key(spki), b"")(b"data", signature)
    assert (private.bits, mechanism.pair_operation(public)) == (2048, "rsa2048-keygen")


@pytest.mark.parametrize(
    ("public", "rv"),
    [
        ({}, ck.CKR_TEMPLATE_INCOMPLETE),
        ({ck.CKA_MODULUS_BITS: b"\x08\0"}, ck.CKR_TEMPLATE_INCOMPLETE),
        ({ck.CKA_MODULUS_BITS: 1023}, ck.CKR_KEY_SIZE_RANGE),
        ({ck.CKA_MODULUS_BITS: 16385}, ck.CKR_KEY_SIZE_RANGE),
        (
            {ck.CKA_MODULUS_BITS: 2048, ck.CKA_PUBLIC_EXPONENT: b"\4"},
            ck.CKR_ATTRIBUTE_VALUE_INVALID,
        ),
    ],
)
def test_other_templates_are_refused(table: Table, public: Attributes, rv: int) -> None:
    mechanism = table.find(ck.CKM_RSA_PKCS_KEY_PAIR_GEN)
    for attempt in (mechanism.pair_operation, mechanism.null_pair):
        with refuses(rv):
            attempt(public)
    with refuses(rv):
        mechanism.generate_pair(public, bytes)


@pytest.mark.parametrize("bits", [1024, 1025, 2047, 2048, 3333, 4096, 16383, 16384])
def test_null_pairs_have_the_sizes_of_real_ones(table: Table, bits: int) -> None:
    private, spki = table.find(ck.CKM_RSA_PKCS_KEY_PAIR_GEN).null_pair({ck.CKA_MODULUS_BITS: bits})
    assert private.is_null
    assert private.material == bytes(rsa.material_bytes(bits))
    assert len(spki) == len(rsa_spki((1 << bits) - 1, 65537))
    assert public_key(spki).bits == bits


@pytest.mark.parametrize(
    ("bits", "priced"),
    [
        (1024, 1024),
        (1280, 2048),
        (2048, 2048),
        (2304, 3072),
        (3072, 3072),
        (3328, 4096),
        (4096, 4096),
        (512, 1024),
        (4097, 8192),
        (16384, 16384),
    ],
)
def test_odd_sizes_are_priced_as_the_next_listed(bits: int, priced: int) -> None:
    assert rsa.priced_bits(bits) == priced


def test_primes_of_unlike_size_are_refused(numbers: reference.RSAPrivateNumbers) -> None:
    p = numbers.p << 8
    odd = reference.RSAPrivateNumbers(
        p, numbers.q, numbers.d, numbers.dmp1, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    )
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        rsa.private_key(odd)


@pytest.mark.parametrize("exponent", [1, 2, 65536])
def test_public_numbers_that_are_no_key(exponent: int) -> None:
    with refuses(ck.CKR_PUBLIC_KEY_INVALID):
        rsa.public_handle(public_key(rsa_spki((1 << 2048) - 1, exponent)))


def test_public_exponents_of_more_than_8_bytes_are_refused() -> None:
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        public_key(rsa_spki((1 << 2048) - 1, (1 << 64) + 1))
