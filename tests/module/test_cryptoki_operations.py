"""Operations: the rules of what is active, the lengths of buffers, and what is refused."""

import hashlib
import hmac
from collections.abc import Callable
from functools import partial

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import request
from ghostcard.firmware.abi.verbs import (
    DIGEST,
    DIGEST_INIT,
    DIGEST_UPDATE,
    ENCRYPT,
    ENCRYPT_INIT,
    ENCRYPT_SINGLE,
    ENCRYPT_UPDATE,
)
from tests.module.mechanisms import (
    CBC,
    CBC_PAD,
    CTR,
    ECB,
    ECDSA,
    EDDSA,
    GCM,
    HMAC,
    IV,
    RSA,
    SHA256,
    SHA256_RSA,
)
from tests.module.program import Program, mechanism, refusing


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


def test_plaintext_that_the_card_cannot_hold_back(program: Program) -> None:
    """AES-GCM gives out nothing before the tag, so card memory bounds a decryption: 16 MiB."""
    library, session, key = program.library, program.session, program.aes()
    library.decrypt_init(session, GCM, key)
    with refusing(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        library.decrypt(session, bytes((16 << 20) + 1), 32 << 20)


def test_signing_more_than_the_key_can(program: Program) -> None:
    _, private = program.rsa()
    program.init("sign", RSA, private)
    with refusing(ck.CKR_DATA_LEN_RANGE):
        program.library.sign(program.session, bytes(246), 256)


@pytest.mark.parametrize(
    "how", [b"", b"\0", b"\0\0\0", mechanism(0x7FFFFFFF), mechanism(ck.CKM_BLOWFISH_CBC)]
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


PARAMETERS_OF_NO_CARD = [
    ("encrypt", "aes", mechanism(ck.CKM_AES_GCM, 0, 12, bytes(12))),
    ("encrypt", "aes", mechanism(ck.CKM_AES_GCM, 0xFFFFFFFF, 12, bytes(12))),
    ("encrypt", "aes", mechanism(ck.CKM_AES_GCM, 128, 0)),
    ("encrypt", "aes", mechanism(ck.CKM_AES_CTR, 0, bytes(16))),
    ("encrypt", "aes", mechanism(ck.CKM_AES_CTR, 129, bytes(16))),
    ("sign", "secret", mechanism(ck.CKM_SHA256_HMAC_GENERAL, 0)),
    ("sign", "secret", mechanism(ck.CKM_SHA256_HMAC_GENERAL, 33)),
    ("sign", "rsa", mechanism(ck.CKM_RSA_PKCS_PSS, 0, ck.CKG_MGF1_SHA256, 32)),
    ("sign", "rsa", mechanism(ck.CKM_RSA_PKCS_PSS, ck.CKM_SHA256, 99, 32)),
    ("sign", "rsa", mechanism(ck.CKM_RSA_PKCS_PSS, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 223)),
    ("decrypt", "rsa", mechanism(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA256, 99, 1)),
    ("decrypt", "rsa", mechanism(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 0, b"x")),
]


@pytest.mark.parametrize(("function", "kind", "how"), PARAMETERS_OF_NO_CARD)
def test_parameters_that_no_card_takes_are_refused_at_once(
    program: Program, function: str, kind: str, how: bytes
) -> None:
    """Not later: C_Encrypt would be asked for a length first, and tell nonsense."""
    if kind == "rsa":
        _, key = program.rsa()
    else:
        key = program.aes() if kind == "aes" else program.secret(b"x")
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init(function, how, key)


def test_more_data_than_a_mechanism_without_parts_takes(program: Program) -> None:
    public, private = program.rsa()
    long = bytes(100_000)
    with refusing(ck.CKR_DATA_LEN_RANGE):
        program.run("encrypt", mechanism(ck.CKM_RSA_PKCS), public, long)
    with refusing(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        program.run("decrypt", mechanism(ck.CKM_RSA_PKCS), private, long)


def requests_of(program: Program, action: Callable[[], object]) -> list[int]:
    """The verbs the card is asked for meanwhile."""
    machine = program.library._machine
    assert machine is not None
    native, seen = machine.native, list[int]()
    perform = native._perform

    def spy(qid: int, block: bytes) -> tuple[int, bytes, str, int]:
        seen.append(request.unpack(block)[0].function)
        return perform(qid, block)

    native._perform = spy
    action()
    native._perform = perform
    return seen


def aes_of(program: Program, value: bytes) -> int:
    return program.create(
        CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_AES, VALUE=value, ENCRYPT=True, DECRYPT=True
    )


@pytest.mark.parametrize("size", [57_360, 65_536, 200_000])
@pytest.mark.parametrize(("how", "mode"), [(CBC, modes.CBC(IV)), (ECB, modes.ECB())])
def test_a_long_message_is_chained_without_a_context(
    program: Program, how: bytes, mode: modes.CBC | modes.ECB, size: int
) -> None:
    value, plain = bytes(range(32)), bytes(range(200)) * (size // 200 + 1)
    plain = plain[:size]
    key = aes_of(program, value)
    expected = Cipher(AES(value), mode).encryptor().update(plain)
    assert program.run("encrypt", how, key, plain) == expected
    verbs = requests_of(program, lambda: program.run("encrypt", how, key, plain))
    assert verbs == [ENCRYPT_SINGLE] * -(-size // 57_344)
    assert program.run("decrypt", how, key, expected) == plain
    with refusing(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        program.run("decrypt", how, key, expected + b"x")


@pytest.mark.parametrize("size", [57_345, 65_536, 200_000])
def test_a_long_message_ends_with_its_last_part(program: Program, size: int) -> None:
    value, plain = bytes(range(32)), bytes(size)
    key = aes_of(program, value)
    pieces = -(-size // 57_344)
    sealed = AESGCM(value).encrypt(IV[:12], plain, b"associated")
    assert program.run("encrypt", GCM, key, plain) == sealed
    verbs = requests_of(program, lambda: program.run("encrypt", GCM, key, plain))
    assert verbs == [ENCRYPT_INIT, *[ENCRYPT_UPDATE] * (pieces - 1), ENCRYPT]
    assert program.run("digest", SHA256, None, plain) == hashlib.sha256(plain).digest()
    verbs = requests_of(program, lambda: program.run("digest", SHA256, None, plain))
    assert verbs == [DIGEST_INIT, *[DIGEST_UPDATE] * (pieces - 1), DIGEST]
    mac = hmac.digest(b"key", plain, "sha256")
    assert program.run("sign", HMAC, program.secret(b"key", SIGN=True), plain) == mac


def test_a_part_that_did_not_fit_was_not_taken(program: Program) -> None:
    """Also of a padded decryption: the caller may go on with a shorter part."""
    library, session, key = program.library, program.session, program.aes()
    plain = bytes(range(64))
    encrypted = program.run("encrypt", CBC_PAD, key, plain)
    library.decrypt_init(session, CBC_PAD, key)
    assert library.decrypt_update(session, encrypted[:64], None) == 48
    assert library.decrypt_update(session, encrypted[:64], 47) == 48
    parts = [
        library.decrypt_update(session, encrypted[at : at + 16], 16) for at in range(0, 80, 16)
    ]
    assert parts == [b"", *(plain[at : at + 16] for at in range(0, 64, 16))]
    assert library.decrypt_final(session, 16) == b""
