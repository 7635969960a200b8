"""Builds libghostcard.so; everything else about the project is in `pyproject.toml`."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ghostcard.module.build import extension  # noqa: E402  (it is found by the line above)


class BuildLibrary(build_ext):
    """A shared library for any program, so without Python's suffix in its name."""

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + ".so"


setup(ext_modules=[extension()], cmdclass={"build_ext": BuildLibrary})
