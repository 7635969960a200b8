"""Builds libghostcard.so and the second engine's kernel; all else is in `pyproject.toml`."""

import sys
from pathlib import Path

from setuptools import setup  # type: ignore[import-untyped]
from setuptools.command.build_ext import build_ext  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ghostcard.benchmarks.recursion import build as kernel
from ghostcard.emulator.document import compile_documents
from ghostcard.emulator.profile import profile_paths
from ghostcard.module.build import extension


class BuildLibrary(build_ext):  # type: ignore[misc]  # setuptools has no types
    """A shared library for any program, so without Python's suffix in its name."""

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + ".so"


compile_documents(profile_paths())
setup(ext_modules=[extension(), kernel.extension()], cmdclass={"build_ext": BuildLibrary})
