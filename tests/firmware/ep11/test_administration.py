"""The verb Admin: the life of a wrapping key, administrators and what they sign (AP sheet 7.5)."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.emulator.errors import NvramError
from ghostcard.emulator.nvram import Nvram
from ghostcard.firmware.abi import admin, blob, verbs
from ghostcard.firmware.abi.admin import Attribute, Command, Permission, Reason, Signature
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.status import CKR_IBM_WK_NOT_INITIALIZED, CKR_IBM_WKID_MISMATCH
from ghostcard.firmware.ep11 import domainstate, wrapping
from ghostcard.firmware.ep11.domainstate import DomainState, Next
from ghostcard.firmware.ep11.wrappingcommands import open_part, seal_part
from ghostcard.firmware.mechanisms.refusal import Refused
from tests.firmware.ep11.caller import CBC_PAD, RESULT, Caller, Services, u32

Administrator = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def attributes(**values: int) -> bytes:
    pairs = ((Attribute[name], value) for name, value in values.items())
    return b"".join(admin.PAIRS.pack(*pair) for pair in pairs)


def spki(key: Administrator) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(keys: list[Administrator], command: int, counter: bytes, payload: bytes) -> bytes:
    text = admin.signed(0, command, counter, payload)
    made = []
    for key in keys:
        if isinstance(key, rsa.RSAPrivateKey):
            value = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        else:
            value = key.sign(text, ec.ECDSA(hashes.SHA256()))
        made.append(Signature(admin.identifier(spki(key)), value))
    return admin.pack_signatures(tuple(made))


def encrypts(card: Caller, key: bytes) -> int:
    return card.call(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, key, b"data").rv


def test_a_wrapping_key_is_made_committed_and_becomes_current(card: Caller) -> None:
    key, before = card.aes(), card.admin(Command.QUERY_WK)
    plain = card.ask(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, key, b"data")
    following = card.admin(Command.GEN_WK)
    assert following != before
    assert card.admin(Command.QUERY_NEXT_WK) == following
    card.denied(Reason.COMMITTED_WK_MISSING, Command.REENCRYPT, key)
    card.denied(Reason.COMMITTED_WK_MISSING, Command.FINALIZE_WK, following)
    card.denied(Reason.WK_MISMATCH, Command.COMMIT_WK, before)
    card.admin(Command.COMMIT_WK, following)
    again = card.admin(Command.REENCRYPT, key)
    assert (len(again), blob.unpack(again).wkid) == (len(key), following[:16])
    assert encrypts(card, again) == CKR_IBM_WKID_MISMATCH
    assert encrypts(card, key) == 0
    card.denied(Reason.WK_MISMATCH, Command.FINALIZE_WK, before)
    card.admin(Command.FINALIZE_WK, following)
    assert card.admin(Command.QUERY_WK) == following
    card.denied(Reason.NEXT_WK_MISSING, Command.QUERY_NEXT_WK)
    assert encrypts(card, key) == CKR_IBM_WKID_MISMATCH
    assert card.ask(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, again, b"data") == plain


def test_reencrypt_single_is_the_same(card: Caller) -> None:
    key = card.aes()
    card.admin(Command.COMMIT_WK, card.admin(Command.GEN_WK))
    (again,) = card.ask(verbs.REENCRYPT_SINGLE, key)
    assert blob.unpack(again).booleans == blob.unpack(key).booleans
    assert blob.unpack(again).wkid == card.admin(Command.QUERY_NEXT_WK)[:16]


@pytest.mark.parametrize("count", [1, 2, 3, admin.PARTS_MAX])
def test_parts_of_a_key_make_the_key(card: Caller, count: int) -> None:
    importer = card.admin(Command.GEN_DOM_IMPORTER)
    assert card.admin(Command.QUERY_DOM_IMPORTER_CERT) == importer
    parts = [bytes([number]) * 32 for number in range(1, count + 1)]
    sealed = admin.pack_list(tuple(seal_part(importer, part) for part in parts))
    whole = 0
    for number in range(1, count + 1):
        whole ^= number
    expected = wrapping.WrappingKey(bytes([whole]) * 32)
    assert card.admin(Command.IMPORT_WK, sealed) == expected.pattern


def test_an_exported_key_makes_another_domain_open_the_same_blobs(card: Caller) -> None:
    key = card.aes()
    card.refused(CKR_IBM_WKID_MISMATCH, verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, key, b"", domain=1)
    importer = card.admin(Command.GEN_DOM_IMPORTER, domain=1)
    card.denied(Reason.WK_EXPORT_PROHIBITED, Command.EXPORT_WK, admin.pack_list((importer,)))
    card.admin(Command.DOM_SET_ATTR, attributes(PERMISSIONS=sum(Permission)))
    exported = card.admin(Command.EXPORT_WK, admin.pack_list((importer, importer)))
    assert len(admin.unpack_list(exported)) == 2
    pattern = card.admin(Command.IMPORT_WK, exported, domain=1)
    assert pattern == card.admin(Command.QUERY_WK)
    card.admin(Command.COMMIT_WK, pattern, domain=1)
    card.admin(Command.FINALIZE_WK, pattern, domain=1)
    card.ask(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, key, b"", domain=1)


def test_what_was_not_sealed_for_the_importer_is_refused(card: Caller) -> None:
    sealed = seal_part(spki(ec.generate_private_key(ec.SECP521R1())), bytes(32))
    card.denied(Reason.NO_IMPORTER, Command.IMPORT_WK, admin.pack_list((sealed,)))
    importer = card.admin(Command.GEN_DOM_IMPORTER)
    good = seal_part(importer, bytes(32))
    for bad in (sealed, b"", good[:-1] + bytes([good[-1] ^ 1]), seal_part(importer, bytes(24))):
        params = (u32(Command.IMPORT_WK), admin.pack_list((bad,)), b"", b"")
        card.refused(ck.CKR_ENCRYPTED_DATA_INVALID, verbs.ADMIN, *params)
    params = (u32(Command.IMPORT_WK), b"", b"", b"")
    card.refused(ck.CKR_ARGUMENTS_BAD, verbs.ADMIN, *params)


def test_permissions(card: Caller) -> None:
    importer = card.admin(Command.GEN_DOM_IMPORTER)
    one = admin.pack_list((seal_part(importer, bytes(32)),))
    card.admin(Command.DOM_SET_ATTR, attributes(PERMISSIONS=Permission.WK_IMPORT))
    card.denied(Reason.RANDOM_WK_PROHIBITED, Command.GEN_WK)
    card.denied(Reason.WK_IMPORT_PROHIBITED, Command.IMPORT_WK, one)
    card.admin(Command.IMPORT_WK, one + one)
    card.admin(Command.DOM_SET_ATTR, attributes(PERMISSIONS=0))
    card.denied(Reason.WK_IMPORT_PROHIBITED, Command.IMPORT_WK, one + one)


def test_a_cleared_key_is_gone_and_stays_gone(tmp_path: Path) -> None:
    nvram = Nvram(tmp_path / "card")
    card = Caller(Services(nvram=nvram))
    key = card.aes()
    card.denied(Reason.NEXT_WK_MISSING, Command.CLEAR_NEXT_WK)
    card.admin(Command.GEN_WK)
    card.admin(Command.CLEAR_NEXT_WK)
    card.denied(Reason.NEXT_WK_MISSING, Command.QUERY_NEXT_WK)
    card.admin(Command.CLEAR_WK)
    for life in (card, Caller(Services(nvram=Nvram(tmp_path / "card")))):
        assert encrypts(life, key) == CKR_IBM_WK_NOT_INITIALIZED
        life.denied(Reason.WK_MISSING, Command.QUERY_WK)
        life.denied(Reason.WK_MISSING, Command.CLEAR_WK)


def test_zeroize_makes_a_domain_as_the_factory_did(card: Caller) -> None:
    card.admin(Command.DOM_ADMIN_LOGIN, spki(ec.generate_private_key(ec.SECP256R1())))
    card.admin(Command.GEN_WK)
    card.admin(Command.DOM_ZEROIZE)
    assert card.image._domains[0].state == DomainState()
    card.denied(Reason.WK_MISSING, Command.QUERY_WK)
    card.admin(Command.QUERY_WK, domain=1)


def test_outside_imprint_mode_commands_are_signed(card: Caller) -> None:
    keys: list[Administrator] = [
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
    ]
    card.denied(Reason.TOO_FEW_SIGNATURES, Command.DOM_SET_ATTR, attributes(SIGNATURE_THRESHOLD=1))
    for key in keys:
        name = card.admin(Command.DOM_ADMIN_LOGIN, spki(key))
        assert name == admin.identifier(spki(key))
    card.admin(Command.DOM_SET_ATTR, attributes(SIGNATURE_THRESHOLD=2, REVOCATION_THRESHOLD=1))
    assert card.image._domains[0].state.has_left_imprint
    one, two = (number.to_bytes(16, "big") for number in (1, 2))
    card.denied(Reason.COUNTER_TOO_OLD, Command.GEN_WK)
    signed = sign(keys, Command.GEN_WK, one, b"")
    card.denied(Reason.COUNTER_TOO_OLD, Command.GEN_WK, b"", bytes(16), signed)
    card.denied(Reason.TOO_FEW_SIGNATURES, Command.GEN_WK, b"", one, b"")
    half = sign(keys[:1], Command.GEN_WK, one, b"")
    card.denied(Reason.TOO_FEW_SIGNATURES, Command.GEN_WK, b"", one, half + half)
    card.denied(Reason.SIGNATURE_REJECTED, Command.GEN_WK, b"x", one, signed)
    card.denied(Reason.SIGNATURE_REJECTED, Command.CLEAR_WK, b"", one, signed)
    stranger = sign([ec.generate_private_key(ec.SECP256R1())], Command.GEN_WK, one, b"")
    card.denied(Reason.SIGNATURE_REJECTED, Command.GEN_WK, b"", one, half + stranger)
    pattern = card.admin(Command.GEN_WK, b"", one, signed)
    card.denied(Reason.COUNTER_TOO_OLD, Command.GEN_WK, b"", one, signed)
    assert card.admin(Command.QUERY_NEXT_WK) == pattern
    back = attributes(SIGNATURE_THRESHOLD=0)
    signed = sign(keys, Command.DOM_SET_ATTR, two, back)
    card.denied(Reason.WRONG_IMPRINT_STATE, Command.DOM_SET_ATTR, back, two, signed)
    out = admin.identifier(spki(keys[0]))
    signed = sign(keys[:1], Command.DOM_ADMIN_LOGOUT, two, out)
    card.denied(Reason.TOO_FEW_SIGNATURES, Command.DOM_ADMIN_LOGOUT, out, two, signed)


def test_a_refused_command_changes_nothing(card: Caller) -> None:
    before = {name: card.services.nvram.read(name) for name in card.services.nvram.names()}
    card.denied(Reason.NO_IMPORTER, Command.IMPORT_WK, admin.pack_list((b"part",)))
    card.denied(Reason.NEXT_WK_MISSING, Command.COMMIT_WK, bytes(32))
    card.refused(ck.CKR_FUNCTION_NOT_SUPPORTED, verbs.ADMIN, u32(999), b"", b"", b"")
    params = (u32(Command.DOM_ADMIN_LOGIN), b"no key", b"", b"")
    card.refused(ck.CKR_PUBLIC_KEY_INVALID, verbs.ADMIN, *params)
    after = {name: card.services.nvram.read(name) for name in card.services.nvram.names()}
    assert after == before


def test_no_more_than_eight_administrators(card: Caller) -> None:
    keys = [spki(ec.generate_private_key(ec.SECP256R1())) for _ in range(9)]
    for key in keys[:8]:
        card.admin(Command.DOM_ADMIN_LOGIN, key)
    card.denied(Reason.ADMIN_LIST_FULL, Command.DOM_ADMIN_LOGIN, keys[8])
    card.admin(Command.DOM_ADMIN_LOGIN, keys[0])
    names = card.admin(Command.QUERY_DOM_ADMIN)
    assert names == b"".join(map(admin.identifier, keys[:8]))
    card.admin(Command.DOM_ADMIN_LOGOUT, names[:32])
    assert card.admin(Command.QUERY_DOM_ADMIN) == names[32:]
    params = (u32(Command.DOM_ADMIN_LOGOUT), names[:32], b"", b"")
    card.refused(ck.CKR_ARGUMENTS_BAD, verbs.ADMIN, *params)


def test_another_process_s_change_holds_at_once(tmp_path: Path) -> None:
    one, other = (Caller(Services(nvram=Nvram(tmp_path / "card"))) for _ in range(2))
    key = one.aes()
    assert encrypts(other, key) == 0
    pattern = one.admin(Command.GEN_WK)
    one.admin(Command.COMMIT_WK, pattern)
    (again,) = other.ask(verbs.REENCRYPT_SINGLE, key)
    one.admin(Command.FINALIZE_WK, pattern)
    assert encrypts(other, key) == CKR_IBM_WKID_MISMATCH
    assert encrypts(other, again) == 0
    assert blob.unpack(other.aes()).wkid == pattern[:16]


STATES = st.builds(
    DomainState,
    st.sampled_from(Next),
    st.integers(0, 8),
    st.integers(0, 8),
    st.integers(0, 0xFFFFFFFF),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=50),
    st.lists(st.binary(max_size=50), max_size=8).map(tuple),
)


@given(STATES)
def test_a_state_comes_back_from_nvram(state: DomainState) -> None:
    assert domainstate.unpack(domainstate.pack(state)) == state


@given(st.binary(max_size=120))
def test_other_bytes_are_a_state_or_refused(entry: bytes) -> None:
    try:
        state = domainstate.unpack(entry)
    except NvramError:
        return
    assert domainstate.pack(state) == entry


@given(st.binary(max_size=60))
def test_a_list_of_byte_strings_round_trips_or_is_refused(data: bytes) -> None:
    try:
        items = admin.unpack_list(data)
    except WireError:
        return
    assert admin.pack_list(items) == data


def test_a_part_opens_for_its_receiver_alone() -> None:
    mine, other = (ec.generate_private_key(ec.SECP521R1()) for _ in range(2))
    sealed = seal_part(spki(mine), bytes(range(32)))
    assert open_part(mine, sealed) == bytes(range(32))
    with pytest.raises(Refused, match="0x00000040"):
        open_part(other, sealed)
    with pytest.raises(Refused, match="0x000001b9"):
        seal_part(spki(ec.generate_private_key(ec.SECP256R1())), bytes(32))
