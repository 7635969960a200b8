"""Captures of programs on our own library: their journals, and the records of the same requests.

A client submits a request when it has the reply to its last one and has thought. If the records say
otherwise, it has waited for somebody else: a thread begins where another is, and one that joins
others goes on when the last of them has ended. Such a request *follows* the last of all that ended
at the very nanosecond at which it (or the thought before it) began. So a capture can be run on
another machine, where all this happens at other times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.file import REQUEST_ROW, Array, Capture
from ghostcard.benchmarks.capture.journal import Journal, read
from ghostcard.config import Config
from ghostcard.driver.capture import NO_CALL, REQUESTS, SUFFIX, UNKNOWN
from ghostcard.emulator.record import Recorder

_COPIED = (
    "client", "function", "outcome", "payload_bytes", "request_bytes", "reply_bytes", "think_ns",
    "wall_ns", "at_ns",
)  # fmt: skip


class Found(NamedTuple):
    """The capture of a run, and the journals that could not be read, with the reason."""

    capture: Capture
    damaged: list[str]


def collect(folder: Path, config: Config, program: str, runs: Mapping[str, Recorder]) -> Found:
    """The capture that the processes of a run left in `folder`; `runs` are the records by the stem
    of their file's name.
    """
    journals, damaged = [], []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            journals.append(read(path))
        except CaptureError as error:
            damaged.append(str(error))
    journals.sort(key=lambda journal: journal.began_ns)
    pairs = [(journal, runs.get(Path(journal.path).stem)) for journal in journals]
    return Found(merge(pairs, config, program), damaged)


def merge(
    journals: Sequence[tuple[Journal, Recorder | None]], config: Config, program: str
) -> Capture:
    """One capture of the journals of all processes, each with its records if they are there."""
    names: dict[str, int] = {}
    targets: dict[tuple[int, ...], int] = {}
    parts: list[Array] = []
    start = 0
    for journal, records in journals:
        if not len(journal.rows):
            continue
        if records is not None and _has_lanes(journal, records):
            part = _recorded(journal, records, names, targets)
        else:
            part = _rows(journal, names, targets)
        part["process"] = len(parts)
        if records is not None and len(records):
            _follow(part, records, start)
        parts.append(part)
        start += len(part)
    rows = np.concatenate(parts) if parts else np.empty(0, REQUEST_ROW)
    cards = tuple(card._replace(seed=None, nvram=None) for card in config.cards)
    slots = tuple(slot._replace(description="") for slot in config.slots)
    return Capture(REQUESTS, program, rows, tuple(names), tuple(targets), cards=cards, slots=slots)


def _has_lanes(journal: Journal, records: Recorder) -> bool:
    """Whether a thread had several requests under way: each then is a client in the records, which
    nobody knows when the request is made.
    """
    known = np.unique(journal.rows["client"])
    return UNKNOWN in known or not np.isin(records.array()["client"], known).all()


def _recorded(
    journal: Journal,
    records: Recorder,
    names: dict[str, int],
    targets: dict[tuple[int, ...], int],
) -> Array:
    """The rows of a process as its records have them, without what only the journal has."""
    array = records.array()
    array = array[np.argsort(array["submitted"], kind="stable")]
    rows = np.zeros(len(array), REQUEST_ROW)
    for field in ("client", "function", "outcome", "payload_bytes", "request_bytes", "reply_bytes"):
        rows[field] = array[field]
    known = np.array([names.setdefault(name, len(names)) for name in records.names], "<u2")
    rows["operation"] = known[array["operation"]]
    rows["call"] = NO_CALL
    for queue in np.unique(array["qid"]).tolist():
        lists = [each for each in journal.targets if queue in each]
        asked = max(lists, key=len, default=(queue,))
        rows["targets"][array["qid"] == queue] = targets.setdefault(asked, len(targets))
    return rows


def _rows(journal: Journal, names: dict[str, int], targets: dict[tuple[int, ...], int]) -> Array:
    """The rows of a process, with the numbers that names and targets have in the file."""
    found = journal.rows
    rows = np.zeros(len(found), REQUEST_ROW)
    for field in _COPIED:
        rows[field] = found[field]
    known = np.array([names.setdefault(name, len(names)) for name in journal.names], "<u2")
    lists = np.array([targets.setdefault(each, len(targets)) for each in journal.targets], "<u2")
    rows["operation"] = known[found["operation"]]
    rows["targets"] = lists[found["targets"]]
    has_call = found["call"] != NO_CALL
    rows["call"] = NO_CALL
    rows["call"][has_call] = known[found["call"][has_call]]
    return rows


def _follow(rows: Array, records: Recorder, start: int) -> None:
    """Fill in what each request follows; `start` is the number of the first row in the file."""
    array = records.array()
    row_of, record_of = _paired(rows, array)
    submitted = array["submitted"].astype(np.int64)
    done = array["done"].astype(np.int64)
    by_end = np.argsort(done, kind="stable")
    ends = done[by_end]
    think = rows["think_ns"].astype(np.int64)
    for client in np.unique(rows["client"]).tolist():
        own = np.flatnonzero(rows["client"] == client)
        mine = record_of[own]
        own, mine = own[mine >= 0], mine[mine >= 0]
        begun = submitted[mine] - think[own]
        before = np.concatenate(([0], done[mine[:-1]]))
        for place in np.flatnonzero(begun != before).tolist():
            at = int(np.searchsorted(ends, begun[place], side="right")) - 1
            other = int(row_of[by_end[at]]) if at >= 0 and ends[at] == begun[place] else -1
            if other >= 0:
                rows["after"][own[place]] = start + other + 1
            else:  # it was left behind, or came back: only the machine's time tells when
                gap = int(submitted[mine[place]] - before[place])
                rows["think_ns"][own[place]] = max(0, gap)


def _paired(rows: Array, array: Array) -> tuple[Array, Array]:
    """The row of each record, and the record of each row; -1 where there is none.

    Records are written at the end of a request, in the order of a client's submissions.
    """
    row_of = np.full(len(array), -1, np.int64)
    record_of = np.full(len(rows), -1, np.int64)
    for client in np.unique(rows["client"]).tolist():
        own = np.flatnonzero(rows["client"] == client)
        his = np.flatnonzero(array["client"] == client)
        his = his[np.argsort(array["submitted"][his], kind="stable")]
        count = min(len(own), len(his))
        row_of[his[:count]] = own[:count]
        record_of[own[:count]] = his[:count]
    return row_of, record_of
