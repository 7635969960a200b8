"""DeriveKey and DeriveKeys: values, rights that follow the bases, the same sizes on both tracks."""

import hashlib
import hmac

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes, ber, mechanism, verbs
from ghostcard.firmware.abi.attributes import Boolean
from ghostcard.firmware.abi.parameters import (
    BitIndex,
    Hkdf,
    Kbkdf,
    OtherKey,
    Parameters,
    StringData,
    TlsKdf,
    TlsKeys,
    TlsMaster,
)
from ghostcard.firmware.mechanisms.kbkdf import field
from tests.firmware.ep11.caller import ALL, CBC_PAD, Caller, Services, mech, template

AES128 = {ck.CKA_KEY_TYPE: ck.CKK_AES, ck.CKA_VALUE_LEN: 16}
GENERIC = {ck.CKA_KEY_TYPE: ck.CKK_GENERIC_SECRET}
EXTRACTABLE, KEPT = int(Boolean.EXTRACTABLE), int(Boolean.NEVER_EXTRACTABLE)
HASHED = mech(ck.CKM_SHA256_KEY_DERIVATION)


def how(number: int, parameters: Parameters) -> bytes:
    return mechanism.pack(number, parameters)


@pytest.fixture
def card() -> Caller:
    return Caller()


def imported(card: Caller, value: bytes, booleans: int = ALL) -> bytes:
    """A generic secret of that value."""
    kek = card.aes()
    wrapped = card.encrypt(CBC_PAD, kek, value)
    return card.unwrap(CBC_PAD, kek, wrapped, template(booleans, GENERIC))[0]


def value_of(card: Caller, blob: bytes) -> bytes:
    kek = card.aes()
    return card.decrypt(CBC_PAD, kek, card.wrap(CBC_PAD, blob, kek))


def derive(card: Caller, how: bytes, base: bytes, asked: bytes) -> bytes:
    return card.ask(verbs.DERIVE_KEY, how, asked, base, b"")[0]


def derive_many(card: Caller, how: bytes, base: bytes, *asked: bytes) -> tuple[list[bytes], bytes]:
    keys, data = card.ask(verbs.DERIVE_KEYS, how, ber.pack(asked), base, b"")
    return list(ber.unpack(keys)[::2]), data


def booleans(card: Caller, blob: bytes) -> int:
    asked = attributes.pack(attributes.Attributes(EXTRACTABLE | KEPT))
    return attributes.unpack(card.ask(verbs.GET_ATTRIBUTE_VALUE, blob, asked)[0]).values


def test_a_hashed_key(card: Caller) -> None:
    base = imported(card, b"a key")
    answer = card.call(verbs.DERIVE_KEY, HASHED, template(ALL), base, b"")
    assert (answer.rv, answer.operation, answer.payload_bytes) == (0, "derive", 0)
    assert value_of(card, answer.values[0]) == hashlib.sha256(b"a key").digest()
    aes = derive(card, HASHED, base, template(ALL, AES128))
    assert value_of(card, aes) == hashlib.sha256(b"a key").digest()[:16]
    des = derive(card, HASHED, base, template(ALL, {ck.CKA_KEY_TYPE: ck.CKK_DES3}))
    assert len(value_of(card, des)) == 24  # with the parity that DES wants


def test_two_keys(card: Caller) -> None:
    base, other = imported(card, b"one"), imported(card, b"two")
    joined = derive(
        card, how(ck.CKM_CONCATENATE_BASE_AND_KEY, OtherKey(other)), base, template(ALL)
    )
    assert value_of(card, joined) == b"onetwo"
    for wrong, rv in (
        (imported(card, b"two", EXTRACTABLE), ck.CKR_KEY_FUNCTION_NOT_PERMITTED),
        (card.ec()[0], ck.CKR_KEY_TYPE_INCONSISTENT),
    ):
        joining = how(ck.CKM_CONCATENATE_BASE_AND_KEY, OtherKey(wrong))
        card.refused(rv, verbs.DERIVE_KEY, joining, template(), base, b"")


@pytest.mark.parametrize("out_of_two", [0, 1])
def test_what_is_joined_leaves_only_if_both_may(card: Caller, out_of_two: int) -> None:
    bases = [card.secret(), card.secret()]
    bases[out_of_two] = card.secret(int(Boolean.DERIVE))
    joining = how(ck.CKM_CONCATENATE_BASE_AND_KEY, OtherKey(bases[1]))
    blob = derive(card, joining, bases[0], template(EXTRACTABLE))
    assert booleans(card, blob) == 0
    blob = derive(card, joining, bases[0], template())
    assert booleans(card, blob) == 0  # one of them was extractable once


def test_history(card: Caller) -> None:
    kept = card.secret(int(Boolean.DERIVE))
    assert booleans(card, derive(card, HASHED, kept, template())) == KEPT
    assert booleans(card, derive(card, HASHED, kept, template(EXTRACTABLE))) == EXTRACTABLE
    assert booleans(card, derive(card, HASHED, card.secret(), template())) == 0
    xor = how(ck.CKM_XOR_BASE_AND_DATA, StringData(bytes(32)))
    assert booleans(card, derive(card, xor, kept, template(EXTRACTABLE))) == KEPT


def test_several_keys(card: Caller) -> None:
    fields = field(ck.CK_SP800_108_ITERATION_VARIABLE, 0, 8) + field(
        ck.CK_SP800_108_BYTE_ARRAY, b"label"
    )
    kdf = how(ck.CKM_SP800_108_COUNTER_KDF, Kbkdf(ck.CKM_SHA256_HMAC, b"", fields))
    base = imported(card, b"a key")
    (aes, secret), data = derive_many(
        card, kdf, base, template(ALL, AES128), template(ALL, {ck.CKA_VALUE_LEN: 30})
    )
    expected = b"".join(hmac.digest(b"a key", bytes((i,)) + b"label", "sha256") for i in (1, 2))
    assert (value_of(card, aes), value_of(card, secret)) == (expected[:16], expected[16:46])
    assert data == b""
    both = value_of(card, derive(card, kdf, base, template(ALL, {ck.CKA_VALUE_LEN: 46})))
    assert both == expected[:46]


def test_keys_and_data_of_tls(card: Caller) -> None:
    premaster = imported(card, b"\3\3" + bytes(46))
    to_master = how(ck.CKM_TLS12_MASTER_KEY_DERIVE, TlsMaster(ck.CKM_SHA256, b"c", b"s"))
    (master,), version = derive_many(card, to_master, premaster, template(ALL))
    assert version == b"\3\3"
    keys = how(ck.CKM_TLS12_KEY_AND_MAC_DERIVE, TlsKeys(ck.CKM_SHA256, 256, 128, 96, b"c", b"s"))
    aes = template(ALL, AES128)
    made, ivs = derive_many(card, keys, master, template(ALL), template(ALL), aes, aes)
    assert [len(value_of(card, blob)) for blob in made] == [32, 32, 16, 16]
    assert len(ivs) == 24


def test_data_alone(card: Caller) -> None:
    parameters = Hkdf(1, 1, ck.CKM_SHA256, ck.CKF_HKDF_SALT_NULL, b"", b"", b"info")
    base, asked = imported(card, b"a key"), template(ALL, {ck.CKA_VALUE_LEN: 50})
    made, data = derive_many(card, how(ck.CKM_HKDF_DATA, parameters), base, asked)
    assert made == []
    blob = derive(card, how(ck.CKM_HKDF_DERIVE, parameters), base, asked)
    assert data == value_of(card, blob)


CASES = [
    (HASHED, {}),
    (how(ck.CKM_EXTRACT_KEY_FROM_KEY, BitIndex(3)), {ck.CKA_VALUE_LEN: 20}),
    (how(ck.CKM_XOR_BASE_AND_DATA, StringData(bytes(9))), {}),
    (how(ck.CKM_HKDF_DERIVE, Hkdf(1, 1, ck.CKM_SHA256, 1)), {ck.CKA_VALUE_LEN: 70}),
    (how(ck.CKM_TLS12_KDF, TlsKdf(ck.CKM_SHA384, b"l", b"c", b"s", b"")), AES128),
    (mech(ck.CKM_SHAKE_256_KEY_DERIVATION), {ck.CKA_VALUE_LEN: 200}),
]


@pytest.mark.parametrize(("how", "numbers"), CASES)
def test_sizes_are_the_same_without_cryptography(how: bytes, numbers: dict[int, int]) -> None:
    shapes = []
    for function in ("real", "null"):
        card = Caller(Services(function))
        answer = card.call(verbs.DERIVE_KEY, how, template(ALL, numbers), card.secret(), b"")
        assert answer.rv == 0
        shapes.append((list(map(len, answer.values)), answer.values[1][3:], answer.operation))
    assert shapes[0] == shapes[1]


def test_several_have_the_same_sizes_without_cryptography() -> None:
    keys = how(ck.CKM_TLS12_KEY_AND_MAC_DERIVE, TlsKeys(ck.CKM_SHA256, 0, 128, 96, b"c", b"s"))
    shapes = []
    for function in ("real", "null"):
        card = Caller(Services(function))
        base, aes = card.secret(size=48), template(ALL, AES128)
        made, data = derive_many(card, keys, base, aes, aes)
        shapes.append((list(map(len, made)), len(data)))
    assert shapes[0] == shapes[1] == ([256, 256], 24)


def test_refusals(card: Caller) -> None:
    base = card.secret()
    card.refused(ck.CKR_MECHANISM_INVALID, verbs.DERIVE_KEYS, HASHED, ber.pack(()), base, b"")
    kdf = how(ck.CKM_SP800_108_COUNTER_KDF, Kbkdf(ck.CKM_SHA256_HMAC, b"", b""))
    many = ber.pack([template(0, AES128)] * 17)
    card.refused(ck.CKR_MECHANISM_PARAM_INVALID, verbs.DERIVE_KEYS, kdf, many, base, b"")
    for numbers, rv in (
        ({ck.CKA_KEY_TYPE: ck.CKK_AES}, ck.CKR_TEMPLATE_INCOMPLETE),
        ({ck.CKA_VALUE_LEN: 33}, ck.CKR_KEY_SIZE_RANGE),
        ({ck.CKA_CLASS: ck.CKO_PRIVATE_KEY}, ck.CKR_TEMPLATE_INCONSISTENT),
        ({ck.CKA_KEY_TYPE: ck.CKK_RSA}, ck.CKR_ATTRIBUTE_VALUE_INVALID),
    ):
        card.refused(rv, verbs.DERIVE_KEY, HASHED, template(0, numbers), base, b"")
    denied = card.secret(int(Boolean.SIGN))
    card.refused(
        ck.CKR_KEY_FUNCTION_NOT_PERMITTED, verbs.DERIVE_KEY, HASHED, template(), denied, b""
    )
