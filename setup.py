"""Builds the four libraries, the second engine's kernel and the hot path; see `pyproject.toml`."""

import sys
from pathlib import Path

from setuptools import setup  # type: ignore[import-untyped]
from setuptools.command.build_ext import build_ext  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ghostcard import hotpath
from ghostcard.benchmarks.recursion import build as kernel
from ghostcard.emulator.client import build as client
from ghostcard.emulator.document import compile_documents
from ghostcard.emulator.profile import profile_paths
from ghostcard.module.build import extension
from ghostcard.module.clock import build as clock
from ghostcard.module.front import build as front

PLAIN = (
    "libghostcard",
    "libghostcard-ap",
    "libghostcard-capture",
    "libghostcard-clock",
    "_kernel",
)  # without Python's suffix: shared libraries, not only its own


class BuildAll(build_ext):  # type: ignore[misc]  # setuptools has no types
    """In place the hot path is compiled only if that has not been done; in whole or not at all."""

    def finalize_options(self) -> None:
        in_place = self.inplace or self.editable_mode
        self._digest = hotpath.digest()  # of what is compiled, whatever the sources are afterwards
        self._hot = [] if in_place and hotpath.fresh() else hotpath.extensions()
        if in_place and not hotpath.fresh():
            hotpath.remove()
        self.distribution.ext_modules = [*self.distribution.ext_modules, *self._hot]
        super().finalize_options()

    def get_ext_filename(self, fullname: str) -> str:
        if fullname.rpartition(".")[2] in PLAIN:
            return str(Path(*fullname.split("."))) + ".so"
        return str(super().get_ext_filename(fullname))

    def build_extensions(self) -> None:
        """If one of the hot path's modules cannot be built there is none, not an old one either."""
        made = [Path(self.get_ext_fullpath(one.name)) for one in self._hot]
        _remove(made)
        super().build_extensions()
        if not all(path.exists() for path in made):
            _remove(made)

    def copy_extensions_to_source(self) -> None:
        super().copy_extensions_to_source()
        if self._hot and hotpath.compiled() == hotpath.wanted():
            hotpath.STAMP.write_text(self._digest)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


compile_documents(profile_paths())
setup(
    ext_modules=[
        *(extension(), front.extension(), clock.extension()),
        *(client.extension(), kernel.extension()),
    ],
    cmdclass={"build_ext": BuildAll},
)
