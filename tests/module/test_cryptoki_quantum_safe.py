"""ML-KEM, ML-DSA and SLH-DSA through Cryptoki, checked by the cryptographic library."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
from pqcrypto import sign
from pqcrypto.kem import ml_kem_512

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import ulong
from tests.firmware.mechanisms.nist import cases
from tests.module.program import Program, attributes, mechanism, refusing

KEM = mechanism(ck.CKM_ML_KEM)
SECRET = attributes(EXTRACTABLE=True, SENSITIVE=False)
SETS = pytest.mark.parametrize("number", [1, 2, 3])
CONTEXT = b"context"


def pair(program: Program, keygen: int, number: int, **values: bool) -> tuple[int, int]:
    return program.library.generate_key_pair(
        program.session,
        mechanism(keygen),
        attributes(PARAMETER_SET=number),
        attributes(**values),
    )


def encapsulate(program: Program, public: int) -> tuple[bytes, bytes]:
    """Ciphertext, after the question for its length, and the value of the key."""
    library, session = program.library, program.session
    room = library.encapsulate_key(session, KEM, public, SECRET, None)
    assert isinstance(room, int)
    with_key = library.encapsulate_key(session, KEM, public, SECRET, room)
    assert not isinstance(with_key, int)
    key, ciphertext = with_key
    assert len(ciphertext) == room
    return ciphertext, program.one(key, "VALUE")


def decapsulate(program: Program, private: int, ciphertext: bytes) -> bytes:
    key = program.library.decapsulate_key(program.session, KEM, private, SECRET, ciphertext)
    assert program.one(key, "VALUE_LEN") == ulong(32)
    return program.one(key, "VALUE")


@SETS
def test_a_shared_secret(program: Program, number: int) -> None:
    public, private = pair(program, ck.CKM_ML_KEM_KEY_PAIR_GEN, number)
    for handle in (public, private):
        assert program.one(handle, "PARAMETER_SET") == ulong(number)
        assert program.one(handle, "KEY_TYPE") == ulong(ck.CKK_ML_KEM)
    ciphertext, value = encapsulate(program, public)
    assert decapsulate(program, private, ciphertext) == value
    assert program.one(public, "PUBLIC_KEY_INFO") == program.one(private, "PUBLIC_KEY_INFO")
    assert program.get(private, "VALUE", "SEED") == [ck.CKR_ATTRIBUTE_SENSITIVE] * 2


@SETS
def test_secrets_of_the_library_outside(program: Program, number: int) -> None:
    public, private = pair(program, ck.CKM_ML_KEM_KEY_PAIR_GEN, number)
    value = program.one(public, "VALUE")
    if number == 1:
        ciphertext, secret = ml_kem_512.encaps(value)
    else:
        outside = (mlkem.MLKEM768PublicKey, mlkem.MLKEM1024PublicKey)[number - 2]
        secret, ciphertext = outside.from_public_bytes(value).encapsulate()
    assert decapsulate(program, private, ciphertext) == secret
    with refusing(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        decapsulate(program, private, ciphertext + b"\0")


@SETS
def test_kem_keys_from_their_values(program: Program, number: int) -> None:
    size = (512, 768, 1024)[number - 1]
    case = next(cases("asymmetric", "MLKEM", f"kat_MLKEM_{size}.rsp"))
    kind = attributes(
        CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_ML_KEM, PARAMETER_SET=number, SENSITIVE=False,
        EXTRACTABLE=True,
    )  # fmt: skip
    seed, full = case.hex("d") + case.hex("z"), case.hex("sk")
    forms = [attributes(VALUE=full)]
    if number > 1:
        forms += [attributes(SEED=seed), attributes(SEED=seed, VALUE=full)]
    for form in forms:
        private = program.library.create_object(program.session, [*kind, *form])
        assert decapsulate(program, private, case.hex("ct")) == case.hex("ss")
        has_seed = len(form) == 2 or (number > 1 and form == forms[1])
        expected = [ck.CKR_ATTRIBUTE_SENSITIVE, seed] if has_seed else [full]
        assert program.get(private, *("VALUE", "SEED")[: len(expected)]) == expected
    public = program.create(
        CLASS=ck.CKO_PUBLIC_KEY, KEY_TYPE=ck.CKK_ML_KEM, PARAMETER_SET=number, VALUE=case.hex("pk")
    )
    ciphertext, value = encapsulate(program, public)
    assert decapsulate(program, private, ciphertext) == value


@SETS
def test_ml_dsa(program: Program, number: int) -> None:
    public, private = pair(program, ck.CKM_ML_DSA_KEY_PAIR_GEN, number)
    outside = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)[number - 1]
    verifier = outside.from_public_bytes(program.one(public, "VALUE"))
    for how, context in (
        (mechanism(ck.CKM_ML_DSA), None),
        (mechanism(ck.CKM_ML_DSA, ck.CKH_HEDGE_REQUIRED, CONTEXT), CONTEXT),
    ):
        signature = program.run("sign", how, private, b"message")
        verifier.verify(signature, b"message", context)
        program.verify(how, public, b"message", signature)
        in_parts = program.run_in_parts("sign", how, private, b"x" * 100_000, 40_000)
        verifier.verify(in_parts, b"x" * 100_000, context)
        with refusing(ck.CKR_SIGNATURE_INVALID):
            program.verify(how, public, b"messagE", signature)
        with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
            program.verify(how, public, b"message", signature[:-1])


@pytest.mark.parametrize("name", ["SHA256", "SHA3_384", "SHAKE256"])
def test_hash_ml_dsa(program: Program, name: str) -> None:
    public, private = pair(program, ck.CKM_ML_DSA_KEY_PAIR_GEN, ck.CKP_ML_DSA_44)
    how = mechanism(getattr(ck, f"CKM_HASH_ML_DSA_{name}"), 0, CONTEXT)
    signature = program.run("sign", how, private, b"message")
    program.verify(how, public, b"message", signature)
    if name == "SHA256":
        given = mechanism(ck.CKM_HASH_ML_DSA, 0, ck.CKM_SHA256, CONTEXT)
        digest = hashlib.sha256(b"message").digest()
        program.verify(given, public, digest, signature)
        signature = program.run("sign", given, private, digest)
        program.verify(how, public, b"message", signature)
        with refusing(ck.CKR_DATA_LEN_RANGE):
            program.run("sign", given, private, digest[:-1])


@pytest.mark.parametrize("number", [ck.CKP_SLH_DSA_SHA2_128F, ck.CKP_SLH_DSA_SHAKE_192F])
def test_slh_dsa(program: Program, number: int) -> None:
    public, private = pair(program, ck.CKM_SLH_DSA_KEY_PAIR_GEN, number)
    named = "sha2_128f" if number == ck.CKP_SLH_DSA_SHA2_128F else "shake_192f"
    outside = getattr(sign, f"slh_dsa_{named}")
    value = program.one(public, "VALUE")
    plain = mechanism(ck.CKM_SLH_DSA)
    outside.verify(value, b"message", program.run("sign", plain, private, b"message"))
    how = mechanism(ck.CKM_HASH_SLH_DSA_SHA256, 0, CONTEXT)
    signature = program.run("sign", how, private, b"message")
    program.verify(how, public, b"message", signature)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(plain, public, b"message", signature)


@pytest.mark.parametrize(
    ("key_type", "number", "seed_bytes"),
    [(ck.CKK_ML_DSA, ck.CKP_ML_DSA_65, 32), (ck.CKK_SLH_DSA, ck.CKP_SLH_DSA_SHA2_128F, 0)],
)
def test_signature_keys_from_their_values(
    program: Program, key_type: int, number: int, seed_bytes: int
) -> None:
    if seed_bytes:
        hidden, name = bytes(range(32)), "SEED"
        how = mechanism(ck.CKM_ML_DSA)
    else:
        _, hidden = sign.slh_dsa_sha2_128f.keygen()
        how, name = mechanism(ck.CKM_SLH_DSA), "VALUE"
    private = program.create(
        CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=key_type, PARAMETER_SET=number, SENSITIVE=False,
        EXTRACTABLE=True, **{name: hidden},
    )  # fmt: skip
    assert program.one(private, name) == hidden
    info = program.one(private, "PUBLIC_KEY_INFO")
    size = 1952 if seed_bytes else 32
    public = program.create(
        CLASS=ck.CKO_PUBLIC_KEY, KEY_TYPE=key_type, PARAMETER_SET=number, VALUE=info[-size:]
    )
    assert program.one(public, "PUBLIC_KEY_INFO") == info
    program.verify(how, public, b"message", program.run("sign", how, private, b"message"))


def test_a_private_key_travels_wrapped(program: Program) -> None:
    library, session = program.library, program.session
    kek = program.aes()
    how = mechanism(ck.CKM_AES_CBC_PAD, bytes(16))
    for keygen, number, key_type in (
        (ck.CKM_ML_DSA_KEY_PAIR_GEN, ck.CKP_ML_DSA_87, ck.CKK_ML_DSA),
        (ck.CKM_ML_KEM_KEY_PAIR_GEN, ck.CKP_ML_KEM_512, ck.CKK_ML_KEM),
        (ck.CKM_SLH_DSA_KEY_PAIR_GEN, ck.CKP_SLH_DSA_SHA2_128F, ck.CKK_SLH_DSA),
    ):
        public, private = pair(program, keygen, number, EXTRACTABLE=True)
        room = library.wrap_key(session, how, kek, private, None)
        assert isinstance(room, int)
        wrapped = library.wrap_key(session, how, kek, private, room)
        assert isinstance(wrapped, bytes)
        wanted = attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=key_type)
        again = library.unwrap_key(session, how, kek, wrapped, wanted)
        assert program.one(again, "PARAMETER_SET") == ulong(number)
        assert program.one(again, "PUBLIC_KEY_INFO") == program.one(public, "PUBLIC_KEY_INFO")


def test_refusals(program: Program) -> None:
    public, private = pair(program, ck.CKM_ML_DSA_KEY_PAIR_GEN, ck.CKP_ML_DSA_44)
    with refusing(ck.CKR_TEMPLATE_INCOMPLETE):
        program.library.generate_key_pair(
            program.session, mechanism(ck.CKM_ML_DSA_KEY_PAIR_GEN), [], []
        )
    with refusing(ck.CKR_PARAMETER_SET_NOT_SUPPORTED):
        pair(program, ck.CKM_ML_DSA_KEY_PAIR_GEN, 9)
    for how in (
        mechanism(ck.CKM_ML_DSA, ck.CKH_DETERMINISTIC_REQUIRED),
        mechanism(ck.CKM_ML_DSA, 0, bytes(256)),
        mechanism(ck.CKM_ML_DSA) + b"\0",
        mechanism(ck.CKM_HASH_ML_DSA),
        mechanism(ck.CKM_HASH_ML_DSA, 0, ck.CKM_SHA_1),
    ):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.init("sign", how, private)
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        program.init("sign", mechanism(ck.CKM_ECDSA), private)
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        program.library.encapsulate_key(program.session, KEM, public, SECRET, 5000)
    private_key = {"CLASS": ck.CKO_PRIVATE_KEY, "KEY_TYPE": ck.CKK_ML_DSA, "PARAMETER_SET": 1}
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(**private_key, SEED=bytes(31))
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):  # no seed: the library takes nothing else
        program.create(**private_key, VALUE=bytes(2560))
    with refusing(ck.CKR_TEMPLATE_INCOMPLETE):
        program.create(**private_key)
    public_key = {"CLASS": ck.CKO_PUBLIC_KEY, "KEY_TYPE": ck.CKK_ML_DSA}
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(**public_key, PARAMETER_SET=2, VALUE=bytes(1312))
    with refusing(ck.CKR_PARAMETER_SET_NOT_SUPPORTED):
        program.create(**public_key, PARAMETER_SET=7, VALUE=bytes(1312))
