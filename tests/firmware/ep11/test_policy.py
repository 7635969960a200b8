"""Control points switch uses and kinds of key off, and on again (AP sheet 7.6)."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import controlpoints, verbs
from ghostcard.firmware.abi.admin import Command, Reason
from ghostcard.firmware.abi.controlpoints import ControlPoint as Cp
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.mechanisms.curves import BRAINPOOL384, SECP256K1
from tests.firmware.ep11.caller import CBC_PAD, ECDSA, RESULT, Caller, mech, template, u32

HMAC = mech(ck.CKM_SHA256_HMAC)
RSA = mech(ck.CKM_RSA_PKCS)
GENERATE = (RESULT, u32(32), mech(ck.CKM_AES_KEY_GEN), template(), b"")
CANCELED = ck.CKR_FUNCTION_CANCELED


def forbid(card: Caller, *points: int) -> None:
    card.admin(Command.DOM_CTRLPOINT_DEL, controlpoints.pack(points))


class Uses:
    """A request for each use that a point of its own allows."""

    def __init__(self, card: Caller) -> None:
        aes, secret = card.aes(), card.secret()
        ec, _ = card.ec()
        rsa, public = card.rsa()
        (tag,) = card.ask(verbs.SIGN_SINGLE, HMAC, secret, b"data")
        (cipher,) = card.ask(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, aes, b"data")
        (sealed,) = card.ask(verbs.ENCRYPT_SINGLE, RESULT, RSA, public, b"data")
        (wrapped,) = card.ask(verbs.WRAP_KEY, RESULT, CBC_PAD, secret, aes, b"")
        (far,) = card.ask(verbs.WRAP_KEY, RESULT, RSA, secret, public, b"")
        wanted = template(0, {ck.CKA_KEY_TYPE: ck.CKK_GENERIC_SECRET})
        self.requests: dict[int, tuple[int, tuple[bytes, ...]]] = {
            Cp.SIGN_ASYMM: (verbs.SIGN_SINGLE, (ECDSA, ec, bytes(32))),
            Cp.SIGN_SYMM: (verbs.SIGN_SINGLE, (HMAC, secret, b"data")),
            Cp.SIGVERIFY_SYMM: (verbs.VERIFY_SINGLE, (HMAC, secret, b"data", tag)),
            Cp.ENCRYPT_SYMM: (verbs.ENCRYPT_SINGLE, (RESULT, CBC_PAD, aes, b"data")),
            Cp.DECRYPT_SYMM: (verbs.DECRYPT_SINGLE, (RESULT, CBC_PAD, aes, cipher)),
            Cp.DECRYPT_ASYMM: (verbs.DECRYPT_SINGLE, (RESULT, RSA, rsa, sealed)),
            Cp.WRAP_SYMM: (verbs.WRAP_KEY, (RESULT, CBC_PAD, secret, aes, b"")),
            Cp.WRAP_ASYMM: (verbs.WRAP_KEY, (RESULT, RSA, secret, public, b"")),
            Cp.UNWRAP_SYMM: (verbs.UNWRAP_KEY, (wanted, CBC_PAD, aes, b"", b"", wrapped)),
            Cp.UNWRAP_ASYMM: (verbs.UNWRAP_KEY, (wanted, RSA, rsa, b"", b"", far)),
            Cp.KEYGEN_SYMM: (verbs.GENERATE_KEY, GENERATE),
        }


USES = Uses(Caller()).requests.keys()


@pytest.mark.parametrize("point", USES, ids=lambda point: Cp(point).name)
def test_a_use_is_forbidden_and_allowed_again(card: Caller, point: int) -> None:
    requests = Uses(card).requests
    forbid(card, point)
    function, params = requests.pop(point)
    card.refused(CANCELED, function, *params)
    for other, (function, params) in requests.items():
        if point != Cp.KEYGEN_SYMM or other not in (Cp.UNWRAP_SYMM, Cp.UNWRAP_ASYMM):
            card.ask(function, *params)
    card.admin(Command.DOM_CTRLPOINT_ADD, controlpoints.pack((point,)))
    function, params = Uses(card).requests[point]
    card.ask(function, *params)


@pytest.mark.parametrize("point", [Cp.ALG_EC, Cp.ALG_EC_NISTCRV, Cp.KEYSZ_128BIT, Cp.KEYGEN_ASYMM])
def test_a_kind_of_key_is_not_made(card: Caller, point: int) -> None:
    forbid(card, point)
    curve = template(0, strings={ck.CKA_EC_PARAMS: bytes.fromhex("06082a8648ce3d030107")})
    pair = (mech(ck.CKM_EC_KEY_PAIR_GEN), curve, template(), b"")
    card.refused(CANCELED, verbs.GENERATE_KEY_PAIR, *pair)
    card.ask(verbs.GENERATE_KEY, *GENERATE)


@pytest.mark.parametrize(
    ("point", "oid"),
    [(Cp.ALG_EC_SECGCRV, SECP256K1.oid), (Cp.ALG_EC_BPOOLCRV, BRAINPOOL384.oid)],
)
def test_a_family_of_curves(card: Caller, point: int, oid: bytes) -> None:
    card.ec(oid=oid)
    forbid(card, point)
    curve = template(0, strings={ck.CKA_EC_PARAMS: oid})
    pair = (mech(ck.CKM_EC_KEY_PAIR_GEN), curve, template(), b"")
    card.refused(CANCELED, verbs.GENERATE_KEY_PAIR, *pair)
    card.ec()


def test_a_key_of_a_kind_that_was_forbidden_is_not_used(card: Caller) -> None:
    key, _ = card.ec()
    card.ask(verbs.SIGN_SINGLE, ECDSA, key, bytes(32))
    forbid(card, Cp.ALG_EC)
    card.refused(CANCELED, verbs.SIGN_SINGLE, ECDSA, key, bytes(32))


def test_a_key_with_both_rights_of_a_forbidden_pair_is_not_used(card: Caller) -> None:
    both, one = card.secret(rights.SIGN | rights.ENCRYPT), card.secret(rights.SIGN)
    forbid(card, Cp.SIGN_CRYPT_KEYS)
    card.refused(CANCELED, verbs.SIGN_SINGLE, HMAC, both, b"data")
    card.ask(verbs.SIGN_SINGLE, HMAC, one, b"data")


def test_mechanisms_of_a_forbidden_algorithm_are_not_listed(card: Caller) -> None:
    def listed() -> set[int]:
        (data,) = card.ask(verbs.GET_MECHANISM_LIST)
        return {int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)}

    before = listed()
    forbid(card, Cp.ALG_EC)
    gone = before - listed()
    assert {ck.CKM_ECDSA, ck.CKM_EC_KEY_PAIR_GEN, ck.CKM_ECDH1_DERIVE, ck.CKM_EDDSA} <= gone
    assert not gone & {ck.CKM_RSA_PKCS, ck.CKM_AES_CBC, ck.CKM_SHA256}
    card.refused(ck.CKR_MECHANISM_INVALID, verbs.GET_MECHANISM_INFO, u32(ck.CKM_ECDSA))


def test_points_that_guard_the_points(card: Caller) -> None:
    one = controlpoints.pack((Cp.SIGN_ASYMM,))
    forbid(card, Cp.SIGN_ASYMM, Cp.ADD_CPBS)
    card.denied(Reason.NO_ADDING, Command.DOM_CTRLPOINT_ADD, one)
    forbid(card, Cp.DELETE_CPBS)
    card.denied(Reason.NO_DELETING, Command.DOM_CTRLPOINT_DEL, controlpoints.pack((Cp.SIGN_SYMM,)))
    points = controlpoints.unpack(card.admin(Command.QUERY_DOM_CTRLPOINTS))
    gone = {Cp.SIGN_ASYMM, Cp.ADD_CPBS, Cp.DELETE_CPBS}
    assert points == controlpoints.unpack(controlpoints.USUAL) - gone


def test_what_can_never_be_allowed_and_what_is_no_point(card: Caller) -> None:
    for point in controlpoints.NEVER:
        card.denied(
            Reason.CONTROL_POINT_NOT_ALLOWED,
            Command.DOM_CTRLPOINT_ADD,
            controlpoints.pack((point,)),
        )
    params = (u32(Command.DOM_CTRLPOINT_SET), controlpoints.pack((127,)), b"", b"")
    card.refused(ck.CKR_ATTRIBUTE_VALUE_INVALID, verbs.ADMIN, *params)


@pytest.mark.parametrize("name", controlpoints.PROHIBITED)
def test_compliance_presets(card: Caller, name: str) -> None:
    card.admin(Command.DOM_CTRLPOINT_SET, controlpoints.preset(name))
    points = controlpoints.unpack(card.admin(Command.QUERY_DOM_CTRLPOINTS))
    assert not points & controlpoints.PROHIBITED[name]


def test_bits_are_counted_from_the_left() -> None:
    assert controlpoints.pack((0, 9, 80)).hex() == "80400000000000000000800000000000"
    assert controlpoints.unpack(controlpoints.pack((0, 9, 80))) == {0, 9, 80}
