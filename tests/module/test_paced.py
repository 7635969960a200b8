"""C programs in paced mode: never early, what is late is counted, and the verdict follows it."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ghostcard.driver.pace import Pace
from ghostcard.driver.timing import PACE_SUFFIX
from ghostcard.emulator.record import Recorder
from tests.module.tree import LIBRARY, compile_host, passes, run

DILATION = 30
ROOT = Path(__file__).parents[2]


def run_paced(
    folder: Path, host: Path, *arguments: str, config: str = 'function = "null"\n'
) -> tuple[Any, Pace, str]:
    """The records of a run of the host, its pace, and what it printed."""
    folder.mkdir(exist_ok=True)
    machine = folder / "machine.toml"
    machine.write_text(f'{config}[time]\nclock = "paced"\ndilation = {DILATION}\n')
    environment = {
        "GHOSTCARD_HOME": str(folder / "home"),
        "GHOSTCARD_CONFIG": str(machine),
        "GHOSTCARD_RUN_DIR": str(folder),
    }
    printed = run(str(host), str(LIBRARY), *arguments, environment=environment, timeout=100)
    (path,) = folder.glob("*.records")
    (pace,) = folder.glob(f"*{PACE_SUFFIX}")
    assert [*folder.glob("*.order")] == []
    return Recorder.load(path).array(), Pace.of_text(pace.read_text()), passes(printed)


@pytest.mark.parametrize("mode", ["loop", "mutex", "pipeline"])
@pytest.mark.parametrize("threads", [1, 4])
def test_threads_are_paced(tmp_path: Path, mode: str, threads: int) -> None:
    host = compile_host("crew", tmp_path)
    threads = 2 if mode == "pipeline" else threads
    records, pace, _ = run_paced(tmp_path / "run", host, mode, str(threads), "20")
    own = records[records["client"] != 0]
    assert len(own) == 20 * threads
    assert pace.dilation == DILATION
    assert pace.calls == len(records)
    assert pace.misjudged == 0
    assert pace.is_valid == (pace.late <= pace.calls * 0.01)
    if mode == "mutex":  # one after the other, on the cards' clock too
        rows = sorted(zip(own["submitted"].tolist(), own["done"].tolist(), strict=True))
        assert all(done <= begun for (_, done), (begun, _) in pairwise(rows))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """benchmarks/client.c, which measures itself."""
    target = tmp_path_factory.mktemp("client") / "client"
    source = ROOT / "benchmarks" / "client.c"
    command = ["gcc", "-O2", "-o", str(target), str(source), "-ldl", "-pthread"]
    subprocess.run(command, check=True)
    return target


@pytest.mark.parametrize("threads", [1, 3])
def test_a_program_that_measures_itself_sees_the_cards_times_the_dilation(
    client: Path, tmp_path: Path, threads: int
) -> None:
    """No call lasts less than on the cards, so no percentile does."""
    arguments = ("--threads", str(threads), "--seconds", "0.3", "ecdsa-p256-sign")
    records, pace, printed = run_paced(tmp_path, client, *arguments)
    told = json.loads(printed.splitlines()[-1])
    least_ns = int((records["done"] - records["submitted"])[records["function"] == 31].min())
    assert told["p50_us"] * 1000 >= DILATION * least_ns
    assert told["calls"] <= pace.calls
    span_ns = int(records["done"].max()) - int(records["submitted"].min())
    assert told["seconds"] * 1e9 <= DILATION * span_ns + pace.worst_ns + 1e9


def ghostcard(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ghostcard", "run", "--no-forecast", *arguments]
    environment = {**os.environ, "GHOSTCARD_HOME": str(folder / "home")}
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, timeout=100
    )


def test_the_account_says_how_punctual_it_was(client: Path, tmp_path: Path) -> None:
    sign = (str(client), "{module}", "--seconds", "0.2", "ecdsa-p256-sign")
    ran = ghostcard("--paced", "20", "--json", "--", *sign, folder=tmp_path)
    assert ran.returncode == 0
    told = json.loads(ran.stderr)
    paced, clocks = told["paced"], told["clocks"]
    assert told["order"] is None
    assert paced["dilation"] == 20
    assert paced["calls"] == sum(told["verbs"].values())
    assert paced["late_share"] == (paced["late"] + paced["misjudged"]) / paced["calls"]
    assert paced["is_valid"] == (paced["late_share"] <= 0.01)
    assert clocks["host_ns"] >= 20 * clocks["simulated_ns"] * 0.999
    assert clocks["host_per_simulated"] >= 19.98


def test_what_is_late_is_not_called_valid(client: Path, tmp_path: Path) -> None:
    """RSA takes the host longer than cards that are a hundred times as fast as they are."""
    sign = (str(client), "{module}", "--seconds", "0.2", "rsa4096-sign")
    ran = ghostcard("--paced", "0.01", "--", *sign, folder=tmp_path)
    assert ran.returncode == 0
    said = re.search(r"^verdict +(.*)$", ran.stderr, re.MULTILINE)
    assert said is not None
    assert re.match(
        r"not valid: [\d.]+% of the completions were late; (a dilation of [\d.]+|the host)", said[1]
    )


@pytest.mark.parametrize("also", [["--order", "strict"], ["--think", "cpu"], ["--clients", "2"]])
def test_the_wall_keeps_no_other_order(tmp_path: Path, also: list[str]) -> None:
    ran = ghostcard("--paced", "20", *also, "--", "true", folder=tmp_path)
    assert ran.returncode == 2
    assert "--paced takes none of" in ran.stderr


@pytest.mark.parametrize(("given", "dilation"), [([], 10), (["2.5"], 2.5)])
def test_the_dilation_may_be_left_out(tmp_path: Path, given: list[str], dilation: float) -> None:
    ran = ghostcard("--paced", *given, "--json", "--", "true", folder=tmp_path)
    assert json.loads(ran.stderr)["paced"]["dilation"] == dilation


@pytest.mark.parametrize("way", ["wait", "poll", "epoll"])
def test_asynchronous_sessions_are_paced(tmp_path: Path, way: str) -> None:
    """docs/examples/async.c: one thread, eight sessions, by all three ways of waiting."""
    program, source = str(tmp_path / "async"), str(ROOT / "docs" / "examples" / "async.c")
    include = (f"-I{ROOT / 'module'}", f"-I{ROOT / 'module' / 'generated'}")
    subprocess.run(["gcc", *include, source, "-o", program, "-ldl"], check=True)
    environment = {**os.environ, "GHOSTCARD_HOME": str(tmp_path / "home")}
    init = ("token", "init", "--label", "async", "--so-pin", "87654321", "--pin", "12345678")
    subprocess.run(
        [sys.executable, "-m", "ghostcard", *init],
        check=True,
        capture_output=True,
        env=environment,
    )
    asked = (program, "{module}", "12345678", "8", way, "3")
    ran = ghostcard("--paced", str(DILATION), "--json", "--", *asked, folder=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "24 signatures by one thread with 8 sessions\n")
    told = json.loads(ran.stderr)
    assert told["verbs"]["SignSingle"] == 24
    assert told["deepest"] > 1
    assert told["clocks"]["host_per_simulated"] >= DILATION
