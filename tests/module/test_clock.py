"""The program's clock in simulated time: what programs measure is what their records say."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from ghostcard.emulator.record import Recorder
from tests.module.tree import LIBRARY, compile_host, passes, run

ROOT = Path(__file__).parents[2]
SIGN = 31  # SignSingle
READING_NS = 25
GHOSTCARD = (sys.executable, "-m", "ghostcard", "run", "--virtual-clock")
SECOND = 1_000_000_000


def virtually(
    folder: Path, *command: str, options: tuple[str, ...] = ()
) -> tuple[str, dict[str, Any], Any]:
    """A run in virtual time: what the program printed, the account, and the records."""
    machine = folder / "machine.toml"
    machine.write_text('function = "null"\n')
    own = ("--config", str(machine), "--json", "--no-forecast", "--records", str(folder / "run"))
    ran = subprocess.run(
        [*GHOSTCARD, *own, *options, "--", *command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "GHOSTCARD_HOME": str(folder / "home")},
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    records = [Recorder.load(path).array() for path in sorted((folder / "run").glob("*.records"))]
    return ran.stdout, json.loads(ran.stderr), records


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """benchmarks/client.c, which measures itself."""
    target = tmp_path_factory.mktemp("client") / "client"
    source = str(ROOT / "benchmarks" / "client.c")
    command = ["gcc", "-O2", "-o", str(target), source, "-ldl", "-pthread"]
    subprocess.run(command, check=True)
    return target


def rate_of(records: Any, calls: int) -> float:
    """Of the last calls of all: what went before was a warm-up."""
    last = sorted(records[records["function"] == SIGN], key=lambda row: int(row["done"]))[-calls:]
    began_ns = min(int(row["submitted"]) for row in last)
    return calls * SECOND / (int(last[-1]["done"]) - began_ns)


@pytest.mark.parametrize("threads", [1, 4])
def test_the_rate_that_a_program_prints_is_that_of_its_records(
    client: Path, tmp_path: Path, threads: int
) -> None:
    arguments = ("--threads", str(threads), "--seconds", "0.1", "ecdsa-p256-sign")
    printed, account, (records,) = virtually(tmp_path, str(client), "{module}", *arguments)
    told = json.loads(printed.splitlines()[-1])
    assert told["rate"] == pytest.approx(rate_of(records, told["calls"]), rel=0.01)
    signed = records[records["function"] == SIGN]
    latency_ns = median((signed["done"] - signed["submitted"]).tolist())
    assert told["p50_us"] * 1000 == pytest.approx(latency_ns, abs=4 * READING_NS)
    assert 0.1 <= told["seconds"] < 0.101
    assert account["order"]["is_deterministic"]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(compile_host("clock", tmp_path_factory.mktemp("hosts"), "-ldl"))


def said(printed: str) -> dict[str, int]:
    pairs = (line.split() for line in printed.splitlines())
    return {name: int(value) for name, value in pairs}


def test_a_loop_until_a_time_ends_then(host: str, tmp_path: Path) -> None:
    printed, _, (records,) = virtually(tmp_path, host, "{module}", "until")
    shown = said(printed)
    signed = records[records["function"] == SIGN]
    assert len(signed) == shown["calls"]
    last_ns = int((signed["done"] - signed["submitted"])[-1])
    assert SECOND <= shown["elapsed"] <= SECOND + last_ns + 4 * READING_NS
    gaps = signed["submitted"][1:] - signed["done"][:-1]
    assert set(gaps.tolist()) == {READING_NS}


def test_who_sleeps_while_others_call_wakes_up_at_the_cards_time(host: str, tmp_path: Path) -> None:
    began_ns = time.monotonic_ns()
    printed, account, (records,) = virtually(tmp_path, host, "{module}", "stop")
    shown = said(printed)
    lasted_ns = 13 * SECOND // 10
    assert SECOND <= shown["a_second"] <= SECOND + 10 * READING_NS
    assert lasted_ns <= shown["elapsed"] <= lasted_ns + 10 * READING_NS
    assert abs(shown["of_day"] - lasted_ns) <= 1000 + 10 * READING_NS
    assert shown["seconds"] in (1, 2)
    signed = records[records["function"] == SIGN]
    assert len(signed) == shown["calls"]
    latency_ns = int((signed["done"] - signed["submitted"]).min())
    assert shown["calls"] == pytest.approx(4 * lasted_ns / latency_ns, rel=0.01)
    assert account["order"]["is_deterministic"]
    assert 0 < shown["cpu"] < 4 * (time.monotonic_ns() - began_ns)  # CPU time is the host's


def test_a_loop_without_calls_ends_too(host: str, tmp_path: Path) -> None:
    shown = said(virtually(tmp_path, host, "{module}", "idle")[0])
    assert SECOND // 5 <= shown["elapsed"] <= SECOND // 5 + 2 * READING_NS


def test_a_second_life_of_the_library_goes_on_where_the_first_was(
    host: str, tmp_path: Path
) -> None:
    began_ns = time.monotonic_ns()
    printed, _, lives = virtually(tmp_path, host, "{module}", "again")
    assert len(lives) == 2
    assert 15 * SECOND <= said(printed)["elapsed"] <= 15 * SECOND + 1_000_000
    assert time.monotonic_ns() - began_ns < 15 * SECOND


def test_a_child_has_the_clock_of_its_parent(host: str, tmp_path: Path) -> None:
    assert said(virtually(tmp_path, host, "{module}", "fork")[0])["elapsed"] == 0


def test_with_think_time_the_clock_goes_on_between_calls(host: str, tmp_path: Path) -> None:
    """The records have what the clock has shown: the loop ends when they say so."""
    think = ("--think", "cpu", "--think-scale", "50")
    printed, account, (records,) = virtually(tmp_path, host, "{module}", "until", options=think)
    shown = said(printed)
    signed = records[records["function"] == SIGN]
    assert len(signed) == shown["calls"]
    before = int(records["done"][records["function"] != SIGN].max())
    end = int(signed["done"][-1])
    assert (end - int(signed["submitted"][0])) * 0.99 <= shown["elapsed"] <= (end - before) * 1.01
    gaps = signed["submitted"][1:] - signed["done"][:-1]
    assert int(gaps.min()) > READING_NS
    assert not account["order"]["is_deterministic"]


def test_without_it_clocks_are_the_hosts(host: str, tmp_path: Path) -> None:
    environment = {"GHOSTCARD_HOME": str(tmp_path / "home")}
    began_ns = time.monotonic_ns()
    shown = said(passes(run(host, str(LIBRARY), "idle", environment=environment)))
    assert SECOND // 5 <= shown["elapsed"] <= time.monotonic_ns() - began_ns


def test_a_program_without_the_library_has_the_hosts_clock(tmp_path: Path) -> None:
    began_ns = time.monotonic_ns()
    printed, account, _ = virtually(tmp_path, "sh", "-c", "sleep 0.2; date +%s")
    assert time.monotonic_ns() - began_ns >= SECOND // 5
    assert abs(int(printed) - time.time()) < 60
    assert account["verbs"] == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--paced"], "--virtual-clock takes none of --paced, --through, --shared"),
        (["--shared"], "--virtual-clock takes none of --paced, --through, --shared"),
        (["--order", "behind"], "--virtual-clock: takes the strict order"),
    ],
)
def test_only_the_strict_order_has_a_clock(
    tmp_path: Path, options: list[str], message: str
) -> None:
    command = [*GHOSTCARD, *options, "--", "true"]
    environment = {**os.environ, "GHOSTCARD_HOME": str(tmp_path)}
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert ran.returncode == 2
    assert message in ran.stderr
