"""How the kernel of the second engine is built: cffi's API mode around the C files here."""

from pathlib import Path
from typing import Any

from cffi import FFI  # type: ignore[import-untyped]

HERE = Path("ghostcard") / "benchmarks" / "recursion"
"""Relative to the project, as setuptools wants it; the link `ghostcard/benchmarks` leads here."""
SOURCES = ("card.c", "draws.c", "driver.c", "hosts.c", "messages.c", "timeline.c")
HEADERS = ("kernel.h", "machine.h")
MODULE = "ghostcard.benchmarks.recursion._kernel"
CALLBACK = 'extern "Python" int kernel_refill(void *context, int32_t client);\n'
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter"]


def extension() -> Any:
    """The kernel as setuptools builds it; a machine without a compiler does without."""
    ffi = FFI()
    ffi.cdef(declarations((HERE / "kernel.h").read_text(encoding="utf-8")) + CALLBACK)
    ffi.set_source(
        MODULE,
        '#include "kernel.h"\n',
        sources=[str(HERE / name) for name in SOURCES],
        depends=[str(HERE / name) for name in HEADERS],
        include_dirs=[str(HERE)],
        extra_compile_args=FLAGS,
        optional=True,
    )
    return ffi.distutils_extension(tmpdir="build", verbose=False)


def declarations(header: str) -> str:
    """What a header declares, without the lines for the preprocessor."""
    return "".join(line for line in header.splitlines(True) if not line.startswith("#"))
