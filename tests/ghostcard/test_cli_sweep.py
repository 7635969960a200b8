"""`ghostcard sweep`: the same results however it is run, and whatever is killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ghostcard.benchmarks.sweep.case import run
from ghostcard.benchmarks.sweep.grid import grid
from ghostcard.benchmarks.sweep.journal import NAME
from ghostcard.benchmarks.sweep.rows import rows, write_parquet
from ghostcard.cli import main

SCENARIO = """
requests = 12_000
[[tenants]]
clients = 4
think = { mean_ns = 100_000, distribution = "exponential" }
operation = "rsa2048-sign"
payload_bytes = 51
"""
VARY = ("clients=1..8", "cards=1,2")
CASES = 32


def sweep(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["sweep", *map(str, arguments)])


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO)
    return path


class Running:
    """A sweep of two workers, as the leader of a process group of its own."""

    def __init__(self, scenario: Path, folder: Path) -> None:
        vary = [f"--vary={text}" for text in VARY]
        command = [sys.executable, "-m", "ghostcard", "sweep", str(scenario), *vary]
        command += ["--replications=2", "--workers=2", f"--output={folder}", "--csv"]
        self.journal = folder / NAME
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
        )

    def finished(self) -> list[str]:
        """The keys of finished cases, each as often as it was finished."""
        if not self.journal.exists():
            return []
        whole = self.journal.read_text().rpartition("\n")[0].splitlines()
        return [json.loads(line)["key"] for line in whole]

    def workers(self) -> list[int]:
        """The processes that run cases."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                line = (stat.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == self.process.pid and b"spawn_main" in line:
                found.append(int(stat.parent.name))
        return found


def test_whatever_is_killed_no_finished_case_is_lost_or_done_again(
    scenario: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    expected = grid(str(scenario), VARY, replications=2)
    keys = sorted(case.key for case in expected.cases)
    assert len(set(keys)) == CASES

    first = Running(scenario, folder)  # the whole of it is killed
    until(first.finished)
    workers = first.workers()
    first.process.kill()
    first.process.communicate()
    before = first.finished()
    assert 0 < len(before) < CASES
    until(lambda: not any(os.path.exists(f"/proc/{worker}") for worker in workers))

    second = Running(scenario, folder)  # Ctrl-C at a terminal: to all processes
    until(lambda: len(second.finished()) > len(before))
    os.killpg(second.process.pid, signal.SIGINT)
    output, errors = second.process.communicate()
    assert second.process.returncode == 130
    done = second.finished()
    assert done[: len(before)] == before
    assert f"interrupted: {len(done)} of {CASES} cases are done and kept in {folder}" in errors
    assert errors.count("\n") == 1
    assert len(output.splitlines()) == len(done) + 1

    third = Running(scenario, folder)  # a worker is killed
    until(lambda: len(third.finished()) > len(done))
    os.kill(third.workers()[0], signal.SIGKILL)
    output, errors = third.process.communicate()
    assert (third.process.returncode, errors) == (0, "")
    assert sorted(third.finished()) == keys  # each of them, once
    assert len(output.splitlines()) == CASES + 1

    alone = {case.key: run(case) for case in expected.cases}  # without any cluster
    write_parquet(expected, rows(expected, alone), tmp_path / "alone.parquet")
    assert (folder / "sweep.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()


def test_an_interrupt_while_workers_start_is_one_line(scenario: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    running = Running(scenario, folder)
    until(running.journal.exists)
    until(running.workers)
    os.killpg(running.process.pid, signal.SIGINT)
    output, errors = running.process.communicate()
    assert (running.process.returncode, output) == (130, "")
    assert errors == (
        f"error: interrupted: 0 of {CASES} cases are done and kept in {folder}; the same command "
        "goes on from there\n"
    )


def test_what_is_finished_is_shown_and_nothing_is_run(scenario: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    planned = grid(str(scenario), ["clients=1,2"], ["requests=300"], 2)
    lines = [json.dumps({"key": case.key, "figures": run(case)}) for case in planned.cases]
    folder.mkdir()
    (folder / NAME).write_text("\n".join(lines) + "\n")
    arguments = (scenario, "--vary=clients=1,2", "--set=requests=300", "--replications=2")
    done = sweep(*arguments, f"--output={folder}")
    assert done.exit_code == 0, done.output
    assert "Simulated, with 95% confidence (2 replications)" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[4:6]] == ["1", "2"]
    assert str(folder / "sweep.parquet") in done.stdout
    assert json.loads((folder / "sweep.json").read_text())["vary"] == {"clients": [1, 2]}
    said = json.loads(sweep(*arguments, f"--output={folder}", "--json").stdout)
    assert [case["clients"] for case in said["cases"]] == [1, 1, 2, 2]
    assert said["cases"][0]["stations"][2]["station"] == "rsa"


def test_a_cluster_that_is_there(scenario: Path, tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0",
        host="127.0.0.1", protocol="tcp://",
    ) as cluster:  # fmt: skip
        arguments = (scenario, "--vary=clients=1..3", f"--output={tmp_path}", "--csv")
        done = sweep(*arguments, f"--scheduler={cluster.scheduler_address}")
    assert done.exit_code == 0, done.output
    assert done.stdout.count(",done,") == 3


def test_cases_that_fail_say_why(scenario: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('[[faults]]\nkind = "reply-code"\ncode = 0x90\nevery = 1\n')
    scenario.write_text(f'faults = "plan.toml"\n{SCENARIO}')
    done = sweep(
        scenario, "--vary=clients=1,2", "--set=requests=100", "--workers=1", f"--output={tmp_path}"
    )
    assert done.exit_code == 1
    assert "no request was answered" in done.stdout
    assert done.stderr == "error: 2 of 2 cases failed: no request was answered\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vary=cards=1,300"], "cards=300: machine.cards: got 300, takes a whole number from 1"),
        (["--vary=clients"], "--vary clients: got no KEY=VALUES"),
        (["--vary=clients=1", "--set=seed=-1"], "clients=1: seed: got -1, takes a whole number"),
        (["--vary=clients=1", "--json", "--csv"], "--csv: takes no --json beside it"),
        (["--vary=clients=1", "--workers=1", "--scheduler=x"], "--workers: the cluster of"),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_runs(
    scenario: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = sweep(scenario, f"--output={tmp_path / 'out'}", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {message}")
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_is_not_there(
    scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ghostcard.benchmarks.sweep import cluster

    monkeypatch.setattr(cluster, "_CONNECT_S", 0.2)
    arguments = (scenario, "--vary=clients=1", f"--output={tmp_path}")
    done = sweep(*arguments, "--scheduler=tcp://127.0.0.1:9")
    assert done.exit_code == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("error: --scheduler tcp://127.0.0.1:9: ")


@pytest.mark.parametrize("package", ["distributed", "pyarrow"])
def test_the_extra_is_missing(
    scenario: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    done = sweep(scenario, "--vary=clients=1")
    assert done.exit_code == 2
    assert done.stderr == (
        f"error: a sweep needs {package}, which is not installed: pip install 'ghostcard[sweep]'\n"
    )
