"""Every function in an asynchronous session, with each thing wrong, pending and taken to its end.

The answers, lengths and results are those of the walk in synchronous sessions (`test_walk.py`).
"""

import subprocess
import sys
from pathlib import Path

import pytest

from ghostcard.module.asynchronous import BY_NAME, FUNCTIONS
from tests.module.test_walk import Answer, named
from tests.module.tree import LIBRARY, REPOSITORY, python_environment

AT_ONCE = {
    # they ask no card for anything
    *("C_GetOperationState", "C_DecryptInit", "C_VerifyInit", "C_VerifyRecoverInit"),
    *("C_FindObjectsInit", "C_VerifyRecover"),
    *(
        f"C_Message{what}{part}"
        for what in ("Encrypt", "Decrypt", "Sign", "Verify")
        for part in ("Init", "Final")
    ),
    # nor do these, for an object that is no key (test_async_sessions.py has keys)
    *("C_CopyObject", "C_SetAttributeValue"),
}
"""Functions that may be pending and are not with what this walk gives them."""


class Walk:
    """The lines of `tests/module/walk/waiting_host.py`."""

    def __init__(self, lines: list[str]) -> None:
        self.calls: list[tuple[str, Answer]] = []
        self.pending: dict[str, int] = {}
        for line in lines:
            function, *told = line.split()
            if function == "pending":
                self.pending[told[0]] = int(told[1])
            else:
                mistake, answer, wanted, *rest = told
                said = Answer(mistake, named(answer), named(wanted), *rest)
                self.calls.append((function, said))


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    home = tmp_path_factory.mktemp("home")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.module.walk.waiting_host", str(LIBRARY)],
        cwd=REPOSITORY,
        env=python_environment() | {"GHOSTCARD_HOME": str(home), "GHOSTCARD_DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return Walk(ran.stdout.splitlines())


def test_answers_are_those_of_synchronous_sessions(walk: Walk) -> None:
    assert len(walk.calls) > 1600
    for function, call in walk.calls:
        assert call.answer == call.wanted, (function, call.mistake)
        assert call.memory == "intact", (function, call.mistake)
        if call.needed != "None":
            assert call.length == call.needed, (function, call.mistake)


def test_every_function_that_goes_to_a_card_was_pending(walk: Walk) -> None:
    assert set(walk.pending) == set(BY_NAME) - AT_ONCE
    assert sum(walk.pending.values()) > 500


def test_what_ends_and_what_gives_are_marked() -> None:
    """A function can be detached only if nothing of it stays in the session."""
    for name, function in FUNCTIONS.items():
        ends = not name.endswith(("_init", "_update", "_begin", "_next", "_key"))
        if function.may_detach and function.kinds:
            assert ends, name


def test_anything_at_random_is_answered(tmp_path: Path) -> None:
    """As in synchronous sessions (`test_walk.py`)."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.module.walk.fuzz", str(LIBRARY), "60", "asynchronous"],
        cwd=REPOSITORY,
        env=python_environment() | {"GHOSTCARD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
