"""The token store: nothing acknowledged is lost, other processes see it at once, and what is
damaged is refused.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.emulator.counter import ChangeCounter
from ghostcard.module import body, template
from ghostcard.module.encoding import FALSE, TRUE, ulong
from ghostcard.module.session import NOBODY, Session
from ghostcard.module.store import DELETIONS_KEPT, NO_PIN, Store, TokenRow
from ghostcard.module.store_schema import APPLICATION_ID, SCHEMA_VERSION
from ghostcard.module.template import Attributes
from ghostcard.module.token import Token
from tests.module.program import refusing

PIN = b"1234"
_ROW = TokenRow(b"epoch", "serial", b"label", NO_PIN, NO_PIN, 0, 0)


class _Slot:
    """All that a session wants of a slot here."""

    def __init__(self, token: Token) -> None:
        self.token = token


def data(label: bytes, value: bytes = b"", **flags: bytes) -> Attributes:
    """All attributes of a data object of the token."""
    given: Attributes = {
        ck.CKA_CLASS: ulong(ck.CKO_DATA),
        ck.CKA_TOKEN: TRUE,
        ck.CKA_LABEL: label,
        ck.CKA_VALUE: value,
    }
    given |= {getattr(ck, f"CKA_{name}"): flag for name, flag in flags.items()}
    return template.complete(given, template.CREATED, False)


def session_of(token: Token) -> Session:
    session = Session(1, cast("object", _Slot(token)), True)  # type: ignore[arg-type]
    token.enter(session)
    return session


@pytest.fixture
def path(tmp_path: Path, quick_pins: None) -> str:
    path = str(tmp_path / "tokens" / "slot-0.sqlite")
    token = Token(path, count(1))
    token.initialise(PIN, b"test")
    token.login(ck.CKU_SO, PIN)
    token.set_user_pin(PIN)
    token.close()
    return path


@pytest.fixture
def token(path: str) -> Iterator[Token]:
    token = Token(path, count(1))
    yield token
    token.close()


_CREATE = """
import sys
from tests.module.test_cryptoki_store import *
token = Token(sys.argv[1], count(1))
session = session_of(token)
for number in range(1000):
    token.add(data(b"object %d" % number), b"", session)
    print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 40, 333])
def test_kill_in_the_middle_loses_nothing_acknowledged(path: str, acknowledged: int) -> None:
    command = [sys.executable, "-c", _CREATE, path]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        last = -1
        for line in process.stdout:
            last = int(line)
            if last + 1 == acknowledged:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert acknowledged <= last + 1 < 1000
    token = Token(path, count(1))
    found = {token.objects[handle].attributes[ck.CKA_LABEL] for handle in token.find({})}
    acknowledged_labels = {b"object %d" % number for number in range(last + 1)}
    assert acknowledged_labels <= found  # one more may have been on its way
    assert len(found - acknowledged_labels) <= 1
    token.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_death_of_a_writer_between_commit_and_counter_is_noticed(path: str, token: Token) -> None:
    """An odd counter is left behind: then the store itself is asked each time."""
    assert token.find({}) == []
    other = Store(path)
    other.counter.begin()
    connection = sqlite3.connect(path)
    body_bytes = body.pack(data(b"written by the dead"), b"")
    connection.execute(
        "INSERT INTO object (changed, private, body) VALUES (1, 0, ?)", (body_bytes,)
    )
    connection.execute("UPDATE token SET sequence = 1")
    connection.commit()
    connection.close()
    other.close()  # gives the lock back as the kernel does, and leaves the counter odd
    assert token.counter[0] % 2 == 1
    assert len(token.find({ck.CKA_LABEL: b"written by the dead"})) == 1
    token.add(data(b"next"), b"", session_of(token))
    assert token.counter[0] % 2 == 0
    assert len(token.find({})) == 2


def test_another_process_sees_everything_at_once(path: str, token: Token) -> None:
    other = Token(path, count(1))
    session = session_of(token)
    made = token.add(data(b"one"), b"", session)
    (seen,) = other.find({ck.CKA_LABEL: b"one"})
    token.change(made, lambda before: (before | {ck.CKA_LABEL: b"two"}, b""))
    assert other.find({ck.CKA_LABEL: b"one"}) == []
    assert other.find({ck.CKA_LABEL: b"two"}) == [seen]  # the handle stays
    other.remove(other.objects[seen])
    assert token.find({}) == []
    with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
        token.change(made, lambda before: (before, b""))
    other.close()


def test_a_process_that_missed_too_many_deletions_reads_everything(path: str, token: Token) -> None:
    store = Store(path)
    first = store.insert(False, body.pack(data(b"gone"), b""))
    kept = store.insert(False, body.pack(data(b"kept"), b""))
    assert len(token.find({})) == 2
    assert store.delete(first)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE token SET sequence = sequence + ?", (DELETIONS_KEPT + 10,))
    connection.commit()
    connection.close()
    last = store.insert(False, body.pack(data(b"last"), b""))
    assert store.delete(last)  # forgets the first deletion
    with store.reading() as row:
        assert row is not None
        assert row.forgotten > 0
        assert store.deleted(-1) == [last]
    labels = [token.objects[handle].attributes[ck.CKA_LABEL] for handle in token.find({})]
    assert (labels, kept) == ([b"kept"], 2)
    store.close()


def test_initialised_again_by_another_process(path: str, token: Token) -> None:
    token.add(data(b"old"), b"", session_of(token))
    token.login(ck.CKU_USER, PIN)
    private = token.add(data(b"secret", PRIVATE=TRUE), b"", token.sessions[1])
    other = Token(path, count(1))
    other.initialise(PIN, b"new life")
    assert token.find({}) == []
    assert private.handle not in token.objects
    assert token.user == -1  # the login was to a token that is no more
    other.close()


def test_private_objects_are_encrypted_and_seen_by_the_user_alone(path: str, token: Token) -> None:
    session = session_of(token)
    token.login(ck.CKU_USER, PIN)
    made = token.add(data(b"hidden label", b"hidden value", PRIVATE=TRUE), b"blob", session)
    token.add(data(b"open label"), b"", session)
    stored = b"".join(file.read_bytes() for file in Path(path).parent.iterdir())
    assert b"open label" in stored
    assert b"hidden" not in stored
    token.logout()
    assert made.handle not in token.objects
    assert len(token.find({})) == 1
    token.login(ck.CKU_USER, PIN)
    (again,) = token.find({ck.CKA_LABEL: b"hidden label"})
    assert again != made.handle  # an old handle never comes back to life
    assert token.objects[again].attributes[ck.CKA_VALUE] == b"hidden value"
    assert token.objects[again].blob == b"blob"


def test_session_objects_die_with_their_session(token: Token) -> None:
    session = session_of(token)
    made = token.add(data(b"short", TOKEN=FALSE), b"", session)
    assert token.find({ck.CKA_LABEL: b"short"}) == [made.handle]
    token.leave(session)
    assert token.find({}) == []


def _use(token: Token) -> None:
    token.row()
    token.find({})


_SPOILING = {
    "a text that is none": "serial = CAST(x'fffe80' AS TEXT)",
    "a label too long": "label = zeroblob(33)",
}


def _damage(path: str, how: str) -> None:
    if how == "not a data base":
        Path(path).write_bytes(b"this is not a data base" * 100)
    elif how == "cut off":
        os.truncate(path, 4096 + 100)
    elif how == "another program's":
        os.unlink(path)
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA application_id = 42")
        connection.close()
    elif how == "another version":
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
    elif how == "no token row":
        connection = sqlite3.connect(path)
        connection.execute("DELETE FROM token")
        connection.commit()
        connection.close()
    elif how in _SPOILING:
        connection = sqlite3.connect(path)
        connection.execute(f"UPDATE token SET {_SPOILING[how]}")
        connection.commit()
        connection.close()
    elif how == "a schema that is no text":
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET name = CAST(x'ff' AS TEXT), sql = 'nonsense'"
            " WHERE name = 'object'"
        )
        connection.commit()
        connection.close()
    elif how == "a directory":
        os.unlink(path)
        os.mkdir(path)


@pytest.mark.parametrize(
    "how",
    [
        "not a data base",
        "cut off",
        "another program's",
        "another version",
        "no token row",
        "a directory",
        "a text that is none",
        "a label too long",
        "a schema that is no text",
    ],
)
def test_damaged_stores_are_refused_in_one_line(
    path: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _damage(path, how)
    token = Token(path, count(1))
    for _ in range(3):
        with refusing(ck.CKR_DEVICE_ERROR):
            _use(token)
    token.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"ghostcard: token store {path}: ")


_WHOLE = data(b"whole")


@pytest.mark.parametrize(
    "damaged",
    [
        b"\0\5nonsense",
        body.pack({}, b""),
        body.pack({ck.CKA_CLASS: b"ab"}, b""),
        body.pack({ck.CKA_CLASS: _WHOLE[ck.CKA_CLASS]}, b""),
        body.pack(_WHOLE | {ck.CKA_MODULUS: b"1"}, b""),
    ],
)
def test_a_damaged_object_is_refused(
    path: str, token: Token, damaged: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    token.add(data(b"whole"), b"", session_of(token))
    token.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE object SET body = ?", (damaged,))
    connection.commit()
    connection.close()
    for _ in range(2):  # who is refused is not logged in
        with refusing(ck.CKR_DEVICE_ERROR):
            token.login(ck.CKU_USER, PIN)
        assert token.user == NOBODY
    with refusing(ck.CKR_DEVICE_ERROR):
        token.find({})
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "wrong", [{ck.CKA_PRIVATE: b"\2"}, {ck.CKA_MODIFIABLE: b""}, {ck.CKA_TOKEN: b"\1\1"}]
)
def test_an_object_with_a_damaged_value_is_refused_when_it_is_used(
    path: str, token: Token, wrong: Attributes, capsys: pytest.CaptureFixture[str]
) -> None:
    token.add(data(b"whole"), b"", session_of(token))
    token.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE object SET body = ?", (body.pack(_WHOLE | wrong, b""),))
    connection.commit()
    connection.close()
    (handle,) = token.find({ck.CKA_LABEL: b"whole"})
    for _ in range(2):
        with refusing(ck.CKR_DEVICE_ERROR):
            _ = token.objects[handle].attributes
    assert capsys.readouterr().err.count("\n") == 1


def test_a_counter_has_its_place_on_the_disk(tmp_path: Path) -> None:
    """A page in a hole of a file is written when it is touched; on a full disk that is SIGBUS."""
    ChangeCounter(str(tmp_path / "new")).close()
    assert (tmp_path / "new").stat().st_size == 8
    assert (tmp_path / "new").stat().st_blocks > 0


def test_an_empty_file_is_a_token_to_be(tmp_path: Path) -> None:
    """What a process that died in C_InitToken may leave."""
    path = tmp_path / "t.sqlite"
    path.touch()
    token = Token(str(path), count(1))
    assert token.row() is None
    token.initialise(PIN, b"test")
    assert token.row() is not None
    token.close()


def test_first_page_says_whose_file_it_is(path: str) -> None:
    """Application id at offset 68, user version at 60 (SQLite file format, 1.3)."""
    header = Path(path).read_bytes()[:100]
    assert header[:16] == b"SQLite format 3\0"
    assert header[68:72] == APPLICATION_ID.to_bytes(4, "big")
    assert header[60:64] == SCHEMA_VERSION.to_bytes(4, "big")


def _begin_and_fail(store: Store) -> None:
    with store.writing():
        store.initialise(_ROW)
        raise ZeroDivisionError


def test_rollback_leaves_nothing(path: str) -> None:
    store = Store(path)
    before = store.token()
    with pytest.raises(ZeroDivisionError):
        _begin_and_fail(store)
    assert store.token() == before
    assert store.counter.view[0] % 2 == 0
    store.close()


def test_counter_is_odd_while_somebody_writes(tmp_path: Path) -> None:
    counter = ChangeCounter(str(tmp_path / "c"))
    other = ChangeCounter(str(tmp_path / "c"))
    assert other.view[0] == 0
    counter.begin()
    assert other.view[0] == 1
    counter.finish()
    assert other.view[0] == 2
    counter.close()
    other.close()


@given(
    st.dictionaries(st.integers(0, 2**64 - 1), st.binary(max_size=40), max_size=20),
    st.binary(max_size=40),
)
def test_body_round_trip(attributes: Attributes, blob: bytes) -> None:
    packed = body.pack(attributes, blob)
    assert body.unpack(packed) == (attributes, blob)
    for size in range(len(packed) - len(blob)):
        with pytest.raises(body.BodyError):
            body.unpack(packed[:size])


@given(
    st.dictionaries(st.sampled_from([1, 2, 3, 4, 2**64 - 1]), st.binary(max_size=9), max_size=5),
    st.binary(max_size=9),
)
def test_an_outline_is_a_part_of_the_whole(attributes: Attributes, blob: bytes) -> None:
    wanted = (2, 2**64 - 1, 9)
    outlines = body.Outlines(wanted)
    packed = body.pack(attributes, blob)
    for _ in ("worked out", "remembered"):
        kind, values = outlines.read(packed)
        assert values == [attributes.get(type) for type in wanted]
        assert body.types(kind) == tuple(attributes)
        for size in range(len(packed) - len(blob)):
            with pytest.raises(body.BodyError):
                outlines.read(packed[:size])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_body_or_refused(data: bytes) -> None:
    try:
        attributes, blob = body.unpack(data)
    except body.BodyError:
        return
    assert body.unpack(body.pack(attributes, blob)) == (attributes, blob)
