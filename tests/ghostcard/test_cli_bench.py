"""`ghostcard bench` in small: what it writes and prints, and what it keeps when it is cut short."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ghostcard.benchmarks import main_job
from ghostcard.benchmarks.cases import case
from ghostcard.benchmarks.client import ClientError, Loading, Measurement
from ghostcard.benchmarks.point import Point
from ghostcard.cli import bench, main

SMALL = [case("ecdsa-p256-sign"), case("sha256")]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two operations, two numbers of clients, few requests, and a C client that answers at once."""
    monkeypatch.setattr(bench, "possible", lambda _profile: SMALL)
    monkeypatch.setattr(bench, "CLIENTS", (1, 64))
    monkeypatch.setattr(main_job, "REQUESTS", 640)
    monkeypatch.setattr(bench, "library", lambda: Path("libghostcard.so"))
    monkeypatch.setattr(bench, "build", lambda _folder: Path("client"))
    monkeypatch.setattr(bench, "measure", _measured)


def _measured(
    _program: Path,
    _module: str,
    operations: Sequence[str],
    threads: Sequence[int],
    seconds: float,
    environment: Mapping[str, str],
) -> Iterator[Loading | Measurement]:
    assert Path(environment["GHOSTCARD_CONFIG"]).read_text().endswith('profile = "cex8p"\n')
    yield Loading(1.0, 2.0, 0.5, 15_000)
    for operation in operations:
        for number in threads:
            yield Measurement(operation, number, 1234, seconds, 1234.0, 10.5, 1200.0)


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ("bench", "--output", str(folder), *arguments))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_tables_files_and_plot(tmp_path: Path) -> None:
    done = run(tmp_path / "new" / "results")
    assert (done.exit_code, done.stderr) == (0, "")
    written = [Path(line) for line in done.stdout.splitlines()[-5:]]
    assert [path.name for path in written] == [
        "bench.svg",
        "bench.png",
        "simulated.csv",
        "host.csv",
        "bench.json",
    ]
    assert all(path.stat().st_size for path in written)
    simulated = rows(written[2])
    assert [(r["operation"], r["clients"], r["limit"]) for r in simulated] == [
        ("ecdsa-p256-sign", "1", "clients"),
        ("ecdsa-p256-sign", "64", "ec engines"),
        ("sha256", "1", "clients"),
        ("sha256", "64", "symmetric engines"),
    ]
    assert [row["rate"] for row in rows(written[3])] == ["1234.0"] * 4
    record = json.loads(written[4].read_text())
    assert (record["profile"], record["seed"], record["complete"]) == ("cex8p", 1, True)
    assert record["simulated"][1]["limit"] == "ec engines"
    assert {"ghostcard", "python", "simpy"} <= record["versions"].keys()


def test_simulated_and_host_time_never_share_a_table(tmp_path: Path) -> None:
    simulated, _, host = run(tmp_path).stdout.partition("Host time")
    assert "1,234" in host
    assert "1,234" not in simulated
    assert "96.2 us" in simulated
    assert "96.2 us" not in host


def test_assumptions_are_said(tmp_path: Path) -> None:
    said = r"figures of profile cex8p are assumed"
    assert said in run(tmp_path).stdout
    assert said in json.loads((tmp_path / "bench.json").read_text())["caveat"]
    assert said in (tmp_path / "bench.svg").read_text()


def test_the_same_figures_give_the_same_plot(tmp_path: Path) -> None:
    plots = []
    for name in ("one", "two"):
        run(tmp_path / name)
        plots.append([(tmp_path / name / f"bench.{kind}").read_bytes() for kind in ("svg", "png")])
    assert plots[0] == plots[1]


def test_json_is_all_that_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, "--json")
    record = json.loads(done.stdout)
    assert record == json.loads((tmp_path / "bench.json").read_text())
    assert len(record["simulated"]) == len(record["host"]) == 4


def test_ctrl_c_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> Iterator[Point]:
        yield next(main_job.sweep(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "sweep", interrupted)
    done = run(tmp_path)
    assert done.exit_code == 130
    assert done.stderr == "error: interrupted; kept what was measured until then\n"
    record = json.loads((tmp_path / "bench.json").read_text())
    assert (record["complete"], len(record["simulated"]), record["host"]) == (False, 1, [])
    assert not (tmp_path / "host.csv").exists()


def test_without_a_compiler_the_first_part_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_folder: Path) -> Path:
        raise ClientError("the C client needs a C compiler: install gcc or set CC")

    monkeypatch.setattr(bench, "build", refuse)
    done = run(tmp_path)
    assert done.exit_code == 1
    assert done.stderr == "error: the C client needs a C compiler: install gcc or set CC\n"
    assert len(rows(tmp_path / "simulated.csv")) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--profile", "none"), 2, "error: there is no profile 'none'"),
        (("--output", "/proc/no/where"), 1, "error: /proc/no: No such file or directory\n"),
    ],
)
def test_refusals(tmp_path: Path, arguments: tuple[str, ...], code: int, line: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.exit_code == code
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_a_card_without_the_operations_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "possible", lambda _profile: [])
    done = run(tmp_path, "--profile", "cex8a")
    assert done.stderr == "error: profile cex8a has none of the operations that are measured\n"
    assert done.exit_code == 1


@pytest.mark.parametrize(("profile", "mode"), [("intel-qat", "timing"), ("cex8c", "cca")])
def test_a_card_that_answers_no_program_is_measured_in_simulated_time_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, mode: str
) -> None:
    operation = case("rsa2048-sign" if mode == "timing" else "aes-256-gcm")
    monkeypatch.setattr(bench, "possible", lambda _profile: [operation])
    done = run(tmp_path, "--profile", profile)
    assert (done.exit_code, done.stderr) == (0, "")
    assert f"No host time: cards in mode {mode} have no token\n" in done.stdout
    assert not (tmp_path / "host.csv").exists()
    assert {row["clients"] for row in rows(tmp_path / "simulated.csv")} == {"1", "64"}
