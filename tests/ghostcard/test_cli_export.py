"""`ghostcard export` and `ghostcard explain`: what they print, and one line for what goes wrong."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ghostcard.benchmarks.export.formats import FORMATS, Format
from ghostcard.cli import main
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.record import Recorder

FIRST = (0, 1000, 2000, 2000, 3000, 4000, 4000, 104_000, 105_000, 106_000, 107_000, 108_000)
SECOND = (0, 1000, 2500, 2500, 3500, 4500, 104_000, 204_000, 205_000, 206_000, 207_000, 208_000)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    record = Recorder(capacity=3)
    record.add(0, 0x0106, 31, "rsa2048-sign", "rsa", 0, 1, 400, 600, 51, FIRST)
    record.add(1, 0x0106, 31, "rsa2048-sign", "rsa", 0, 2, 400, 600, 51, SECOND)
    record.add(2, 0x0106, 38, "query", "", DRIVER_OUTCOME + 19, 0, 9, 0, 0, (5, *(9,) * 11))
    record.add(3, 0x0106, 38, "query", "", 0, 1, 9, 9, 0, FIRST)  # beyond the capacity
    record.save(tmp_path / "run.gcr")
    return tmp_path / "run.gcr"


def ran(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.mark.parametrize("wanted", FORMATS, ids=lambda each: each.name)
def test_the_suffix_or_the_option_says_the_format(wanted: Format, records: Path) -> None:
    by_suffix = records.with_name(f"a{wanted.suffix}")
    by_option = records.with_name("b.out")
    done = ran("export", records, "--output", by_suffix)
    assert (done.exit_code, done.stderr) == (0, "note: 1 requests of the run were not recorded\n")
    assert done.stdout.startswith(f"{by_suffix}: 3 requests as {wanted.name}, for ")
    done = ran("export", records, "--output", by_option, "--format", wanted.name)
    assert done.exit_code == 0, done.output
    assert by_option.read_bytes() == by_suffix.read_bytes() != b""


def test_a_selection_is_exported(records: Path) -> None:
    output = records.with_name("x.csv")
    for selection, clients in (
        (("--requests", "1:2"), "12"),
        (("--requests", "1:"), "12"),
        (("--requests", ":0"), "0"),
        (("--operation", "query"), "2"),
        (("--operation", "rsa2048-sign", "--requests", "1:9"), "1"),
    ):
        assert ran("export", records, "--output", output, *selection).exit_code == 0
        lines = output.read_text().splitlines()[1:]
        assert "".join(line.split(",")[3] for line in lines) == clients


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ("--output", "{}/x.zip"),
            2,
            "error: {}/x.zip: the suffix names no format, it can be .csv",
        ),
        (
            ("--output", "{}/x.csv", "--requests", "7:9"),
            2,
            "error: there is no request 7 to 9: the",
        ),
        (
            ("--output", "{}/x.csv", "--requests", "x"),
            2,
            "error: --requests x: expected FIRST:LAST",
        ),
        (("--output", "{}/x.csv", "--operation", "y"), 2, "error: no request of operation 'y'; th"),
        (("--output", "{}/no/x.csv"), 1, "error: {}/no/x.csv: No such file or directory"),
        (("--output", "{}/run.gcr", "--format", "csv"), 2, "error: {}/run.gcr: that is the file"),
        (
            ("--output", "{}/x.hgrm", "--operation", "query"),
            2,
            "error: no request was answered without an error",
        ),
    ],
)
def test_what_cannot_be_exported(
    arguments: tuple[str, ...], code: int, line: str, records: Path
) -> None:
    before = records.read_bytes()
    done = ran("export", records, *(each.format(records.parent) for each in arguments))
    assert done.exit_code == code
    assert done.stderr.startswith(line.format(records.parent))
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert records.read_bytes() == before


@pytest.mark.parametrize("command", [("export", "--output", "x.csv"), ("explain",)])
def test_a_file_that_is_absent_damaged_or_empty(command: tuple[str, ...], tmp_path: Path) -> None:
    name, *options = command
    file = tmp_path / "run.gcr"
    for content, line, code in (
        (None, "No such file or directory", 1),
        (b"PK\3\4", "not a file of records", 1),
        (Recorder().to_bytes()[:-1] + b"?", "damaged (checksum)", 1),
        (Recorder().to_bytes(), "no request was recorded", 2),
    ):
        if content is not None:
            file.write_bytes(content)
        done = ran(name, file, *options)
        assert (done.exit_code, done.stderr) == (code, f"error: {file}: {line}\n")
        assert done.stdout == ""


def test_explain_shows_the_slowest(records: Path) -> None:
    done = ran("explain", records)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "Request 1: rsa2048-sign on 01.0006, client 1, 208 us from 0 ns on"
    assert done.stdout == ran("explain", records, "--slowest").stdout
    assert done.stdout == ran("explain", records, "--percentile", "99").stdout
    engine = next(line for line in lines if "wait for engine" in line)
    assert " ".join(engine.split()) == (
        "wait for engine 4,500 ns 99.5 us 47.8% 99.5 us - "
        "an engine: held by 0 (rsa2048-sign); 0 ahead"
    )
    assert lines[-1] == (
        "In all: service 103 us (49.5%), waiting 100 us (48.1%), "
        "host 3.00 us (1.4%), transfer 2.00 us (1.0%)"
    )


def test_explain_as_json(records: Path) -> None:
    found = json.loads(ran("explain", records, "--request", "1", "--json").stdout)
    assert (found["request"], found["latency_ns"], found["given_up"]) == (1, 208_000, False)
    assert found["parts"][5] == {
        "name": "wait for engine",
        "kind": "waiting",
        "start_ns": 4500,
        "duration_ns": 99_500,
        "waiting_ns": 99_500,
        "share": 99_500 / 208_000,
        "waited": {
            "waits_for": "an engine",
            "held": 1,
            "holders": [{"request": 0, "operation": "rsa2048-sign", "client": 0}],
            "ahead": 0,
            "overtaken": 0,
        },
    }
    assert sum(found["kinds_ns"].values()) == 208_000


def test_explain_says_what_the_driver_gave_up(records: Path) -> None:
    done = ran("explain", records, "--request", "2")
    assert done.stdout == (
        "Request 2: query on 01.0006, client 2, 4 ns from 5 ns on\n"
        "The driver gave it up (outcome 0x1013): it passed no stage.\n"
    )


def test_explain_all_is_by_operation(records: Path) -> None:
    found = json.loads(ran("explain", records, "--all", "--json").stdout)
    assert [(each["operation"], each["requests"], each["given_up"]) for each in found] == [
        ("rsa2048-sign", 2, 0),
        ("query", 0, 1),
    ]
    shown = ran("explain", records, "--all").stdout
    assert "rsa2048-sign: 2 requests, mean 158 us\n" in shown
    assert "query: 0 requests, mean 0 ns; 1 given up, not counted\n" in shown


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--request", "3"), "error: there is no request 3: the file holds 0 to 2\n"),
        (
            ("--request", "2", "--operation", "rsa2048-sign"),
            "error: there is no request 2 of operation rsa2048-sign: the file holds 0 to 2\n",
        ),
        (
            ("--operation", "query"),
            "error: no request was answered without an error: say --request N\n",
        ),
    ],
)
def test_explain_of_what_is_not_there(options: tuple[str, ...], line: str, records: Path) -> None:
    done = ran("explain", records, *options)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", line)


@pytest.mark.parametrize(
    "options",
    [
        ("--request", "0", "--slowest"),
        ("--all", "--percentile", "5"),
        ("--percentile", "0"),
        ("--percentile", "101"),
        ("--request", "-1"),
    ],
)
def test_options_that_make_no_sense(options: tuple[str, ...], records: Path) -> None:
    assert ran("explain", records, *options).exit_code == 2


def test_explain_names_the_fault(tmp_path: Path) -> None:
    record = Recorder()
    record.add(0, 0x0106, 31, "query", "", 0, 1, 9, 9, 0, FIRST, "lost on the link")
    record.add(1, 0x0106, 38, "query", "", DRIVER_OUTCOME + 5, 0, 9, 0, 0, (5, *(9,) * 11), "drop")
    record.save(tmp_path / "run.gcr")
    answered, given_up = (ran("explain", tmp_path / "run.gcr", "--request", n) for n in "01")
    assert "It met a fault: lost on the link." in answered.stdout
    assert given_up.stdout.endswith("it passed no stage.\nIt met a fault: drop.\n")
    said = json.loads(ran("explain", tmp_path / "run.gcr", "--request", "1", "--json").stdout)
    assert said["fault"] == "drop"
