"""Cards that are taken out of operation and come back, as a program sees it (5.5.2, 5.5.4)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.emulator.sockets import Sockets
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.errors import CryptokiError
from tests.module.program import Program, mechanism, refusing

AES_ECB = mechanism(ck.CKM_AES_ECB)


@pytest.fixture
def sockets(home: Path, library: Cryptoki) -> Sockets:
    """Another process's view of the cards."""
    return Sockets(str(home / "cards" / "sockets"))


@pytest.fixture
def two_cards(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cryptoki]:
    """One slot, two cards."""
    config = home / "two.toml"
    cards = "".join(f"[[cards]]\nadapter = {n}\ndomains = [0]\n" for n in (0, 1))
    config.write_text(cards + '[[slots]]\nid = 0\napqns = ["00.0000", "01.0000"]\n')
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(config))
    library = Cryptoki()
    library.initialize()
    yield library
    library.finalize()


def events(library: Cryptoki) -> list[int]:
    """All events there are."""
    found = []
    with refusing(ck.CKR_NO_EVENT):
        while True:
            found.append(library.wait_for_slot_event(ck.CKF_DONT_BLOCK))
    return found


def test_a_token_goes_with_its_card_and_its_sessions_with_it(
    program: Program, sockets: Sockets
) -> None:
    library, session = program.library, program.session
    key = program.aes()
    library.encrypt_init(session, AES_ECB, key)
    assert library.get_slot_list(True) == [0, 1]
    assert sockets.switch(0, False)
    with refusing(ck.CKR_DEVICE_REMOVED):
        library.encrypt(session, bytes(16), 16)
    assert library.get_slot_list(False) == [0, 1]
    assert library.get_slot_list(True) == []
    removable = ck.CKF_HW_SLOT | ck.CKF_REMOVABLE_DEVICE
    assert library.get_slot_info(0).flags == removable
    for call in (library.get_token_info, library.get_mechanism_list):
        with refusing(ck.CKR_TOKEN_NOT_PRESENT):
            call(0)
    with refusing(ck.CKR_TOKEN_NOT_PRESENT):
        library.open_session(0, ck.CKF_SERIAL_SESSION)
    assert sockets.switch(0, True)
    assert library.get_slot_info(0).flags == removable | ck.CKF_TOKEN_PRESENT
    again = Program(library)
    assert library.get_session_info(again.session).state == ck.CKS_RW_PUBLIC_SESSION
    assert library.generate_random(again.session, 8) != bytes(8)


def test_token_objects_outlive_it(program: Program, sockets: Sockets) -> None:
    program.aes(TOKEN=True, LABEL="stays")
    program.aes(LABEL="goes")
    for is_there in (False, True):
        sockets.switch(0, is_there)
        program.library.get_slot_list(True)
    again = Program(program.library)
    again.login()
    (found,) = again.find(CLASS=ck.CKO_SECRET_KEY)
    assert again.one(found, "LABEL") == b"stays"
    assert len(again.run("encrypt", AES_ECB, found, bytes(16))) == 16


def test_an_event_for_each_slot_of_the_card(library: Cryptoki, sockets: Sockets) -> None:
    assert events(library) == []
    sockets.switch(0, False)
    assert events(library) == [0, 1]
    assert events(library) == []
    sockets.switch(0, True)
    assert events(library) == [0, 1]


def test_a_card_that_was_away_for_a_moment(program: Program, sockets: Sockets) -> None:
    library = program.library
    for is_there in (False, True):
        sockets.switch(0, is_there)
    with refusing(ck.CKR_DEVICE_REMOVED):
        library.get_session_info(program.session)
    assert events(library) == [0, 1]
    assert library.get_slot_list(True) == [0, 1]


def test_what_came_before_is_no_event(library: Cryptoki, sockets: Sockets) -> None:
    sockets.switch(0, False)
    library.finalize()
    library.initialize()
    assert events(library) == []
    assert library.get_slot_list(True) == []


def test_a_thread_waits_for_the_next_event(library: Cryptoki, sockets: Sockets) -> None:
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(library.wait_for_slot_event(0)))
    waiting.start()
    time.sleep(0.1)
    assert waiting.is_alive()
    sockets.switch(0, False)
    waiting.join(10)
    assert found == [0]


def test_who_waits_is_sent_away_at_the_end(library: Cryptoki) -> None:
    answers: list[int] = []

    def wait() -> None:
        with refusing(ck.CKR_CRYPTOKI_NOT_INITIALIZED):
            library.wait_for_slot_event(0)
        answers.append(1)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    library.finalize()
    for thread in threads:
        thread.join(10)
    assert answers == [1, 1, 1]


def test_the_other_card_of_a_slot_goes_on(two_cards: Cryptoki, home: Path) -> None:
    sockets = Sockets(str(home / "cards" / "sockets"))
    program = Program(two_cards)
    program.login()
    key = program.aes()
    sealed = program.run("encrypt", AES_ECB, key, bytes(16))
    for gone in (0, 1):
        sockets.switch(gone, False)
        assert events(two_cards) == []
        for _ in range(4):
            assert program.run("encrypt", AES_ECB, key, bytes(16)) == sealed
        two_cards.seed_random(program.session, b"seed")
        assert two_cards.get_mechanism_info(0, ck.CKM_AES_ECB).min_key_size == 16
        sockets.switch(gone, True)
        assert two_cards.get_slot_list(True) == [0]
    sockets.switch(0, False)
    sockets.switch(1, False)
    assert events(two_cards) == [0]
    with refusing(ck.CKR_DEVICE_REMOVED):
        program.find()


def test_a_context_goes_with_its_card(two_cards: Cryptoki, home: Path) -> None:
    """Its memory is lost, and the other card knows nothing of it."""
    sockets = Sockets(str(home / "cards" / "sockets"))
    programs = [Program(two_cards) for _ in range(2)]
    for program in programs:
        two_cards.digest_init(program.session, mechanism(ck.CKM_SHA256))
        two_cards.digest_update(program.session, b"data")
    sockets.switch(0, False)
    outcomes = set()
    for program in programs:
        try:
            two_cards.digest_final(program.session, 32)
            outcomes.add(ck.CKR_OK)
        except CryptokiError as error:
            outcomes.add(error.rv)
    assert outcomes == {ck.CKR_OK, ck.CKR_DEVICE_REMOVED}
