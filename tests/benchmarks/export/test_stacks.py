"""Collapsed stacks: nothing lost, nothing counted twice; own time told from waiting."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ghostcard.benchmarks.export import stacks
from ghostcard.benchmarks.export.intervals import INTERVALS
from ghostcard.benchmarks.export.owntime import OwnTimes, durations
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.link import TransferTimes
from ghostcard.emulator.profile import load
from ghostcard.emulator.record import Recorder

Write = Callable[[Sequence[Sequence[int]]], Requests]
FIRST = (0, 10, 30, 30, 32, 35, 35, 135, 140, 160, 165, 166)
SECOND = (0, 10, 45, 50, 52, 55, 135, 235, 248, 270, 275, 277)  # meets the first everywhere


def lines_of(requests: Requests, folder: Path) -> list[str]:
    stacks.write(requests, folder / "x.folded")
    return (folder / "x.folded").read_text().splitlines()


def test_the_lines_of_two_requests(written: Write, tmp_path: Path) -> None:
    assert lines_of(written([FIRST, SECOND]), tmp_path) == [
        "sign;host;dequeue 3",
        "sign;host;host submit 20",
        "sign;host;notify 10",
        "sign;service;build reply 10",
        "sign;service;decode 4",
        "sign;service;engine rsa 200",
        "sign;service;unwrap 6",
        "sign;transfer;link in 40",
        "sign;transfer;link out 40",
        "sign;waiting;for a core 5",
        "sign;waiting;for a reply builder 8",
        "sign;waiting;for an engine rsa 80",
        "sign;waiting;for the link in 15",
        "sign;waiting;for the link out 2",
    ]


def test_the_sum_is_the_sum_of_the_latencies(requests: Requests, tmp_path: Path) -> None:
    totals: dict[str, int] = {}
    for line in lines_of(requests, tmp_path):
        stack, total = line.rsplit(" ", 1)
        operation, *_ = stack.split(";")
        totals[operation] = totals.get(operation, 0) + int(total)
    array = requests.array
    for code in np.unique(array["operation"]):
        of_it = array[array["operation"] == code]
        name = requests.names[code] or "unknown operation"
        assert totals.pop(name) == int(np.sum(of_it["done"] - of_it["submitted"]))
    assert not totals


def test_a_request_given_up_has_a_frame_of_its_own(requests: Requests, tmp_path: Path) -> None:
    alone = requests.select(1200, 1200)
    assert lines_of(alone, tmp_path) == ["unknown operation;given up 490"]


def test_a_name_with_a_semicolon_is_one_frame(tmp_path: Path) -> None:
    record = Recorder()
    record.add(0, 0, 0, "a;b", "c;d", 0, 1, 0, 0, 0, FIRST)
    lines = lines_of(Requests.of(record), tmp_path)
    assert "a,b;service;engine c,d 100" in lines
    assert all(line.count(";") == 2 for line in lines)


def test_the_least_on_record_is_the_transfer_time_of_the_profile(requests: Requests) -> None:
    """The run has requests of each size that met an idle link, so that the inference is exact."""
    own = OwnTimes(requests)
    link = load("cex8p").link
    times = TransferTimes(link)
    checked = 0
    for interval in INTERVALS:
        if interval.name not in ("link in", "link out"):
            continue
        size = "request_bytes" if interval.name == "link in" else "reply_bytes"
        for chunk in requests.chunks():
            passed = chunk.take(~chunk.given_up() & (chunk.array["outcome"] == 0))
            rest = durations(interval, passed) - own.waiting(interval, passed)
            sizes = passed.array[size].tolist()
            assert rest.tolist() == [times[each] + link.latency_ns for each in sizes]
            checked += len(sizes)
    assert checked == 2 * 1200
