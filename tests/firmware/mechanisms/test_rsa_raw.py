"""RSA without padding: the blinded private operation, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import all_mechanisms, rsa, rsa_vectors
from ghostcard.firmware.mechanisms.key import Key
from tests.firmware.mechanisms.refusing import refuses

PRIVATE, PUBLIC = rsa_vectors.SIGNING_KEY.pair()
N, E = rsa.public_numbers(PUBLIC)
D = rsa.all_numbers(PRIVATE)[2]
RAW = all_mechanisms().find(ck.CKM_RSA_X_509)


@given(number=st.integers(0, N - 1))
def test_the_private_operation_is_the_power(number: int) -> None:
    found = rsa.private_operation(PRIVATE, number.to_bytes(128, "big"))
    assert int.from_bytes(found, "big") == pow(number, D, N)
    assert int.from_bytes(rsa.public_operation(PUBLIC, found), "big") == number


@pytest.mark.parametrize("number", [0, 1, N - 1])
def test_the_ends(number: int) -> None:
    data = number.to_bytes(128, "big")
    assert RAW.signer(PRIVATE, b"")(data) == pow(number, D, N).to_bytes(128, "big")


def test_a_wrong_result_does_not_leave() -> None:
    """A fault in one of the halves would give the primes away."""
    at = 128 + 8 + 128 + 2 * 64 + 20  # within d mod p - 1
    material = bytearray(PRIVATE.material)
    material[at] ^= 1
    broken = Key(ck.CKO_PRIVATE_KEY, ck.CKK_RSA, 1024, bytes(material))
    with refuses(ck.CKR_DEVICE_ERROR):
        rsa.private_operation(broken, b"\7" * 100)
    with refuses(ck.CKR_DEVICE_ERROR):
        RAW.decrypter(broken)(b"", bytes(127) + b"\7")


def test_what_is_refused() -> None:
    sign, decrypt = RAW.signer(PRIVATE, b""), RAW.decrypter(PRIVATE)
    verify, encrypt = RAW.verifier(PUBLIC, b""), RAW.encrypter(PUBLIC)
    for size in (0, 129):
        with refuses(ck.CKR_DATA_LEN_RANGE):
            sign(bytes(size))
        with refuses(ck.CKR_DATA_LEN_RANGE):
            encrypt(b"", bytes(size))
        with refuses(ck.CKR_DATA_LEN_RANGE):
            verify(bytes(size), bytes(128))
    for size in (0, 127, 129):
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            decrypt(b"", bytes(size))
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", bytes(size))
    large = N.to_bytes(128, "big")
    with refuses(ck.CKR_DATA_INVALID):
        sign(large)
    with refuses(ck.CKR_DATA_INVALID):
        encrypt(b"", large)
    with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
        decrypt(b"", large)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        verify(b"data", large)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        RAW.signer(PRIVATE, b"\0")
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        encrypt(b"\0", b"data")


def test_sizes() -> None:
    assert RAW.signature_bytes(PRIVATE, b"") == RAW.encrypted_bytes(PUBLIC, b"", 5) == 128
    assert RAW.decrypted_bytes(PRIVATE, b"", 128) == 128
    assert RAW.operation(PRIVATE, "sign") == "rsa1024-sign"
