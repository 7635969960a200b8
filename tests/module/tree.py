"""A package tree with the built library and the stand-in in it, and C hosts compiled against it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
LIBRARY = REPOSITORY / "module" / "libghostcard.so"
GENERATED = REPOSITORY / "module" / "generated"


class Tree:
    """An installation: what `pip install` would lay out, but for the stand-in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "ghostcard"
        self.module = self.package / "module"
        self.library = self.module / LIBRARY.name
        self.module.mkdir(parents=True)
        self._link(REPOSITORY / "ghostcard", self.package, leave="module")
        self._link(REPOSITORY / "module", self.module, leave="cryptoki.py")
        self.library.unlink()
        shutil.copy(LIBRARY, self.library)
        shutil.copy(HERE / "hosts" / "standin.py", self.module / "cryptoki.py")

    @staticmethod
    def _link(source: Path, target: Path, leave: str) -> None:
        for path in source.iterdir():
            if path.name not in (leave, "__pycache__"):
                (target / path.name).symlink_to(path)


def compile_host(name: str, folder: Path, *flags: str) -> Path:
    """The program of `hosts/<name>.c`, compiled unless it is there; warnings are errors."""
    program = folder / name
    if not program.exists():
        strict = ("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror")
        source = str(HERE / "hosts" / f"{name}.c")
        command = [
            "gcc",
            *strict,
            f"-I{GENERATED}",
            f"-I{GENERATED.parent}",
            source,
            "-o",
            str(program),
            "-pthread",
            *flags,
        ]
        subprocess.run(command, check=True, timeout=60)
    return program


def run(
    *command: str | Path, environment: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Runs a program with nothing in its environment but what is given, as `env -i` does."""
    return subprocess.run(
        [str(part) for part in command],
        env=dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


def passes(completed: subprocess.CompletedProcess[str]) -> str:
    """What the program printed, if it ended well and said nothing on stderr."""
    assert (completed.returncode, completed.stderr) == (0, "")
    return completed.stdout


def python_environment() -> dict[str, str]:
    """For a Python host: the tests' own environment, whatever started the tests."""
    return {"PATH": os.environ.get("PATH", ""), "VIRTUAL_ENV": sys.prefix}
