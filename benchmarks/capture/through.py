"""Captures of programs on another library: the journals of `libghostcard-capture.so`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.file import CALL_ROW, END, Array, Capture
from ghostcard.benchmarks.capture.journal import Journal, read
from ghostcard.benchmarks.capture.own import Found
from ghostcard.driver import capture as rows_of
from ghostcard.driver.capture import CALLS, SUFFIX

_COPIED = (
    "function", "thread", "session", "mechanism", "result", "key_type", "key_bits", "data_bytes",
    "result_bytes", "cpu_ns", "inside_ns", "at_ns",
)  # fmt: skip


def collect(folder: Path, program: str, module: str) -> Found:
    """The capture that the processes of a run left in `folder`, of calls of `module`; without a
    name the program has that of its first process.
    """
    journals, damaged = [], []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            journals.append(read(path))
        except CaptureError as error:
            damaged.append(str(error))
    journals.sort(key=lambda journal: journal.began_ns)
    first = next((journal.program for journal in journals), "")
    return Found(merge(journals, program or first, module), damaged)


def load_folder(folder: Path) -> Capture:
    """The capture of the journals in a folder; CaptureError for none, or a damaged one."""
    found = collect(folder, "", "")
    if found.damaged:
        raise CaptureError(found.damaged[0])
    if not len(found.capture.rows):
        raise CaptureError(f"{folder}: has no journals of calls (*{SUFFIX})")
    return found.capture


def merge(journals: Sequence[Journal], program: str, module: str) -> Capture:
    """One capture of the journals of all processes."""
    curves: dict[bytes, int] = {}
    parts: list[Array] = []
    for journal in journals:
        if journal.source != CALLS or not len(journal.rows):
            continue
        rows = np.zeros(len(journal.rows), CALL_ROW)
        for field in _COPIED:
            rows[field] = journal.rows[field]
        rows["process"] = len(parts)
        rows["flags"] = journal.rows["flags"]
        rows["flags"][journal.rows["kind"] == rows_of.END] |= END
        numbers = [0, *(curves.setdefault(each, len(curves)) + 1 for each in journal.curves)]
        rows["curve"] = np.array(numbers, "<u2")[journal.rows["curve"]]
        parts.append(rows)
    whole = np.concatenate(parts) if parts else np.empty(0, CALL_ROW)
    return Capture(CALLS, program, whole, curves=tuple(curves), module=os.path.basename(module))
