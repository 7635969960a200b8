"""The dump as two independent readers see it, against the sums of the record."""

import re
import signal
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from vcdvcd import VCDVCD  # which has the process killed by SIGPIPE: undone below

from ghostcard.benchmarks.export import vcd
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.record import Recorder

signal.signal(signal.SIGPIPE, signal.SIG_IGN)

Signals = dict[str, list[tuple[int, int]]]


def parsed(text: str) -> Signals:
    """Changes by the full name of each variable; a reader of the subset of IEEE 1364, clause 18."""
    head, body = text.split("$enddefinitions $end\n")
    scopes: list[str] = []
    codes: dict[str, str] = {}
    for keyword, rest in re.findall(r"\$(scope module|upscope|var) ?(.*?) ?\$end", head):
        if keyword == "scope module":
            scopes.append(rest)
        elif keyword == "upscope":
            scopes.pop()
        else:
            _, _, code, name = rest.split()
            assert code not in codes
            codes[code] = ".".join((*scopes, name))
    assert not scopes
    signals: Signals = defaultdict(list)
    time = -1
    for line in body.splitlines():
        if line.startswith("#"):
            assert int(line[1:]) > time
            time = int(line[1:])
        elif line not in ("$dumpvars", "$end"):
            vector = re.fullmatch(r"b([01]+) (\S+)", line)
            value, code = vector.groups() if vector else (line[0], line[1:])
            signals[codes[code]].append((time, int(value, 2)))
    assert set(signals) == set(codes.values())
    return signals


def area(changes: list[tuple[int, int]]) -> int:
    return sum((until - time) * value for (time, value), (until, _) in pairwise(changes))


@pytest.fixture
def dump(requests: Requests, tmp_path: Path) -> str:
    vcd.write(requests, tmp_path / "x.vcd")
    return (tmp_path / "x.vcd").read_text(encoding="ascii")


def test_the_head(dump: str) -> None:
    assert dump.splitlines()[:4] == [
        "$version Ghostcard 0.1.0 $end",
        "$timescale 1 ns $end",
        "$scope module card_00 $end",
        "$scope module cores $end",
    ]
    assert "$date" not in dump


def test_the_depth_integrates_to_the_time_in_hardware(dump: str, requests: Requests) -> None:
    """Little's law as an identity: empty to empty."""
    signals, array = parsed(dump), requests.array
    for qid in (0x0000, 0x0001, 0x0100, 0x0101):
        own = array[array["qid"] == qid]
        depth = signals[f"card_{qid >> 8:02x}.queue_{qid & 0xFF:04x}.depth"]
        assert area(depth) == int(np.sum(own["done"] - own["enqueued"]))
        assert max(value for _, value in depth) == 8


def test_busy_and_waiting_integrate_to_service_and_wait(dump: str, requests: Requests) -> None:
    """Utilisation law: the busy time of a pool is the sum of its service times."""
    signals, array = parsed(dump), requests.array
    adapters = array["qid"] >> 8
    for card in (0, 1):
        passed = array[(adapters == card) & (np.arange(len(array)) != 1200)]
        for scope, of in (("cores", passed), *pools(passed, requests.names)):
            wait, start, end = (
                ("arrived", "fetched", "unwrapped")
                if scope == "cores"
                else ("unwrapped", "started", "finished")
            )
            name = f"card_{card:02x}.{scope}"
            assert area(signals[f"{name}.busy"]) == int(np.sum(of[end] - of[start])) > 0
            assert area(signals[f"{name}.waiting"]) == int(np.sum(of[start] - of[wait]))
    assert max(value for _, value in signals["card_00.engines_rsa.busy"]) == 5
    assert max(value for _, value in signals["card_00.cores.busy"]) == 3


def pools(
    of_card: "np.ndarray[tuple[int], np.dtype[np.void]]", names: tuple[str, ...]
) -> list[tuple[str, "np.ndarray[tuple[int], np.dtype[np.void]]"]]:
    return [
        (f"engines_{name}", of_card[of_card["engine"] == names.index(name)])
        for name in ("rsa", "ec", "symmetric")
    ]


def test_every_signal_changes_at_each_entry_and_ends_at_zero(dump: str) -> None:
    for name, changes in parsed(dump).items():
        assert changes[0] == (0, 0)
        assert changes[-1][1] == 0
        # at time 0 the initial value may be followed by the first change
        assert all(a[1] != b[1] for a, b in pairwise(changes)), name
        if name.endswith("interrupt"):
            assert {value for _, value in changes} == {0, 1}


def test_the_interrupt_line_is_up_while_the_host_does_not_know(
    dump: str, requests: Requests
) -> None:
    own = requests.array[requests.array["qid"] == 0x0001]
    unnoticed = sorted(zip(own["replied"].tolist(), own["notified"].tolist(), strict=True))
    merged: list[list[int]] = []
    for up, down in unnoticed:
        if merged and up <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], down)
        elif up < down:
            merged.append([up, down])
    changes = parsed(dump)["card_00.queue_0001.interrupt"]
    assert changes[1:] == [(t, v) for span in merged for t, v in zip(span, (1, 0), strict=True)]


def test_another_parser_reads_the_same(dump: str, tmp_path: Path) -> None:
    other = VCDVCD(vcd_string=dump)
    assert other.timescale["timescale"] == Decimal("1E-9")
    mine = parsed(dump)
    theirs = {re.sub(r"\[\d+:\d+\]$", "", name): name for name in other.references_to_ids}
    assert set(theirs) == set(mine)
    for name, reference in theirs.items():
        changes = [(time, int(value, 2)) for time, value in other[reference].tv]
        assert changes == mine[name]


def test_the_same_records_give_the_same_bytes_in_chunks_of_any_size(
    run: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dumped(chunk: int) -> bytes:
        monkeypatch.setattr("ghostcard.benchmarks.export.requests.CHUNK", chunk)
        vcd.write(Requests.of(run), tmp_path / "x.vcd")
        return (tmp_path / "x.vcd").read_bytes()

    assert dumped(1 << 14) == dumped(1 << 14) == dumped(61)


def test_an_identifier_for_any_number_of_signals(tmp_path: Path) -> None:
    """More queues than there are printable characters; engines named as no identifier may be."""
    record = Recorder()
    for qid in range(120):
        record.add(0, qid, 0, "a", "a b", 0, 1, 0, 0, 0, tuple(range(12)))
    vcd.write(Requests.of(record), tmp_path / "x.vcd")
    signals = parsed((tmp_path / "x.vcd").read_text())
    assert len(signals) == 120 * 2 + 4
    assert signals["card_00.engines_a_b.busy"] == [(0, 0), (6, 120), (7, 0)]
    assert signals["card_00.queue_0077.depth"] == [(0, 0), (1, 1), (11, 0)]


def test_a_fault_is_an_event_of_its_queue(tmp_path: Path) -> None:
    record = Recorder()
    record.add(0, 0x0102, 31, "sign", "rsa", 0, 1, 9, 9, 0, tuple(range(100, 112)), "drop")
    record.note(0, 0x0102, "drop")
    record.note(101, 0x0102, "drop")  # as it is enqueued
    record.note(101, 0x0000, "pull, 1", 50)
    record.note(500, 0x0102, "drop")
    vcd.write(Requests.of(record), tmp_path / "x.vcd")
    signals = parsed((tmp_path / "x.vcd").read_text())
    assert signals["card_01.queue_0002.fault_drop"] == [(0, 1), (101, 1), (500, 1)]
    assert signals["card_00.queue_0000.fault_pull__1"] == [(101, 1)]
    assert signals["card_01.queue_0002.depth"] == [(0, 0), (101, 1), (111, 0)]
    kept = VCDVCD(str(tmp_path / "x.vcd")).data
    assert any("fault_drop" in name for one in kept.values() for name in one.references)
