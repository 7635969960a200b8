"""A TOML file as a dictionary, read from a compiled copy where there is a good one.

Parsing a profile with `tomllib` takes longer than everything else a short-lived program does with
it. So `compile_documents`, which the build calls, puts beside each file a copy in Python's marshal
format, headed by the CRC-32 of the text it was made of: a copy that does not fit its text (or this
Python) is passed over.
"""

import os
from collections.abc import Iterable
from typing import Any

from ghostcard.emulator.errors import ProfileError

_FORMAT = 4  # of marshal; unchanged since Python 3.4
SUFFIX = ".compiled"


def read_document(path: str) -> dict[str, Any]:
    """The tables of a TOML file; `ProfileError` if it cannot be read or is no TOML."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror or error}") from error
    document = _compiled(path, text)
    return _parsed(path, text) if document is None else document


def compile_documents(paths: Iterable[str]) -> None:
    """Put a compiled copy beside each file."""
    import marshal

    for path in paths:
        with open(path, "rb") as file:
            text = file.read()
        with open(path + SUFFIX, "wb") as copy:
            copy.write(_mark(text) + marshal.dumps(_parsed(path, text), _FORMAT))


def _mark(text: bytes) -> bytes:
    from binascii import crc32

    return crc32(text).to_bytes(4, "little")


def _compiled(path: str, text: bytes) -> dict[str, Any] | None:
    if not os.path.exists(path + SUFFIX):
        return None
    import marshal

    with open(path + SUFFIX, "rb") as copy:
        compiled = copy.read()
    if compiled[:4] != _mark(text):
        return None
    document: dict[str, Any] = marshal.loads(compiled[4:])
    return document


def _parsed(path: str, text: bytes) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text.decode())
    except RecursionError:
        raise ProfileError(f"{path}: not TOML: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError, a number of endless digits
        raise ProfileError(f"{path}: not TOML: {error}") from error
