"""Operations: right answers, in one call and in parts; the rules of what is active; lengths of
buffers.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from functools import partial

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ghostcard import pkcs11 as ck
from tests.module.program import ED25519, Program, mechanism, refusing

IV = bytes(range(16))
ECB = mechanism(ck.CKM_AES_ECB)
CBC = mechanism(ck.CKM_AES_CBC, IV)
CBC_PAD = mechanism(ck.CKM_AES_CBC_PAD, IV)
CTR = mechanism(ck.CKM_AES_CTR, 128, IV)
GCM = mechanism(ck.CKM_AES_GCM, 128, 12, IV[:12], b"associated")
SHORT_GCM = mechanism(ck.CKM_AES_GCM, 96, 12, IV[:12])
ECDSA = mechanism(ck.CKM_ECDSA)
EDDSA = mechanism(ck.CKM_EDDSA)
RSA = mechanism(ck.CKM_RSA_PKCS)
OAEP = mechanism(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 1, b"label")
PSS = mechanism(ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 32)
SHA256_RSA = mechanism(ck.CKM_SHA256_RSA_PKCS)
SHA256 = mechanism(ck.CKM_SHA256)
HMAC = mechanism(ck.CKM_SHA256_HMAC)
SHORT_HMAC = mechanism(ck.CKM_SHA256_HMAC_GENERAL, 10)

CIPHERS = {
    "ecb": (ECB, (0, 16, 64, 16 * 5000)),
    "cbc": (CBC, (0, 16, 64, 16 * 5000)),
    "cbc-pad": (CBC_PAD, (0, 1, 15, 16, 17, 100, 100_001)),
    "ctr": (CTR, (0, 1, 15, 16, 17, 100, 100_001)),
    "gcm": (GCM, (0, 1, 15, 16, 17, 100, 50_001)),
    "gcm-96": (SHORT_GCM, (0, 1, 100)),
}


@pytest.mark.parametrize("name", CIPHERS)
def test_ciphers_in_one_call_and_in_parts(program: Program, name: str) -> None:
    how, sizes = CIPHERS[name]
    key = program.aes()
    for size in sizes:
        data = os.urandom(size)
        encrypted = program.run("encrypt", how, key, data)
        assert program.run("decrypt", how, key, encrypted) == data
        for step in {1, 16, 33, 60_000} if size < 200 else {7777, 70_000}:
            assert program.run_in_parts("encrypt", how, key, data, step) == encrypted
            assert program.run_in_parts("decrypt", how, key, encrypted, step) == data


def test_ciphertext_is_that_of_another_implementation(program: Program) -> None:
    key = program.aes(SENSITIVE=False, EXTRACTABLE=True)
    value = program.one(key, "VALUE")
    data = os.urandom(100_000)
    for how, mode in ((CTR, modes.CTR(IV)), (CBC, modes.CBC(IV)), (ECB, modes.ECB())):
        context = Cipher(algorithms.AES(value), mode).encryptor()
        assert program.run("encrypt", how, key, data) == context.update(data) + context.finalize()


@pytest.mark.parametrize("name", ["sha1", "sha224", "sha256", "sha384", "sha512"])
def test_digests(program: Program, name: str) -> None:
    how = mechanism(ck.CKM_SHA_1 if name == "sha1" else getattr(ck, f"CKM_{name.upper()}"))
    for size in (0, 1, 64, 100_000):
        data = os.urandom(size)
        expected = hashlib.new(name, data).digest()
        assert program.run("digest", how, None, data) == expected
        assert program.run_in_parts("digest", how, None, data, 33_333) == expected


def test_digest_of_a_key(program: Program) -> None:
    library, session = program.library, program.session
    key = program.secret(b"value of the key")
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.digest_key(session, key)
    library.digest_init(session, SHA256)
    library.digest_update(session, b"before ")
    library.digest_key(session, key)
    library.digest_update(session, b" after")
    expected = hashlib.sha256(b"before value of the key after").digest()
    assert library.digest_final(session, 32) == expected


def test_authentication_codes(program: Program) -> None:
    value = b"key of the code"
    key = program.secret(value)
    for size in (0, 1, 100, 100_000):
        data = os.urandom(size)
        expected = hmac.digest(value, data, "sha256")
        for how, code in ((HMAC, expected), (SHORT_HMAC, expected[:10])):
            assert program.run("sign", how, key, data) == code
            assert program.run_in_parts("sign", how, key, data, 33_333) == code
            program.verify(how, key, data, code)


SIGNERS = {
    "ecdsa": (ECDSA, "ec", 32),
    "ecdsa-sha256": (mechanism(ck.CKM_ECDSA_SHA256), "ec", 100_000),
    "eddsa": (EDDSA, "edwards", 1000),
    "rsa-pkcs": (RSA, "rsa", 51),
    "sha256-rsa-pkcs": (SHA256_RSA, "rsa", 100_000),
    "sha256-rsa-pss": (PSS, "rsa", 1000),
}


def _pair(program: Program, kind: str) -> tuple[int, int]:
    if kind == "rsa":
        return program.rsa()
    return program.ec(ED25519) if kind == "edwards" else program.ec()


@pytest.mark.parametrize("name", SIGNERS)
def test_signatures_in_one_call_and_in_parts(program: Program, name: str) -> None:
    how, kind, size = SIGNERS[name]
    public, private = _pair(program, kind)
    library, session, data = program.library, program.session, os.urandom(size)
    signature = program.run("sign", how, private, data)
    in_parts = program.run_in_parts("sign", how, private, data, 7777)
    for each in (signature, in_parts):
        program.verify(how, public, data, each)
        library.verify_init(session, how, public)
        library.verify_update(session, data[:10])
        library.verify_update(session, data[10:])
        library.verify_final(session, each)
    bent = signature[:-1] + bytes((signature[-1] ^ 1,))
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(how, public, data, bent)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(how, public, data[:-1] + bytes((data[-1] ^ 1,)), signature)
    for wrong in (b"", signature[:-1], signature + b"\0"):
        with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
            program.verify(how, public, data, wrong)
        library.verify_init(session, how, public)
        library.verify_update(session, data)
        with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
            library.verify_final(session, wrong)


def test_encryption_with_rsa(program: Program) -> None:
    public, private = program.rsa()
    for how in (RSA, OAEP):
        encrypted = program.run("encrypt", how, public, b"message")
        assert len(encrypted) == 256
        program.init("decrypt", how, private)
        assert program.library.decrypt(program.session, encrypted, 7) == b"message"


def _one_call(program: Program, function: str) -> Callable[[], object]:
    call = getattr(program.library, function)
    last = b"" if function == "verify" else 1000
    return partial(call, program.session, bytes(32), last)


def _part(program: Program, function: str) -> Callable[[], object]:
    call = getattr(program.library, f"{function}_update")
    more = (1000,) if function in ("encrypt", "decrypt") else ()
    return partial(call, program.session, bytes(32), *more)


def _final(program: Program, function: str) -> Callable[[], object]:
    call = getattr(program.library, f"{function}_final")
    return partial(call, program.session, bytes(32) if function == "verify" else 1000)


FUNCTIONS = ("encrypt", "decrypt", "digest", "sign", "verify")


@pytest.fixture
def begin(program: Program) -> Callable[[str], None]:
    """Starts an operation of each kind."""
    aes, secret = program.aes(), program.secret(b"secret")
    keys = {"encrypt": aes, "decrypt": aes, "digest": None, "sign": secret, "verify": secret}
    hows = {"encrypt": CBC, "decrypt": CBC, "digest": SHA256, "sign": HMAC, "verify": HMAC}
    return lambda function: program.init(function, hows[function], keys[function])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_was_not_started_cannot_go_on(program: Program, function: str) -> None:
    for step in (_one_call, _part, _final):
        with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
            step(program, function)()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_active_cannot_be_started_again(
    program: Program, begin: Callable[[str], None], function: str
) -> None:
    begin(function)
    with refusing(ck.CKR_OPERATION_ACTIVE):
        begin(function)
    _part(program, function)()
    with refusing(ck.CKR_OPERATION_ACTIVE):
        begin(function)
    if function != "verify":
        _final(program, function)()
        begin(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_kind_does_not_disturb_another(
    program: Program, begin: Callable[[str], None], function: str
) -> None:
    for each in FUNCTIONS:
        begin(each)
    _part(program, function)()
    for each in FUNCTIONS:
        with refusing(ck.CKR_OPERATION_ACTIVE):
            begin(each)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_one_call_does_not_end_what_has_parts(
    program: Program, begin: Callable[[str], None], function: str
) -> None:
    begin(function)
    _part(program, function)()
    with refusing(ck.CKR_OPERATION_ACTIVE):
        _one_call(program, function)()
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):  # the error has ended it
        _final(program, function)()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_mechanism_cancels(
    program: Program, begin: Callable[[str], None], function: str
) -> None:
    begin(function)
    _part(program, function)()
    program.init(function, None, None if function == "digest" else 0)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        _final(program, function)()
    begin(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_sessions_have_operations_of_their_own(
    program: Program, begin: Callable[[str], None], function: str
) -> None:
    begin(function)
    other = Program(program.library)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        _one_call(other, function)()


@pytest.mark.parametrize("function", ["encrypt", "digest", "sign"])
def test_a_short_buffer_keeps_the_operation(
    program: Program, begin: Callable[[str], None], function: str
) -> None:
    call = getattr(program.library, function)
    begin(function)
    for capacity in (None, 0, 31, None):
        assert call(program.session, bytes(32), capacity) == 32
    assert len(call(program.session, bytes(32), 32)) == 32
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        call(program.session, bytes(32), 32)


@pytest.mark.parametrize("function", ["encrypt", "digest", "sign"])
def test_a_short_buffer_at_the_end_keeps_the_operation(program: Program, function: str) -> None:
    key = {"encrypt": program.aes(), "digest": None, "sign": program.secret(b"x")}[function]
    how, size = {"encrypt": (CBC_PAD, 16), "digest": (SHA256, 32), "sign": (HMAC, 32)}[function]
    expected = program.run(function, how, key, b"0123456789")
    program.init(function, how, key)
    update = getattr(program.library, f"{function}_update")
    update(program.session, b"0123456789", *((0,) if function == "encrypt" else ()))
    final = getattr(program.library, f"{function}_final")
    for capacity in (None, 0, size - 1):
        assert final(program.session, capacity) == size
    assert final(program.session, size) == expected


def test_a_decryption_whose_length_is_known_late_waits_for_room(program: Program) -> None:
    """The padding is seen only when the card has decrypted: the result is kept until it fits."""
    library, session, key = program.library, program.session, program.aes()
    encrypted = program.run("encrypt", CBC_PAD, key, b"0123456789")
    library.decrypt_init(session, CBC_PAD, key)
    assert library.decrypt(session, encrypted, None) == 16  # at most
    assert library.decrypt(session, encrypted, 9) == 10  # exactly
    assert library.decrypt(session, encrypted, None) == 10
    assert library.decrypt(session, encrypted, 10) == b"0123456789"
    library.decrypt_init(session, CBC_PAD, key)
    assert library.decrypt(session, encrypted, 10) == b"0123456789"
    library.decrypt_init(session, CBC_PAD, key)
    assert library.decrypt_update(session, encrypted, 0) == b""
    assert library.decrypt_final(session, 9) == 10
    assert library.decrypt_final(session, 10) == b"0123456789"


def test_room_for_parts(program: Program) -> None:
    """An update tells its exact length, and takes a part only together with its result."""
    library, session, key = program.library, program.session, program.aes()
    library.encrypt_init(session, CBC, key)
    assert library.encrypt_update(session, bytes(10), None) == 0
    assert library.encrypt_update(session, bytes(10), 0) == b""
    assert library.encrypt_update(session, bytes(10), None) == 16
    assert library.encrypt_update(session, bytes(10), 15) == 16
    first = library.encrypt_update(session, bytes(10), 16)
    second = library.encrypt_update(session, bytes(12), 16)
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert library.encrypt_final(session, 0) == b""
    assert first + second == program.run("encrypt", CBC, key, bytes(32))


DUAL_STEPS = (1, 16, 40)


@pytest.mark.parametrize("step", DUAL_STEPS)
def test_dual_functions(program: Program, step: int) -> None:
    library, session = program.library, program.session
    key, secret, data = program.aes(), program.secret(b"x"), os.urandom(160)
    encrypted = program.run("encrypt", CBC, key, data)
    digest = hashlib.sha256(data).digest()
    code = hmac.digest(b"x", data, "sha256")

    def feed(update: Callable[[int, bytes, int | None], bytes | int], given: bytes) -> bytes:
        """In parts; each is first refused for want of room."""
        out = b""
        for start in range(0, len(given), step):
            part = given[start : start + step]
            room = update(session, part, None)
            assert isinstance(room, int)
            if room:
                assert isinstance(update(session, part, 0), int)
            result = update(session, part, room)
            assert isinstance(result, bytes)
            out += result
        return out

    library.digest_init(session, SHA256)
    library.encrypt_init(session, CBC, key)
    assert feed(library.digest_encrypt_update, data) == encrypted
    assert library.encrypt_final(session, 0) == b""
    assert library.digest_final(session, 32) == digest

    library.decrypt_init(session, CBC, key)
    library.digest_init(session, SHA256)
    assert feed(library.decrypt_digest_update, encrypted) == data
    assert library.digest_final(session, 32) == digest
    library.decrypt_final(session, 0)

    library.sign_init(session, HMAC, secret)
    library.encrypt_init(session, CBC, key)
    assert feed(library.sign_encrypt_update, data) == encrypted
    assert library.sign_final(session, 32) == code
    library.encrypt_final(session, 0)

    library.decrypt_init(session, CBC, key)
    library.verify_init(session, HMAC, secret)
    assert feed(library.decrypt_verify_update, encrypted) == data
    library.verify_final(session, code)


DATA_ERRORS = [
    ("encrypt", ECB, bytes(15), ck.CKR_DATA_LEN_RANGE),
    ("encrypt", CBC, bytes(17), ck.CKR_DATA_LEN_RANGE),
    ("decrypt", CBC, bytes(17), ck.CKR_ENCRYPTED_DATA_LEN_RANGE),
    ("decrypt", CBC_PAD, bytes(15), ck.CKR_ENCRYPTED_DATA_LEN_RANGE),
    ("decrypt", CBC_PAD, bytes(16), ck.CKR_ENCRYPTED_DATA_INVALID),
    ("decrypt", GCM, bytes(15), ck.CKR_ENCRYPTED_DATA_LEN_RANGE),
    ("decrypt", GCM, bytes(40), ck.CKR_ENCRYPTED_DATA_INVALID),
]


@pytest.mark.parametrize(("function", "how", "data", "rv"), DATA_ERRORS)
def test_data_that_does_not_fit(
    program: Program, function: str, how: bytes, data: bytes, rv: int
) -> None:
    key = program.create(
        CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_AES, VALUE=bytes(32)
    )  # a known key, so that bytes(16) has no padding by accident
    call = getattr(program.library, function)
    program.init(function, how, key)
    with refusing(rv):
        call(program.session, data, 1000)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):  # the error has ended it
        call(program.session, data, 1000)
    assert program.library.get_session_info(program.session).device_error in (
        rv,
        ck.CKR_DATA_LEN_RANGE,
    )


def test_signing_more_than_the_key_can(program: Program) -> None:
    _, private = program.rsa()
    program.init("sign", RSA, private)
    with refusing(ck.CKR_DATA_LEN_RANGE):
        program.library.sign(program.session, bytes(246), 256)


@pytest.mark.parametrize(
    "how", [b"", b"\0", b"\0\0\0", mechanism(0x7FFFFFFF), mechanism(ck.CKM_DES3_CBC)]
)
def test_mechanisms_that_are_none(program: Program, how: bytes) -> None:
    key = program.aes()
    for function in FUNCTIONS:
        with refusing(ck.CKR_MECHANISM_INVALID):
            program.init(function, how, None if function == "digest" else key)


@pytest.mark.parametrize(
    "how",
    [
        mechanism(ck.CKM_AES_CBC),
        mechanism(ck.CKM_AES_CBC, IV[:15]),
        mechanism(ck.CKM_AES_ECB, b"x"),
        mechanism(ck.CKM_AES_CTR, 128),
        mechanism(ck.CKM_AES_GCM, 128),
    ],
)
def test_parameters_of_a_wrong_length(program: Program, how: bytes) -> None:
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init("encrypt", how, program.aes())


def test_keys_for_the_wrong_mechanism_or_function(program: Program) -> None:
    aes, secret = program.aes(), program.secret(b"x")
    public, private = program.ec()
    certificate = program.data("no key")
    wrong = [
        ("encrypt", CBC, secret, ck.CKR_KEY_TYPE_INCONSISTENT),
        ("encrypt", CBC, public, ck.CKR_KEY_TYPE_INCONSISTENT),
        ("sign", HMAC, aes, ck.CKR_KEY_TYPE_INCONSISTENT),
        ("sign", ECDSA, public, ck.CKR_KEY_TYPE_INCONSISTENT),
        ("verify", ECDSA, private, ck.CKR_KEY_TYPE_INCONSISTENT),
        ("sign", SHA256_RSA, private, ck.CKR_KEY_TYPE_INCONSISTENT),
        ("sign", EDDSA, private, ck.CKR_KEY_TYPE_INCONSISTENT),
        ("encrypt", ECDSA, public, ck.CKR_MECHANISM_INVALID),
        ("sign", CBC, aes, ck.CKR_MECHANISM_INVALID),
        ("encrypt", CBC, certificate, ck.CKR_KEY_HANDLE_INVALID),
        ("encrypt", CBC, 4711, ck.CKR_KEY_HANDLE_INVALID),
        ("encrypt", CBC, 0, ck.CKR_KEY_HANDLE_INVALID),
    ]
    for function, how, key, rv in wrong:
        with refusing(rv):
            program.init(function, how, key)


@pytest.mark.parametrize("function", ["encrypt", "decrypt", "sign", "verify"])
def test_keys_that_may_not(program: Program, function: str) -> None:
    flags = {function.upper(): False}
    if function in ("encrypt", "decrypt"):
        key, how = program.aes(**flags), CBC
    else:
        key, how = program.secret(b"x", **flags), HMAC
    with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
        program.init(function, how, key)


def test_a_right_that_is_taken_away_ends_what_was_prepared(program: Program) -> None:
    key = program.aes()
    program.run("encrypt", CBC, key, bytes(16))
    program.set(key, ENCRYPT=False)
    with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
        program.init("encrypt", CBC, key)
    program.set(key, ENCRYPT=True)
    program.run("encrypt", CBC, key, bytes(16))


def test_allowed_mechanisms(program: Program) -> None:
    allowed = b"".join(number.to_bytes(8, "little") for number in (ck.CKM_AES_ECB, ck.CKM_AES_CTR))
    key = program.aes(ALLOWED_MECHANISMS=allowed)
    for how in (ECB, CTR):
        program.run("encrypt", how, key, bytes(16))
    with refusing(ck.CKR_MECHANISM_INVALID):
        program.init("encrypt", CBC, key)


def test_a_key_that_asks_for_the_pin_each_time(program: Program) -> None:
    library, session = program.library, program.session
    public, private = program.ec(ALWAYS_AUTHENTICATE=True)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.login(session, ck.CKU_CONTEXT_SPECIFIC, b"1234")
    for _ in range(2):
        library.sign_init(session, ECDSA, private)
        with refusing(ck.CKR_PIN_INCORRECT):
            library.login(session, ck.CKU_CONTEXT_SPECIFIC, b"wrong")
        library.login(session, ck.CKU_CONTEXT_SPECIFIC, b"1234")
        signature = library.sign(session, bytes(32), 64)
        assert isinstance(signature, bytes)
        program.verify(ECDSA, public, bytes(32), signature)
    library.sign_init(session, ECDSA, private)
    with refusing(ck.CKR_USER_NOT_LOGGED_IN):
        library.sign(session, bytes(32), 64)
    library.sign_init(session, ECDSA, private)
    with refusing(ck.CKR_USER_NOT_LOGGED_IN):
        library.sign_update(session, bytes(32))


def test_many_mechanisms_leave_a_bounded_trace(program: Program) -> None:
    key = program.aes()
    for number in range(100):
        how = mechanism(ck.CKM_AES_GCM, 128, 12, number.to_bytes(12, "big"))
        program.run("encrypt", how, key, b"data")
    entry = program.library._slots[0].token.objects[key]
    assert len(entry.prepared) == 16
    assert len(entry.checked) == 1


def test_data_comes_back_from_its_signature(program: Program) -> None:
    public, private = program.rsa()
    library, session = program.library, program.session
    flags = ck.CKF_SIGN_RECOVER | ck.CKF_VERIFY_RECOVER
    assert library.get_mechanism_info(0, ck.CKM_RSA_PKCS).flags & flags == flags
    signature = program.run("sign_recover", RSA, private, b"message")
    assert signature == program.run("sign", RSA, private, b"message")
    library.verify_recover_init(session, RSA, public)
    for capacity in (None, 0, 6):
        assert library.verify_recover(session, signature, capacity) == 7
    assert library.verify_recover(session, signature, 7) == b"message"
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.verify_recover(session, signature, 7)
    for bad, rv in (
        (signature[:-1], ck.CKR_SIGNATURE_LEN_RANGE),
        (signature[:-1] + bytes((signature[-1] ^ 1,)), ck.CKR_SIGNATURE_INVALID),
        (b"\xff" * 256, ck.CKR_SIGNATURE_INVALID),
        (bytes(256), ck.CKR_SIGNATURE_INVALID),
        (bytes(255) + b"\1", ck.CKR_SIGNATURE_INVALID),
    ):
        library.verify_recover_init(session, RSA, public)
        with refusing(rv):
            library.verify_recover(session, bad, 256)
        with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
            library.verify_recover(session, signature, 256)


def test_rules_of_recovery(program: Program) -> None:
    public, private = program.rsa(SIGN_RECOVER=False)
    library, session = program.library, program.session
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.sign_recover(session, b"x", 256)
    with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
        library.sign_recover_init(session, RSA, private)
    with refusing(ck.CKR_MECHANISM_INVALID):
        library.verify_recover_init(session, SHA256_RSA, public)
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        library.verify_recover_init(session, RSA, private)
    for init in (library.sign_recover_init, library.verify_recover_init):
        key = program.rsa()[init == library.sign_recover_init]
        init(session, RSA, key)
        with refusing(ck.CKR_OPERATION_ACTIVE):
            init(session, RSA, key)
        init(session, None, 0)
        init(session, RSA, key)


def test_random_numbers(program: Program) -> None:
    library, session = program.library, program.session
    assert library.generate_random(session, 0) == b""
    long = library.generate_random(session, 100_000)
    assert len(long) == 100_000
    assert len({long[i : i + 16] for i in range(0, 100_000, 16)}) == 6250
    with refusing(ck.CKR_RANDOM_SEED_NOT_SUPPORTED):
        library.seed_random(session, b"seed")
