"""A C program loads the library: RTLD_LOCAL, `env -i`, any environment, links, broken ones."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.module.tree import LIBRARY, REPOSITORY, Tree, compile_host, passes, run

OK = "C_GetFunctionList 0x0\nC_GetInterface 0x0\nC_GetInterfaceList 0x0\n"
REFUSED = OK.replace("0x0", "0x5")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_host("first", tmp_path_factory.mktemp("hosts"))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "site")


def test_it_starts_with_an_empty_environment(first: Path, tree: Tree) -> None:
    assert passes(run(first, tree.library, "initialize")) == OK + "C_Initialize 0x0\n"


def test_it_starts_through_a_link_and_by_a_relative_path(first: Path, tree: Tree) -> None:
    (tree.root / "link.so").symlink_to(tree.library)
    relative = os.path.relpath(tree.root / "link.so")
    assert passes(run(first, relative)) == OK


def test_it_starts_where_it_was_built(first: Path) -> None:
    """The source tree's own layout; start-up imports the whole real module."""
    assert passes(run(first, LIBRARY)) == OK
    assert passes(run(first, REPOSITORY / "ghostcard" / "module" / LIBRARY.name)) == OK


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"},
        {"VIRTUAL_ENV": "/nowhere", "PATH": "/nowhere"},
        {"PYTHONSTARTUP": "/nowhere", "PYTHONINSPECT": "1", "PYTHONVERBOSE": "1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-16"},
        {"LD_LIBRARY_PATH": "/usr/lib/x86_64-linux-gnu"},
    ],
    ids=lambda environment: "-".join(environment),
)
def test_no_variable_breaks_it(first: Path, tree: Tree, environment: dict[str, str]) -> None:
    assert passes(run(first, tree.library, "initialize", environment=environment)).startswith(OK)


def test_no_folder_of_the_user_hijacks_it(first: Path, tree: Tree, tmp_path: Path) -> None:
    for name in ("cffi", "_cffi_backend", "ghostcard", "threading", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')")
    environment = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)}
    assert passes(run(first, tree.library, environment=environment)) == OK


def test_it_starts_with_its_standard_streams_closed(first: Path, tree: Tree) -> None:
    script = f'"{first}" "{tree.library}" initialize 0<&- 2>&-'
    assert passes(run("/bin/sh", "-c", script)) == OK + "C_Initialize 0x0\n"


def refusal(first: Path, library: Path, **environment: str) -> str:
    """The one line of a library that refuses."""
    completed = run(first, library, environment=environment)
    assert (completed.returncode, completed.stdout) == (0, REFUSED)
    assert completed.stderr.count("\n") == 1
    assert completed.stderr.startswith("ghostcard: ")
    return completed.stderr.removeprefix("ghostcard: ").rstrip()


def test_a_copy_outside_its_package_is_refused(first: Path, tmp_path: Path) -> None:
    copy = tmp_path / "lib.so"
    shutil.copy(LIBRARY, copy)
    wanted = f"{copy} is not beside the package ghostcard: link to the library, do not copy it"
    assert refusal(first, copy) == wanted


def test_a_missing_part_of_the_package_is_named(first: Path, tree: Tree) -> None:
    (tree.module / "errors.py").unlink()
    assert refusal(first, tree.library) == "cannot start: No module named 'ghostcard.module.errors'"


def test_a_package_that_does_not_compile_is_refused(first: Path, tree: Tree) -> None:
    (tree.module / "cryptoki.py").write_text("def\n")
    assert refusal(first, tree.library) == "cannot start: invalid syntax (cryptoki.py, line 1)"


def test_a_missing_dependency_is_named(first: Path, tree: Tree) -> None:
    """A folder with a `cffi` in it is an environment of its own, and this one has nothing more."""
    (tree.root / "cffi").mkdir()
    assert refusal(first, tree.library) == "cannot start: No module named '_cffi_backend'"
    link_backend(tree)
    assert refusal(first, tree.library) == "cannot start: No module named 'cryptography'"


def test_a_broken_dependency_is_named(first: Path, tree: Tree) -> None:
    (tree.root / "cryptography.py").write_text("raise ImportError('libssl.so.9: no such\\nfile')")
    assert refusal(first, tree.library) == "cannot start: libssl.so.9: no such file"


def test_debugging_shows_the_traceback(first: Path, tree: Tree) -> None:
    (tree.module / "cryptoki.py").write_text("1 / 0\n")
    completed = run(first, tree.library, environment={"GHOSTCARD_DEBUG": "1"})
    assert completed.stdout == REFUSED
    assert completed.stderr.startswith("ghostcard: cannot start: division by zero\nTraceback")
    assert completed.stderr.endswith("ZeroDivisionError: division by zero\n")


def link_backend(tree: Tree) -> None:
    site = Path(sysconfig.get_path("platlib"))
    (backend,) = site.glob("_cffi_backend*.so")
    (tree.root / backend.name).symlink_to(backend)


def test_an_installation_needs_nothing_but_its_own_site(first: Path, tree: Tree) -> None:
    """In site-packages the dependencies lie beside the package; the build's are not used."""
    link_backend(tree)
    (tree.root / "cffi").mkdir()
    (tree.root / "cryptography.py").write_text("")
    (tree.module / "cryptoki.py").write_text(
        "import sys\nfrom pathlib import Path\n"
        f"Path({str(tree.root / 'path')!r}).write_text('\\n'.join(sys.path))\n"
        "class Cryptoki:\n    def __getattr__(self, name):\n        return print\n"
    )
    assert passes(run(first, tree.library)) == OK
    standard = [sysconfig.get_path("stdlib"), sysconfig.get_config_var("DESTSHARED")]
    assert (tree.root / "path").read_text().split("\n") == [*standard, str(tree.root)]
    assert sys.prefix not in (tree.root / "path").read_text()


@pytest.mark.parametrize(
    ("failure", "rv", "line"),
    [
        ("configuration", "0x5", "ghostcard: config.toml: cards: no such key\n"),
        ("device", "0x30", ""),
        ("driver", "0x32", "ghostcard: ENODEV: no card\n"),
    ],
)
def test_a_failed_initialization(first: Path, tree: Tree, failure: str, rv: str, line: str) -> None:
    completed = run(first, tree.library, "initialize", environment={"STANDIN_FAIL": failure})
    assert completed.stdout == OK + f"C_Initialize {rv}\n"
    assert completed.stderr == line
