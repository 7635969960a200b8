"""What the library runs first in the interpreter (cffi's "init code"): finds, connects the package.

The text is compiled into libghostcard.so; nobody imports this file. In a Python program of another
environment the package is imported from its own place, so that no folder of ours comes into the
host's ``sys.path`` for it. What fails is said in one line, and CKR_GENERAL_ERROR is the answer
from then on.
"""

import sys

from _ghostcard import ffi, lib  # type: ignore[import-not-found]


def adopt(root: str) -> None:
    """Imports the ghostcard that belongs to this library; ImportError if there is another."""
    try:
        import ghostcard
    except ModuleNotFoundError as error:
        if error.name != "ghostcard":
            raise
        load(root)
        return
    import os.path

    found = os.path.dirname(ghostcard.__file__)
    if not os.path.samefile(found, f"{root}/ghostcard"):
        raise ImportError(
            f"this process has the ghostcard of {found}, the library is that of {root}"
        )


def load(root: str) -> None:
    """Imports the package from ``root``, which need not be on the path."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("ghostcard", f"{root}/ghostcard/__init__.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"no package ghostcard in {root}")
    sys.modules["ghostcard"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)


def start() -> None:
    """Everything a later call needs, so that what is missing is known at the first one."""
    adopt(ffi.string(lib.place.root).decode(sys.getfilesystemencoding(), "surrogateescape"))
    import cryptography  # noqa: F401  (used by the card's firmware and the token store, only when they need it)

    from ghostcard.module.entries import connect

    connect(ffi, lib)


def start_quickly() -> None:
    """Without looking for garbage meanwhile: there is none, and the search is a seventh of it."""
    import gc

    if not gc.isenabled():
        start()
        return
    gc.disable()
    try:
        start()
    finally:
        gc.enable()


try:
    start_quickly()
except Exception as error:
    lib.interpreter_refuse(f"cannot start: {error}".encode(errors="replace"))
    from os import environ

    if environ.get("GHOSTCARD_DEBUG"):
        sys.excepthook(*sys.exc_info())
