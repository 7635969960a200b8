"""Whatever goes wrong, the user sees one line and the exit code says whose fault it was."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ghostcard.benchmarks.client import ClientError
from ghostcard.cli.failure import Failure, reported
from ghostcard.config import ConfigError
from ghostcard.emulator.errors import EmulatorError, ProfileError
from ghostcard.home import HomeError
from ghostcard.library import LibraryError


def ended(error: BaseException) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command that raises `error`."""

    @click.command()
    def command() -> None:
        with reported():
            raise error

    done = CliRunner().invoke(command, standalone_mode=True)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("cards: got 7"), 2, "error: cards: got 7\n"),
        (HomeError("/x: is not a directory"), 2, "error: /x: is not a directory\n"),
        (ProfileError("no such profile"), 2, "error: no such profile\n"),
        (EmulatorError("broken"), 1, "error: broken\n"),
        (LibraryError("not built"), 1, "error: not built\n"),
        (ClientError("no compiler"), 1, "error: no compiler\n"),
        (Failure("so", 42), 42, "error: so\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "error: No space left on device\n"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a/b"),
            1,
            "error: a/b: No such file or directory\n",
        ),
        (
            ZeroDivisionError("division by zero"),
            1,
            "error: internal error, please report it: ZeroDivisionError: division by zero\n",
        ),
    ],
)
def test_one_line_and_a_code(error: BaseException, code: int, line: str) -> None:
    assert ended(error) == (code, "", line)


def test_a_traceback_only_when_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GHOSTCARD_DEBUG", "1")
    code, _, lines = ended(ZeroDivisionError("division by zero"))
    assert code == 1
    assert lines.startswith("Traceback (most recent call last):\n")
    assert lines.endswith("ZeroDivisionError: division by zero\n")


def test_an_end_that_click_ordered_passes() -> None:
    assert ended(click.exceptions.Exit(3)) == (3, "", "")
    assert ended(click.UsageError("not so"))[0] == 2


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_files_that_are_closed(tmp_path: Path, closed: str) -> None:
    """They say nothing, and what would have been said is in no file."""
    command = f'"$0" -m ghostcard token init --label a --so-pin 87654321 --pin 12345678 {closed}'
    home = {**os.environ, "GHOSTCARD_HOME": str(tmp_path)}
    subprocess.run(["sh", "-c", command, sys.executable], env=home, check=True, timeout=60)
    command = f'"$0" -m ghostcard token list {closed}'
    subprocess.run(["sh", "-c", command, sys.executable], env=home, check=True, timeout=60)
