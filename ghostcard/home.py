"""Where Ghostcard keeps its state: one folder, private to its user.

``GHOSTCARD_HOME`` names it; without that it is ``$XDG_STATE_HOME/ghostcard`` and, failing that,
``~/.local/state/ghostcard`` (XDG Base Directory Specification 0.8).
"""

import os
from pathlib import Path


class HomeError(Exception):
    """The state folder cannot be used; the message is one line that names the folder and why."""


def home() -> Path:
    """The state folder, created with mode 0700 if it is not there.

    Raises HomeError when it is no directory, cannot be created, or may not be read and written.
    """
    path = _location()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise HomeError(f"{path}: is not a directory; GHOSTCARD_HOME must name one") from None
    except OSError as error:
        raise HomeError(f"{path}: cannot be created: {error.strerror}") from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise HomeError(f"{path}: permission denied; it must be readable and writable")
    return path


def _location() -> Path:
    named = os.environ.get("GHOSTCARD_HOME")
    if named:
        return Path(named).absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):  # the specification: a relative path is invalid and is ignored
        return Path(state) / "ghostcard"
    return _user() / ".local" / "state" / "ghostcard"


def _user() -> Path:
    path = os.path.expanduser("~")
    if not os.path.isabs(path):
        raise HomeError("no home directory is known; set GHOSTCARD_HOME to a folder")
    return Path(path)
