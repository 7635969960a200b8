"""Objects that several threads or processes change at the same instant: no change is lost."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import FALSE, TRUE
from ghostcard.module.store import store_path
from ghostcard.module.template import Attributes
from ghostcard.module.token import Token
from tests.module.program import PIN, Program, attributes, mechanism, refusing
from tests.module.test_cryptoki_store import data, session_of

HOTP = mechanism(ck.CKM_HOTP)


@pytest.fixture
def others(home: Path) -> Iterator[tuple[Token, Token]]:
    """The token as two processes have it."""
    pair = Token(store_path(home, 0), count(1)), Token(store_path(home, 0), count(1))
    yield pair
    for token in pair:
        token.close()


@pytest.mark.parametrize("on_token", [TRUE, FALSE])
def test_a_change_sees_what_came_before_it(others: tuple[Token, Token], on_token: bytes) -> None:
    """The other one changes the object just when this one has read it."""
    token, other = others if on_token == TRUE else (others[0], others[0])
    made = token.add(data(b"label", TOKEN=on_token), b"", session_of(token))
    same = made if other is token else other.objects[other.find({ck.CKA_LABEL: b"label"})[0]]
    asked: list[bytes] = []

    def revised(before: Attributes) -> tuple[Attributes, bytes]:
        if not asked:
            other.change(same, lambda now: (now | {ck.CKA_VALUE: b"theirs"}, b"blob"))
        asked.append(before[ck.CKA_VALUE])
        return before | {ck.CKA_APPLICATION: b"ours"}, same.blob

    token.change(made, revised)
    assert asked == [b"", b"theirs"]
    for entry in (made, same):
        other.find({})
        assert entry.attributes[ck.CKA_VALUE] == b"theirs"
        assert entry.attributes[ck.CKA_APPLICATION] == b"ours"
        assert entry.blob == b"blob"


def test_a_change_of_what_goes_meanwhile(others: tuple[Token, Token]) -> None:
    token, other = others
    made = token.add(data(b"label"), b"", session_of(token))

    def revised(before: Attributes) -> tuple[Attributes, bytes]:
        other.remove(other.objects[other.find({ck.CKA_LABEL: b"label"})[0]])
        return before, b""

    with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
        token.change(made, revised)
    short = token.add(data(b"short", TOKEN=FALSE), b"", token.sessions[1])
    token.remove(short)
    with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
        token.change(short, lambda before: (before, b""))


def test_what_another_thread_ends_while_a_key_is_made(others: tuple[Token, Token]) -> None:
    """A key takes seconds; its owner may be gone by then, and it must not stay without him."""
    token, _ = others
    session = session_of(token)
    token.login(ck.CKU_USER, PIN)
    token.logout()
    for place in (TRUE, FALSE):
        with refusing(ck.CKR_USER_NOT_LOGGED_IN):
            token.add(data(b"hidden", PRIVATE=TRUE, TOKEN=place), b"", session)
    token.leave(session)
    with refusing(ck.CKR_SESSION_CLOSED):
        token.add(data(b"orphan", TOKEN=FALSE), b"", session)
    assert token.find({}) == []


def counters(program: Program, label: str, tries: int) -> list[int]:
    """Of so many passwords the counters."""
    (handle,) = program.find(LABEL=label)
    return [
        int.from_bytes(program.run("sign", HOTP, handle, b"")[-8:], "big") for _ in range(tries)
    ]


_SIGN = """
from tests.module.test_cryptoki_changes import *
library = Cryptoki()
library.initialize()
print("ready", flush=True)
input()
print(*counters(Program(library), "shared", 40))
"""


def test_no_password_is_made_twice(library: Cryptoki, program: Program) -> None:
    """By two processes, of which one has two threads."""
    key = attributes(TOKEN=True, PRIVATE=False, LABEL="shared", VALUE_LEN=20)
    program.library.generate_key(program.session, mechanism(ck.CKM_HOTP_KEY_GEN), key)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", _SIGN],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        made: list[int] = []
        mine = [
            Thread(target=lambda: made.extend(counters(Program(library), "shared", 40)))
            for _ in range(2)
        ]
        for thread in mine:
            thread.start()
        theirs = process.stdout.readline().split()
        for thread in mine:
            thread.join(60)
    assert process.returncode == 0
    assert sorted(map(int, theirs)) == list(map(int, theirs))
    assert sorted([*made, *map(int, theirs)]) == list(range(120))
