"""Messages of CCM and ChaCha20-Poly1305, and keys wrapped with authentication (5.9, 5.11, 5.18)."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from ghostcard import pkcs11 as ck
from ghostcard.module.message import CCM, CHACHA, GCM, MessageParameter
from tests.module.program import Program, attributes, mechanism, refusing

KEY = bytes(range(32))
NONCE = bytes(range(100, 112))
AAD = b"additional data"
DATA = bytes(range(200))
Independent = Callable[[bytes, bytes, bytes], bytes]
CIPHERS: dict[int, tuple[int, int, Independent]] = {
    ck.CKM_AES_GCM: (GCM, ck.CKK_AES, AESGCM(KEY).encrypt),
    ck.CKM_AES_CCM: (CCM, ck.CKK_AES, AESCCM(KEY, 16).encrypt),
    ck.CKM_CHACHA20_POLY1305: (CHACHA, ck.CKK_CHACHA20, ChaCha20Poly1305(KEY).encrypt),
}
"""Mechanism -> structure, key type, and the same computed by OpenSSL."""


def parameter(number: int, tag: bytes = b"", size: int = len(DATA)) -> MessageParameter:
    return MessageParameter(CIPHERS[number][0], size, NONCE, 0, ck.CKG_NO_GENERATE, 128, tag)


@pytest.fixture(params=sorted(CIPHERS))
def number(request: pytest.FixtureRequest) -> int:
    value: int = request.param
    return value


@pytest.fixture
def key(program: Program, number: int) -> int:
    kind = CIPHERS[number][1]
    return program.create(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=kind, VALUE=KEY, WRAP=True, UNWRAP=True)


def test_messages_are_those_of_openssl(program: Program, number: int, key: int) -> None:
    library, session = program.library, program.session
    wanted = CIPHERS[number][2](NONCE, DATA, AAD)
    library.message_encrypt_init(session, mechanism(number), key)
    library.message_decrypt_init(session, mechanism(number), key)
    result = library.encrypt_message(session, parameter(number), AAD, DATA, 200)
    assert result == (wanted[:200], NONCE, wanted[200:])
    library.encrypt_message_begin(session, parameter(number), AAD)
    first = library.encrypt_message_next(session, 16, DATA[:77], 77, False)
    last = library.encrypt_message_next(session, 16, DATA[77:], 123, True)
    assert isinstance(first, tuple)
    assert isinstance(last, tuple)
    assert (first[0] + last[0], last[1]) == (wanted[:200], wanted[200:])
    tagged = parameter(number, wanted[200:])
    assert library.decrypt_message(session, tagged, AAD, wanted[:200], 200) == DATA
    library.decrypt_message_begin(session, parameter(number), AAD)
    assert library.decrypt_message_next(session, bytes(16), wanted[:99], 0, False) == b""
    assert library.decrypt_message_next(session, wanted[200:], wanted[99:200], 200, True) == DATA
    with refusing(ck.CKR_AEAD_DECRYPT_FAILED):
        library.decrypt_message(session, tagged, b"", wanted[:200], 200)


def test_ccm_must_be_told_the_length(program: Program) -> None:
    library, session = program.library, program.session
    key = program.create(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_AES, VALUE=KEY)
    library.message_encrypt_init(session, mechanism(ck.CKM_AES_CCM), key)
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        library.encrypt_message(session, parameter(ck.CKM_AES_CCM, size=199), AAD, DATA, 200)
    library.encrypt_message_begin(session, parameter(ck.CKM_AES_CCM, size=199), AAD)
    with refusing(ck.CKR_DATA_LEN_RANGE):
        library.encrypt_message_next(session, 16, DATA, 200, True)


SECRET: dict[str, int | bool] = {"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_GENERIC_SECRET}


def test_a_wrapped_key_is_that_of_openssl(program: Program, number: int, key: int) -> None:
    library, session = program.library, program.session
    secret = program.secret(DATA[:40])
    wanted = CIPHERS[number][2](NONCE, DATA[:40], AAD)
    how = parameter(number, size=0)
    arguments = (session, number, how, key, secret, AAD)
    assert library.wrap_key_authenticated(*arguments, None) == 56
    assert library.wrap_key_authenticated(*arguments, 55) == 56
    assert library.wrap_key_authenticated(*arguments, 56) == (wanted, NONCE)
    template = attributes(**SECRET, EXTRACTABLE=True, SENSITIVE=False)
    again = library.unwrap_key_authenticated(session, number, how, key, wanted, template, AAD)
    assert program.one(again, "VALUE") == DATA[:40]
    for wrapped, aad in ((wanted, b""), (wanted[:-1] + b"\0", AAD), (wanted[1:], AAD)):
        with refusing(ck.CKR_WRAPPED_KEY_INVALID):
            library.unwrap_key_authenticated(session, number, how, key, wrapped, template, aad)
    with refusing(ck.CKR_WRAPPED_KEY_LEN_RANGE):
        library.unwrap_key_authenticated(session, number, how, key, bytes(15), template, AAD)


@pytest.mark.parametrize("number", [ck.CKM_AES_GCM, ck.CKM_CHACHA20_POLY1305])
def test_a_private_key(program: Program, number: int, key: int) -> None:
    """CCM must be told the length, which only the card knows."""
    library, session = program.library, program.session
    public, private = program.ec(EXTRACTABLE=True)
    how = parameter(number)
    result = library.wrap_key_authenticated(session, number, how, key, private, b"", 1000)
    assert isinstance(result, tuple)
    kind = attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_EC)
    again = library.unwrap_key_authenticated(session, number, how, key, result[0], kind, b"")
    ecdsa = mechanism(ck.CKM_ECDSA)
    program.verify(ecdsa, public, bytes(32), program.run("sign", ecdsa, again, bytes(32)))


def test_ivs_of_a_wrapping_key_do_not_repeat(program: Program) -> None:
    """In whichever session; a question for the length takes none."""
    library = program.library
    key = program.aes(WRAP=True)
    secret = program.secret(b"secret")
    made = []
    for session in (program.session, Program(library).session):
        how = MessageParameter(GCM, 0, NONCE, 32, ck.CKG_GENERATE_COUNTER, 128, b"")
        arguments = (session, ck.CKM_AES_GCM, how, key, secret, b"")
        library.wrap_key_authenticated(*arguments, None)
        result = library.wrap_key_authenticated(*arguments, 100)
        assert isinstance(result, tuple)
        made.append(result[1])
    assert made == [NONCE[:4] + count.to_bytes(8, "big") for count in range(2)]


def test_the_rules_of_wrapping_hold(program: Program) -> None:
    library, session = program.library, program.session
    number, how = ck.CKM_AES_GCM, parameter(ck.CKM_AES_GCM)
    secret, kek = program.secret(b"secret"), program.aes(WRAP=True)
    for wrapping, wrapped, rv in (
        (program.aes(WRAP=False), secret, ck.CKR_KEY_FUNCTION_NOT_PERMITTED),
        (kek, program.secret(b"s", EXTRACTABLE=False), ck.CKR_KEY_UNEXTRACTABLE),
        (kek, program.ec()[0], ck.CKR_KEY_NOT_WRAPPABLE),
        (program.secret(b"s"), secret, ck.CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
        (0, secret, ck.CKR_WRAPPING_KEY_HANDLE_INVALID),
        (kek, 0, ck.CKR_KEY_HANDLE_INVALID),
    ):
        with refusing(rv):
            library.wrap_key_authenticated(session, number, how, wrapping, wrapped, b"", 100)
    with refusing(ck.CKR_MECHANISM_INVALID):
        library.wrap_key_authenticated(session, ck.CKM_AES_CBC, how, kek, secret, b"", 100)
