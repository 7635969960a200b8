"""However long the run, an export holds a chunk: its peak does not grow with the requests."""

import tracemalloc
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.record import STAGES, Recorder


def repeated(run: Recorder, times: int) -> Requests:
    """The run, so many times one after the other."""
    once = run.array()
    length = int(once["done"].max()) + 1
    array = np.tile(once, times)
    for stage in STAGES:
        array[stage] += np.repeat(np.arange(times, dtype=np.uint64) * length, len(once))
    return Requests(array, run.names)


def peak_bytes(module: str, requests: Requests, path: Path) -> int:
    """The most that an export holds at once beyond the records."""
    write = import_module(f"ghostcard.benchmarks.export.{module}").write
    tracemalloc.start()
    try:
        write(requests, path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("module", ["csvtable", "vcd", "perfetto", "hgrm", "stacks"])
def test_four_times_the_requests_need_no_more_memory(
    module: str, run: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ghostcard.benchmarks.export.requests.CHUNK", 300)
    peak_bytes(module, repeated(run, 1), tmp_path / "first")  # what is loaded once
    short, long = (peak_bytes(module, repeated(run, n), tmp_path / "x") for n in (2, 8))
    assert long < 1.15 * short
