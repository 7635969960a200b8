"""Message-based encryption and decryption: the tag apart, an IV for each message (5.9, 5.11)."""

import threading

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ghostcard import pkcs11 as ck
from ghostcard.module.message import GCM, IvSource, MessageParameter
from tests.module.program import Program, mechanism, refusing

pytestmark = pytest.mark.every_kind

INIT = mechanism(ck.CKM_AES_GCM)
KEY = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
IV = bytes.fromhex("cafebabefacedbaddecaf888")
AAD = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
PLAIN = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
SEALED = bytes.fromhex(
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
)
TAG = bytes.fromhex("76fc6ece0f4e1768cddf8853bb2d551b")
"""McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16 (AES-256)."""


def message(
    iv: bytes = IV,
    generator: int = ck.CKG_NO_GENERATE,
    fixed: int = 0,
    tag: bytes = b"",
    tag_bits: int = 128,
) -> MessageParameter:
    return MessageParameter(GCM, 0, iv, fixed, generator, tag_bits, tag)


@pytest.fixture
def key(program: Program) -> int:
    return program.create(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_AES, VALUE=KEY)


@pytest.fixture
def sealing(program: Program, key: int) -> Program:
    program.library.message_encrypt_init(program.session, INIT, key)
    return program


@pytest.fixture
def opening(program: Program, key: int) -> Program:
    program.library.message_decrypt_init(program.session, INIT, key)
    return program


def seal(program: Program, parameter: MessageParameter, data: bytes = b"") -> tuple[bytes, ...]:
    result = program.library.encrypt_message(program.session, parameter, AAD, data, len(data))
    assert not isinstance(result, int)
    return result


def test_a_known_message(sealing: Program) -> None:
    """And the encryption goes on until it is ended."""
    for _ in range(2):
        assert seal(sealing, message(), PLAIN) == (SEALED, IV, TAG)
    sealing.library.message_encrypt_final(sealing.session)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        seal(sealing, message(), PLAIN)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        sealing.library.message_encrypt_final(sealing.session)


@pytest.mark.parametrize("step", [1, 16, 59, 100])
def test_a_known_message_in_parts(sealing: Program, step: int) -> None:
    library, session = sealing.library, sealing.session
    assert library.encrypt_message_begin(session, message(), AAD) == IV
    parts, tag = [], b""
    for start in range(0, len(PLAIN), step):
        data, is_last = PLAIN[start : start + step], start + step >= len(PLAIN)
        assert library.encrypt_message_next(session, 16, data, None, is_last) == len(data)
        result = library.encrypt_message_next(session, 16, data, len(data), is_last)
        assert not isinstance(result, int)
        parts.append(result[0])
        tag += result[1]
    assert (b"".join(parts), tag) == (SEALED, TAG)
    assert seal(sealing, message(), PLAIN) == (SEALED, IV, TAG)


def test_a_known_message_opened(opening: Program) -> None:
    library, session = opening.library, opening.session
    tagged = message(tag=TAG)
    assert library.decrypt_message(session, tagged, AAD, SEALED, None) == len(SEALED)
    assert library.decrypt_message(session, tagged, AAD, SEALED, len(SEALED) - 1) == len(SEALED)
    for _ in range(2):
        assert library.decrypt_message(session, tagged, AAD, SEALED, len(SEALED)) == PLAIN


def test_opened_in_parts_nothing_comes_before_the_tag(opening: Program) -> None:
    library, session = opening.library, opening.session
    library.decrypt_message_begin(session, message(), AAD)
    assert library.decrypt_message_next(session, bytes(16), SEALED[:20], 0, False) == b""
    assert library.decrypt_message_next(session, TAG, SEALED[20:], 59, True) == 60
    assert library.decrypt_message_next(session, TAG, SEALED[20:], 60, True) == PLAIN
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.decrypt_message_next(session, TAG, b"", 60, True)
    library.message_decrypt_final(session)


@pytest.mark.parametrize("wrong", ["tag", "data", "aad", "iv"])
def test_a_changed_message_is_refused_and_the_next_is_not(opening: Program, wrong: str) -> None:
    library, session = opening.library, opening.session

    def changed(value: bytes, name: str) -> bytes:
        return bytes((value[0] ^ 1,)) + value[1:] if name == wrong else value

    parameter = message(changed(IV, "iv"), tag=changed(TAG, "tag"))
    data, aad = changed(SEALED, "data"), changed(AAD, "aad")
    with refusing(ck.CKR_AEAD_DECRYPT_FAILED):
        library.decrypt_message(session, parameter, aad, data, 60)
    library.decrypt_message_begin(session, parameter, aad)
    with refusing(ck.CKR_AEAD_DECRYPT_FAILED):
        library.decrypt_message_next(session, parameter.tag, data, 60, True)
    assert library.decrypt_message(session, message(tag=TAG), AAD, SEALED, 60) == PLAIN


def test_long_messages_and_short_tags(sealing: Program, key: int) -> None:
    library, session = sealing.library, sealing.session
    data = bytes(range(256)) * 1024
    sealed, _, tag = seal(sealing, message(tag_bits=96), data)
    assert sealed + tag == AESGCM(KEY).encrypt(IV, data, AAD)[:-4]
    library.message_decrypt_init(session, INIT, key)
    parameter = message(tag=tag, tag_bits=96)
    assert library.decrypt_message(session, parameter, AAD, sealed, len(data)) == data


def test_one_thing_at_a_time(sealing: Program, key: int) -> None:
    library, session = sealing.library, sealing.session
    with refusing(ck.CKR_OPERATION_ACTIVE):
        library.message_encrypt_init(session, INIT, key)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.encrypt_message_next(session, 16, b"", 0, True)
    library.encrypt_message_begin(session, message(), AAD)
    with refusing(ck.CKR_OPERATION_ACTIVE):
        library.encrypt_message_begin(session, message(), AAD)
    with refusing(ck.CKR_OPERATION_ACTIVE):
        seal(sealing, message())
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        library.encrypt_message_next(session, 12, b"", 0, True)
    library.session_cancel(session, ck.CKF_MESSAGE_ENCRYPT)
    library.message_encrypt_init(session, INIT, key)
    library.message_encrypt_init(session, None, 0)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        seal(sealing, message())


@pytest.mark.parametrize(
    "parameter",
    [
        message(iv=b""),
        message(iv=bytes(129)),
        message(tag_bits=8),
        message()._replace(structure=24),
        message(generator=5),
        message(generator=ck.CKG_GENERATE, fixed=96),
    ],
)
def test_impossible_parameters(sealing: Program, parameter: MessageParameter) -> None:
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        seal(sealing, parameter)


def test_keys_and_mechanisms_that_do_not_do_it(program: Program, key: int) -> None:
    library, session = program.library, program.session
    with refusing(ck.CKR_MECHANISM_INVALID):
        library.message_encrypt_init(session, mechanism(ck.CKM_AES_CBC), key)
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        library.message_encrypt_init(session, INIT, program.secret(b"secret"))
    with refusing(ck.CKR_KEY_HANDLE_INVALID):
        library.message_decrypt_init(session, INIT, 0)
    one_way = program.aes(ENCRYPT=False, DECRYPT=False)
    for init in (library.message_encrypt_init, library.message_decrypt_init):
        with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
            init(session, INIT, one_way)


def test_the_token_says_what_takes_messages(program: Program) -> None:
    library = program.library
    both = ck.CKF_MESSAGE_ENCRYPT | ck.CKF_MESSAGE_DECRYPT | ck.CKF_MULTI_MESSAGE
    assert library.get_mechanism_info(0, ck.CKM_AES_GCM).flags & both == both
    assert not library.get_mechanism_info(0, ck.CKM_AES_CBC).flags & both
    signs = ck.CKF_MESSAGE_SIGN | ck.CKF_MESSAGE_VERIFY | ck.CKF_MULTI_MESSAGE
    assert library.get_mechanism_info(0, ck.CKM_ECDSA).flags & signs == signs


class TestIvs:
    """PKCS #11 3.2, 6.13.9: who makes the bits of an IV that are not fixed."""

    def test_a_counter(self, sealing: Program) -> None:
        given = message(IV, ck.CKG_GENERATE_COUNTER, fixed=64)
        made = [seal(sealing, given, b"x")[1] for _ in range(3)]
        assert made == [IV[:8] + number.to_bytes(4, "big") for number in range(3)]

    def test_a_question_for_the_length_takes_no_iv(self, sealing: Program) -> None:
        given = message(IV, ck.CKG_GENERATE_COUNTER, fixed=64)
        for capacity in (None, 0):
            asked = sealing.library.encrypt_message(sealing.session, given, b"", b"x", capacity)
            assert asked == 1
        assert seal(sealing, given, b"x")[1] == IV[:8] + bytes(4)

    def test_what_is_sealed_opens_under_the_iv_that_was_made(self, sealing: Program) -> None:
        sealed, iv, tag = seal(sealing, message(IV, ck.CKG_GENERATE, fixed=32), PLAIN)
        assert iv[:4] == IV[:4]
        assert AESGCM(KEY).decrypt(iv, sealed + tag, AAD) == PLAIN

    def test_a_counter_on_the_first_iv(self) -> None:
        """As TLS 1.3 makes its nonces (RFC 8446, 5.3); what the caller gives later is ignored."""
        source = IvSource(bytes)
        made = [source.next(message(IV, ck.CKG_GENERATE_COUNTER_XOR))]
        made += [source.next(message(made[-1], ck.CKG_GENERATE_COUNTER_XOR)) for _ in range(2)]
        first = int.from_bytes(IV, "big")
        assert made == [(first ^ number).to_bytes(12, "big") for number in range(3)]

    def test_drawn(self) -> None:
        source = IvSource(lambda size: b"\xab" * size)
        assert source.next(message(IV, ck.CKG_GENERATE_RANDOM, fixed=90))[:11] == IV[:11]
        made = source.next(message(IV, ck.CKG_GENERATE_RANDOM, fixed=90))[11]
        assert made == IV[11] & 0b11000000 | 0xAB & 0b00111111

    def test_the_tokens_choice_counts_from_a_drawn_number(self) -> None:
        source = IvSource(lambda size: b"\xff" * size)
        made = [source.next(message(IV, ck.CKG_GENERATE, fixed=88)) for _ in range(3)]
        assert made == [IV[:11] + tail for tail in (b"\xff", b"\x00", b"\x01")]

    @pytest.mark.parametrize("generator", [ck.CKG_GENERATE, ck.CKG_GENERATE_COUNTER])
    def test_no_iv_comes_twice(self, generator: int) -> None:
        source = IvSource(bytes)
        given = message(IV, generator, fixed=90)
        assert len({source.next(given) for _ in range(64)}) == 64
        with refusing(ck.CKR_TOKEN_RESOURCE_EXCEEDED):
            source.next(given)

    def test_no_iv_comes_twice_to_threads_either(self) -> None:
        source, given = IvSource(bytes), message(IV, ck.CKG_GENERATE_COUNTER)
        made: list[bytes] = []

        def take() -> None:
            made.extend([source.next(given) for _ in range(2000)])

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(made) == [number.to_bytes(12, "big") for number in range(8000)]


class TestSignatures:
    """C_MessageSignInit and its kind: one key and mechanism, many messages."""

    @pytest.mark.parametrize("number", [ck.CKM_SHA256_HMAC, ck.CKM_ECDSA_SHA256])
    def test_messages_whole_and_in_parts(self, program: Program, number: int) -> None:
        library, session, how = program.library, program.session, mechanism(number)
        public, private = program.ec()
        if number == ck.CKM_SHA256_HMAC:
            public = private = program.secret(b"k" * 20)
        library.message_sign_init(session, how, private)
        library.message_verify_init(session, how, public)
        for _ in range(2):
            size = library.sign_message(session, b"a message", None)
            assert isinstance(size, int)
            whole = library.sign_message(session, b"a message", size)
            assert isinstance(whole, bytes)
            library.verify_message(session, b"a message", whole)
            library.verify_message_begin(session)
            library.verify_message_next(session, b"a mess", None)
            library.verify_message_next(session, b"age", whole)
            library.sign_message_begin(session)
            assert library.sign_message_next(session, b"a mess", None, False) == b""
            assert library.sign_message_next(session, b"age", None, True) == size
            assert library.sign_message_next(session, b"age", size - 1, True) == size
            parts = library.sign_message_next(session, b"age", size, True)
            assert isinstance(parts, bytes)
            library.verify_message(session, b"a message", parts)
        library.message_sign_final(session)
        library.message_verify_final(session)
        for end in (library.message_sign_final, library.message_verify_final):
            with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
                end(session)

    def test_a_bad_signature_ends_only_its_message(self, program: Program) -> None:
        library, session = program.library, program.session
        key = program.secret(b"k" * 20)
        how = mechanism(ck.CKM_SHA256_HMAC)
        good = program.run("sign", how, key, b"data")
        library.message_verify_init(session, how, key)
        with refusing(ck.CKR_SIGNATURE_INVALID):
            library.verify_message(session, b"date", good)
        with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
            library.verify_message(session, b"data", good[1:])
        library.verify_message_begin(session)
        with refusing(ck.CKR_SIGNATURE_INVALID):
            library.verify_message_next(session, b"date", good)
        with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
            library.verify_message_next(session, b"data", good)
        library.verify_message(session, b"data", good)

    def test_one_message_at_a_time(self, program: Program) -> None:
        library, session = program.library, program.session
        how, key = mechanism(ck.CKM_SHA256_HMAC), program.secret(b"k" * 20)
        library.message_sign_init(session, how, key)
        with refusing(ck.CKR_OPERATION_ACTIVE):
            library.message_sign_init(session, how, key)
        with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
            library.sign_message_next(session, b"", None, False)
        library.sign_message_begin(session)
        with refusing(ck.CKR_OPERATION_ACTIVE):
            library.sign_message(session, b"", 32)
        with refusing(ck.CKR_OPERATION_ACTIVE):
            library.sign_message_begin(session)

    def test_a_pin_for_each_message(self, program: Program) -> None:
        """CKA_ALWAYS_AUTHENTICATE: each use of the key, and a message is one."""
        library, session, how = program.library, program.session, mechanism(ck.CKM_ECDSA)
        _, private = program.ec(ALWAYS_AUTHENTICATE=True)
        library.message_sign_init(session, how, private)
        for _ in range(2):
            with refusing(ck.CKR_USER_NOT_LOGGED_IN):
                library.sign_message(session, bytes(32), 64)
            program.login(ck.CKU_CONTEXT_SPECIFIC)
            with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
                program.login(ck.CKU_CONTEXT_SPECIFIC)
            assert len(library.sign_message(session, bytes(32), 64)) == 64  # type: ignore[arg-type]

    def test_the_right_to_sign(self, program: Program) -> None:
        key = program.secret(b"k" * 20, SIGN=False)
        with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
            program.library.message_sign_init(program.session, mechanism(ck.CKM_SHA256_HMAC), key)


def test_wrong_sessions(program: Program) -> None:
    library = program.library
    for call in (
        library.message_encrypt_final,
        library.message_decrypt_final,
        library.message_sign_final,
        library.message_verify_final,
        library.sign_message_begin,
    ):
        with refusing(ck.CKR_SESSION_HANDLE_INVALID):
            call(program.session + 1)
