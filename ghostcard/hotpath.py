"""The hot path in C: which modules mypyc compiles, and how to tell what they were compiled from.

The same files run without being compiled, slower; so nothing here is needed but by the build, and a
machine without a compiler or mypyc does without. A compiled module lies beside its source and has
Python's own suffix, which nothing else of ours has. Python takes it before the source, whatever the
source says by now: `stale` compares, `make build` compiles anew.
"""

from __future__ import annotations

import hashlib
import sysconfig
from pathlib import Path
from typing import Any

COMPILED = (
    "ghostcard/benchmarks/closed_loop.py",
    "ghostcard/driver/apdriver.py",
    "ghostcard/driver/dispatcher.py",
    "ghostcard/driver/polling.py",
    "ghostcard/driver/queue.py",
    "ghostcard/driver/simulated.py",
    "ghostcard/driver/triage.py",
    "ghostcard/emulator/agenda.py",
    "ghostcard/emulator/bus.py",
    "ghostcard/emulator/engine.py",
    "ghostcard/emulator/general_stations.py",
    "ghostcard/emulator/job.py",
    "ghostcard/emulator/journal.py",
    "ghostcard/emulator/link.py",
    "ghostcard/emulator/queue.py",
    "ghostcard/emulator/record.py",
    "ghostcard/emulator/stations.py",
    "ghostcard/emulator/status.py",
)
"""One to a line: the Makefile reads them here. They call each other as C functions do."""

GROUP = "ghostcard.hotpath"
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
ROOT = Path(__file__).resolve().parents[1]
LIBRARY = Path(f"ghostcard/hotpath__mypyc{SUFFIX}")
STAMP = Path("ghostcard/hotpath.stamp")
"""The digest of the sources that the compiled modules beside them were made of."""

# Types are checked by `make check`, in strict mode; here they are only used, and the packages that
# we import need not be installed.
OPTIONS = (
    "--config-file=",
    "--namespace-packages",
    "--explicit-package-bases",
    "--ignore-missing-imports",
)


def extensions() -> list[Any]:
    """The modules as setuptools builds them, the library they share first; [] without mypyc."""
    try:
        from mypyc.build import mypycify
    except ImportError:
        return []
    files = list(COMPILED)
    try:
        made = mypycify(
            [*OPTIONS, *files],
            separate=[(files, GROUP)],
            target_dir="build/hotpath",
            opt_level="2",
            debug_level="0",
        )
    except SystemExit:  # mypyc has said what it does not accept
        return []
    for each in made:
        each.optional = True
    return list(made)


def digest(root: Path = ROOT) -> str:
    """Of the sources of all compiled modules and of this file, which says how."""
    total = hashlib.sha256()
    for name in (*COMPILED, "ghostcard/hotpath.py"):
        total.update((root / name).read_bytes())
    return total.hexdigest()


def compiled(root: Path = ROOT) -> set[Path]:
    """The compiled modules that lie in the tree."""
    return {path.relative_to(root) for path in (root / "ghostcard").glob(f"*/*{SUFFIX}")}


def wanted() -> set[Path]:
    """The compiled modules that there should be."""
    return {Path(name.removesuffix(".py") + SUFFIX) for name in COMPILED}


def fresh(root: Path = ROOT) -> bool:
    """Whether all are there and made of the sources as they are."""
    stamp = root / STAMP
    return (
        stamp.exists()
        and stamp.read_text() == digest(root)
        and (root / LIBRARY).exists()
        and compiled(root) == wanted()
    )


def stale(root: Path = ROOT) -> bool:
    """Whether a compiled module is there that does not do what its source says."""
    return bool(compiled(root)) and not fresh(root)


def remove(root: Path = ROOT) -> None:
    """Take away whatever was compiled; the sources run."""
    for path in (*compiled(root), LIBRARY, STAMP):
        (root / path).unlink(missing_ok=True)
