"""Templates that keys have for keys made or wrapped with them (PKCS #11 3.2, 4.8, 5.18)."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module import flat
from ghostcard.module.encoding import FALSE, TRUE, ulong
from ghostcard.module.errors import CryptokiError
from tests.module.program import Program, Values, attributes, mechanism, refusing

KWP = mechanism(ck.CKM_AES_KEY_WRAP_KWP)
KEM = mechanism(ck.CKM_ML_KEM)
AES_KEY = attributes(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_AES)
DEMANDS = flat.pack(attributes(SENSITIVE=True, LABEL="by demand"))


def test_only_keys_that_match_are_wrapped(program: Program) -> None:
    wanted = flat.pack(attributes(KEY_TYPE=ck.CKK_AES, LABEL="export", SENSITIVE=True))
    wrapping = program.aes(WRAP_TEMPLATE=wanted)
    fitting: Values = {"EXTRACTABLE": True, "SENSITIVE": True, "LABEL": "export"}
    others: list[Values] = [{}, {"LABEL": "x"}, {"SENSITIVE": False}]
    keys = [program.aes(**{**fitting, **other}) for other in others]
    program.library.wrap_key(program.session, KWP, wrapping, keys[0], 100)
    for key in keys[1:]:
        with refusing(ck.CKR_KEY_HANDLE_INVALID):
            program.library.wrap_key(program.session, KWP, wrapping, key, 100)
    program.set(keys[1], LABEL="export")
    program.library.wrap_key(program.session, KWP, wrapping, keys[1], 100)


def test_a_value_that_is_hidden_matches_nothing(program: Program) -> None:
    wrapping = program.aes(WRAP_TEMPLATE=flat.pack([(ck.CKA_VALUE, b"k" * 16)]))
    key = program.secret(b"k" * 16, EXTRACTABLE=True, SENSITIVE=False)
    with refusing(ck.CKR_KEY_HANDLE_INVALID):
        program.library.wrap_key(program.session, KWP, wrapping, key, 100)


def test_unwrapped_keys_get_what_is_demanded(program: Program) -> None:
    library, session = program.library, program.session
    wrapping = program.aes(UNWRAP_TEMPLATE=DEMANDS)
    wrapped = library.wrap_key(session, KWP, wrapping, program.aes(), 100)
    assert isinstance(wrapped, bytes)
    key = library.unwrap_key(session, KWP, wrapping, wrapped, AES_KEY)
    assert program.get(key, "SENSITIVE", "LABEL") == [TRUE, b"by demand"]
    same = [*AES_KEY, (ck.CKA_SENSITIVE, TRUE)]
    library.unwrap_key(session, KWP, wrapping, wrapped, same)
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        library.unwrap_key(session, KWP, wrapping, wrapped, [*AES_KEY, (ck.CKA_SENSITIVE, FALSE)])


def test_a_demand_may_say_all_there_is_to_say(program: Program) -> None:
    wrapping = program.aes(UNWRAP_TEMPLATE=flat.pack(AES_KEY))
    wrapped = program.library.wrap_key(program.session, KWP, wrapping, program.aes(), 100)
    assert isinstance(wrapped, bytes)
    key = program.library.unwrap_key(program.session, KWP, wrapping, wrapped, [])
    assert program.one(key, "KEY_TYPE") == ulong(ck.CKK_AES)


def test_a_demand_cannot_have_what_a_caller_cannot(program: Program) -> None:
    wrapping = program.aes(UNWRAP_TEMPLATE=flat.pack(attributes(LOCAL=True)))
    wrapped = program.library.wrap_key(program.session, KWP, wrapping, program.aes(), 100)
    assert isinstance(wrapped, bytes)
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        program.library.unwrap_key(program.session, KWP, wrapping, wrapped, AES_KEY)


def test_derived_keys_get_what_is_demanded(program: Program) -> None:
    _, private = program.ec(DERIVE=True, DERIVE_TEMPLATE=DEMANDS)
    point = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )
    how = mechanism(ck.CKM_ECDH1_DERIVE, ck.CKD_NULL, 0, point)
    key = program.library.derive_key(program.session, how, private, [])
    assert program.get(key, "SENSITIVE", "LABEL") == [TRUE, b"by demand"]
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        program.library.derive_key(program.session, how, private, attributes(LABEL="mine"))


def test_encapsulated_and_decapsulated_keys_get_what_is_demanded(program: Program) -> None:
    library, session = program.library, program.session
    public, private = library.generate_key_pair(
        session,
        mechanism(ck.CKM_ML_KEM_KEY_PAIR_GEN),
        attributes(PARAMETER_SET=ck.CKP_ML_KEM_512, ENCAPSULATE_TEMPLATE=DEMANDS),
        attributes(DECAPSULATE_TEMPLATE=flat.pack(attributes(EXTRACTABLE=False))),
    )
    made = library.encapsulate_key(session, KEM, public, [], 2000)
    assert isinstance(made, tuple)
    sent, ciphertext = made
    assert program.get(sent, "SENSITIVE", "LABEL") == [TRUE, b"by demand"]
    received = library.decapsulate_key(session, KEM, private, [], ciphertext)
    assert program.one(received, "EXTRACTABLE") == FALSE
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        library.encapsulate_key(session, KEM, public, attributes(LABEL="mine"), 2000)
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        library.decapsulate_key(session, KEM, private, attributes(EXTRACTABLE=True), ciphertext)


@pytest.mark.parametrize(
    ("value", "rv"),
    [
        (b"no template", ck.CKR_ATTRIBUTE_VALUE_INVALID),
        (flat.pack([(ck.CKA_LABEL, b"x")])[:-1], ck.CKR_ATTRIBUTE_VALUE_INVALID),
        (flat.pack([(ck.CKA_SIGN, b"\2")]), ck.CKR_ATTRIBUTE_VALUE_INVALID),
        (flat.pack([(0x87654321, b"")]), ck.CKR_ATTRIBUTE_TYPE_INVALID),
        (
            flat.pack([(ck.CKA_LABEL, b"x"), (ck.CKA_LABEL, b"y")]),
            ck.CKR_TEMPLATE_INCONSISTENT,
        ),
    ],
)
def test_templates_that_are_none(program: Program, value: bytes, rv: int) -> None:
    with refusing(rv):
        program.aes(WRAP_TEMPLATE=value)


def test_they_are_kept_with_a_token_object(program: Program) -> None:
    key = program.aes(TOKEN=True, UNWRAP_TEMPLATE=DEMANDS, LABEL="kept")
    other = Program(program.library)
    assert other.one(key, "UNWRAP_TEMPLATE") == DEMANDS
    copy = program.library.copy_object(program.session, key, attributes(LABEL="copy"))
    assert program.one(copy, "UNWRAP_TEMPLATE") == DEMANDS
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        program.set(key, UNWRAP_TEMPLATE=b"")


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=20)), max_size=8))
def test_flat_round_trip(template: list[tuple[int, bytes]]) -> None:
    packed = flat.pack(template)
    assert flat.unpack(packed) == template


@given(st.binary(max_size=60))
def test_any_bytes_are_a_template_or_refused(data: bytes) -> None:
    try:
        template = flat.unpack(data)
    except CryptokiError:
        return
    assert flat.pack(template) == data
