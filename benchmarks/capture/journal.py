"""The journals that the processes of a program leave, whole or cut off where they were killed."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.file import Array
from ghostcard.driver.capture import (
    CALL,
    CALLS,
    CURVE,
    END,
    HEADER,
    MAGIC,
    NAME,
    NO_CALL,
    REQUEST,
    REQUEST_FIELDS,
    REQUESTS,
    ROW_BYTES,
    TARGET_LIST,
    TARGETS,
    TEXT,
    VERSION,
)

_CODES = {"B": "u1", "H": "<u2", "I": "<u4", "Q": "<u8"}
_REQUEST: Any = np.dtype([(name, _CODES[code]) for name, code in REQUEST_FIELDS])
CALL_FIELDS: Any = np.dtype(
    [
        ("kind", "u1"),
        ("flags", "u1"),
        ("function", "<u2"),
        ("thread", "<u4"),
        ("session", "<u4"),
        ("mechanism", "<u4"),
        ("result", "<u4"),
        ("key_type", "<u4"),
        ("key_bits", "<u4"),
        ("data_bytes", "<u4"),
        ("result_bytes", "<u4"),
        ("curve", "<u2"),
        ("spare", "<u2"),
        ("cpu_ns", "<u8"),
        ("at_ns", "<u8"),
        ("inside_ns", "<u8"),
    ]
)
"""A row of `CALL` or `END` as the library in C writes it (`capture.h`)."""


class Journal(NamedTuple):
    """What one process left. `names`, `targets`, `curves` are by the numbers that the rows have."""

    path: str
    source: int
    began_ns: int  # since 1970
    program: str
    rows: Array  # of REQUEST, or of CALL and END
    names: tuple[str, ...]
    targets: tuple[tuple[int, ...], ...]
    curves: tuple[bytes, ...]


def read(path: str | os.PathLike[str]) -> Journal:
    """A journal, up to its last whole row; CaptureError names a file that is none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        return _parsed(os.fspath(path), data)
    except (OSError, ValueError, CaptureError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CaptureError(f"{os.fspath(path)}: {reason}") from None


def _parsed(path: str, data: bytes) -> Journal:
    if len(data) < ROW_BYTES or not data.startswith(MAGIC):
        raise CaptureError("not a journal of calls")
    _, version, row_bytes, source, _, _, _, began_ns, program = HEADER.unpack_from(data)
    if version != VERSION or row_bytes != ROW_BYTES or source not in (REQUESTS, CALLS):
        raise CaptureError(f"a journal of version {version}, this is version {VERSION}")
    whole = len(data) // ROW_BYTES * ROW_BYTES
    body = data[ROW_BYTES:whole]
    kinds = np.frombuffer(body, np.uint8)[::ROW_BYTES]
    wanted = [REQUEST] if source == REQUESTS else [CALL, END]
    rows = np.frombuffer(body, _REQUEST if source == REQUESTS else CALL_FIELDS)
    targets: dict[int, tuple[int, ...]] = {}
    texts: dict[int, dict[int, bytes]] = {NAME: {}, CURVE: {}}
    for place in np.flatnonzero(~np.isin(kinds, wanted)).tolist():
        row = body[place * ROW_BYTES : (place + 1) * ROW_BYTES]
        if row[0] == TARGETS:
            _, count, number, _, *queues = TARGET_LIST.unpack(row)
            targets[number] = targets.get(number, ()) + tuple(queues[:count])
        elif row[0] in texts:
            kind, size, number, _ = TEXT.unpack_from(row)
            texts[kind][number] = row[TEXT.size : TEXT.size + size]
        else:
            raise CaptureError(f"damaged (a row of kind {row[0]})")
    found = Journal(
        path,
        source,
        began_ns,
        program.rstrip(b"\0").decode(errors="replace"),
        rows[np.isin(kinds, wanted)],
        tuple(text.decode() for text in _row(texts[NAME])),
        tuple(_row(targets)),
        tuple(_row(texts[CURVE])),
    )
    _check(found)
    return found


def _check(journal: Journal) -> None:
    """That every number in a row leads somewhere."""
    rows = journal.rows
    if journal.source == CALLS:
        is_right = (rows["curve"] <= len(journal.curves)).all()
    else:
        calls = rows["call"][rows["call"] != NO_CALL]
        named = (rows["operation"] < len(journal.names)).all()
        is_right = named and (calls < len(journal.names)).all()
        is_right = is_right and (rows["targets"] < len(journal.targets)).all()
    if not is_right:
        raise CaptureError("damaged (a name, targets, or a curve)")


def _row(numbered: dict[int, Any]) -> list[Any]:
    """The values in order of their numbers, which are 0, 1, 2, ..."""
    if sorted(numbered) != list(range(len(numbered))):
        raise CaptureError("damaged (a name is missing)")
    return [numbered[number] for number in range(len(numbered))]
