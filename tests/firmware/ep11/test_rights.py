"""Boolean attributes: what a new key gets, and every way one may change."""

from typing import NamedTuple

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes, verbs
from ghostcard.firmware.abi.attributes import Attributes, Boolean
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.ep11 import rights
from tests.firmware.ep11.caller import CBC_PAD, RESULT, Caller, template
from tests.firmware.mechanisms.refusing import refuses

B = Boolean


def test_defaults_of_new_keys() -> None:
    never = B.NEVER_EXTRACTABLE | B.PROTKEY_NEVER_EXTRACTABLE
    assert B(rights.of_new_key(Attributes(), local=True)) == B.MODIFIABLE | B.LOCAL | never
    assert B(rights.of_new_key(Attributes(), local=False)) == B.MODIFIABLE
    assert B(rights.of_new_key(Attributes(), local=False, never_out=True)) == B.MODIFIABLE | never


def test_a_key_that_is_made_unmodifiable_never_was() -> None:
    found = rights.of_new_key(Attributes(B.MODIFIABLE, 0), local=False)
    assert B(found) == B.NEVER_MODIFIABLE


@pytest.mark.parametrize(
    ("mask", "values", "rv"),
    [
        (0x2000000, 0, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        (0x80000000, 0, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        (B.LOCAL, 0, ck.CKR_ATTRIBUTE_READ_ONLY),
        (B.NEVER_EXTRACTABLE, B.NEVER_EXTRACTABLE, ck.CKR_ATTRIBUTE_READ_ONLY),
        (B.NEVER_MODIFIABLE, 0, ck.CKR_ATTRIBUTE_READ_ONLY),
        (B.ALWAYS_RETAINED, 0, ck.CKR_ATTRIBUTE_READ_ONLY),
        (B.PROTKEY_NEVER_EXTRACTABLE, 0, ck.CKR_ATTRIBUTE_READ_ONLY),
        (B.ATTRBOUND, B.ATTRBOUND, CKR_IBM_PARAM_NOT_SUPPORTED),
        (B.RETAINED, B.RETAINED, CKR_IBM_PARAM_NOT_SUPPORTED),
        (B.USE_AS_DATA, B.USE_AS_DATA, CKR_IBM_PARAM_NOT_SUPPORTED),
    ],
)
def test_booleans_nobody_may_set(mask: int, values: int, rv: int) -> None:
    with refuses(rv):
        rights.of_new_key(Attributes(mask, values), local=True)
    with refuses(rv):
        rights.changed(B.MODIFIABLE, Attributes(mask, values))


def test_values_outside_of_the_mask_do_not_count() -> None:
    found = rights.of_new_key(Attributes(B.SIGN, B.SIGN | B.ATTRBOUND | B.WRAP), local=False)
    assert B(found) == B.SIGN | B.MODIFIABLE


class Change(NamedTuple):
    """From which booleans, what is asked for, and what comes of it: booleans, or None (refused)."""

    before: int
    on: int
    off: int
    after: int | None


M = B.MODIFIABLE
CHANGES = [
    Change(M, B.SIGN, 0, M | B.SIGN),
    Change(M | B.SIGN, 0, B.SIGN, M),
    Change(M | B.EXTRACTABLE, 0, B.EXTRACTABLE, M),
    Change(M, B.EXTRACTABLE, 0, None),
    Change(M, B.PROTKEY_EXTRACTABLE, 0, None),
    Change(M | B.PROTKEY_EXTRACTABLE, 0, B.PROTKEY_EXTRACTABLE, M),
    Change(M, B.WRAP_WITH_TRUSTED, 0, M | B.WRAP_WITH_TRUSTED),
    Change(M | B.WRAP_WITH_TRUSTED, 0, B.WRAP_WITH_TRUSTED, None),
    Change(M, B.TRUSTED, 0, M | B.TRUSTED),
    Change(M, 0, M, 0),
    Change(0, M, 0, None),
    Change(0, B.SIGN, 0, None),
    Change(B.SIGN, 0, B.SIGN, None),
    Change(B.SIGN, B.SIGN, 0, B.SIGN),  # as it was
    Change(B.SIGN | B.RESTRICTABLE, 0, B.SIGN, B.RESTRICTABLE),
    Change(B.RESTRICTABLE, B.SIGN, 0, None),
    Change(M, B.RESTRICTABLE, 0, None),
]


@pytest.mark.parametrize("change", CHANGES)
def test_changes(change: Change) -> None:
    asked = Attributes(int(change.on | change.off), int(change.on))
    if change.after is None:
        with refuses(ck.CKR_ATTRIBUTE_READ_ONLY):
            rights.changed(int(change.before), asked)
    else:
        assert rights.changed(int(change.before), asked) == change.after


def read(card: Caller, blob: bytes, asked: Attributes) -> Attributes:
    (found,) = card.ask(verbs.GET_ATTRIBUTE_VALUE, blob, attributes.pack(asked))
    return attributes.unpack(found)


def test_setting_makes_a_new_blob_of_the_same_key(card: Caller) -> None:
    old = card.aes(B.ENCRYPT)
    text = card.encrypt(CBC_PAD, old, b"text")
    answer = card.call(verbs.SET_ATTRIBUTE_VALUE, old, template(B.DECRYPT))
    assert (answer.rv, answer.operation, answer.payload_bytes) == (0, "query", 0)
    (new,) = answer.values
    assert len(new) == len(old)
    assert card.decrypt(CBC_PAD, new, text) == b"text"
    denied = ck.CKR_KEY_FUNCTION_NOT_PERMITTED
    card.refused(denied, verbs.DECRYPT_SINGLE, RESULT, CBC_PAD, old, text)


def test_setting_refuses(card: Caller) -> None:
    key, (_, spki) = card.aes(B.ENCRYPT), card.ec()
    read_only = ck.CKR_ATTRIBUTE_READ_ONLY
    for blob, asked in (
        (key, template(B.EXTRACTABLE)),
        (key, template(0, {ck.CKA_KEY_TYPE: 0})),
        (key, template(0, None, {ck.CKA_LABEL: b"x"})),
        (spki, template(B.VERIFY)),
    ):
        card.refused(read_only, verbs.SET_ATTRIBUTE_VALUE, blob, asked)


def test_reading_booleans_and_numbers(card: Caller) -> None:
    key = card.aes(B.ENCRYPT | B.EXTRACTABLE, size=24)
    names = ((ck.CKA_CLASS, 0), (ck.CKA_KEY_TYPE, 0), (ck.CKA_VALUE_LEN, 0))
    found = read(card, key, Attributes(int(B.ENCRYPT | B.DECRYPT), 0, names))
    assert found.mask == B.ENCRYPT | B.DECRYPT
    assert found.values == B.ENCRYPT
    assert [value for _, value in found.numbers] == [ck.CKO_SECRET_KEY, ck.CKK_AES, 24]
    _, public = card.rsa()
    found = read(card, public, Attributes(0x7FFFFF, 0, ((ck.CKA_MODULUS_BITS, 0),)))
    assert found.values == B.VERIFY | B.ENCRYPT | B.WRAP
    assert found.numbers == ((ck.CKA_MODULUS_BITS, 2048),)


@pytest.mark.parametrize(
    ("name", "rv"),
    [
        (ck.CKA_VALUE, ck.CKR_ATTRIBUTE_SENSITIVE),
        (ck.CKA_PRIME_1, ck.CKR_ATTRIBUTE_SENSITIVE),
        (ck.CKA_LABEL, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        (ck.CKA_MODULUS_BITS, ck.CKR_ATTRIBUTE_TYPE_INVALID),
    ],
)
def test_reading_refuses(card: Caller, name: int, rv: int) -> None:
    for asked in (Attributes(0, 0, ((name, 0),)), Attributes(strings=((name, b""),))):
        card.refused(rv, verbs.GET_ATTRIBUTE_VALUE, card.aes(), attributes.pack(asked))
    unknown = attributes.pack(Attributes(0x2000000))
    card.refused(
        ck.CKR_ATTRIBUTE_TYPE_INVALID, verbs.GET_ATTRIBUTE_VALUE, card.aes(), unknown
    )  # fmt: skip
