"""Where Ghostcard keeps its state: one folder, private to its user.

``GHOSTCARD_HOME`` names it; without that it is ``$XDG_STATE_HOME/ghostcard`` and, failing that,
``~/.local/state/ghostcard`` (XDG Base Directory Specification 0.8). Paths are texts here: pathlib
would be a good part of what it costs a short-lived program to load the library.
"""

import os


class HomeError(Exception):
    """The state folder cannot be used; the message is one line that names the folder and why."""


def home() -> str:
    """The absolute path of the state folder, created with mode 0700 if it is not there.

    Raises HomeError when it is no directory, cannot be created, or may not be read and written.
    """
    path = _location()
    make_folder(path)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise HomeError(f"{path}: permission denied; it must be readable and writable")
    return path


def make_folder(path: str) -> None:
    """Have a private folder at ``path``, as `home` does for its own; HomeError if it cannot be."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except FileExistsError:
        raise HomeError(f"{path}: is not a directory") from None
    except OSError as error:
        raise HomeError(f"{path}: cannot be created: {error.strerror}") from None


def _location() -> str:
    named = os.environ.get("GHOSTCARD_HOME")
    if named:
        return os.path.abspath(named)
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):  # the specification: a relative path is invalid and is ignored
        state = os.path.join(_user(), ".local", "state")
    return os.path.join(state, "ghostcard")


def _user() -> str:
    path = os.path.expanduser("~")
    if not os.path.isabs(path):
        raise HomeError("no home directory is known; set GHOSTCARD_HOME to a folder")
    return path
