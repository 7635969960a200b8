"""Finished cases on the disk: none is lost, and what was not written whole is not there."""

from pathlib import Path

import pytest

from ghostcard.benchmarks.sweep.case import Figures
from ghostcard.benchmarks.sweep.errors import SweepError
from ghostcard.benchmarks.sweep.journal import NAME, Journal

GOOD: Figures = {"status": "done", "per_second": 12.25, "stations": [{"card": 0}]}
BAD: Figures = {"status": "failed", "reason": "of the test"}


def test_what_was_added_is_there_and_failures_are_tried_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "new") as journal:
        assert journal.done == {}
        journal.add([("a", GOOD), ("b", BAD)])
        journal.add([("c", GOOD)])
    with Journal(tmp_path / "new") as journal:
        assert journal.done == {"a": GOOD, "c": GOOD}


def test_a_torn_line_is_cut_off_and_a_damaged_one_passed_over(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.add([("a", GOOD), ("b", GOOD), ("c", GOOD)])
    file = tmp_path / NAME
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in range(1, len(lines[2]) + 1):
        file.write_bytes(whole[: len(whole) - cut])
        with Journal(tmp_path) as journal:
            assert list(journal.done) == ["a", "b"]
            journal.add([("d", GOOD)])
        with Journal(tmp_path) as journal:
            assert list(journal.done) == ["a", "b", "d"]
    file.write_bytes(lines[0] + b'{"key": 3, \n[]\n"x"\n' + lines[2])
    with Journal(tmp_path) as journal:
        assert list(journal.done) == ["a", "c"]


def test_a_folder_has_one_sweep_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(SweepError, match="another sweep writes into"):
        Journal(tmp_path)
    Journal(tmp_path).__exit__(None, None, None)
