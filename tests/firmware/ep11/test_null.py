"""The `null` function track: the same sizes, operations and checks; zeros for cryptography."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.emulator.nvram import Nvram
from ghostcard.firmware.abi import mechanism, verbs
from ghostcard.firmware.abi.attributes import Boolean
from ghostcard.firmware.abi.parameters import Ecdh, Oaep, Pss
from ghostcard.firmware.abi.status import CKR_IBM_MODE_CONFLICT
from ghostcard.firmware.mechanisms.curves import CURVES, ED25519
from ghostcard.firmware.mechanisms.hashes import HASHES, SHA256
from tests.firmware.ep11.caller import (
    AES_IV,
    ALL,
    CBC_PAD,
    ECDSA,
    RESULT,
    Answer,
    Caller,
    Services,
    gcm,
    mech,
    template,
    u32,
)

OAEP = mechanism.pack(ck.CKM_RSA_PKCS_OAEP, Oaep(SHA256.digest, SHA256.mgf or 0))
PSS = mechanism.pack(
    ck.CKM_SHA256_RSA_PKCS_PSS, Pss(SHA256.digest, SHA256.mgf or 0, 32)
)  # fmt: skip
CIPHERS = [
    mech(ck.CKM_AES_ECB),
    mech(ck.CKM_AES_CBC, AES_IV),
    CBC_PAD,
    mech(ck.CKM_AES_CTR, u32(128) + AES_IV),
    gcm(),
    gcm(tag_bits=96, aad=b"head"),
]


def shape(answer: Answer) -> tuple[int, list[int], str, int]:
    """What the timing track sees of a reply."""
    return (
        answer.rv,
        [len(value) for value in answer.values],
        answer.operation,
        answer.payload_bytes,
    )


class Pair:
    """A real card and a null card that share NVRAM, asked the same things."""

    def __init__(self) -> None:
        nvram = Nvram()
        self.real = Caller(Services(nvram=nvram))
        self.null = Caller(Services(nvram=nvram, function="null"))

    def same(self, function: int, real: tuple[bytes, ...], null: tuple[bytes, ...]) -> None:
        """Both replies must have one shape."""
        expected = shape(self.real.call(function, *real))
        assert expected[0] == 0
        assert shape(self.null.call(function, *null)) == expected


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_keys_have_one_shape(pair: Pair) -> None:
    params: tuple[bytes, ...]
    for size in (16, 24, 32):
        params = (RESULT, u32(size), mech(ck.CKM_AES_KEY_GEN), template(ALL), b"")
        pair.same(verbs.GENERATE_KEY, params, params)
    params = (RESULT, u32(100), mech(ck.CKM_GENERIC_SECRET_KEY_GEN), template(ALL), b"")
    pair.same(verbs.GENERATE_KEY, params, params)
    for number, public in (
        (ck.CKM_RSA_PKCS_KEY_PAIR_GEN, template(0, {ck.CKA_MODULUS_BITS: 2048})),
        (ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, template(strings={ck.CKA_EC_PARAMS: ED25519.oid})),
        *(
            (ck.CKM_EC_KEY_PAIR_GEN, template(strings={ck.CKA_EC_PARAMS: curve.oid}))
            for curve in CURVES
        ),
    ):
        params = (mech(number), public, template(ALL), b"")
        pair.same(verbs.GENERATE_KEY_PAIR, params, params)


def test_signatures_have_one_shape(pair: Pair) -> None:
    kinds = [
        (mech(ck.CKM_SHA256_RSA_PKCS), pair.real.rsa(), pair.null.rsa()),
        (PSS, pair.real.rsa(), pair.null.rsa()),
        (ECDSA, pair.real.ec(), pair.null.ec()),
        (ECDSA, pair.real.ec(oid=CURVES[2].oid), pair.null.ec(oid=CURVES[2].oid)),
    ]
    for how, (real, real_public), (null, null_public) in kinds:
        pair.same(verbs.SIGN_SINGLE, (how, real, bytes(32)), (how, null, bytes(32)))
        (good,) = pair.real.ask(verbs.SIGN_SINGLE, how, real, bytes(32))
        (zeros,) = pair.null.ask(verbs.SIGN_SINGLE, how, null, bytes(32))
        assert zeros == bytes(len(good))
        pair.same(
            verbs.VERIFY_SINGLE,
            (how, real_public, bytes(32), good),
            (how, null_public, bytes(32), zeros),
        )


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_hashes_have_one_shape(pair: Pair, which: object) -> None:
    assert which in HASHES
    found = HASHES[HASHES.index(which)]
    params = (mech(found.digest), bytes(100))
    pair.same(verbs.DIGEST_SINGLE, params, params)
    real, null = pair.real.secret(), pair.null.secret()
    for how in (mech(found.hmac), mech(found.hmac_general, u32(9))):
        pair.same(verbs.SIGN_SINGLE, (how, real, b"x"), (how, null, b"x"))


@pytest.mark.parametrize("how", CIPHERS, ids=bytes.hex)
@pytest.mark.parametrize("size", [0, 16, 1024])
def test_ciphers_have_one_shape(pair: Pair, how: bytes, size: int) -> None:
    real, null = pair.real.aes(), pair.null.aes()
    data = bytes(size)
    pair.same(verbs.ENCRYPT_SINGLE, (RESULT, how, real, data), (RESULT, how, null, data))
    sealed = pair.real.encrypt(how, real, data)
    zeros = bytes(len(sealed))
    pair.same(verbs.DECRYPT_SINGLE, (RESULT, how, real, sealed), (RESULT, how, null, zeros))


@pytest.mark.parametrize("how", CIPHERS, ids=bytes.hex)
def test_parts_have_one_shape(pair: Pair, how: bytes) -> None:
    real, null = pair.real.aes(), pair.null.aes()
    sealed = pair.real.encrypt(how, real, bytes(96))
    for init, data in ((verbs.ENCRYPT_INIT, bytes(96)), (verbs.DECRYPT_INIT, sealed)):
        (real_state,) = pair.real.ask(init, how, real)
        (null_state,) = pair.null.ask(init, how, null)
        for at in range(0, len(data), 37):
            part = data[at : at + 37]
            pair.same(init + 2, (real_state, part), (null_state, bytes(len(part))))
        pair.same(init + 4, (real_state,), (null_state,))


def test_signatures_in_parts_have_one_shape(pair: Pair) -> None:
    (real, real_public), (null, null_public) = pair.real.ec(), pair.null.ec()
    how = mech(ck.CKM_ECDSA_SHA256)
    (real_state,) = pair.real.ask(verbs.SIGN_INIT, how, real)
    (null_state,) = pair.null.ask(verbs.SIGN_INIT, how, null)
    pair.same(verbs.SIGN_UPDATE, (real_state, b"data"), (null_state, b"data"))
    pair.same(verbs.SIGN_FINAL, (real_state,), (null_state,))
    (good,) = pair.real.ask(verbs.SIGN_SINGLE, how, real, b"data")
    (real_state,) = pair.real.ask(verbs.VERIFY_INIT, how, real_public)
    (null_state,) = pair.null.ask(verbs.VERIFY_INIT, how, null_public)
    pair.same(verbs.VERIFY, (real_state, b"data", good), (null_state, b"data", bytes(64)))
    (real_state,) = pair.real.ask(verbs.DIGEST_INIT, mech(ck.CKM_SHA384))
    (null_state,) = pair.null.ask(verbs.DIGEST_INIT, mech(ck.CKM_SHA384))
    pair.same(verbs.DIGEST_UPDATE, (real_state, b"data"), (null_state, b"data"))
    pair.same(verbs.DIGEST_FINAL, (real_state,), (null_state,))


def test_transport_has_one_shape(pair: Pair) -> None:
    real_kek, null_kek = pair.real.aes(), pair.null.aes()
    for real, null, key_type in (
        (pair.real.aes(), pair.null.aes(), ck.CKK_AES),
        (pair.real.ec()[0], pair.null.ec()[0], ck.CKK_EC),
        (pair.real.ec(oid=CURVES[2].oid)[0], pair.null.ec(oid=CURVES[2].oid)[0], ck.CKK_EC),
    ):
        for how in (CBC_PAD, mech(ck.CKM_AES_KEY_WRAP_KWP)):
            pair.same(
                verbs.WRAP_KEY,
                (RESULT, how, real, real_kek, b""),
                (RESULT, how, null, null_kek, b""),
            )
        asked = template(ALL, {ck.CKA_KEY_TYPE: key_type})
        wrapped = pair.real.wrap(CBC_PAD, real, real_kek)
        pair.same(
            verbs.UNWRAP_KEY,
            (asked, CBC_PAD, real_kek, b"", b"", wrapped),
            (asked, CBC_PAD, null_kek, b"", b"", bytes(len(wrapped))),
        )


def test_derivation_and_random_have_one_shape(pair: Pair) -> None:
    (real, spki), (null, _) = pair.real.ec(), pair.null.ec()
    asked = template(ALL, {ck.CKA_KEY_TYPE: ck.CKK_AES, ck.CKA_VALUE_LEN: 32})
    how = mechanism.pack(ck.CKM_ECDH1_DERIVE, Ecdh(ck.CKD_NULL, b"", spki[-65:]))
    pair.same(verbs.DERIVE_KEY, (how, asked, real, b""), (how, asked, null, b""))
    pair.same(verbs.GENERATE_RANDOM, (u32(33),), (u32(33),))
    assert pair.null.ask(verbs.GENERATE_RANDOM, u32(33)) == (bytes(33),)


@pytest.mark.parametrize(("how", "size"), [(mech(ck.CKM_RSA_PKCS), 245), (OAEP, 190)])
def test_rsa_decryption_gives_the_largest_plaintext(
    null_card: Caller, how: bytes, size: int
) -> None:
    private, public = null_card.rsa()
    assert len(null_card.encrypt(how, public, b"x")) == 256
    assert null_card.decrypt(how, private, bytes(256)) == bytes(size)


def test_rights_and_parameters_are_checked_all_the_same(null_card: Caller) -> None:
    key = null_card.aes(Boolean.ENCRYPT)
    denied = ck.CKR_KEY_FUNCTION_NOT_PERMITTED
    null_card.refused(denied, verbs.DECRYPT_SINGLE, RESULT, CBC_PAD, key, bytes(16))
    invalid = ck.CKR_MECHANISM_PARAM_INVALID
    null_card.refused(invalid, verbs.ENCRYPT_SINGLE, RESULT, gcm(bytes(3)), key, b"")
    _, spki = null_card.ec()
    null_card.refused(
        ck.CKR_SIGNATURE_LEN_RANGE, verbs.VERIFY_SINGLE, ECDSA, spki, bytes(32), bytes(63)
    )


def test_a_key_with_no_value_does_no_real_work(pair: Pair) -> None:
    key, (blob, _) = pair.null.aes(), pair.null.ec()
    pair.real.refused(CKR_IBM_MODE_CONFLICT, verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, key, b"x")
    pair.real.refused(CKR_IBM_MODE_CONFLICT, verbs.SIGN_SINGLE, ECDSA, blob, bytes(32))
    # The other way round a real key is as good as any.
    real = pair.real.aes()
    assert pair.null.encrypt(CBC_PAD, real, b"x") == bytes(16)


def test_the_bits_of_a_key_are_known_all_the_same(null_card: Caller) -> None:
    params = (RESULT, u32(24), mech(ck.CKM_AES_KEY_GEN), template(ALL), b"")
    blob, checksum = null_card.ask(verbs.GENERATE_KEY, *params)
    assert checksum == bytes(3) + u32(192)
    answer = null_card.call(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, blob, b"x")
    assert answer.operation == "aes-192-cbc"
