"""Limits by configuration: the errors of devices that have less room than a computer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from tests.module.mechanisms import ECDSA
from tests.module.program import PIN, RO, RW, SO_PIN, Program, mechanism, refusing

Start = Callable[[str], Cryptoki]


@pytest.fixture
def start(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the library with lines of TOML for its only slot."""
    library = Cryptoki()

    def begin(lines: str) -> Cryptoki:
        file = home / "ghostcard.toml"
        file.write_text(f'[[slots]]\nid = 0\napqns = ["00.0000"]\n{lines}\n')
        monkeypatch.setenv("GHOSTCARD_CONFIG", str(file))
        library.initialize()
        return library

    yield begin
    if library.is_initialized:
        library.finalize()


def test_sessions(start: Start) -> None:
    library = start("limits = { sessions = 3, rw_sessions = 1 }")
    library.open_session(0, RO)
    first = library.open_session(0, RW)
    with refusing(ck.CKR_SESSION_COUNT):
        library.open_session(0, RW)
    library.open_session(0, RO)
    with refusing(ck.CKR_SESSION_COUNT):
        library.open_session(0, RO)
    info = library.get_token_info(0)
    assert (info.max_sessions, info.sessions) == (3, 3)
    assert (info.max_rw_sessions, info.rw_sessions) == (1, 1)
    library.close_session(first)
    library.open_session(0, RW)


def test_pin_tries(start: Start) -> None:
    library = start("limits = { pin_tries = 2 }")
    program = Program(library)
    assert library.get_token_info(0).flags & ck.CKF_USER_PIN_COUNT_LOW == 0
    with refusing(ck.CKR_PIN_INCORRECT):
        program.login(pin=b"wrong")
    flags = ck.CKF_USER_PIN_COUNT_LOW | ck.CKF_USER_PIN_FINAL_TRY
    assert library.get_token_info(0).flags & flags == flags
    with refusing(ck.CKR_PIN_INCORRECT):
        program.login(pin=b"wrong")
    with refusing(ck.CKR_PIN_LOCKED):
        program.login(pin=PIN)
    assert library.get_token_info(0).flags & ck.CKF_USER_PIN_LOCKED
    program.login(ck.CKU_SO, SO_PIN)
    library.init_pin(program.session, PIN)
    library.logout(program.session)
    program.login()


def test_objects(start: Start) -> None:
    program = Program(start("limits = { objects = 2 }"))
    first, _ = (program.data(label, TOKEN=True) for label in "ab")
    with refusing(ck.CKR_DEVICE_MEMORY):
        program.data("c", TOKEN=True)
    assert len(program.find()) == 2
    program.data("a session's object needs no room")
    program.library.destroy_object(program.session, first)
    program.data("c", TOKEN=True)


def test_a_key_pair_needs_room_for_both(start: Start) -> None:
    program = Program(start("limits = { objects = 1 }"))
    program.login()
    with refusing(ck.CKR_DEVICE_MEMORY):
        program.library.generate_key_pair(
            program.session,
            mechanism(ck.CKM_EC_KEY_PAIR_GEN),
            [(ck.CKA_EC_PARAMS, bytes.fromhex("06082a8648ce3d030107")), (ck.CKA_TOKEN, b"\1")],
            [(ck.CKA_TOKEN, b"\1")],
        )
    assert program.find() == []


def test_memory(start: Start) -> None:
    library = start("limits = { memory_bytes = 2000 }")
    program = Program(library)
    info = library.get_token_info(0)
    assert (info.total_public_memory, info.free_public_memory) == (2000, 2000)
    small = program.data("small", TOKEN=True)
    free = library.get_token_info(0).free_private_memory
    assert 1000 < free < 2000
    with refusing(ck.CKR_DEVICE_MEMORY):
        program.data("large", TOKEN=True, VALUE=bytes(free))
    with refusing(ck.CKR_DEVICE_MEMORY):
        program.set(small, VALUE=bytes(free + 1))
    program.set(small, VALUE=bytes(free))
    assert library.get_token_info(0).free_public_memory == 0
    program.set(small, VALUE=b"")
    assert library.get_token_info(0).free_public_memory == free
    program.library.destroy_object(program.session, small)
    assert library.get_token_info(0).free_public_memory == 2000


def test_a_token_that_is_fuller_than_its_limit_may_shrink(start: Start) -> None:
    library = start("")
    program = Program(library)
    large = program.data("large", TOKEN=True, VALUE=bytes(5000))
    program.data("other", TOKEN=True)
    library.finalize()
    program = Program(start("limits = { memory_bytes = 1000, objects = 1 }"))
    assert program.library.get_token_info(0).free_public_memory == 0
    (large,) = program.find(LABEL="large")
    program.set(large, VALUE=bytes(4000))
    with refusing(ck.CKR_DEVICE_MEMORY):
        program.set(large, VALUE=bytes(4001))
    program.library.destroy_object(program.session, large)


def test_mechanisms(start: Start) -> None:
    library = start('mechanisms = ["CKM_EC_KEY_PAIR_GEN", "CKM_SHA256", "CKM_BLOWFISH_CBC"]')
    assert library.get_mechanism_list(0) == (ck.CKM_SHA256, ck.CKM_EC_KEY_PAIR_GEN)
    program = Program(library)
    program.login()
    _, private = program.ec()
    with refusing(ck.CKR_MECHANISM_INVALID):
        program.init("sign", ECDSA, private)
    with refusing(ck.CKR_MECHANISM_INVALID):
        library.get_mechanism_info(0, ck.CKM_ECDSA)
    with refusing(ck.CKR_MECHANISM_INVALID):
        program.init("digest", mechanism(ck.CKM_SHA512), None)
    with refusing(ck.CKR_MECHANISM_INVALID):
        program.aes()
    assert len(program.run("digest", mechanism(ck.CKM_SHA256), None, b"data")) == 32
    secret = program.secret(b"value", SENSITIVE=False)
    assert program.one(secret, "VALUE") == b"value"  # the library's own use is not limited


def test_no_limits(library: Cryptoki) -> None:
    info = library.get_token_info(0)
    assert info.max_sessions == info.max_rw_sessions == ck.CK_EFFECTIVELY_INFINITE
    assert info.total_public_memory == info.free_private_memory == ck.CK_UNAVAILABLE_INFORMATION
