"""Requests are read in chunks, selected, ordered; what cannot be right is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.export import requests as export_requests
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests, floors, in_order
from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.record import STAGES, Recorder


def recorded(starts: list[int]) -> Requests:
    """A request of 11 ns at each of these times."""
    record = Recorder()
    for start in starts:
        record.add(0, 0, 0, "a", "", 0, 1, 0, 0, 0, tuple(range(start, start + 12)))
    return Requests.of(record)


def test_chunks_are_the_file_in_its_order(requests: Requests, run: Recorder) -> None:
    chunks = list(requests.chunks())
    assert np.array_equal(np.concatenate([c.array for c in chunks]), run.array())
    assert np.concatenate([c.numbers for c in chunks]).tolist() == list(range(len(run)))
    assert len(requests) == len(run) == 48 * 25 + 2


def test_a_selection_keeps_the_numbers_of_the_file(requests: Requests) -> None:
    names = [requests.names[code] for code in requests.array["operation"]]
    wanted = [n for n in range(90, 701) if names[n] == "query"]
    chosen = requests.select(90, 700, "query")
    assert np.concatenate([c.numbers for c in chosen.chunks()]).tolist() == wanted
    assert len(chosen) == len(wanted) > 50
    assert len(requests.select(1200)) == 2  # an end beyond the last, or none, is the last
    assert len(requests.select(1200, 9999)) == 2


def test_what_is_not_there_is_refused_in_one_line(requests: Requests) -> None:
    with pytest.raises(ExportError, match=r"^there is no request 5000: the file holds 0 to 1201$"):
        requests.select(5000, 5000)
    with pytest.raises(ExportError, match=r"^there is no request 5000 to the last: the file"):
        requests.select(5000)
    with pytest.raises(ExportError, match=r"^there is no request 5 to 2: the file holds"):
        requests.select(5, 2)
    with pytest.raises(
        ExportError, match=r"^no request of operation 'sing'; there are aes-256-gcm, ecdsa"
    ):
        requests.select(operation="sing")


def test_times_that_do_not_ascend_are_damage() -> None:
    record = Recorder()
    record.add(0, 0, 0, "a", "", 0, 1, 0, 0, 0, tuple(range(12)))
    record.add(0, 0, 0, "a", "", 0, 1, 0, 0, 0, (0, 1, 2, 9, 4, 5, 6, 7, 8, 9, 10, 11))
    with pytest.raises(RecordError, match=r"^request 1: decoded before fetched$"):
        Requests.of(record)


def test_files_that_hold_nothing_or_nonsense(tmp_path: Path) -> None:
    empty, damaged, other = tmp_path / "empty", tmp_path / "damaged", tmp_path / "other"
    Recorder().save(empty)
    with pytest.raises(ExportError, match=r"empty: no request was recorded$"):
        Requests.load(empty)
    record = Recorder()
    record.add(0, 0, 0, "a", "", 0, 1, 0, 0, 0, tuple(range(12)))
    spoilt = bytearray(record.to_bytes())
    spoilt[-20] ^= 1
    damaged.write_bytes(spoilt)
    with pytest.raises(RecordError, match=r"damaged: damaged \(checksum\)$"):
        Requests.load(damaged)
    other.write_text("time,depth\n")
    with pytest.raises(RecordError, match=r"other: not a file of records$"):
        Requests.load(other)
    with pytest.raises(FileNotFoundError):
        Requests.load(tmp_path / "absent")


@given(starts=st.lists(st.integers(0, 40), min_size=1, max_size=60), size=st.integers(1, 20))
def test_in_order_is_a_stable_sort_whatever_the_order_of_the_file(
    starts: list[int], size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_requests, "CHUNK", size)
        requests = recorded(starts)
        found = [n for chunk in in_order(requests, "fetched") for n in chunk.numbers.tolist()]
    assert found == sorted(range(len(starts)), key=lambda n: starts[n])


def test_a_floor_is_the_earliest_of_all_later_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_requests, "CHUNK", 2)
    assert floors(recorded([5, 6, 9, 3, 8, 4, 7]), "submitted") == [3, 4, 7, None]


def test_only_what_may_still_be_preceded_is_held(requests: Requests) -> None:
    """What was enqueued since the slowest request under way; here that is less than a chunk."""
    sizes = [len(chunk.numbers) for chunk in in_order(requests, "enqueued")]
    assert max(sizes) < 2 * export_requests.CHUNK
    assert sum(sizes) == len(requests)


def test_given_up_is_one_that_passed_no_stage(requests: Requests) -> None:
    given_up = np.concatenate([chunk.given_up() for chunk in requests.chunks()])
    assert np.flatnonzero(given_up).tolist() == [1200]
    assert all(requests.array[stage][1200] > 0 for stage in STAGES)
