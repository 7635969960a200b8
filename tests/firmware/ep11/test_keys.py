"""GenerateKey, GenerateKeyPair, DeriveKey: what comes out, and what is refused."""

import hashlib

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes, mechanism, verbs
from ghostcard.firmware.abi.attributes import Boolean
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.parameters import Ecdh
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.mechanisms.curves import CURVES, ED25519, P256, Curve
from tests.firmware.ep11.caller import ALL, CBC_PAD, RESULT, Caller, mech, template, u32

AES_GEN = mech(ck.CKM_AES_KEY_GEN)
SECRET_GEN = mech(ck.CKM_GENERIC_SECRET_KEY_GEN)
EC_GEN = mech(ck.CKM_EC_KEY_PAIR_GEN)
P256_PUBLIC = template(strings={ck.CKA_EC_PARAMS: P256.oid})


def generate(card: Caller, *params: bytes) -> tuple[bytes, bytes]:
    blob, checksum = card.ask(verbs.GENERATE_KEY, RESULT, *params, b"")
    return blob, checksum


@pytest.mark.parametrize("size", [16, 24, 32])
def test_aes(card: Caller, size: int) -> None:
    answer = card.call(verbs.GENERATE_KEY, RESULT, u32(size), AES_GEN, template(ALL), b"")
    assert (answer.rv, answer.operation, answer.payload_bytes) == (0, "aes-keygen", 0)
    blob, checksum = answer.values
    ecb = mech(ck.CKM_AES_ECB)
    assert checksum == card.encrypt(ecb, blob, bytes(16))[:3] + u32(8 * size)
    assert card.decrypt(CBC_PAD, blob, card.encrypt(CBC_PAD, blob, b"text")) == b"text"


def test_generic_secret(card: Caller) -> None:
    blob, checksum = generate(card, u32(20), SECRET_GEN, template(ALL))
    kek = card.aes()
    value = card.decrypt(CBC_PAD, kek, card.wrap(CBC_PAD, blob, kek))
    assert len(value) == 20
    assert checksum == hashlib.sha1(value).digest()[:3] + u32(160)


def test_the_type_of_a_secret_may_be_named(card: Caller) -> None:
    numbers = {ck.CKA_CLASS: ck.CKO_SECRET_KEY, ck.CKA_KEY_TYPE: ck.CKK_SHA256_HMAC}
    blob, _ = generate(card, u32(32), SECRET_GEN, template(ALL, numbers))
    for number in (ck.CKM_SHA256_HMAC, ck.CKM_SHA512_HMAC):
        answer = card.call(verbs.SIGN_SINGLE, mech(number), blob, b"data")
        good = number == ck.CKM_SHA256_HMAC
        assert answer.rv == (0 if good else ck.CKR_KEY_TYPE_INCONSISTENT)


@pytest.mark.parametrize(
    ("params", "rv"),
    [
        ((u32(0), AES_GEN, template()), ck.CKR_TEMPLATE_INCOMPLETE),
        ((u32(20), AES_GEN, template()), ck.CKR_KEY_SIZE_RANGE),
        ((u32(2049), SECRET_GEN, template()), ck.CKR_KEY_SIZE_RANGE),
        ((u32(16), AES_GEN, template(0, {ck.CKA_VALUE_LEN: 32})), ck.CKR_TEMPLATE_INCONSISTENT),
        ((u32(16), AES_GEN, template(0, {ck.CKA_CLASS: 3})), ck.CKR_TEMPLATE_INCONSISTENT),
        ((u32(16), AES_GEN, template(0, {ck.CKA_KEY_TYPE: 0x10})), ck.CKR_TEMPLATE_INCONSISTENT),
        ((u32(16), AES_GEN + b"\0", template()), ck.CKR_MECHANISM_PARAM_INVALID),
        ((u32(16), mech(ck.CKM_AES_CBC, bytes(16)), template()), ck.CKR_MECHANISM_INVALID),
        ((u32(16), mech(0x7FFFFFFF), template()), ck.CKR_MECHANISM_INVALID),
    ],
)
def test_generate_key_refuses(card: Caller, params: tuple[bytes, ...], rv: int) -> None:
    card.refused(rv, verbs.GENERATE_KEY, RESULT, *params, b"")


def test_sizes_may_stand_in_parameter_or_template_or_both(card: Caller) -> None:
    for size, numbers in ((32, {}), (0, {ck.CKA_VALUE_LEN: 32}), (32, {ck.CKA_VALUE_LEN: 32})):
        _, checksum = generate(card, u32(size), AES_GEN, template(0, numbers))
        assert checksum[3:] == u32(256)


def test_size_query_makes_no_key(card: Caller) -> None:
    params = (verbs.VARIANT_SIZE, u32(32), AES_GEN, template(), b"")
    answer = card.call(verbs.GENERATE_KEY, *params)
    assert answer == (0, (u32(256), b""), "query", 0)
    other = (u32(2), u32(32), AES_GEN, template(), b"")
    card.refused(CKR_IBM_PARAM_NOT_SUPPORTED, verbs.GENERATE_KEY, *other)


def test_login_sessions_and_mac_keys_are_not_built(card: Caller) -> None:
    pin = b"\1" * 80
    for function, params in (
        (verbs.GENERATE_KEY, (RESULT, u32(32), AES_GEN, template(), pin)),
        (verbs.GENERATE_KEY_PAIR, (EC_GEN, P256_PUBLIC, template(), pin)),
        (verbs.WRAP_KEY, (RESULT, CBC_PAD, card.aes(), card.aes(), pin)),
        (verbs.UNWRAP_KEY, (template(), CBC_PAD, card.aes(), b"", pin, bytes(32))),
        (verbs.UNWRAP_KEY, (template(), CBC_PAD, card.aes(), pin, b"", bytes(32))),
    ):
        card.refused(CKR_IBM_PARAM_NOT_SUPPORTED, function, *params)


def test_a_malformed_template_is_a_malformed_message(card: Caller) -> None:
    from ghostcard.firmware.abi import errorreply, request

    params = (RESULT, u32(32), AES_GEN, b"\x20" + bytes(11), b"")
    block = request.pack(request.Head(verbs.GENERATE_KEY, 0), params)
    answer, operation, payload_bytes = card.image.perform(0, block)
    assert answer == errorreply.pack(ReplyCode.MALFORMED_MSG)
    assert (operation, payload_bytes) == ("error", 0)


@pytest.mark.parametrize("curve", CURVES, ids=lambda each: each.name)
def test_ec_pairs(card: Caller, curve: Curve) -> None:
    public = template(strings={ck.CKA_EC_PARAMS: curve.oid})
    answer = card.call(verbs.GENERATE_KEY_PAIR, EC_GEN, public, template(ALL), b"")
    assert (answer.rv, answer.operation, answer.payload_bytes) == (0, f"ec-{curve.name}-keygen", 0)
    blob, spki = answer.values
    ecdsa = mech(ck.CKM_ECDSA_SHA384)
    (signature,) = card.ask(verbs.SIGN_SINGLE, ecdsa, blob, b"data")
    assert card.ask(verbs.VERIFY_SINGLE, ecdsa, spki, b"data", signature) == ()


def test_edwards_pairs(card: Caller) -> None:
    number = ck.CKM_EC_EDWARDS_KEY_PAIR_GEN
    blob, spki = card.pair(number, strings={ck.CKA_EC_PARAMS: ED25519.oid})
    eddsa = mech(ck.CKM_EDDSA)
    (signature,) = card.ask(verbs.SIGN_SINGLE, eddsa, blob, b"data")
    assert card.ask(verbs.VERIFY_SINGLE, eddsa, spki, b"data", signature) == ()


@pytest.mark.parametrize(
    ("params", "rv"),
    [
        ((EC_GEN, template(), template()), ck.CKR_TEMPLATE_INCOMPLETE),
        ((EC_GEN + b"\0", P256_PUBLIC, template()), ck.CKR_MECHANISM_PARAM_INVALID),
        ((mech(ck.CKM_ECDSA), P256_PUBLIC, template()), ck.CKR_MECHANISM_INVALID),
        (
            (EC_GEN, P256_PUBLIC, template(0, {ck.CKA_KEY_TYPE: ck.CKK_RSA})),
            ck.CKR_TEMPLATE_INCONSISTENT,
        ),
        (
            (EC_GEN, P256_PUBLIC, template(0, {ck.CKA_CLASS: ck.CKO_PUBLIC_KEY})),
            ck.CKR_TEMPLATE_INCONSISTENT,
        ),
        ((EC_GEN, P256_PUBLIC, template(Boolean.LOCAL)), ck.CKR_ATTRIBUTE_READ_ONLY),
        (
            (EC_GEN, template(strings={ck.CKA_EC_PARAMS: b"\6\1\0"}), template()),
            ck.CKR_CURVE_NOT_SUPPORTED,
        ),
    ],
)
def test_generate_key_pair_refuses(card: Caller, params: tuple[bytes, ...], rv: int) -> None:
    card.refused(rv, verbs.GENERATE_KEY_PAIR, *params, b"")


def agreement(spki: bytes, kdf: int = ck.CKD_NULL) -> bytes:
    return mechanism.pack(ck.CKM_ECDH1_DERIVE, Ecdh(kdf, b"", spki[-65:]))


AES_WANTED = {ck.CKA_KEY_TYPE: ck.CKK_AES, ck.CKA_VALUE_LEN: 16}


@pytest.mark.parametrize("kdf", [ck.CKD_NULL, ck.CKD_SHA256_KDF])
def test_both_sides_derive_one_key(card: Caller, kdf: int) -> None:
    (one, one_public), (two, two_public) = card.ec(), card.ec()
    asked = template(ALL, AES_WANTED)
    answer = card.call(verbs.DERIVE_KEY, agreement(two_public, kdf), asked, one, b"")
    assert (answer.rv, answer.operation, answer.payload_bytes) == (0, "ecdh-p256", 0)
    other, checksum = card.ask(verbs.DERIVE_KEY, agreement(one_public, kdf), asked, two, b"")
    assert answer.values[1] == checksum
    assert checksum[3:] == u32(128)
    encrypted = card.encrypt(CBC_PAD, answer.values[0], b"text")
    assert card.decrypt(CBC_PAD, other, encrypted) == b"text"


def test_derive_refuses(card: Caller) -> None:
    blob, spki = card.ec()
    aes_without_size = template(ALL, {ck.CKA_KEY_TYPE: ck.CKK_AES})
    for mechanism_, asked, base, rv in (
        (agreement(spki), aes_without_size, blob, ck.CKR_TEMPLATE_INCOMPLETE),
        (agreement(spki), template(0, {ck.CKA_CLASS: 3}), blob, ck.CKR_TEMPLATE_INCONSISTENT),
        (agreement(spki), template(0, {ck.CKA_KEY_TYPE: 0}), blob, ck.CKR_ATTRIBUTE_VALUE_INVALID),
        (agreement(spki), template(0, AES_WANTED), spki, ck.CKR_KEY_TYPE_INCONSISTENT),
        (agreement(spki), template(0, AES_WANTED), card.aes(), ck.CKR_KEY_TYPE_INCONSISTENT),
        (mech(ck.CKM_ECDSA), template(0, AES_WANTED), blob, ck.CKR_MECHANISM_INVALID),
    ):
        card.refused(rv, verbs.DERIVE_KEY, mechanism_, asked, base, b"")
    deaf, _ = card.ec(Boolean.SIGN)
    params = (agreement(spki), template(0, AES_WANTED), deaf, b"")
    card.refused(ck.CKR_KEY_FUNCTION_NOT_PERMITTED, verbs.DERIVE_KEY, *params)
    off_curve = (agreement(bytes(65)), template(0, AES_WANTED), blob, b"")
    answer = card.refused(ck.CKR_MECHANISM_PARAM_INVALID, verbs.DERIVE_KEY, *off_curve)
    assert answer.operation == "ecdh-p256"


def test_a_derived_secret_has_the_size_of_the_field_unless_told(card: Caller) -> None:
    blob, spki = card.ec()
    _, checksum = card.ask(verbs.DERIVE_KEY, agreement(spki), template(), blob, b"")
    assert checksum[3:] == u32(256)


def booleans(card: Caller, blob: bytes) -> int:
    asked = attributes.pack(attributes.Attributes(0x7FFFFF))
    (found,) = card.ask(verbs.GET_ATTRIBUTE_VALUE, blob, asked)
    return attributes.unpack(found).values


def test_the_card_keeps_the_history_of_a_key(card: Caller) -> None:
    generated = booleans(card, card.aes(Boolean.ENCRYPT))
    assert Boolean(generated) == (
        Boolean.ENCRYPT
        | Boolean.LOCAL
        | Boolean.MODIFIABLE
        | Boolean.NEVER_EXTRACTABLE
        | Boolean.PROTKEY_NEVER_EXTRACTABLE
    )
    kek = card.aes()
    wrapped = card.wrap(CBC_PAD, card.aes(Boolean.EXTRACTABLE), kek)
    asked = template(Boolean.DECRYPT, {ck.CKA_KEY_TYPE: ck.CKK_AES})
    brought_in = booleans(card, card.unwrap(CBC_PAD, kek, wrapped, asked)[0])
    assert Boolean(brought_in) == Boolean.DECRYPT | Boolean.MODIFIABLE


def test_what_is_derived_from_a_key_that_never_left_never_left(card: Caller) -> None:
    for base_rights, never in ((Boolean.DERIVE, True), (ALL, False)):
        blob, spki = card.ec(base_rights)
        derived, _ = card.ask(verbs.DERIVE_KEY, agreement(spki), template(), blob, b"")
        assert bool(booleans(card, derived) & Boolean.NEVER_EXTRACTABLE) is never
        assert not booleans(card, derived) & Boolean.LOCAL
