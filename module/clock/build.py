"""How `libghostcard-clock.so` is built: one C file, without Python."""

from pathlib import Path

from setuptools import Extension  # type: ignore[import-untyped]

HERE = Path("ghostcard") / "module" / "clock"
"""Relative to the project, as setuptools wants it; the link `ghostcard/module` leads here."""
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wmissing-prototypes", "-fvisibility=hidden"]


def extension() -> Extension:
    """The library as setuptools builds it."""
    return Extension(
        "ghostcard.module.clock.libghostcard-clock",
        sources=[str(HERE / "clock.c")],
        depends=[str(HERE / "clock.h"), str(HERE / "build.py")],
        extra_compile_args=[*FLAGS, "-ftls-model=initial-exec", "-pthread"],
        extra_link_args=["-pthread", "-ldl", "-Wl,-soname,libghostcard-clock.so", "-Wl,-z,defs"],
    )
