"""Where the shared libraries are."""

from pathlib import Path


class LibraryError(Exception):
    """A shared library is not there; the message names its path."""


def library() -> Path:
    """The path of the PKCS #11 library beside this package; LibraryError when it was not built."""
    return _built(Path(__file__).parent / "module" / "libghostcard.so")


def client_library() -> Path:
    """The path of the bus's library for drivers in C, beside its header; LibraryError likewise."""
    return _built(Path(__file__).parent / "emulator" / "client" / "libghostcard-ap.so")


def capture_library() -> Path:
    """The path of the library that stands in front of another one; LibraryError likewise."""
    return _built(Path(__file__).parent / "module" / "front" / "libghostcard-capture.so")


def clock_library() -> Path:
    """The path of the library that gives a program the cards' clock; LibraryError likewise."""
    return _built(Path(__file__).parent / "module" / "clock" / "libghostcard-clock.so")


def _built(path: Path) -> Path:
    if not path.exists():
        raise LibraryError(f"{path}: is not built; `make bench` or `pip install` builds it")
    return path
