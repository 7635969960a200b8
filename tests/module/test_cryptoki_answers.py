"""Operations give the right answers, in one call and in parts, against other implementations."""

import hashlib
import hmac
import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ghostcard import pkcs11 as ck
from tests.module.mechanisms import (
    CBC,
    CBC_PAD,
    CTR,
    ECB,
    ECDSA,
    EDDSA,
    GCM,
    HMAC,
    IV,
    OAEP,
    PSS,
    RSA,
    SHA256,
    SHA256_RSA,
    SHORT_GCM,
    SHORT_HMAC,
)
from tests.module.program import ED25519, Program, mechanism, refusing

CIPHERS = {
    "ecb": (ECB, (0, 16, 64, 16 * 5000)),
    "cbc": (CBC, (0, 16, 64, 16 * 5000)),
    "cbc-pad": (CBC_PAD, (0, 1, 15, 16, 17, 100, 100_001)),
    "ctr": (CTR, (0, 1, 15, 16, 17, 100, 100_001)),
    "gcm": (GCM, (0, 1, 15, 16, 17, 100, 50_001, 2 * 32768, 300_007)),
    "gcm-96": (SHORT_GCM, (0, 1, 100)),
}


@pytest.mark.parametrize("name", CIPHERS)
def test_ciphers_in_one_call_and_in_parts(program: Program, name: str) -> None:
    how, sizes = CIPHERS[name]
    key = program.aes()
    for size in sizes:
        data = os.urandom(size)
        encrypted = program.run("encrypt", how, key, data)
        assert program.run("decrypt", how, key, encrypted) == data
        for step in {1, 16, 33, 60_000} if size < 200 else {7777, 70_000}:
            assert program.run_in_parts("encrypt", how, key, data, step) == encrypted
            assert program.run_in_parts("decrypt", how, key, encrypted, step) == data


def test_ciphertext_is_that_of_another_implementation(program: Program) -> None:
    key = program.aes(SENSITIVE=False, EXTRACTABLE=True)
    value = program.one(key, "VALUE")
    data = os.urandom(100_000)
    for how, mode in ((CTR, modes.CTR(IV)), (CBC, modes.CBC(IV)), (ECB, modes.ECB())):
        context = Cipher(algorithms.AES(value), mode).encryptor()
        assert program.run("encrypt", how, key, data) == context.update(data) + context.finalize()


@pytest.mark.parametrize("name", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_digests(program: Program, name: str) -> None:
    how = mechanism(ck.CKM_SHA_1 if name == "sha1" else getattr(ck, f"CKM_{name.upper()}"))
    for size in (0, 1, 64, 100_000):
        data = os.urandom(size)
        expected = hashlib.new(name, data).digest()
        assert program.run("digest", how, None, data) == expected
        assert program.run_in_parts("digest", how, None, data, 33_333) == expected


def test_digest_of_a_key(program: Program) -> None:
    library, session = program.library, program.session
    key = program.secret(b"value of the key")
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.digest_key(session, key)
    library.digest_init(session, SHA256)
    library.digest_update(session, b"before ")
    library.digest_key(session, key)
    library.digest_update(session, b" after")
    expected = hashlib.sha256(b"before value of the key after").digest()
    assert library.digest_final(session, 32) == expected


def test_authentication_codes(program: Program) -> None:
    value = b"key of the code"
    key = program.secret(value)
    for size in (0, 1, 100, 100_000):
        data = os.urandom(size)
        expected = hmac.digest(value, data, "sha256")
        for how, code in ((HMAC, expected), (SHORT_HMAC, expected[:10])):
            assert program.run("sign", how, key, data) == code
            assert program.run_in_parts("sign", how, key, data, 33_333) == code
            program.verify(how, key, data, code)


SIGNERS = {
    "ecdsa": (ECDSA, "ec", 32),
    "ecdsa-sha256": (mechanism(ck.CKM_ECDSA_SHA256), "ec", 100_000),
    "eddsa": (EDDSA, "edwards", 1000),
    "rsa-pkcs": (RSA, "rsa", 51),
    "sha256-rsa-pkcs": (SHA256_RSA, "rsa", 100_000),
    "sha256-rsa-pss": (PSS, "rsa", 1000),
}


def _pair(program: Program, kind: str) -> tuple[int, int]:
    if kind == "rsa":
        return program.rsa()
    return program.ec(ED25519) if kind == "edwards" else program.ec()


@pytest.mark.parametrize("name", SIGNERS)
def test_signatures_in_one_call_and_in_parts(program: Program, name: str) -> None:
    how, kind, size = SIGNERS[name]
    public, private = _pair(program, kind)
    library, session, data = program.library, program.session, os.urandom(size)
    signature = program.run("sign", how, private, data)
    in_parts = program.run_in_parts("sign", how, private, data, 7777)
    for each in (signature, in_parts):
        program.verify(how, public, data, each)
        library.verify_init(session, how, public)
        library.verify_update(session, data[:10])
        library.verify_update(session, data[10:])
        library.verify_final(session, each)
    bent = signature[:-1] + bytes((signature[-1] ^ 1,))
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(how, public, data, bent)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(how, public, data[:-1] + bytes((data[-1] ^ 1,)), signature)
    for wrong in (b"", signature[:-1], signature + b"\0"):
        with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
            program.verify(how, public, data, wrong)
        library.verify_init(session, how, public)
        library.verify_update(session, data)
        with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
            library.verify_final(session, wrong)


def test_encryption_with_rsa(program: Program) -> None:
    public, private = program.rsa()
    for how in (RSA, OAEP):
        encrypted = program.run("encrypt", how, public, b"message")
        assert len(encrypted) == 256
        program.init("decrypt", how, private)
        assert program.library.decrypt(program.session, encrypted, 7) == b"message"


DUAL_STEPS = (1, 16, 40)


@pytest.mark.parametrize("step", DUAL_STEPS)
def test_dual_functions(program: Program, step: int) -> None:
    library, session = program.library, program.session
    key, secret, data = program.aes(), program.secret(b"x"), os.urandom(160)
    encrypted = program.run("encrypt", CBC, key, data)
    digest = hashlib.sha256(data).digest()
    code = hmac.digest(b"x", data, "sha256")

    def feed(update: Callable[[int, bytes, int | None], bytes | int], given: bytes) -> bytes:
        """In parts; each is first refused for want of room."""
        out = b""
        for start in range(0, len(given), step):
            part = given[start : start + step]
            room = update(session, part, None)
            assert isinstance(room, int)
            if room:
                assert isinstance(update(session, part, 0), int)
            result = update(session, part, room)
            assert isinstance(result, bytes)
            out += result
        return out

    library.digest_init(session, SHA256)
    library.encrypt_init(session, CBC, key)
    assert feed(library.digest_encrypt_update, data) == encrypted
    assert library.encrypt_final(session, 0) == b""
    assert library.digest_final(session, 32) == digest

    library.decrypt_init(session, CBC, key)
    library.digest_init(session, SHA256)
    assert feed(library.decrypt_digest_update, encrypted) == data
    assert library.digest_final(session, 32) == digest
    library.decrypt_final(session, 0)

    library.sign_init(session, HMAC, secret)
    library.encrypt_init(session, CBC, key)
    assert feed(library.sign_encrypt_update, data) == encrypted
    assert library.sign_final(session, 32) == code
    library.encrypt_final(session, 0)

    library.decrypt_init(session, CBC, key)
    library.verify_init(session, HMAC, secret)
    assert feed(library.decrypt_verify_update, encrypted) == data
    library.verify_final(session, code)


def test_data_comes_back_from_its_signature(program: Program) -> None:
    public, private = program.rsa()
    library, session = program.library, program.session
    flags = ck.CKF_SIGN_RECOVER | ck.CKF_VERIFY_RECOVER
    assert library.get_mechanism_info(0, ck.CKM_RSA_PKCS).flags & flags == flags
    signature = program.run("sign_recover", RSA, private, b"message")
    assert signature == program.run("sign", RSA, private, b"message")
    library.verify_recover_init(session, RSA, public)
    for capacity in (None, 0, 6):
        assert library.verify_recover(session, signature, capacity) == 7
    assert library.verify_recover(session, signature, 7) == b"message"
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.verify_recover(session, signature, 7)
    for bad, rv in (
        (signature[:-1], ck.CKR_SIGNATURE_LEN_RANGE),
        (signature[:-1] + bytes((signature[-1] ^ 1,)), ck.CKR_SIGNATURE_INVALID),
        (b"\xff" * 256, ck.CKR_SIGNATURE_INVALID),
        (bytes(256), ck.CKR_SIGNATURE_INVALID),
        (bytes(255) + b"\1", ck.CKR_SIGNATURE_INVALID),
    ):
        library.verify_recover_init(session, RSA, public)
        with refusing(rv):
            library.verify_recover(session, bad, 256)
        with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
            library.verify_recover(session, signature, 256)


def test_random_numbers(program: Program) -> None:
    library, session = program.library, program.session
    assert library.generate_random(session, 0) == b""
    long = library.generate_random(session, 100_000)
    assert len(long) == 100_000
    assert len({long[i : i + 16] for i in range(0, 100_000, 16)}) == 6250
