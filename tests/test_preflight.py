"""`.ci/preflight`: which Python builds Ghostcard, or in one line what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PREFLIGHT = Path(__file__).parents[1] / ".ci" / "preflight"


def preflight(**variables: str) -> tuple[int, str, str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run([PREFLIGHT], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def pretend(folder: Path, lacking: str) -> str:
    """A python3 that lacks something: it answers the questions that preflight asks."""
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\necho '{lacking}'\n")
    path.chmod(0o700)
    return str(path)


def test_the_first_python_that_has_everything_is_named() -> None:
    code, path, errors = preflight()
    assert (code, errors) == (0, "")
    probe = "import sys, sysconfig; print(sysconfig.get_config_var('Py_ENABLE_SHARED'))"
    done = subprocess.run([path.strip(), "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_the_chosen_python_is_taken() -> None:
    assert preflight(PYTHON=sys.executable) == (0, f"{sys.executable}\n", "")


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"PYTHON": "/no/python3"}, "/no/python3, which PYTHON names"),
        ({"CC": "no-compiler"}, "a C compiler (Debian: gcc libc6-dev)"),
        (
            {"PYTHON": "/bin/false", "CC": "no-compiler"},
            "a Python that starts (/bin/false does not); a C compiler (Debian: gcc libc6-dev)",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_line(variables: dict[str, str], missing: str) -> None:
    expected = f"ghostcard: missing on this machine: {missing}\n"
    assert preflight(**variables) == (1, "", expected)


def test_what_a_python_lacks_is_passed_on(tmp_path: Path) -> None:
    lacking = "Python.h (Debian: python3-dev); venv and ensurepip (Debian: python3-venv)"
    expected = f"ghostcard: missing on this machine: {lacking}\n"
    assert preflight(PYTHON=pretend(tmp_path, lacking)) == (1, "", expected)


def test_a_python_that_lacks_something_is_passed_over_for_one_that_does_not(tmp_path: Path) -> None:
    pretend(tmp_path, "Python.h (Debian: python3-dev)")
    code, path, _ = preflight(PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert code == 0
    assert Path(path.strip()).parent != tmp_path
