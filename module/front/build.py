"""How `libghostcard-capture.so` is built: C files and one that is generated, without Python."""

from pathlib import Path

from setuptools import Extension  # type: ignore[import-untyped]

from ghostcard.module import declarations
from ghostcard.module.front.calls import calls_c

HERE = Path("ghostcard") / "module" / "front"
"""Relative to the project, as setuptools wants it; the link `ghostcard/module` leads here."""
GENERATED = HERE.parent / "generated"
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-variable"]


def extension() -> Extension:
    """The library as setuptools builds it; writes what has to be generated first."""
    declarations.write_c(GENERATED)
    declarations.write(GENERATED / "front_calls.c", calls_c(declarations.load()))
    return Extension(
        "ghostcard.module.front.libghostcard-capture",
        sources=[*sorted(map(str, HERE.glob("*.c"))), str(GENERATED / "front_calls.c")],
        depends=[str(HERE / "front.h"), str(HERE / "build.py"), str(GENERATED / "lists.h")],
        extra_compile_args=[*FLAGS, "-pthread"],
        extra_link_args=[
            *("-pthread", "-ldl", "-Wl,-soname,libghostcard-capture.so", "-Wl,-z,defs"),
            f"-Wl,--version-script={GENERATED / 'exports.map'}",
            "-Wl,-Bsymbolic",  # a program may have functions of these names itself
            "-Wl,-z,nodelete",  # its threads end after whoever loaded it may have let go of it
        ],
    )
