"""The C files under valgrind's memcheck: no byte is read or written that is not ours."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.module.test_abi import NAMES
from tests.module.tree import Tree, compile_host

FOUND = 42
VALGRIND = ("valgrind", "--quiet", "--leak-check=no", f"--error-exitcode={FOUND}")
"""What Python keeps at the end of the process is no leak of ours."""

ENVIRONMENT = {"PYTHONMALLOC": "malloc", "PATH": "/usr/bin:/bin"}
"""Every object of Python's is a block of its own to memcheck."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    if shutil.which("valgrind") is None:
        pytest.skip("needs valgrind")
    return Tree(tmp_path_factory.mktemp("site"))


def checked(host: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The host under valgrind."""
    command = (*VALGRIND, host, *arguments)
    return subprocess.run(
        list(map(str, command)),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(("name", "more"), [("calls", ()), ("messages", ()), ("nulls", NAMES)])
def test_nothing_is_read_or_written_out_of_place(
    tree: Tree, tmp_path: Path, name: str, more: list[str]
) -> None:
    ran = checked(compile_host(name, tmp_path), tree.library, *more)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_byte_too_many_is_noticed(tree: Tree, tmp_path: Path) -> None:
    """The host lies about its own memory; the library reads what it was told to."""
    ran = checked(compile_host("overrun", tmp_path), tree.library)
    assert ran.returncode == FOUND
    assert "Invalid read of size" in ran.stderr
