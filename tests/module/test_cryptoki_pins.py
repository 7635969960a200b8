"""PINs: nothing of them is kept, wrong ones are counted for all processes, ten lock."""

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.config import NO_LIMITS
from ghostcard.module import pins
from ghostcard.module.session import NOBODY
from ghostcard.module.token import Token
from tests.module.program import refusing

SO_PIN = b"so pin of the test"
USER_PIN = b"user pin of the test"


def refused(rv: int, function: Callable[..., object], *arguments: object) -> None:
    """Assert that a function refuses with this CK_RV."""
    with refusing(rv):
        function(*arguments)


@pytest.fixture
def path(tmp_path: Path, quick_pins: None) -> str:
    """A token with both PINs set."""
    path = str(tmp_path / "tokens" / "slot-0.sqlite")
    token = Token(path, count(1))
    token.initialise(SO_PIN, b"test")
    token.login(ck.CKU_SO, SO_PIN)
    token.set_user_pin(USER_PIN)
    token.close()
    return path


def test_pins_are_not_in_the_files(path: str) -> None:
    for file in Path(path).parent.iterdir():
        content = file.read_bytes()
        assert SO_PIN not in content
        assert USER_PIN not in content


def test_files_are_private_to_the_user(path: str) -> None:
    files = list(Path(path).parent.iterdir())
    assert {file.name for file in files} >= {"slot-0.sqlite", "slot-0.changes"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert Path(path).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("length", [0, 1, pins.MIN_LENGTH - 1, pins.MAX_LENGTH + 1])
def test_length_of_a_new_pin(tmp_path: Path, length: int) -> None:
    token = Token(str(tmp_path / "t.sqlite"), count(1))
    refused(ck.CKR_PIN_LEN_RANGE, token.initialise, b"x" * length, b"test")
    token.close()


@pytest.mark.parametrize("length", [pins.MIN_LENGTH, pins.MAX_LENGTH])
def test_shortest_and_longest_pin(tmp_path: Path, length: int) -> None:
    token = Token(str(tmp_path / "t.sqlite"), count(1))
    token.initialise(b"x" * length, b"test")
    token.login(ck.CKU_SO, b"x" * length)
    assert token.user == ck.CKU_SO
    token.close()


def test_a_missing_pin_is_a_bad_argument(path: str) -> None:
    token = Token(path, count(1))
    refused(ck.CKR_ARGUMENTS_BAD, token.login, ck.CKU_USER, None)
    refused(ck.CKR_ARGUMENTS_BAD, token.initialise, None, b"test")
    refused(ck.CKR_ARGUMENTS_BAD, token.change_pin, None, USER_PIN)
    refused(ck.CKR_ARGUMENTS_BAD, token.change_pin, USER_PIN, None)
    token.close()


def test_ten_wrong_tries_lock_and_the_so_unlocks(path: str) -> None:
    token = Token(path, count(1))
    for tries in range(1, NO_LIMITS.pin_tries + 1):
        refused(ck.CKR_PIN_INCORRECT, token.login, ck.CKU_USER, b"wrong")
        row = token.row()
        assert row is not None
        assert row.user.tries == tries
    refused(ck.CKR_PIN_LOCKED, token.login, ck.CKU_USER, USER_PIN)
    token.login(ck.CKU_SO, SO_PIN)
    token.set_user_pin(b"another pin")
    token.logout()
    refused(ck.CKR_PIN_INCORRECT, token.login, ck.CKU_USER, USER_PIN)
    token.login(ck.CKU_USER, b"another pin")
    row = token.row()
    assert row is not None
    assert row.user.tries == 0  # a right PIN gives all tries back
    token.close()


def test_the_so_pin_locks_too_and_nothing_opens_it(path: str) -> None:
    token = Token(path, count(1))
    for _ in range(NO_LIMITS.pin_tries):
        refused(ck.CKR_PIN_INCORRECT, token.login, ck.CKU_SO, b"wrong")
    refused(ck.CKR_PIN_LOCKED, token.login, ck.CKU_SO, SO_PIN)
    refused(ck.CKR_PIN_LOCKED, token.initialise, SO_PIN, b"again")
    token.login(ck.CKU_USER, USER_PIN)
    token.close()


def test_initialising_again_counts_wrong_so_pins(path: str) -> None:
    token = Token(path, count(1))
    refused(ck.CKR_PIN_INCORRECT, token.initialise, b"wrong", b"again")
    row = token.row()
    assert row is not None
    assert (row.so.tries, row.label.rstrip()) == (1, b"test")
    token.close()


def test_initialising_again_keeps_serial_and_takes_the_user_pin(path: str) -> None:
    token = Token(path, count(1))
    before = token.row()
    token.initialise(SO_PIN, b"again")
    after = token.row()
    assert before is not None
    assert after is not None
    assert after.serial == before.serial
    assert after.label == b"again".ljust(32)
    assert not after.user.is_set
    refused(ck.CKR_USER_PIN_NOT_INITIALIZED, token.login, ck.CKU_USER, USER_PIN)
    token.close()


def test_change_of_the_user_pin(path: str) -> None:
    token = Token(path, count(1))
    refused(ck.CKR_PIN_INCORRECT, token.change_pin, b"wrong", b"new pin")
    refused(ck.CKR_PIN_LEN_RANGE, token.change_pin, USER_PIN, b"new")
    token.change_pin(USER_PIN, b"new pin")
    refused(ck.CKR_PIN_INCORRECT, token.login, ck.CKU_USER, USER_PIN)
    token.login(ck.CKU_USER, b"new pin")
    assert token.user == ck.CKU_USER
    token.close()


def test_change_of_the_so_pin(path: str) -> None:
    token = Token(path, count(1))
    token.login(ck.CKU_SO, SO_PIN)
    token.change_pin(SO_PIN, b"new so pin")
    token.logout()
    refused(ck.CKR_PIN_INCORRECT, token.login, ck.CKU_SO, SO_PIN)
    token.login(ck.CKU_SO, b"new so pin")
    token.close()


_TRY_WRONG_PINS = """
import sys
from itertools import count
from ghostcard.module.errors import CryptokiError
from ghostcard.module import pins
from ghostcard.module.token import Token
from tests.module.program import QUICK_SCRYPT_N
pins.SCRYPT_N = QUICK_SCRYPT_N
token = Token(sys.argv[1], count(1))
for _ in range(4):
    try:
        token.login(1, b"wrong")
    except CryptokiError as error:
        print(hex(error.rv))
"""


def test_tries_are_counted_across_processes(path: str) -> None:
    """Three processes try four times each, at once: ten are wrong, two find it locked."""
    command = [sys.executable, "-c", _TRY_WRONG_PINS, path]
    root = Path(__file__).parents[2]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(3)
    ]
    answers = [line for process in running for line in process.communicate()[0].split()]
    assert sorted(answers) == [hex(ck.CKR_PIN_INCORRECT)] * 10 + [hex(ck.CKR_PIN_LOCKED)] * 2
    token = Token(path, count(1))
    refused(ck.CKR_PIN_LOCKED, token.login, ck.CKU_USER, USER_PIN)
    assert token.user == NOBODY
    token.close()


def test_a_pin_costs_something(tmp_path: Path) -> None:
    """Guessing is slow: scrypt with the parameters of RFC 7914, 12 (N 16384, r 8, p 1)."""
    assert pins.SCRYPT_N == 16384
    expected = bytes.fromhex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
    assert pins.stretch(b"pleaseletmein", b"SodiumChloride") == expected


def test_seal_opens_with_its_pin_and_role_alone() -> None:
    sealed = pins.seal(b"1234", b"k" * 32, "user")
    right = pins.stretch(b"1234", sealed.salt)
    assert pins.unseal(right, sealed, "user") == b"k" * 32
    assert pins.unseal(right, sealed, "so") is None
    assert pins.unseal(pins.stretch(b"1235", sealed.salt), sealed, "user") is None
    for position in range(len(sealed.key)):
        bent = bytearray(sealed.key)
        bent[position] ^= 1
        assert pins.unseal(right, sealed._replace(key=bytes(bent)), "user") is None
    assert pins.unseal(right, sealed._replace(key=b""), "user") is None
