"""What C_Login reads of the private objects, and what C_Logout leaves of them: nothing."""

import gc
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import TRUE
from ghostcard.module.object import Outline
from ghostcard.module.rows import Rows
from ghostcard.module.session import NOBODY
from ghostcard.module.store import ObjectRow
from ghostcard.module.template import Attributes
from ghostcard.module.token import Token
from tests.module.program import refusing
from tests.module.test_cryptoki_store import PIN, data, session_of

OBJECTS = 20


def private(label: bytes) -> Attributes:
    return data(label, b"value of " + label, PRIVATE=TRUE)


@pytest.fixture
def path(tmp_path: Path, quick_pins: None) -> str:
    """A token with private objects, and as many public ones."""
    path = str(tmp_path / "tokens" / "slot-0.sqlite")
    token = Token(path, count(1))
    token.initialise(PIN, b"test")
    session = session_of(token)
    token.login(ck.CKU_SO, PIN)
    token.set_user_pin(PIN)
    token.logout()
    token.login(ck.CKU_USER, PIN)
    for number in range(OBJECTS):
        token.add(private(b"private %d" % number), b"", session)
        token.add(data(b"public %d" % number), b"", session)
    token.close()
    return path


@pytest.fixture
def token(path: str) -> Iterator[Token]:
    token = Token(path, count(1))
    session_of(token)
    yield token
    token.close()


@pytest.mark.parametrize("is_looked_at_before", [False, True])
def test_each_object_is_read_once(
    token: Token, is_looked_at_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    outlined = Rows.outlined

    def noted(self: Rows, row: ObjectRow) -> Outline:
        read.append(row.id)
        return outlined(self, row)

    monkeypatch.setattr(Rows, "outlined", noted)
    if is_looked_at_before:
        assert len(token.find({})) == OBJECTS
    token.login(ck.CKU_USER, PIN)
    assert len(token.find({})) == 2 * OBJECTS
    assert len(token.find({ck.CKA_LABEL: b"private 7"})) == 1
    assert sorted(read) == sorted(set(read))
    assert len(read) == 2 * OBJECTS


def test_objects_are_found_in_the_order_in_which_they_were_made(token: Token) -> None:
    token.login(ck.CKU_USER, PIN)
    labels = [token.objects[each].attributes[ck.CKA_LABEL] for each in token.find({})]
    kinds = (b"private", b"public")
    assert labels == [b"%b %d" % (kind, number) for number in range(OBJECTS) for kind in kinds]


def kept(root: object) -> set[bytes]:
    """Every byte string that can be reached from an object, but not by way of types and modules."""
    seen: set[int] = set()
    found: set[bytes] = set()
    waiting = [root]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, (type, type(gc))):
            continue
        seen.add(id(each))
        if isinstance(each, bytes):
            found.add(each)
        is_function = type(each).__name__ in ("function", "builtin_function_or_method")
        closure = getattr(each, "__closure__", None) or ()
        waiting += closure if is_function else gc.get_referents(each)
    return found


def test_nothing_private_is_kept_after_logout(token: Token) -> None:
    token.login(ck.CKU_USER, PIN)
    key = token.owner().key
    (handle,) = token.find({ck.CKA_LABEL: b"private 7"})
    assert token.objects[handle].attributes[ck.CKA_VALUE] == b"value of private 7"
    assert {key, b"private 7", b"private 8", b"value of private 7"} <= kept(token)
    token.logout()
    left = kept(token)
    assert key not in left
    assert not [each for each in left if b"private" in each]
    assert len(token.find({})) == OBJECTS


@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_a_damaged_private_object_is_told_at_login(
    path: str, token: Token, place: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One byte of one object: nonce, ciphertext or tag. Public objects stay in reach."""
    with sqlite3.connect(path) as connection:
        (body,) = connection.execute("SELECT body FROM object WHERE id = 1").fetchone()
        spoilt = bytearray(body)
        spoilt[place] ^= 1
        connection.execute("UPDATE object SET body = ? WHERE id = 1", (bytes(spoilt),))
    connection.close()
    for _ in range(2):
        with refusing(ck.CKR_DEVICE_ERROR):
            token.login(ck.CKU_USER, PIN)
        assert token.user == NOBODY
    assert len(token.find({})) == OBJECTS
    told = f"ghostcard: token store {path}: a private object cannot be decrypted\n"
    assert capsys.readouterr().err == told


def test_what_another_process_does_meanwhile_is_seen(path: str, token: Token) -> None:
    token.login(ck.CKU_USER, PIN)
    assert len(token.find({ck.CKA_LABEL: b"private 3"})) == 1
    other = Token(path, count(1))
    session = session_of(other)
    other.login(ck.CKU_USER, PIN)
    (gone,) = other.find({ck.CKA_LABEL: b"private 3"})
    (public,) = other.find({ck.CKA_LABEL: b"public 3"})
    other.remove(other.objects[gone])
    other.remove(other.objects[public])
    other.add(private(b"private new"), b"", session)
    other.close()
    assert token.find({ck.CKA_LABEL: b"private 3"}) == []
    assert token.find({ck.CKA_LABEL: b"public 3"}) == []
    assert len(token.find({ck.CKA_LABEL: b"private new"})) == 1
    assert len(token.find({})) == 2 * OBJECTS - 1
    token.logout()
    assert token.find({ck.CKA_LABEL: b"private new"}) == []
    assert len(token.find({})) == OBJECTS - 1
    token.login(ck.CKU_USER, PIN)
    assert len(token.find({ck.CKA_LABEL: b"private new"})) == 1
    assert len(token.find({})) == 2 * OBJECTS - 1


def test_a_token_that_is_initialised_anew_during_login_logs_nobody_in(
    path: str, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh = Token.refresh

    def meanwhile(self: Token) -> None:
        monkeypatch.setattr(Token, "refresh", refresh)
        other = Token(path, count(1))
        other.initialise(PIN, b"another life")
        other.close()
        refresh(self)

    monkeypatch.setattr(Token, "refresh", meanwhile)
    with refusing(ck.CKR_USER_NOT_LOGGED_IN):
        token.login(ck.CKU_SO, PIN)
    assert token.user == NOBODY
    assert token.find({}) == []
