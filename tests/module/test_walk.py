"""Every function with each thing wrong, through the real library (tests/module/walk)."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from ghostcard import pkcs11 as ck
from tests.module.tree import LIBRARY, REPOSITORY, python_environment
from tests.module.walk.recipes import RECIPES
from tests.module.walk.shapes import FUNCTIONS

NAMES = {
    value: name
    for name, value in vars(ck).items()
    if name.startswith("CKR_") and isinstance(value, int)
}


class Answer(NamedTuple):
    """One call: what was wrong with it, what it answered and told, and what it should have."""

    mistake: str
    answer: str
    wanted: str
    length: str
    needed: str
    memory: str


def named(rv: str) -> str:
    """The name of a CK_RV."""
    return NAMES.get(int(rv, 16), rv)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Answer]]:
    """Function -> its calls, made in a process of their own."""
    home = tmp_path_factory.mktemp("home")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.module.walk.host", str(LIBRARY)],
        cwd=REPOSITORY,
        env=python_environment() | {"GHOSTCARD_HOME": str(home), "GHOSTCARD_DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    calls = defaultdict(list)
    for line in ran.stdout.splitlines():
        function, mistake, answer, wanted, *told = line.split()
        calls[function].append(Answer(mistake, named(answer), named(wanted), *told))
    return calls


def test_every_function_is_walked(walked: dict[str, list[Answer]]) -> None:
    rest = {"C_Initialize", "C_Finalize"}  # tests/module/hosts/arguments.c
    assert set(walked) == set(RECIPES) == set(FUNCTIONS) - rest
    assert sum(map(len, walked.values())) > 1600


@pytest.mark.parametrize("function", RECIPES)
def test_mistakes_are_answered_as_the_standard_says(
    walked: dict[str, list[Answer]], function: str
) -> None:
    for call in walked[function]:
        assert call.answer == call.wanted, call.mistake
        assert call.memory == "intact", call.mistake
        if call.needed != "None":
            assert call.length == call.needed, call.mistake


def test_the_walk_would_notice(walked: dict[str, list[Answer]]) -> None:
    """Answers of many kinds are expected, and told apart."""
    kinds = {call.wanted for calls in walked.values() for call in calls}
    assert len(kinds) > 25
    assert "CKR_GENERAL_ERROR" not in kinds


def test_anything_at_random_is_answered(tmp_path: Path) -> None:
    """Mechanisms and templates drawn by hypothesis: `tests/module/walk/fuzz.py` has the rules."""
    command = [sys.executable, "-m", "tests.module.walk.fuzz", str(LIBRARY), "300"]
    ran = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=python_environment() | {"GHOSTCARD_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
