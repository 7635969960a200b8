"""The hot path is compiled here, and what is compiled does what its source does."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostcard import hotpath

ROOT = Path(__file__).parents[2]
RUN = """
import hashlib
from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.machine import Machine
import ghostcard.driver.polling as polling
machine = Machine.simulation(cards=2, domains=2)
work = [sized("rsa2048-sign", 51), sized("aes-256-gcm", 1024), sized("query", 0)]
ClosedLoop(machine.simulated(), machine.targets(0), work, 70, 20, think_ns=1000).run()
print(polling.__file__.rpartition(".")[2], hashlib.sha256(machine.recorder.to_bytes()).hexdigest())
"""


def run(folder: Path) -> list[str]:
    """Which kind of file ran, and the digest of a short loop's records."""
    code = f"import sys; sys.path.insert(0, {str(folder)!r}){RUN}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def copy(folder: Path) -> Path:
    """The sources alone."""
    for name in ("benchmarks", "driver", "emulator", "firmware", "ghostcard", "module"):
        left_out = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=left_out)
    return folder


def test_the_compiled_run_leaves_the_records_of_the_sources(tmp_path: Path) -> None:
    compiled, records = run(ROOT)
    assert compiled == "so"
    assert run(copy(tmp_path)) == ["py", records]


def test_what_was_compiled_of_other_sources_is_stale(tmp_path: Path) -> None:
    assert hotpath.fresh()
    assert not hotpath.stale()
    root = copy(tmp_path)
    assert not hotpath.fresh(root)
    assert not hotpath.stale(root)  # nothing compiled
    for name in (*hotpath.wanted(), hotpath.STAMP):
        shutil.copy(ROOT / name, root / name)
    assert hotpath.fresh(root)
    source = root / hotpath.COMPILED[0]
    source.write_text(source.read_text() + "\n")
    assert hotpath.stale(root)
    assert not hotpath.fresh(root)
    hotpath.remove(root)
    assert not hotpath.stale(root)
    assert not hotpath.compiled(root)


def test_a_compiled_module_that_is_no_longer_listed_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = copy(tmp_path)
    for name in hotpath.wanted():
        shutil.copy(ROOT / name, root / name)
    monkeypatch.setattr(hotpath, "COMPILED", hotpath.COMPILED[1:])
    (root / hotpath.STAMP).write_text(hotpath.digest(root))
    assert hotpath.stale(root)


def imported(name: str) -> Iterator[Path]:
    """The files of ours that a file imports from, as far as they are there."""
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ghostcard"):
            source = Path(str(node.module).replace(".", "/"))
            named = [source / f"{each.name}.py" for each in node.names]
            yield from filter(
                Path.exists, (source.with_suffix(".py"), source / "__init__.py", *named)
            )


def test_constants_that_are_compiled_in_count_as_sources() -> None:
    read = {Path(name) for name in hotpath.COMPILED + hotpath.CONSTANTS}
    for name in hotpath.COMPILED:
        found = list(imported(name))
        assert found or "from ghostcard" not in (ROOT / name).read_text()
        for source in found:
            assert source in read or ": Final" not in source.read_text(), source


def make_has_nothing_to_do(root: Path) -> bool:
    return subprocess.run(["make", "-q", "build"], cwd=root, check=False).returncode == 0


def test_make_compiles_what_is_missing_or_stale(tmp_path: Path) -> None:
    """A module that somebody took away leaves stamp and times as they were."""
    root = copy(tmp_path)
    for source in ("Makefile", "setup.py", "pyproject.toml"):
        shutil.copy2(ROOT / source, root / source)
    for name in (*hotpath.wanted(), hotpath.STAMP, Path("module/libghostcard.so")):
        shutil.copy(ROOT / name, root / name)
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(sys.executable)
    for made in (".made", ".installed", ".built"):
        (root / ".venv" / made).touch()
    assert make_has_nothing_to_do(root)
    module = root / "emulator" / f"bus{hotpath.SUFFIX}"
    module.rename(tmp_path / "away")
    assert not make_has_nothing_to_do(root)
    (tmp_path / "away").rename(module)
    assert make_has_nothing_to_do(root)
    bus = root / "emulator/bus.py"
    bus.write_text(bus.read_text() + "\n")
    (root / ".venv/.built").touch()
    assert not make_has_nothing_to_do(root)
