"""Sessions and logins: the matrix of states, who sees what, and what ends what."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.session import NOBODY, STATES
from tests.module.program import PIN, RO, RW, SO_PIN, Program, refusing

PINS = {ck.CKU_USER: PIN, ck.CKU_SO: SO_PIN}


def logged_in(library: Cryptoki, flags: int, user: int) -> Program:
    program = Program(library, flags)
    if user != NOBODY:
        program.login(user, PINS[user])
    return program


@pytest.mark.parametrize(("is_rw", "user"), STATES)
def test_states(library: Cryptoki, is_rw: bool, user: int) -> None:
    """PKCS #11 3.2, 5.6: every state, its flags, and the state of all other sessions."""
    program = logged_in(library, RW if is_rw else RO, user)
    slot, state, flags, device_error = library.get_session_info(program.session)
    assert (slot, state, device_error) == (0, STATES[is_rw, user], 0)
    assert flags == (RW if is_rw else RO)
    other = library.open_session(0, RW)  # the login is the token's, not the session's
    assert library.get_session_info(other).state == STATES[True, user]


LOGINS = {
    # (who is logged in, who logs in) -> answer
    (NOBODY, ck.CKU_USER): ck.CKR_OK,
    (NOBODY, ck.CKU_SO): ck.CKR_OK,
    (ck.CKU_USER, ck.CKU_USER): ck.CKR_USER_ALREADY_LOGGED_IN,
    (ck.CKU_USER, ck.CKU_SO): ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
    (ck.CKU_SO, ck.CKU_SO): ck.CKR_USER_ALREADY_LOGGED_IN,
    (ck.CKU_SO, ck.CKU_USER): ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
}


@pytest.mark.parametrize(("before", "user"), LOGINS)
def test_logins(library: Cryptoki, before: int, user: int) -> None:
    program = logged_in(library, RW, before)
    expected = LOGINS[before, user]
    if expected == ck.CKR_OK:
        program.login(user, PINS[user])
        assert library.get_session_info(program.session).state == STATES[True, user]
    else:
        with refusing(expected):
            program.login(user, PINS[user])
        assert library.get_session_info(program.session).state == STATES[True, before]


@pytest.mark.parametrize("user", [3, 7, 1 << 63])
def test_unknown_users(library: Cryptoki, user: int) -> None:
    with refusing(ck.CKR_USER_TYPE_INVALID):
        Program(library).login(user)


def test_the_so_and_read_only_sessions_exclude_each_other(library: Cryptoki) -> None:
    reader = Program(library, RO)
    writer = Program(library, RW)
    with refusing(ck.CKR_SESSION_READ_ONLY_EXISTS):
        writer.login(ck.CKU_SO, SO_PIN)
    library.close_session(reader.session)
    writer.login(ck.CKU_SO, SO_PIN)
    with refusing(ck.CKR_SESSION_READ_WRITE_SO_EXISTS):
        Program(library, RO)


def test_logout_needs_a_login(library: Cryptoki) -> None:
    program = Program(library)
    with refusing(ck.CKR_USER_NOT_LOGGED_IN):
        library.logout(program.session)
    program.login()
    library.logout(program.session)
    with refusing(ck.CKR_USER_NOT_LOGGED_IN):
        library.logout(program.session)


def test_closing_the_last_session_logs_out(library: Cryptoki) -> None:
    first, second = Program(library), Program(library)
    first.login()
    library.close_session(first.session)
    assert library.get_session_info(second.session).state == ck.CKS_RW_USER_FUNCTIONS
    library.close_session(second.session)
    third = Program(library)
    assert library.get_session_info(third.session).state == ck.CKS_RW_PUBLIC_SESSION
    third.login()
    library.close_all_sessions(0)
    with refusing(ck.CKR_SESSION_HANDLE_INVALID):
        library.get_session_info(third.session)
    assert library.get_session_info(Program(library).session).state == ck.CKS_RW_PUBLIC_SESSION


def test_handles_are_never_used_twice(library: Cryptoki) -> None:
    handles = []
    for _ in range(3):
        handles.append(library.open_session(0, RW))
        library.close_session(handles[-1])
    library.finalize()
    library.initialize()
    handles.append(library.open_session(0, RW))
    assert len(set(handles)) == 4
    assert ck.CK_INVALID_HANDLE not in handles
    with refusing(ck.CKR_SESSION_HANDLE_INVALID):
        library.close_session(handles[0])


@pytest.mark.parametrize(
    ("flags", "rv"),
    [
        (0, ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED),
        (ck.CKF_RW_SESSION, ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED),
    ],
)
def test_flags_of_open_session(library: Cryptoki, flags: int, rv: int) -> None:
    with refusing(rv):
        library.open_session(0, flags)


def test_slots_without_token_and_unknown_ones(library: Cryptoki) -> None:
    with refusing(ck.CKR_TOKEN_NOT_RECOGNIZED):
        library.open_session(1, RW)
    for slot in (2, 1 << 63):
        with refusing(ck.CKR_SLOT_ID_INVALID):
            library.open_session(slot, RW)


def test_private_objects_come_and_go_with_the_login(program: Program) -> None:
    library = program.library
    private = program.data("private", PRIVATE=True, TOKEN=True)
    in_session = program.data("private in session", PRIVATE=True)
    public = program.data("public", TOKEN=True)
    assert set(program.find()) == {private, in_session, public}
    library.logout(program.session)
    assert program.find() == [public]
    for gone in (private, in_session):
        with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
            program.get(gone, "LABEL")
    program.login()
    (again,) = program.find(PRIVATE=True)
    assert program.one(again, "LABEL") == b"private"
    with refusing(ck.CKR_OBJECT_HANDLE_INVALID):  # an old handle never comes back to life
        program.get(private, "LABEL")


def test_the_so_sees_no_private_objects_and_makes_none(program: Program) -> None:
    program.data("private", PRIVATE=True, TOKEN=True)
    program.library.logout(program.session)
    program.login(ck.CKU_SO, SO_PIN)
    assert program.find() == []
    with refusing(ck.CKR_USER_NOT_LOGGED_IN):
        program.data("another", PRIVATE=True)
    public = program.data("public", TOKEN=True)
    assert program.find() == [public]


WRITING = {
    # (read/write session, who, CKA_TOKEN, CKA_PRIVATE) -> answer to C_CreateObject
    (False, NOBODY, False, False): ck.CKR_OK,
    (False, NOBODY, False, True): ck.CKR_USER_NOT_LOGGED_IN,
    (False, NOBODY, True, False): ck.CKR_SESSION_READ_ONLY,
    (False, NOBODY, True, True): ck.CKR_SESSION_READ_ONLY,
    (False, ck.CKU_USER, False, False): ck.CKR_OK,
    (False, ck.CKU_USER, False, True): ck.CKR_OK,
    (False, ck.CKU_USER, True, False): ck.CKR_SESSION_READ_ONLY,
    (False, ck.CKU_USER, True, True): ck.CKR_SESSION_READ_ONLY,
    (True, NOBODY, False, False): ck.CKR_OK,
    (True, NOBODY, False, True): ck.CKR_USER_NOT_LOGGED_IN,
    (True, NOBODY, True, False): ck.CKR_OK,
    (True, NOBODY, True, True): ck.CKR_USER_NOT_LOGGED_IN,
    (True, ck.CKU_USER, False, False): ck.CKR_OK,
    (True, ck.CKU_USER, False, True): ck.CKR_OK,
    (True, ck.CKU_USER, True, False): ck.CKR_OK,
    (True, ck.CKU_USER, True, True): ck.CKR_OK,
    (True, ck.CKU_SO, False, False): ck.CKR_OK,
    (True, ck.CKU_SO, False, True): ck.CKR_USER_NOT_LOGGED_IN,
    (True, ck.CKU_SO, True, False): ck.CKR_OK,
    (True, ck.CKU_SO, True, True): ck.CKR_USER_NOT_LOGGED_IN,
}


@pytest.mark.parametrize(("is_rw", "user"), STATES)
def test_who_may_create_what_where(library: Cryptoki, is_rw: bool, user: int) -> None:
    """PKCS #11 3.2, 5.6, table of access to the kinds of objects by kinds of sessions."""
    program = logged_in(library, RW if is_rw else RO, user)
    for token in (False, True):
        for private in (False, True):
            expected = WRITING[is_rw, user, token, private]
            if expected == ck.CKR_OK:
                made = program.data("x", TOKEN=token, PRIVATE=private)
                assert made in program.find()
                library.destroy_object(program.session, made)
            else:
                with refusing(expected):
                    program.data("x", TOKEN=token, PRIVATE=private)


def test_read_only_sessions_leave_token_objects_alone(library: Cryptoki) -> None:
    writer, reader = Program(library, RW), Program(library, RO)
    made = writer.data("on the token", TOKEN=True)
    assert reader.find() == [made]
    with refusing(ck.CKR_SESSION_READ_ONLY):
        reader.set(made, LABEL="changed")
    with refusing(ck.CKR_SESSION_READ_ONLY):
        library.destroy_object(reader.session, made)
    with refusing(ck.CKR_SESSION_READ_ONLY):
        library.copy_object(reader.session, made, [])
    with refusing(ck.CKR_SESSION_READ_ONLY):
        library.set_pin(reader.session, PIN, PIN)
    copy = library.copy_object(reader.session, made, [(ck.CKA_TOKEN, b"\0")])
    reader.set(copy, LABEL="of the session")
    assert writer.one(made, "LABEL") == b"on the token"


def test_pins_through_the_functions(library: Cryptoki) -> None:
    program = Program(library)
    for change in (None, b"123", b"x" * 256):
        program.library.login(program.session, ck.CKU_SO, SO_PIN)
        with refusing(ck.CKR_ARGUMENTS_BAD, ck.CKR_PIN_LEN_RANGE):
            library.init_pin(program.session, change)
        library.logout(program.session)
    with refusing(ck.CKR_USER_NOT_LOGGED_IN):
        library.init_pin(program.session, b"12345")
    library.set_pin(program.session, PIN, b"new pin")
    with refusing(ck.CKR_PIN_INCORRECT):
        program.login()
    program.login(pin=b"new pin")
    library.set_pin(program.session, b"new pin", PIN)


def test_initialising_again_wants_no_sessions(library: Cryptoki) -> None:
    program = Program(library)
    program.data("lost", TOKEN=True)
    with refusing(ck.CKR_SESSION_EXISTS):
        library.init_token(0, SO_PIN, b"again".ljust(32))
    library.close_all_sessions(0)
    with refusing(ck.CKR_PIN_INCORRECT):
        library.init_token(0, b"wrong", b"again".ljust(32))
    library.init_token(0, SO_PIN, b"again".ljust(32))
    info = library.get_token_info(0)
    assert info.label == b"again".ljust(32)
    assert info.flags & ck.CKF_TOKEN_INITIALIZED
    assert not info.flags & ck.CKF_USER_PIN_INITIALIZED
    program = Program(library)
    assert program.find() == []
    with refusing(ck.CKR_USER_PIN_NOT_INITIALIZED):
        program.login()


FLAGS_BY_WRONG_TRIES = [
    (0, 0),
    *((tries, ck.CKF_USER_PIN_COUNT_LOW) for tries in range(1, 9)),  # "at least once"
    (9, ck.CKF_USER_PIN_COUNT_LOW | ck.CKF_USER_PIN_FINAL_TRY),
    (10, ck.CKF_USER_PIN_COUNT_LOW | ck.CKF_USER_PIN_LOCKED),
]


def test_the_token_warns_of_wrong_tries(library: Cryptoki) -> None:
    program = Program(library)
    warnings = ck.CKF_USER_PIN_COUNT_LOW | ck.CKF_USER_PIN_FINAL_TRY | ck.CKF_USER_PIN_LOCKED
    for tries, flags in FLAGS_BY_WRONG_TRIES:
        assert library.get_token_info(0).flags & warnings == flags, tries
        if tries < 10:
            with refusing(ck.CKR_PIN_INCORRECT):
                program.login(pin=b"wrong")
    with refusing(ck.CKR_PIN_LOCKED):
        program.login()


def test_sessions_are_counted(library: Cryptoki) -> None:
    opened = [library.open_session(0, flags) for flags in (RO, RW, RW)]
    info = library.get_token_info(0)
    assert (info.sessions, info.rw_sessions) == (3, 2)
    library.close_session(opened[1])
    info = library.get_token_info(0)
    assert (info.sessions, info.rw_sessions) == (2, 1)
