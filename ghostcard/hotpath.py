"""The hot path in C: which modules mypyc compiles, and how to tell what they were compiled from.

The same files run without being compiled, slower; so nothing here is needed but by the build, and a
machine without a compiler or mypyc does without. A compiled module lies beside its source and has
Python's own suffix, which nothing else of ours has. Python takes it before the source, whatever the
source says by now: `stale` compares, `make build` compiles anew, also where a module is missing:
run as a program, this file says "fresh" if all is as it should be.
"""

from __future__ import annotations

import hashlib
import sysconfig
from pathlib import Path
from typing import Any

CALLS = (
    "ghostcard/driver/dispatcher.py",
    "ghostcard/driver/whole.py",
    "ghostcard/firmware/ep11/domain.py",
    "ghostcard/firmware/ep11/whole.py",
    "ghostcard/firmware/mechanisms/context.py",
    "ghostcard/module/cipher_rules.py",
    "ghostcard/module/operation.py",
    "ghostcard/module/preparation.py",
    "ghostcard/module/rule.py",
    "ghostcard/emulator/agenda.py",
    "ghostcard/emulator/bus.py",
    "ghostcard/emulator/engine.py",
    "ghostcard/emulator/job.py",
    "ghostcard/emulator/link.py",
    "ghostcard/emulator/meter.py",
    "ghostcard/emulator/queue.py",
    "ghostcard/emulator/record.py",
)
"""What every program loads. A class here may not name one below, or they are loaded too."""

MACHINE = (
    "ghostcard/benchmarks/closed_loop.py",
    "ghostcard/driver/apdriver.py",
    "ghostcard/driver/polling.py",
    "ghostcard/driver/queue.py",
    "ghostcard/driver/simulated.py",
    "ghostcard/emulator/faultybus.py",
    "ghostcard/emulator/faultystations.py",
    "ghostcard/emulator/general_stations.py",
    "ghostcard/emulator/injector.py",
    "ghostcard/emulator/journal.py",
    "ghostcard/emulator/stations.py",
)
"""The simulated machine. One file to a line: the Makefile reads all lists here."""

CONSTANTS = (
    "ghostcard/driver/triage.py",
    "ghostcard/emulator/faultkinds.py",
    "ghostcard/emulator/image.py",
    "ghostcard/emulator/status.py",
)
"""Not compiled, but what is `Final` there is written into what is."""

GROUPS = {"calls": CALLS, "machine": MACHINE}
COMPILED = (*CALLS, *MACHINE)
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
ROOT = Path(__file__).resolve().parents[1]
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

# Small, since every program maps it: what lies in a group is its own, and what is not used is left
# out. Stacks are never unwound through it.
COMPILER = (
    "-fvisibility=hidden",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-asynchronous-unwind-tables",
)
LINKER = ("-Wl,--gc-sections", "-Wl,-z,noseparate-code", "-s")


def extensions() -> list[Any]:
    """The modules as setuptools builds them, all of them optional; [] without mypyc."""
    try:
        from mypyc.build import mypycify
    except ImportError:
        return []
    try:
        made = mypycify(
            [*OPTIONS, *COMPILED],
            separate=[(list(files), f"ghostcard.{group}") for group, files in GROUPS.items()],
            target_dir="build/hotpath",
            opt_level="2",
            debug_level="0",
        )
    except SystemExit:  # mypyc has said what it does not accept
        return []
    for each in made:
        each.optional = True
        each.extra_compile_args = [*each.extra_compile_args, *COMPILER]
        each.extra_link_args = list(LINKER)
    return list(made)


def digest(root: Path = ROOT) -> str:
    """Of all sources that the compiler reads, and of this file, which says how."""
    total = hashlib.sha256()
    for name in (*COMPILED, *CONSTANTS, "ghostcard/hotpath.py"):
        total.update((root / name).read_bytes())
    return total.hexdigest()


def compiled(root: Path = ROOT) -> set[Path]:
    """What was compiled and lies in the tree: modules, and the libraries of the groups."""
    package = root / "ghostcard"
    found = [one for depth in ("", "*/", "*/*/") for one in package.glob(f"{depth}*{SUFFIX}")]
    return {path.relative_to(root) for path in found}


def wanted() -> set[Path]:
    """What there should be."""
    modules = {Path(name.removesuffix(".py") + SUFFIX) for name in COMPILED}
    return modules | {Path(f"ghostcard/{group}__mypyc{SUFFIX}") for group in GROUPS}


def fresh(root: Path = ROOT) -> bool:
    """Whether all are there and made of the sources as they are."""
    stamp = root / STAMP
    made_of = stamp.read_text() if stamp.exists() else ""
    return made_of == digest(root) and compiled(root) == wanted()


def stale(root: Path = ROOT) -> bool:
    """Whether a compiled module is there that does not do what its source says."""
    return bool(compiled(root)) and not fresh(root)


def remove(root: Path = ROOT) -> None:
    """Take away whatever was compiled; the sources run."""
    for path in (*compiled(root), STAMP):
        (root / path).unlink(missing_ok=True)


if __name__ == "__main__":
    print("fresh" if fresh() else "to be compiled")
