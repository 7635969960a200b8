"""EncapsulateKey and DecapsulateKey: the shared key is the same, and is what the template says."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.attributes import Boolean
from ghostcard.firmware.abi.parameter_sets import ML_KEM, ParameterSet
from tests.firmware.ep11.caller import ALL, CBC_PAD, Caller, Services, mech, template, u32

KEM = mech(ck.CKM_ML_KEM)
AES = {ck.CKA_KEY_TYPE: ck.CKK_AES}
SETS = pytest.mark.parametrize("chosen", ML_KEM, ids=lambda each: each.name)


def pair(card: Caller, chosen: ParameterSet, rights: int) -> tuple[bytes, bytes]:
    numbers = {ck.CKA_PARAMETER_SET: chosen.number}
    return card.pair(ck.CKM_ML_KEM_KEY_PAIR_GEN, rights, numbers)


@pytest.fixture
def card() -> Caller:
    return Caller()


@SETS
def test_both_sides_hold_the_same_key(card: Caller, chosen: ParameterSet) -> None:
    private, public = pair(card, chosen, Boolean.DECAPSULATE)
    asked = template(ALL, AES)
    answer = card.call(verbs.ENCAPSULATE, KEM, asked, public)
    assert (answer.rv, answer.operation, answer.payload_bytes) == (
        0, f"{chosen.name}-encapsulate", 0,
    )  # fmt: skip
    mine, check, ciphertext = answer.values
    answer = card.call(verbs.DECAPSULATE, KEM, asked, private, ciphertext)
    assert answer.operation == f"{chosen.name}-decapsulate"
    assert (answer.rv, answer.payload_bytes) == (0, 0)
    yours, other_check = answer.values
    assert check == other_check
    assert check[3:] == u32(256)
    assert card.decrypt(CBC_PAD, yours, card.encrypt(CBC_PAD, mine, b"text")) == b"text"


@SETS
def test_sizes_are_the_same_without_cryptography(chosen: ParameterSet) -> None:
    shapes = []
    for function in ("real", "null"):
        card = Caller(Services(function))
        private, public = pair(card, chosen, Boolean.DECAPSULATE)
        sent = card.ask(verbs.ENCAPSULATE, KEM, template(), public)
        got = card.ask(verbs.DECAPSULATE, KEM, template(), private, sent[2])
        card.refused(
            ck.CKR_ENCRYPTED_DATA_LEN_RANGE, verbs.DECAPSULATE,
            KEM, template(), private, sent[2] + b"\0",
        )  # fmt: skip
        shapes.append([len(value) for value in (private, public, *sent, *got)])
    assert shapes[0] == shapes[1]


@SETS
def test_a_pair_travels_wrapped(card: Caller, chosen: ParameterSet) -> None:
    private, public = pair(card, chosen, ALL | Boolean.DECAPSULATE)
    kek = card.aes()
    asked = template(ALL | Boolean.DECAPSULATE, {ck.CKA_KEY_TYPE: ck.CKK_ML_KEM})
    again, spki = card.unwrap(CBC_PAD, kek, card.wrap(CBC_PAD, private, kek), asked)
    assert spki == public
    _, check, ciphertext = card.ask(verbs.ENCAPSULATE, KEM, template(), public)
    assert card.ask(verbs.DECAPSULATE, KEM, template(), again, ciphertext)[1] == check


def test_refusals(card: Caller) -> None:
    private, public = pair(card, ML_KEM[1], Boolean.DECAPSULATE)
    deaf, _ = pair(card, ML_KEM[1], 0)
    blob, _, ciphertext = card.ask(verbs.ENCAPSULATE, KEM, template(), public)
    out, back = verbs.ENCAPSULATE, verbs.DECAPSULATE
    inconsistent, denied = ck.CKR_KEY_TYPE_INCONSISTENT, ck.CKR_KEY_FUNCTION_NOT_PERMITTED
    card.refused(inconsistent, out, KEM, template(), private)
    card.refused(inconsistent, out, KEM, template(), card.ec()[1])
    card.refused(inconsistent, back, KEM, template(), public, ciphertext)
    card.refused(inconsistent, back, KEM, template(), blob, ciphertext)
    card.refused(denied, back, KEM, template(), deaf, ciphertext)
    card.refused(ck.CKR_MECHANISM_INVALID, out, mech(ck.CKM_ECDSA), template(), public)
    card.refused(ck.CKR_MECHANISM_PARAM_INVALID, out, KEM + b"\0", template(), public)
    for numbers, rv in (
        ({ck.CKA_VALUE_LEN: 33}, ck.CKR_KEY_SIZE_RANGE),
        ({ck.CKA_CLASS: ck.CKO_PRIVATE_KEY}, ck.CKR_TEMPLATE_INCONSISTENT),
        ({ck.CKA_KEY_TYPE: ck.CKK_EC}, ck.CKR_ATTRIBUTE_VALUE_INVALID),
    ):
        card.refused(rv, out, KEM, template(0, numbers), public)
        card.refused(rv, back, KEM, template(0, numbers), private, ciphertext)
