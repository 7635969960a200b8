"""WrapKey and UnwrapKey: every kind of key, both keys' rights, and damage on the way."""

from typing import TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism, verbs
from ghostcard.firmware.abi.attributes import Boolean
from ghostcard.firmware.abi.parameters import Oaep
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.mechanisms.hashes import SHA256
from tests.firmware.ep11.caller import (
    AES_IV,
    ALL,
    CBC_PAD,
    RESULT,
    Caller,
    mech,
    template,
    u32,
)

KEK = Boolean.WRAP | Boolean.UNWRAP
OAEP = mechanism.pack(ck.CKM_RSA_PKCS_OAEP, Oaep(SHA256.digest, SHA256.mgf or 0))
SYMMETRIC = {
    "cbc-pad": CBC_PAD,
    "cbc": mech(ck.CKM_AES_CBC, AES_IV),
    "ecb": mech(ck.CKM_AES_ECB),
    "kw": mech(ck.CKM_AES_KEY_WRAP),
    "kwp": mech(ck.CKM_AES_KEY_WRAP_KWP),
}
SIGNING = {
    ck.CKK_RSA: mech(ck.CKM_SHA256_RSA_PKCS),
    ck.CKK_EC: mech(ck.CKM_ECDSA_SHA256),
    ck.CKK_EC_EDWARDS: mech(ck.CKM_EDDSA),
}


def wanted(key_type: int, size: int | None = None) -> bytes:
    numbers = {ck.CKA_KEY_TYPE: key_type}
    return template(ALL, numbers if size is None else numbers | {ck.CKA_VALUE_LEN: size})


@pytest.mark.parametrize("name", SYMMETRIC)
@pytest.mark.parametrize("size", [16, 24, 32])
def test_aes_keys(card: Caller, name: str, size: int) -> None:
    key, kek = card.aes(size=size), card.aes(KEK)
    answer = card.call(verbs.WRAP_KEY, RESULT, SYMMETRIC[name], key, kek, b"")
    (wrapped,) = answer.values
    assert (answer.operation, answer.payload_bytes) == ("wrap", len(wrapped))
    params = (wanted(ck.CKK_AES, size), SYMMETRIC[name], kek, b"", b"", wrapped)
    answer = card.call(verbs.UNWRAP_KEY, *params)
    assert (answer.operation, answer.payload_bytes) == ("unwrap", len(wrapped))
    copy, checksum = answer.values
    assert checksum == card.encrypt(mech(ck.CKM_AES_ECB), key, bytes(16))[:3] + u32(8 * size)
    assert card.decrypt(CBC_PAD, copy, card.encrypt(CBC_PAD, key, b"text")) == b"text"


@pytest.mark.parametrize("how", [mech(ck.CKM_RSA_PKCS), OAEP], ids=["pkcs1", "oaep"])
def test_under_an_rsa_public_key(card: Caller, how: bytes) -> None:
    private, public = card.rsa(KEK)
    key = card.aes()
    copy, _ = card.unwrap(how, private, card.wrap(how, key, public), wanted(ck.CKK_AES))
    assert card.decrypt(CBC_PAD, copy, card.encrypt(CBC_PAD, key, b"text")) == b"text"


Reference: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def pkcs8(key: Reference) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


REFERENCES: dict[int, Reference] = {
    ck.CKK_RSA: rsa.generate_private_key(65537, 2048),
    ck.CKK_EC: ec.generate_private_key(ec.SECP384R1()),
    ck.CKK_EC_EDWARDS: ed25519.Ed25519PrivateKey.generate(),
}


@pytest.mark.parametrize("name", ["cbc-pad", "cbc", "ecb", "kwp"])
@pytest.mark.parametrize("key_type", REFERENCES)
def test_private_keys_come_and_go_as_pkcs8(card: Caller, name: str, key_type: int) -> None:
    """As C_CreateObject has it: encrypted under a key kept for that, then unwrapped."""
    reference, how = REFERENCES[key_type], SYMMETRIC[name]
    kek = card.aes(KEK | Boolean.ENCRYPT | Boolean.DECRYPT)
    value = pkcs8(reference)
    blob, spki = card.unwrap(CBC_PAD, kek, card.encrypt(CBC_PAD, kek, value), wanted(key_type))
    der = reference.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki == der
    (signature,) = card.ask(verbs.SIGN_SINGLE, SIGNING[key_type], blob, b"data")
    card.ask(verbs.VERIFY_SINGLE, SIGNING[key_type], spki, b"data", signature)
    again, _ = card.unwrap(how, kek, card.wrap(how, blob, kek), wanted(key_type))
    (signature,) = card.ask(verbs.SIGN_SINGLE, SIGNING[key_type], again, b"data")
    card.ask(verbs.VERIFY_SINGLE, SIGNING[key_type], spki, b"data", signature)
    assert card.decrypt(CBC_PAD, kek, card.wrap(CBC_PAD, blob, kek)) == value


def test_values_can_be_brought_in_and_read(card: Caller) -> None:
    kek = card.aes(KEK | Boolean.ENCRYPT | Boolean.DECRYPT)
    for key_type, value in ((ck.CKK_AES, b"k" * 16), (ck.CKK_GENERIC_SECRET, b"s" * 77)):
        blob, _ = card.unwrap(CBC_PAD, kek, card.encrypt(CBC_PAD, kek, value), wanted(key_type))
        assert card.decrypt(CBC_PAD, kek, card.wrap(CBC_PAD, blob, kek)) == value


class TestRights:
    def test_a_key_that_may_not_leave(self, card: Caller) -> None:
        for key in (card.aes(Boolean.ENCRYPT), card.ec(Boolean.SIGN)[0]):
            params = (RESULT, CBC_PAD, key, card.aes(KEK), b"")
            card.refused(ck.CKR_KEY_UNEXTRACTABLE, verbs.WRAP_KEY, *params)

    def test_a_key_that_may_not_wrap_or_unwrap(self, card: Caller) -> None:
        key, kek = card.aes(), card.aes(Boolean.ENCRYPT | Boolean.DECRYPT)
        denied = ck.CKR_KEY_FUNCTION_NOT_PERMITTED
        card.refused(denied, verbs.WRAP_KEY, RESULT, CBC_PAD, key, kek, b"")
        params = (wanted(ck.CKK_AES), CBC_PAD, kek, b"", b"", bytes(32))
        card.refused(denied, verbs.UNWRAP_KEY, *params)

    def test_a_key_that_wants_a_trusted_one(self, card: Caller) -> None:
        key = card.aes(Boolean.EXTRACTABLE | Boolean.WRAP_WITH_TRUSTED)
        common, trusted = card.aes(KEK), card.aes(KEK | Boolean.TRUSTED)
        params = (RESULT, CBC_PAD, key, common, b"")
        card.refused(ck.CKR_KEY_NOT_WRAPPABLE, verbs.WRAP_KEY, *params)
        assert len(card.wrap(CBC_PAD, key, trusted)) == 48

    def test_a_public_key_is_not_wrapped(self, card: Caller) -> None:
        params = (RESULT, CBC_PAD, card.ec()[1], card.aes(KEK), b"")
        card.refused(ck.CKR_KEY_NOT_WRAPPABLE, verbs.WRAP_KEY, *params)

    def test_the_private_half_does_not_wrap(self, card: Caller) -> None:
        private, public = card.rsa()
        params = (RESULT, mech(ck.CKM_RSA_PKCS), card.aes(), private, b"")
        card.refused(ck.CKR_KEY_TYPE_INCONSISTENT, verbs.WRAP_KEY, *params)
        unwrap = (wanted(ck.CKK_AES), mech(ck.CKM_RSA_PKCS), public, b"", b"", bytes(256))
        card.refused(ck.CKR_KEY_TYPE_INCONSISTENT, verbs.UNWRAP_KEY, *unwrap)

    def test_mechanisms_that_do_not_wrap(self, card: Caller) -> None:
        for how in (mech(ck.CKM_AES_CMAC), mech(ck.CKM_ECDSA), mech(ck.CKM_SHA256_HMAC)):
            params = (RESULT, how, card.aes(), card.aes(KEK), b"")
            card.refused(ck.CKR_MECHANISM_INVALID, verbs.WRAP_KEY, *params)


def test_wrapping_is_refused_where_it_does_not_fit(card: Caller) -> None:
    _, public = card.rsa(KEK)
    kek = card.aes(KEK)
    for how, key, by, rv in (
        (mech(ck.CKM_RSA_PKCS), card.secret(size=246), public, ck.CKR_KEY_SIZE_RANGE),
        (mech(ck.CKM_AES_KEY_WRAP), card.secret(size=8), kek, ck.CKR_KEY_SIZE_RANGE),
        (mech(ck.CKM_AES_CBC, b"short"), card.aes(), kek, ck.CKR_MECHANISM_PARAM_INVALID),
    ):
        answer = card.refused(rv, verbs.WRAP_KEY, RESULT, how, key, by, b"")
        assert answer.operation == "wrap"


class TestDamage:
    def refused(
        self, card: Caller, rv: int, asked: bytes, how: bytes, kek: bytes, data: bytes
    ) -> None:
        answer = card.refused(rv, verbs.UNWRAP_KEY, asked, how, kek, b"", b"", data)
        assert (answer.operation, answer.payload_bytes) == ("unwrap", len(data))

    def test_lengths(self, card: Caller) -> None:
        kek, aes = card.aes(KEK), wanted(ck.CKK_AES)
        bad_length, bad_key = ck.CKR_WRAPPED_KEY_LEN_RANGE, ck.CKR_WRAPPED_KEY_INVALID
        self.refused(card, bad_length, aes, CBC_PAD, kek, bytes(31))
        self.refused(card, bad_length, aes, CBC_PAD, kek, b"")
        self.refused(card, bad_length, aes, SYMMETRIC["kw"], kek, bytes(31))
        self.refused(card, bad_length, aes, SYMMETRIC["kwp"], kek, b"")
        self.refused(card, bad_key, aes, SYMMETRIC["ecb"], kek, bytes(48))  # no AES key of 48
        private, _ = card.rsa(KEK)
        self.refused(card, bad_length, aes, mech(ck.CKM_RSA_PKCS), private, bytes(255))
        self.refused(card, bad_key, aes, OAEP, private, bytes(255) + b"\1")

    def test_sizes_asked_for(self, card: Caller) -> None:
        kek = card.aes(KEK)
        cbc = SYMMETRIC["cbc"]
        wrapped = card.wrap(cbc, card.aes(size=24), kek)
        for size in (16, 33):
            asked = wanted(ck.CKK_GENERIC_SECRET, size)
            self.refused(card, ck.CKR_WRAPPED_KEY_LEN_RANGE, asked, cbc, kek, wrapped)

    def test_every_changed_byte_of_a_wrapped_private_key(self, card: Caller) -> None:
        kek = card.aes(KEK)
        key = card.ec()[0]
        wrapped = card.wrap(SYMMETRIC["kwp"], key, kek)
        for at in range(len(wrapped)):
            changed = wrapped[:at] + bytes((wrapped[at] ^ 1,)) + wrapped[at + 1 :]
            how = SYMMETRIC["kwp"]
            self.refused(card, ck.CKR_WRAPPED_KEY_INVALID, wanted(ck.CKK_EC), how, kek, changed)

    def test_templates(self, card: Caller) -> None:
        kek = card.aes(KEK)
        wrapped = card.wrap(CBC_PAD, card.aes(), kek)
        private_class = {ck.CKA_KEY_TYPE: ck.CKK_AES, ck.CKA_CLASS: ck.CKO_PRIVATE_KEY}
        for asked, rv in (
            (template(), ck.CKR_TEMPLATE_INCOMPLETE),
            (template(0, private_class), ck.CKR_TEMPLATE_INCONSISTENT),
            (template(0, {ck.CKA_KEY_TYPE: 0x55}), ck.CKR_ATTRIBUTE_VALUE_INVALID),
            (template(Boolean.LOCAL, {ck.CKA_KEY_TYPE: 0x1F}), ck.CKR_ATTRIBUTE_READ_ONLY),
            (wanted(ck.CKK_EC), ck.CKR_WRAPPED_KEY_INVALID),
        ):
            card.refused(rv, verbs.UNWRAP_KEY, asked, CBC_PAD, kek, b"", b"", wrapped)


def test_size_query(card: Caller) -> None:
    key, kek = card.aes(), card.aes(KEK)
    answer = card.call(verbs.WRAP_KEY, verbs.VARIANT_SIZE, CBC_PAD, key, kek, b"")
    assert answer == (0, (u32(48),), "query", 0)
    params = (u32(3), CBC_PAD, key, kek, b"")
    card.refused(CKR_IBM_PARAM_NOT_SUPPORTED, verbs.WRAP_KEY, *params)
