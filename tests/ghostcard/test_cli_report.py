"""`ghostcard report`: what it takes, and one line for everything that is wrong."""

import json
import os
from html import escape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ghostcard.benchmarks.sweep import case
from ghostcard.benchmarks.sweep.grid import grid
from ghostcard.benchmarks.sweep.rows import rows, write_parquet
from ghostcard.cli import main
from ghostcard.machine import Machine
from tests.benchmarks.capture.stand import Work, captured
from tests.benchmarks.reporting.conftest import ghostcard
from tests.benchmarks.reporting.test_figures import embedded

SMALL = """\
requests = 400
[[tenants]]
clients = 4
operation = "sha256"
payload_bytes = 64
"""


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_a_scenario(small: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = report(small, "--load", "1:8:x2", "--set", "seed=3", "--no-host", "--output", page)
    assert done.exit_code == 0, done.output
    assert "What limits it:" in done.stdout
    assert done.stdout.splitlines()[-1] == f"{page}: 0.1 MB"
    text = page.read_text("utf-8")
    assert '"clients","per s","mean (ns)"' in text
    assert '"seed":3' in text
    assert escape(SMALL) in text
    assert "Offload break-even" not in text


@pytest.mark.parametrize("name", ["tenants", "trace", "bursty"])
def test_the_examples(name: str, tmp_path: Path) -> None:
    scenario = Path(__file__).parents[2] / "benchmarks" / "scenarios" / f"{name}.toml"
    bound = [] if name == "trace" else ["--set", "requests=2000"]
    done = report(scenario, *bound, "--no-host", "--output", tmp_path / "r.html")
    assert done.exit_code == 0, done.output


def test_a_histogram_has_no_stages(small: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    histogram = ("--set", "percentiles=histogram", "--load", "1,2", "--no-host")
    done = report(small, *histogram, "--output", page)
    assert done.exit_code == 0, done.output
    text = page.read_text("utf-8")
    assert "too high by less than 1 in 1,024" in text
    assert "Where the time goes" not in text


def test_a_folder_of_records_with_a_damaged_one(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for number in range(2):
        ghostcard("simulate", small, "--records", folder / f"{number}.records", "--seed", number)
    (folder / "3.records").write_bytes(b"GCRECORD")
    page = tmp_path / "page.html"
    done = report(folder, "--no-host", "--output", page)
    assert done.exit_code == 0, done.output
    text = page.read_text("utf-8")
    assert "800 requests of 2 runs, 8 clients" in text
    assert "Damaged and left out" in text


def test_a_sweep(small: Path, tmp_path: Path) -> None:
    planned = grid(str(small), ["clients=1:64:x4", "cards=1,2"], replications=2)
    finished = {one.key: case.run(one) for one in planned.cases}
    folder = tmp_path / "swept"
    folder.mkdir()
    write_parquet(planned, rows(planned, finished), folder / "sweep.parquet")
    page = tmp_path / "page.html"
    done = report(folder, "--output", page)
    assert done.exit_code == 0, done.output
    assert "Most throughput:" in done.stdout
    assert "Knee: of cards 1, 95% of the most throughput is reached at clients 16" in done.stdout
    data = embedded(page)
    cases = data["tables"]["cases"]
    assert cases["columns"][:3] == ["clients", "cards", "per s"]
    assert [row[:2] for row in cases["rows"]] == [[n, c] for n in (1, 4, 16, 64) for c in (1, 2)]
    found = [row for row in rows(planned, finished) if (row["clients"], row["cards"]) == (4, 2)]
    rates = [float(str(row["per_second"])) for row in found]
    assert len(rates) == 2
    assert cases["rows"][3][2] == pytest.approx(sum(rates) / 2)
    lines = data["plots"]["throughput"]["series"]
    assert [line["name"] for line in lines] == ["cards 1", "cards 2"]
    assert lines[1]["y"][1] == cases["rows"][3][2]
    (tmp_path / "other.parquet").write_bytes(b"PAR1")
    refused = report(tmp_path / "other.parquet", "--output", page)
    assert (refused.exit_code, refused.stderr.count("not a table of")) == (2, 1)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("{}/none.toml",), "none.toml: No such file or directory"),
        (("{}/none.gcr",), "none.gcr: No such file or directory"),
        (("{}/small.toml", "--load", "0"), "--load: got '0', takes whole numbers from 1 on"),
        (("{}/small.toml", "--set", "nonsense=1"), "nonsense"),
        (("{}/small.toml", "--output", "{}/none/x.html"), "there is no folder"),
        (("{}/small.toml", "--profile", "cex8p"), "a scenario has its machine"),
        (("{}", "--load", "1"), "--load and --set are of a scenario"),
        (("{}",), "no request was recorded in"),
        (("{}/run.gcr", "--profile", "none"), "none"),
        (("{}/two.gcr",), "adapters that are not configured: 01; say --profile or --config"),
    ],
)
def test_what_is_wrong(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
    line: str,
) -> None:  # fmt: skip
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    ghostcard("simulate", small, "--records", tmp_path / "run.gcr")
    two = ("--set", "machine.cards=2", "--records", tmp_path / "two.gcr")
    ghostcard("simulate", small, *two)
    done = report(*(one.format(tmp_path) for one in arguments))
    assert done.exit_code in (1, 2)
    assert line in done.output
    assert "Traceback" not in done.output


def test_a_capture(tmp_path: Path) -> None:
    def body(machine: Machine, work: Work) -> None:
        work.hash(30)

    capture, records = captured(tmp_path, body, cards=2)
    capture.save(tmp_path / "hash.capture")
    page = tmp_path / "page.html"
    done = report(tmp_path / "hash.capture", "--no-host", "--output", page)
    assert done.exit_code == 0, done.output
    [row] = embedded(page)["tables"]["figures"]["rows"]
    array = records.array()
    took = (array["done"] - array["submitted"]).tolist()
    assert row[:3] == ["all", 30, 0]
    assert row[4] == sum(took) / 30
    other = report(tmp_path / "hash.capture", "--no-host", "--profile", "cex5p", "--output", page)
    assert other.exit_code == 0, other.output
    assert embedded(page)["tables"]["figures"]["rows"][0][4] > row[4]


def test_a_histogram_of_several_tenants(tmp_path: Path) -> None:
    path, page = tmp_path / "two.toml", tmp_path / "page.html"
    path.write_text(
        SMALL.replace("[[", 'percentiles = "histogram"\n[[')
        + """
[[tenants]]
name = "signing"
arrivals = "poisson"
rate_per_s = 900
operation = "rsa2048-sign"
payload_bytes = 51
"""
    )
    done = report(path, "--output", page)
    assert done.exit_code == 0, done.output
    titles = [row[0] for row in embedded(page)["tables"]["figures"]["rows"]]
    text = page.read_text("utf-8")
    assert "Rates are those of the open tenants; closed ones stay as they are." in text
    assert "Dashed is theory" not in text
    assert titles == ["all", "tenant 0", "signing", "rsa2048-sign", "sha256"]


def test_one_request_has_no_rate(small: Path, tmp_path: Path) -> None:
    done = report(small, "--set", "requests=1", "--no-host", "--output", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert "There are too few requests for a rate" in done.stdout
    assert "0.0 requests per second" not in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "9.0", "vary": ["elsewhere"]}, "it was written by ghostcard 9.0"),
        ([], "it was written by ghostcard unknown"),
    ],
)
def test_a_sweep_of_another_version(
    small: Path, tmp_path: Path, change: object, words: str
) -> None:
    from pyarrow import parquet

    planned = grid(str(small), ["clients=1"])
    found = rows(planned, {one.key: case.run(one) for one in planned.cases})
    path = tmp_path / "other.parquet"
    write_parquet(planned, found, path)
    metadata = {b"ghostcard": json.dumps(change).encode()}
    parquet.write_table(parquet.read_table(path).replace_schema_metadata(metadata), path)
    done = report(path)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_sweep_of_single_requests(small: Path, tmp_path: Path) -> None:
    planned = grid(str(small), ["requests=1,2"])
    found = rows(planned, {one.key: case.run(one) for one in planned.cases})
    assert [row["per_second"] for row in found] == [None, None]
    write_parquet(planned, found, tmp_path / "sweep.parquet")
    done = report(tmp_path, "--output", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Throughput is not known: too few requests were answered.\n")


def test_a_place_without_permission_is_told_before_anything_is_simulated(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)  # root may write anywhere
    done = report(small, "--output", tmp_path / "page.html")
    assert (done.exit_code, done.stderr) == (
        2, f"error: {tmp_path / 'page.html'}: no permission to write there\n"
    )  # fmt: skip
