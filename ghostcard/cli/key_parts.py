"""Files with parts of a wrapping key: one line, which nobody but the owner can read.

ghostcard-part HEX      a part in clear
ghostcard-sealed HEX    a part sealed for the importer key of one APQN
"""

import os
import stat
from typing import NamedTuple

from ghostcard.cli.failure import Failure
from ghostcard.firmware.abi.keypart import PART_SIZE

_CLEAR, _SEALED = "ghostcard-part", "ghostcard-sealed"


class Part(NamedTuple):
    """What a file holds."""

    is_sealed: bool
    data: bytes


def write(path: str, part: Part) -> None:
    """A new file; Failure if there is one already."""
    line = f"{_SEALED if part.is_sealed else _CLEAR} {part.data.hex()}\n"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Failure(f"{path}: there is such a file already") from None
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def read(path: str) -> Part:
    """The part; Failure (2) if the file is none, or if others can read a part in clear."""
    with open(path, "rb") as file:
        mode, data = os.fstat(file.fileno()).st_mode, file.read(1 << 16)
    word, _, rest = data.partition(b" ")
    try:
        value = bytes.fromhex(rest.decode("ascii").strip())
    except (UnicodeDecodeError, ValueError):
        value = b""
    is_sealed = word == _SEALED.encode()
    is_part = word == _CLEAR.encode() and len(value) == PART_SIZE
    if not is_part and not (is_sealed and value):
        raise Failure(f"{path}: no part of a wrapping key", 2)
    if is_part and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Failure(f"{path}: others can read it; chmod 600 {path}", 2)
    return Part(is_sealed, value)
