"""The trace as a viewer reads it: slices nest, asyncs pair, flows bind, counters end at zero."""

import gzip
import json
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostcard.benchmarks.export import perfetto
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.record import STAGES, Recorder

Event = dict[str, Any]


@pytest.fixture
def events(requests: Requests, tmp_path: Path) -> list[Event]:
    """All events of the run's trace; times are exact decimals."""
    perfetto.write(requests, tmp_path / "trace.json")
    document = json.loads((tmp_path / "trace.json").read_text(), parse_float=Decimal)
    assert document["displayTimeUnit"] == "ns"
    found: list[Event] = document["traceEvents"]
    return found


def of(events: list[Event], phase: str) -> list[Event]:
    return [event for event in events if event["ph"] == phase]


def tracks(events: list[Event]) -> dict[int, str]:
    """The name of each track by its thread's number, which is unique over all processes."""
    named = [event for event in of(events, "M") if event["name"] == "thread_name"]
    assert len({event["tid"] for event in named}) == len(named)
    return {event["tid"]: f"{event['pid']}: {event['args']['name']}" for event in named}


def test_time_is_microseconds_and_the_exact_nanoseconds_stand_beside(events: list[Event]) -> None:
    for event in events:
        if event["ph"] == "X":
            start, end = event["args"]["start_ns"], event["args"]["end_ns"]
            assert (event["ts"] * 1000, event["dur"] * 1000) == (start, end - start)
        elif event["ph"] in "bnestf":
            assert event["ts"] * 1000 == event["args"]["ns"]


def test_slices_of_a_track_nest(events: list[Event]) -> None:
    """Sorted as a viewer does, by start and then in the order of the file."""
    by_track = defaultdict(list)
    for event in of(events, "X"):
        by_track[event["pid"], event["tid"]].append(event["args"])
    assert {tid for _, tid in by_track} == set(tracks(events))
    for slices in by_track.values():
        open_until: list[int] = []
        for each in sorted(slices, key=lambda args: args["start_ns"]):
            while open_until and open_until[-1] <= each["start_ns"]:
                open_until.pop()
            assert not open_until or each["end_ns"] <= open_until[-1]
            open_until.append(each["end_ns"])


def test_a_track_for_each_place_core_and_engine_of_the_cards(events: list[Event]) -> None:
    names = Counter(name.split(": ")[1].rsplit(" ", 1)[0] for name in tracks(events).values())
    assert 1 <= names.pop("ec engine") <= 2 * 4  # as many as were ever busy at once
    assert names == {
        "queue 00.0000 place": 8,
        "queue 00.0001 place": 8,
        "queue 01.0000 place": 8,
        "queue 01.0001 place": 8,
        "core": 2 * 3,
        "rsa engine": 2 * 5,
        "symmetric engine": 2 * 2,
    }
    processes = [e["args"]["name"] for e in of(events, "M") if e["name"] == "process_name"]
    assert processes == ["card 00", "card 01"]


def test_slices_are_the_services_of_the_record(events: list[Event], requests: Requests) -> None:
    """Each request in its place, on a core, and on an engine of its own pool and card."""
    array, names = requests.array, tracks(events)
    expected: Counter[tuple[int, str, str, int, int]] = Counter()
    for number, record in enumerate(array):
        if number == 1200:  # given up
            continue
        operation, engine = (requests.names[record[key]] for key in ("operation", "engine"))
        pid, domain = (int(record["qid"]) >> 8) + 1, int(record["qid"]) & 0xFF
        queue = f"{pid}: queue {pid - 1:02x}.{domain:04x} place"
        for track, name, start, end in (
            (queue, operation, "enqueued", "done"),
            (queue, "doorbell", "enqueued", "arrived"),
            (queue, "completion", "replied", "done"),
            (f"{pid}: core", operation, "fetched", "unwrapped"),
            (f"{pid}: {engine} engine", operation, "started", "finished"),
        ):
            if engine or "engine" not in track:
                expected[number, track, name, int(record[start]), int(record[end])] += 1
    found = Counter(
        (
            event["args"]["request"],
            names[event["tid"]].rsplit(" ", 1)[0],
            event["name"],
            event["args"]["start_ns"],
            event["args"]["end_ns"],
        )
        for event in of(events, "X")
    )
    assert found == expected


def test_each_life_begins_passes_its_stages_and_ends(
    events: list[Event], requests: Requests
) -> None:
    lives = defaultdict(list)
    for event in events:
        if event["ph"] in "bne":
            assert (event["cat"], event["tid"]) == ("request", 0)
            lives[int(event["id"], 16)].append(event)
    assert sorted(lives) == list(range(len(requests.array)))
    for number, life in lives.items():
        record = requests.array[number]
        begin, *between, end = life
        assert (begin["ph"], end["ph"], begin["name"]) == ("b", "e", end["name"])
        assert begin["name"] == (requests.names[record["operation"]] or "unknown operation")
        assert begin["args"]["client"] == record["client"]
        assert begin["args"]["outcome"] == record["outcome"]
        times = {"submitted": begin["args"]["ns"], "done": end["args"]["ns"]}
        times.update((event["name"], event["args"]["ns"]) for event in between)
        stages = ("submitted", "done") if number == 1200 else STAGES
        assert times == {stage: record[stage] for stage in stages}


def test_flows_lead_from_doorbell_over_engine_to_completion(
    events: list[Event], requests: Requests
) -> None:
    """Each point lies in the slice it is meant for: the last that began on its track by then."""
    slices = defaultdict(list)
    for place, event in enumerate(of(events, "X")):
        args = event["args"]
        slices[event["tid"], args["request"]].append((args["start_ns"], place, event))
    flows = defaultdict(list)
    for event in events:
        if event["ph"] in "stf":
            flows[int(event["id"], 16)].append(event)
    for number, points in flows.items():
        bound = []
        for point in sorted(points, key=lambda event: "stf".index(event["ph"])):
            time = point["args"]["ns"]
            begun = [s for s in slices[point["tid"], number] if s[0] <= time]
            bound.append(max(begun)[2]["name"])
        operation = requests.names[requests.array["operation"][number]]
        engine = requests.names[requests.array["engine"][number]]
        assert bound == ["doorbell", *([operation] if engine else []), "completion"]
        assert all(
            before["args"]["ns"] <= after["args"]["ns"]
            for before, after in pairwise(sorted(points, key=lambda p: "stf".index(p["ph"])))
        )
    assert sorted(flows) == [n for n in range(len(requests.array)) if n != 1200]


def test_counters_begin_and_end_at_zero_and_are_littles_integral(
    events: list[Event], requests: Requests
) -> None:
    counters = defaultdict(list)
    for event in of(events, "C"):
        counters[event["pid"], event["name"]].append((event["ts"] * 1000, event["args"]["value"]))
    assert {name for _, name in counters} == {
        *(f"queue {card}.{domain} depth" for card in ("00", "01") for domain in ("0000", "0001")),
        *(f"waiting for {engine} engines" for engine in ("rsa", "ec", "symmetric")),
    }
    in_hardware = waiting = Decimal(0)
    for (_, name), points in counters.items():
        assert points[0] == (0, 0)
        assert points[-1][1] == 0
        assert all(value >= 0 for _, value in points)
        assert all(before[0] <= after[0] for before, after in pairwise(points))
        area = sum((after[0] - before[0]) * before[1] for before, after in pairwise(points))
        if name.endswith("depth"):
            in_hardware += area
        else:
            waiting += area
    array = requests.array
    assert in_hardware == int(np.sum(array["done"] - array["enqueued"]))
    engined = array[array["engine"] != requests.names.index("")]
    assert waiting == int(np.sum(engined["started"] - engined["unwrapped"]))


def test_the_order_of_tracks_is_that_of_the_resources(events: list[Event]) -> None:
    order = {
        event["tid"]: event["args"]["sort_index"]
        for event in of(events, "M")
        if event["name"] == "thread_sort_index"
    }
    names = tracks(events)
    card = [names[tid] for tid in sorted(order, key=lambda tid: (names[tid][0], order[tid]))]
    assert card[:17] == [
        *(f"1: queue 00.0000 place {place}" for place in range(8)),
        *(f"1: queue 00.0001 place {place}" for place in range(8)),
        "1: core 0",
    ]


def test_one_chunk_or_many_give_the_same_events(
    run: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lines(chunk: int) -> list[str]:
        monkeypatch.setattr("ghostcard.benchmarks.export.requests.CHUNK", chunk)
        perfetto.write(Requests.of(run), tmp_path / "trace.json")
        text = (tmp_path / "trace.json").read_text()
        return sorted(line.rstrip(",") for line in text.splitlines())

    assert lines(1 << 14) == lines(50)


def test_a_compressed_trace_is_the_same_and_repeatable(run: Recorder, tmp_path: Path) -> None:
    plain, packed, again = (tmp_path / name for name in ("a.json", "b.json.gz", "c.JSON.GZ"))
    for path in (plain, packed, again):
        perfetto.write(Requests.of(run), path)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert packed.read_bytes() == again.read_bytes()
    assert packed.stat().st_size < plain.stat().st_size / 6


def test_names_of_any_kind_and_a_long_time(tmp_path: Path) -> None:
    """Quotes, letters beyond ASCII, times of 18 digits and numbers of one."""
    record, start = Recorder(), 10**18 + 7
    record.add(3, 0, 1, 'größe "x"\\', "", 0, 1, 1, 1, 1, tuple(start + n for n in range(12)))
    perfetto.write(Requests.of(record), tmp_path / "t.json")
    document = json.loads((tmp_path / "t.json").read_text(), parse_float=Decimal)
    stays = [e for e in of(document["traceEvents"], "X") if e["name"] == 'größe "x"\\']
    assert [(e["ts"], e["dur"], e["args"]["start_ns"]) for e in stays] == [
        (Decimal(start + 1) / 1000, Decimal("0.010"), start + 1),
        (Decimal(start + 3) / 1000, Decimal("0.002"), start + 3),
    ]


def test_a_fault_is_an_instant_and_a_slice_if_it_lasts(tmp_path: Path) -> None:
    record = Recorder()
    record.add(0, 0x0102, 31, "sign", "rsa", 0, 1, 9, 9, 0, tuple(range(100, 112)), "drop")
    record.add(1, 0x0102, 31, "sign", "rsa", 0, 1, 9, 9, 0, tuple(range(200, 212)))
    record.note(1_234_567, 0x0302, "pull", 5_000)
    record.note(101, 0x0102, "drop")
    perfetto.write(Requests.of(record), tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text(), parse_float=Decimal)["traceEvents"]
    faults = [event for event in events if event.get("cat") == "fault"]
    assert [(e["ph"], e["name"], e["pid"], e["args"]["ns"]) for e in faults] == [
        ("i", "drop", 2, 101),
        ("i", "pull", 4, 1_234_567),
        ("b", "pull", 4, 1_234_567),
        ("e", "pull", 4, 1_239_567),
    ]
    assert faults[1]["args"] == {"ns": 1_234_567, "queue": "03.0002", "for_ns": 5_000}
    assert all(event["ts"] * 1000 == event["args"]["ns"] for event in faults)
    lives = [e["args"].get("fault") for e in of(events, "b") if e["cat"] == "request"]
    assert lives == ["drop", None]
    assert {"card 01", "card 03"} == {
        event["args"]["name"] for event in of(events, "M") if event["name"] == "process_name"
    }


def test_a_selection_has_the_faults_of_its_time(tmp_path: Path) -> None:
    record = Recorder()
    for start in (100, 200, 300):
        record.add(0, 0, 31, "sign", "rsa", 0, 1, 9, 9, 0, tuple(range(start, start + 12)))
        record.note(start + 5, 0, "delay")
    requests = Requests.of(record)
    assert [fault.at_ns for fault in requests.faults()] == [105, 205, 305]
    assert [fault.at_ns for fault in requests.select(1, 1).faults()] == [205]
