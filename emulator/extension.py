"""Profiles that say only in what they differ: `extends = "NAME"` at the top of a profile's file.

The file then states what it changes of that profile. A figure `{ value = .., source = ".." }`, a
text and a list stand in place of the base's; of any other table the keys are taken one by one. What
a base has cannot be taken away. The whole is then read as if one file had stated it.

`NAME` is a profile that comes with Ghostcard, a base in its folder (`_NAME`, no profile by itself),
or a TOML file (anything with a `/` or ending in `.toml`), relative to the file that extends it.
"""

import os
from typing import Any

from ghostcard.emulator.document import read_document
from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.profile import FOLDER, bases, is_path

Table = dict[str, Any]

EXTENDS = "extends"
_FIGURE = frozenset(("value", "source"))


def document(path: str) -> Table:
    """The TOML document at `path`, with everything it extends.

    `ProfileError` for a file that cannot be read, is no TOML, extends what is not there, or
    extends itself.
    """
    return _document(path, ())


def _document(path: str, extending: tuple[str, ...]) -> Table:
    chain = (*extending, os.path.realpath(path))
    own = read_document(path)
    if EXTENDS not in own:
        return own
    base = _base(path, own.pop(EXTENDS))
    if os.path.realpath(base) in chain:
        raise ProfileError(f"{path}: {EXTENDS}: {base} extends this file in turn")
    return _merged(_document(base, chain), own)


def _base(path: str, name: object) -> str:
    if isinstance(name, str) and is_path(name):
        return os.path.join(os.path.dirname(path), name)
    if name not in bases():
        known = ", ".join(bases())
        raise ProfileError(f"{path}: {EXTENDS}: got {name!r}, expected one of {known}, or a path")
    return os.path.join(FOLDER, f"{name}.toml")


def _merged(base: Table, own: Table) -> Table:
    merged = dict(base)
    for key, value in own.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not _is_figure(value):
            value = _merged(below, value)
        merged[key] = value
    return merged


def _is_figure(table: Table) -> bool:
    return not _FIGURE.isdisjoint(table)
