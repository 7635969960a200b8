"""*Single verbs and GenerateRandom: rights, operation names, what an engine has worked for."""

import hashlib

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism, verbs
from ghostcard.firmware.abi.attributes import Boolean
from ghostcard.firmware.abi.parameters import Oaep
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED, CKR_IBM_TRANSPORT_LIMIT
from ghostcard.firmware.ep11.single import MAX_RANDOM
from ghostcard.firmware.ep11.workbench import MAX_PREPARED
from ghostcard.firmware.mechanisms.hashes import SHA256
from tests.firmware.ep11.caller import CBC_PAD, ECDSA, RESULT, Caller, gcm, mech, u32

DENIED = ck.CKR_KEY_FUNCTION_NOT_PERMITTED
OAEP = mechanism.pack(ck.CKM_RSA_PKCS_OAEP, Oaep(SHA256.digest, SHA256.mgf or 0))


def test_signing_is_reported_with_operation_and_payload(card: Caller) -> None:
    blob, spki = card.ec()
    answer = card.call(verbs.SIGN_SINGLE, ECDSA, blob, bytes(32))
    assert (answer.rv, answer.operation, answer.payload_bytes) == (0, "ecdsa-p256-sign", 32)
    verified = card.call(verbs.VERIFY_SINGLE, ECDSA, spki, bytes(32), answer.values[0])
    assert verified == (0, (), "ecdsa-p256-verify", 32)


def test_a_refused_signature_has_cost_its_verification(card: Caller) -> None:
    _, spki = card.ec()
    answer = card.refused(
        ck.CKR_SIGNATURE_INVALID, verbs.VERIFY_SINGLE, ECDSA, spki, bytes(20), b"\1" * 64
    )
    assert (answer.operation, answer.payload_bytes) == ("ecdsa-p256-verify", 20)
    answer = card.refused(
        ck.CKR_SIGNATURE_LEN_RANGE, verbs.VERIFY_SINGLE, ECDSA, spki, bytes(20), b""
    )
    assert (answer.operation, answer.payload_bytes) == ("ecdsa-p256-verify", 20)


def test_encryption_is_reported_with_operation_and_payload(card: Caller) -> None:
    key = card.aes()
    answer = card.call(verbs.ENCRYPT_SINGLE, RESULT, gcm(), key, bytes(1000))
    assert (answer.rv, answer.operation, answer.payload_bytes) == (0, "aes-256-gcm", 1000)
    back = card.call(verbs.DECRYPT_SINGLE, RESULT, gcm(), key, answer.values[0])
    assert back == (0, (bytes(1000),), "aes-256-gcm", 1016)
    bad = card.refused(
        ck.CKR_ENCRYPTED_DATA_INVALID, verbs.DECRYPT_SINGLE, RESULT, gcm(aad=b"x"), key,
        answer.values[0],
    )  # fmt: skip
    assert (bad.operation, bad.payload_bytes) == ("aes-256-gcm", 1016)


def test_parameters_are_those_of_each_request(card: Caller) -> None:
    """A key and mechanism seen before must not bring back the IV seen before."""
    key = card.aes()
    for number in (ck.CKM_AES_CBC, ck.CKM_AES_CBC_PAD):
        first, second = mech(number, bytes(16)), mech(number, b"\1" * 16)
        one, two = card.encrypt(first, key, bytes(16)), card.encrypt(second, key, bytes(16))
        assert one != two
        assert card.decrypt(second, key, two) == card.decrypt(first, key, one) == bytes(16)
    sealed = {card.encrypt(gcm(bytes(11) + bytes((n,))), key, b"text") for n in range(20)}
    assert len(sealed) == 20


def test_rsa_both_ways(card: Caller) -> None:
    private, public = card.rsa()
    for how in (mech(ck.CKM_RSA_PKCS), OAEP):
        answer = card.call(verbs.ENCRYPT_SINGLE, RESULT, how, public, b"text")
        assert (answer.operation, answer.payload_bytes) == ("rsa2048-encrypt", 4)
        answer = card.call(verbs.DECRYPT_SINGLE, RESULT, how, private, answer.values[0])
        assert answer == (0, (b"text",), "rsa2048-decrypt", 256)


@pytest.mark.parametrize("number", [ck.CKM_SHA_1, ck.CKM_SHA256, ck.CKM_SHA512_224])
def test_digest(card: Caller, number: int) -> None:
    names = {ck.CKM_SHA_1: "sha1", ck.CKM_SHA256: "sha256", ck.CKM_SHA512_224: "sha512_224"}
    for _ in range(2):
        answer = card.call(verbs.DIGEST_SINGLE, mech(number), b"data")
        assert answer.values == (hashlib.new(names[number], b"data").digest(),)
        assert (answer.operation, answer.payload_bytes) == (names[number].split("_")[0], 4)


def test_what_is_no_digest(card: Caller) -> None:
    card.refused(ck.CKR_MECHANISM_INVALID, verbs.DIGEST_SINGLE, ECDSA, b"data")
    with_params = mech(ck.CKM_SHA256, b"x")
    card.refused(ck.CKR_MECHANISM_PARAM_INVALID, verbs.DIGEST_SINGLE, with_params, b"data")


def test_random(card: Caller) -> None:
    answer = card.call(verbs.GENERATE_RANDOM, u32(100))
    assert (answer.operation, answer.payload_bytes) == ("random", 100)
    assert len(answer.values[0]) == 100
    assert card.ask(verbs.GENERATE_RANDOM, u32(100)) != answer.values
    assert card.ask(verbs.GENERATE_RANDOM, u32(0)) == (b"",)
    assert len(card.ask(verbs.GENERATE_RANDOM, u32(MAX_RANDOM))[0]) == MAX_RANDOM
    card.refused(CKR_IBM_TRANSPORT_LIMIT, verbs.GENERATE_RANDOM, u32(MAX_RANDOM + 1))


class TestRights:
    @pytest.mark.parametrize(
        ("right", "function", "params"),
        [
            (Boolean.ENCRYPT, verbs.ENCRYPT_SINGLE, (gcm(), bytes(16))),
            (Boolean.DECRYPT, verbs.DECRYPT_SINGLE, (mech(ck.CKM_AES_ECB), bytes(16))),
            (Boolean.ENCRYPT, verbs.ENCRYPT_INIT, (gcm(),)),
            (Boolean.DECRYPT, verbs.DECRYPT_INIT, (gcm(),)),
        ],
    )
    def test_of_a_cipher_key(
        self, card: Caller, right: Boolean, function: int, params: tuple[bytes, ...]
    ) -> None:
        variant = () if function in (verbs.ENCRYPT_INIT, verbs.DECRYPT_INIT) else (RESULT,)
        everything = Boolean.ENCRYPT | Boolean.DECRYPT | Boolean.SIGN | Boolean.VERIFY
        good, bad = card.aes(right), card.aes(everything & ~right)
        assert card.call(function, *variant, params[0], good, *params[1:]).rv == 0
        for _ in range(2):  # a refusal is not something prepared and kept
            card.refused(DENIED, function, *variant, params[0], bad, *params[1:])

    @pytest.mark.parametrize("function", [verbs.SIGN_SINGLE, verbs.SIGN_INIT])
    def test_of_a_signing_key(self, card: Caller, function: int) -> None:
        data = (bytes(32),) if function == verbs.SIGN_SINGLE else ()
        hmac = mech(ck.CKM_SHA256_HMAC)
        for how, good, bad in (
            (ECDSA, card.ec(Boolean.SIGN)[0], card.ec(Boolean.DERIVE)[0]),
            (hmac, card.secret(Boolean.SIGN), card.secret(Boolean.VERIFY)),
        ):
            assert card.call(function, how, good, *data).rv == 0
            card.refused(DENIED, function, how, bad, *data)

    @pytest.mark.parametrize("function", [verbs.VERIFY_SINGLE, verbs.VERIFY_INIT])
    def test_of_a_verification_key(self, card: Caller, function: int) -> None:
        hmac, bad = mech(ck.CKM_SHA256_HMAC), card.secret(Boolean.SIGN)
        data = (b"data", bytes(32)) if function == verbs.VERIFY_SINGLE else ()
        card.refused(DENIED, function, hmac, bad, *data)
        if function == verbs.VERIFY_SINGLE:
            key = card.secret(Boolean.SIGN | Boolean.VERIFY)
            (mac,) = card.ask(verbs.SIGN_SINGLE, hmac, key, b"data")
            assert card.ask(verbs.VERIFY_SINGLE, hmac, key, b"data", mac) == ()

    def test_halves_of_a_pair(self, card: Caller) -> None:
        blob, spki = card.ec()
        wrong = ck.CKR_KEY_TYPE_INCONSISTENT
        card.refused(wrong, verbs.SIGN_SINGLE, ECDSA, spki, bytes(32))
        card.refused(wrong, verbs.VERIFY_SINGLE, ECDSA, blob, bytes(32), bytes(64))
        private, public = card.rsa()
        pkcs1 = mech(ck.CKM_RSA_PKCS)
        card.refused(wrong, verbs.ENCRYPT_SINGLE, RESULT, pkcs1, private, b"x")
        card.refused(wrong, verbs.DECRYPT_SINGLE, RESULT, pkcs1, public, bytes(256))

    def test_types_of_keys(self, card: Caller) -> None:
        wrong = ck.CKR_KEY_TYPE_INCONSISTENT
        card.refused(wrong, verbs.SIGN_SINGLE, ECDSA, card.rsa()[0], bytes(32))
        card.refused(wrong, verbs.SIGN_SINGLE, mech(ck.CKM_SHA256_HMAC), card.aes(), b"x")
        card.refused(wrong, verbs.ENCRYPT_SINGLE, RESULT, gcm(), card.secret(), b"x")
        card.refused(wrong, verbs.SIGN_SINGLE, mech(ck.CKM_EDDSA), card.ec()[0], b"x")

    def test_mechanisms_for_another_use(self, card: Caller) -> None:
        wrong, key = ck.CKR_MECHANISM_INVALID, card.aes()
        card.refused(wrong, verbs.SIGN_SINGLE, gcm(), key, b"x")
        card.refused(wrong, verbs.ENCRYPT_SINGLE, RESULT, ECDSA, key, b"x")
        card.refused(wrong, verbs.ENCRYPT_SINGLE, RESULT, mech(ck.CKM_AES_CMAC), key, b"x")
        card.refused(wrong, verbs.ENCRYPT_SINGLE, RESULT, mech(ck.CKM_BLOWFISH_CBC), key, b"x")


def test_size_queries(card: Caller) -> None:
    key = card.aes()
    for size, expected in ((0, 16), (15, 16), (16, 32)):
        params = (verbs.VARIANT_SIZE, CBC_PAD, key, bytes(size))
        assert card.call(verbs.ENCRYPT_SINGLE, *params) == (0, (u32(expected),), "query", 0)
    params = (verbs.VARIANT_SIZE, CBC_PAD, key, bytes(32))
    assert card.call(verbs.DECRYPT_SINGLE, *params).values == (u32(32),)
    for variant, rv in ((u32(2), CKR_IBM_PARAM_NOT_SUPPORTED), (b"", ck.CKR_ARGUMENTS_BAD)):
        for function in (verbs.ENCRYPT_SINGLE, verbs.DECRYPT_SINGLE):
            card.refused(rv, function, variant, CBC_PAD, key, bytes(32))


def test_what_is_prepared_for_a_key_is_bounded(card: Caller) -> None:
    key = card.secret()
    for length in range(1, 33):
        for number in (
            ck.CKM_SHA256_HMAC_GENERAL,
            ck.CKM_SHA384_HMAC_GENERAL,
            ck.CKM_SHA512_HMAC_GENERAL,
        ):
            (mac,) = card.ask(verbs.SIGN_SINGLE, mech(number, u32(length)), key, b"data")
            assert len(mac) == length
    kept = card.image._domains[0].key(key).signers
    assert 0 < len(kept) <= MAX_PREPARED


def test_opened_keys_are_bounded(card: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from ghostcard.firmware.ep11 import domain

    monkeypatch.setattr(domain, "MAX_KEYS", 8)
    keys = [card.aes() for _ in range(20)]
    texts = [card.encrypt(CBC_PAD, key, b"text") for key in keys]
    assert len(card.image._domains[0]._keys) <= 8
    for key, text in zip(keys, texts, strict=True):
        assert card.decrypt(CBC_PAD, key, text) == b"text"
    assert len(set(texts)) == 20


def test_zeroize_drops_opened_keys_and_keeps_the_wrapping_key(card: Caller) -> None:
    key = card.aes()
    text = card.encrypt(CBC_PAD, key, b"text")
    (state,) = card.ask(verbs.DIGEST_INIT, mech(ck.CKM_SHA256))
    (other,) = card.ask(verbs.DIGEST_INIT, mech(ck.CKM_SHA256), domain=1)
    card.image.zeroize(0)
    assert not card.image._domains[0]._keys
    card.refused(ck.CKR_SAVED_STATE_INVALID, verbs.DIGEST_FINAL, state)
    assert card.call(verbs.DIGEST_FINAL, other, domain=1).rv == 0
    assert card.decrypt(CBC_PAD, key, text) == b"text"
