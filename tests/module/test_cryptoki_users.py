"""C_LoginUser, C_SessionCancel, C_GetSessionValidationFlags, C_SeedRandom."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.session import OPERATIONS
from tests.module.program import PIN, SO_PIN, Program, mechanism, refusing


@pytest.mark.parametrize(
    ("user", "pin", "name", "state"),
    [
        (ck.CKU_USER, PIN, b"", ck.CKS_RW_USER_FUNCTIONS),
        (ck.CKU_USER, PIN, b"user", ck.CKS_RW_USER_FUNCTIONS),
        (ck.CKU_SO, SO_PIN, b"", ck.CKS_RW_SO_FUNCTIONS),
        (ck.CKU_SO, SO_PIN, b"so", ck.CKS_RW_SO_FUNCTIONS),
    ],
)
def test_a_login_by_name(library: Cryptoki, user: int, pin: bytes, name: bytes, state: int) -> None:
    program = Program(library)
    library.login_user(program.session, user, pin, name)
    assert library.get_session_info(program.session).state == state


@pytest.mark.parametrize(
    ("user", "pin", "name", "rv"),
    [
        (ck.CKU_USER, PIN, b"alice", ck.CKR_USER_PIN_NOT_INITIALIZED),
        (ck.CKU_USER, PIN, b"so", ck.CKR_USER_PIN_NOT_INITIALIZED),
        (ck.CKU_SO, SO_PIN, b"user", ck.CKR_USER_PIN_NOT_INITIALIZED),
        (ck.CKU_USER, b"wrong", b"user", ck.CKR_PIN_INCORRECT),
        (ck.CKU_USER, None, b"user", ck.CKR_ARGUMENTS_BAD),
        (3, PIN, b"", ck.CKR_USER_TYPE_INVALID),
        (ck.CKU_CONTEXT_SPECIFIC, PIN, b"user", ck.CKR_OPERATION_NOT_INITIALIZED),
    ],
)
def test_a_login_that_fails(
    library: Cryptoki, user: int, pin: bytes | None, name: bytes, rv: int
) -> None:
    program = Program(library)
    with refusing(rv):
        library.login_user(program.session, user, pin, name)
    assert library.get_session_info(program.session).state == ck.CKS_RW_PUBLIC_SESSION


def test_a_wrong_name_is_no_try_of_a_pin(library: Cryptoki) -> None:
    program = Program(library)
    for _ in range(20):
        with refusing(ck.CKR_USER_PIN_NOT_INITIALIZED):
            library.login_user(program.session, ck.CKU_USER, PIN, b"alice")
    assert not library.get_token_info(0).flags & ck.CKF_USER_PIN_LOCKED


def test_cancelling_ends_what_the_flags_name(program: Program) -> None:
    library, session = program.library, program.session
    key = program.secret(b"k" * 16)
    hmac = mechanism(ck.CKM_SHA256_HMAC)
    library.sign_init(session, hmac, key)
    library.verify_init(session, hmac, key)
    library.digest_init(session, mechanism(ck.CKM_SHA256))
    library.find_objects_init(session, [])
    library.session_cancel(session, ck.CKF_SIGN | ck.CKF_FIND_OBJECTS | ck.CKF_MESSAGE_SIGN)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.sign_final(session, 32)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.find_objects(session, 1)
    assert len(library.digest_final(session, 32) or b"") == 32  # type: ignore[arg-type]
    library.session_cancel(session, sum(set(OPERATIONS.values())))
    library.verify_init(session, hmac, key)
    with refusing(ck.CKR_SESSION_HANDLE_INVALID):
        library.session_cancel(session + 1, 0)


def test_nothing_is_validated(program: Program) -> None:
    library, session = program.library, program.session
    assert library.get_session_validation_flags(session, ck.CKS_LAST_VALIDATION_OK) == 0
    with refusing(ck.CKR_ARGUMENTS_BAD):
        library.get_session_validation_flags(session, 2)
    with refusing(ck.CKR_SESSION_HANDLE_INVALID):
        library.get_session_validation_flags(session + 1, ck.CKS_LAST_VALIDATION_OK)


def test_a_seed_reaches_the_cards(program: Program) -> None:
    library, session = program.library, program.session
    library.seed_random(session, b"a seed")
    library.seed_random(session, b"")
    library.seed_random(session, bytes(20_000))
    drawn = {library.generate_random(session, 32) for _ in range(4)}
    assert len(drawn) == 4
    with refusing(ck.CKR_SESSION_HANDLE_INVALID):
        library.seed_random(session + 1, b"a seed")


def test_dual_functions_want_both(program: Program) -> None:
    """And what is active stays so."""
    library, session = program.library, program.session
    library.digest_init(session, mechanism(ck.CKM_SHA256))
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.digest_encrypt_update(session, bytes(16), 16)
    library.encrypt_init(session, mechanism(ck.CKM_AES_ECB), program.aes())
    assert len(library.digest_encrypt_update(session, bytes(16), 16)) == 16  # type: ignore[arg-type]
