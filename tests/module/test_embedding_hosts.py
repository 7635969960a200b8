"""Hosts that have a Python: the same one is shared, another one is refused."""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.module.tree import HERE, LIBRARY, REPOSITORY, Tree, compile_host, passes, run

SCRIPT = HERE / "hosts" / "python_host.py"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which nothing is installed."""
    folder = tmp_path_factory.mktemp("other")
    venv.create(folder, with_pip=False)
    return folder / "bin" / "python"


CASES = [
    *("plain", "holding_the_gil", "finalize_holding_the_gil", "capsule", "processes"),
    *("fork", "fork_under_threads", "fork_under_lock"),
    *("finalize_late", "finalize_in_del", "busy_threads", "interrupted"),
]


@pytest.mark.parametrize("case", CASES)
def test_a_python_program_of_another_environment(other: Path, tree: Tree, case: str) -> None:
    """The program checks every answer; nobody may hang, crash or say a word."""
    assert passes(run(other, SCRIPT, tree.library, case)) == ""


@pytest.mark.parametrize("case", ["plain", "garbage"])
def test_a_python_program_of_the_same_environment(tmp_path: Path, case: str) -> None:
    environment = {"PYTHONPATH": str(REPOSITORY), "GHOSTCARD_HOME": str(tmp_path)}
    assert passes(run(sys.executable, SCRIPT, LIBRARY, case, environment=environment)) == ""


def test_what_cannot_be_loaded_any_more_is_told_once(other: Path, tree: Tree) -> None:
    done = run(other, SCRIPT, tree.library, "missing")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "ghostcard: No module named 'late': this process may not read the folders of Python and "
        "Ghostcard\n"
    )


def test_the_surroundings_of_the_program_stay_as_they_are(other: Path, tree: Tree) -> None:
    """One folder at the end of sys.path, no module of ours at the top; signals, switch interval."""
    printed = passes(run(other, SCRIPT, tree.library, "surroundings"))
    assert printed == "True 1 set()\nTrue 0.005\n"


@pytest.mark.parametrize(
    "case", ["no_finalize", "finalize_late", "finalize_in_del", "busy_threads"]
)
def test_the_end_of_the_program_finalizes_once(
    other: Path, tree: Tree, tmp_path: Path, case: str
) -> None:
    log = tmp_path / "log"
    environment = {"STANDIN_LOG": str(log)}
    assert passes(run(other, SCRIPT, tree.library, case, environment=environment)) == ""
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["initialize", "finalize"]


def refusal(completed: subprocess.CompletedProcess[str]) -> str:
    assert (completed.returncode, completed.stdout) == (0, "0x5\n")
    assert completed.stderr.count("\n") == 1
    return completed.stderr.removeprefix("ghostcard: ").rstrip()


def test_another_ghostcard_in_the_program_is_refused(
    other: Path, tree: Tree, tmp_path: Path
) -> None:
    (tmp_path / "ghostcard").mkdir()
    (tmp_path / "ghostcard" / "__init__.py").write_text("")
    environment = {"PYTHONPATH": str(tmp_path)}
    completed = run(other, SCRIPT, tree.library, "plain", environment=environment)
    places = f"the ghostcard of {tmp_path / 'ghostcard'}, the library is that of {tree.root}"
    assert refusal(completed) == f"cannot start: this process has {places}"


def test_a_second_copy_in_the_program_is_refused(other: Path, tree: Tree) -> None:
    copy = tree.module / "second.so"
    shutil.copy(tree.library, copy)
    completed = run(other, SCRIPT, tree.library, "second_copy", copy)
    wanted = "another copy of libghostcard.so runs in this process"
    assert refusal(completed) == f"cannot start: {wanted}"


OURS = platform.python_version()
LIBPYTHON = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("INSTSONAME")


@pytest.mark.parametrize("version", ["2.7.18", "3.9.1", "3.14.0", f"{OURS}1"])
def test_a_program_with_another_version_in_it_is_refused(
    tree: Tree, tmp_path: Path, version: str
) -> None:
    host = compile_host("foreign", tmp_path, "-rdynamic", f'-DVERSION="{version}"')
    wanted = f"this process runs Python {version}, the library needs {OURS} of {LIBPYTHON}"
    assert refusal(run(host, tree.library)) == wanted


def test_a_program_with_another_libpython_loaded_is_refused(tree: Tree, tmp_path: Path) -> None:
    """An empty library under that name: only names are looked at."""
    fake = tmp_path / "libpython3.9.so.1.0"
    empty = ["gcc", "-shared", "-o", str(fake), "-x", "c", os.devnull]
    subprocess.run(empty, check=True)
    wanted = f"this process has {fake} loaded, another Python than the library's {LIBPYTHON}"
    assert refusal(run(compile_host("plugin", tmp_path), tree.library, fake)) == wanted


FIRST_CALL = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
print(hex(library.C_GetFunctionList(ctypes.byref(ctypes.c_void_p()))))
"""


def version_of(python: Path) -> str:
    """Empty if it has no ctypes, or does not run at all."""
    code = "import ctypes, platform; print(platform.python_version(), end='')"
    try:
        return run(python, "-c", code).stdout
    except OSError:
        return ""


def other_pythons() -> Iterator[tuple[Path, str]]:
    """An interpreter of another minor version, and one of another patch level, if they are here."""
    places = [Path("/usr/bin"), Path("/usr/local/bin"), *Path(sys.base_prefix).parent.glob("*/bin")]
    found = {path.resolve(): path for place in places for path in place.glob("python3.*[0-9]")}
    name = f"python3.{sys.version_info.minor}"
    for is_wanted in (name.__eq__, name.__ne__):
        wanted = (path for path in found.values() if is_wanted(path.name))
        versions = ((path, version_of(path)) for path in wanted)
        yield from islice(((path, text) for path, text in versions if text not in ("", OURS)), 1)


OTHERS = list(other_pythons())
if OTHERS:  # a machine need not have any; `foreign` above plays all versions everywhere

    @pytest.mark.parametrize(("python", "version"), OTHERS)
    def test_a_program_of_another_python_is_refused(tree: Tree, python: Path, version: str) -> None:
        versions = f"runs Python {version}, the library needs {OURS} of {LIBPYTHON}"
        completed = run(python, "-c", FIRST_CALL, tree.library)
        assert refusal(completed) == f"this process {versions}"
