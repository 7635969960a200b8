"""How `libghostcard-ap.so` is built: one C file, without Python."""

from pathlib import Path

from setuptools import Extension  # type: ignore[import-untyped]

HERE = Path("ghostcard") / "emulator" / "client"
"""Relative to the project, as setuptools wants it; the link `ghostcard/emulator` leads here."""
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wmissing-prototypes", "-fvisibility=hidden"]


def extension() -> Extension:
    """The library as setuptools builds it."""
    return Extension(
        "ghostcard.emulator.client.libghostcard-ap",
        sources=[str(HERE / "ghostcard-ap.c")],
        depends=[str(HERE / "ghostcard-ap.h")],
        extra_compile_args=[*FLAGS, "-pthread"],
        extra_link_args=["-pthread", "-Wl,-soname,libghostcard-ap.so", "-Wl,-z,defs"],
    )
