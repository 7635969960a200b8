"""Where libghostcard.so is."""

from pathlib import Path


class LibraryError(Exception):
    """The PKCS #11 library is not there; the message names its path."""


def library() -> Path:
    """The path of the PKCS #11 library beside this package; LibraryError when it was not built."""
    path = Path(__file__).parent / "module" / "libghostcard.so"
    if not path.exists():
        raise LibraryError(f"{path}: is not built; `make bench` or `pip install` builds it")
    return path
