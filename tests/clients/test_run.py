"""`ghostcard run`: a real program, and what the records of its processes say."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ghostcard.benchmarks.client import build
from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.driver.shapes import shape
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine
from tests.clients.host import PIN, Host, init_token

RANDOM = ("pkcs11-tool", "--module", "{module}", "--generate-random", "16", "-o", "/dev/null")


def run(token: Host, *command: str, expect: int = 0) -> dict[str, Any]:
    """The JSON that `ghostcard run` leaves of a program."""
    options = ("--json", "--output", "account.json")
    token.run(sys.executable, "-m", "ghostcard", "run", *options, "--", *command, expect=expect)
    account: dict[str, Any] = json.loads((token.folder / "account.json").read_text())
    return account


def lone_ns(operation: str, payload: int) -> int:
    """What one simulated client waits for one request on the default card."""
    machine = Machine.simulation()
    work = Work(operation, payload, *shape(operation, payload))
    ClosedLoop(machine.simulated(), machine.targets(0), [work], requests=1).run()
    record = machine.recorder.array()[0]
    return int(record["done"] - record["submitted"])


def test_the_account_has_the_requests_and_their_simulated_time(token: Host) -> None:
    account = run(token, *RANDOM)
    assert (account["program"], account["exit_code"]) == ("pkcs11-tool", 0)
    assert account["verbs"]["GenerateRandom"] == 1
    random = next(kind for kind in account["operations"] if kind["operation"] == "random")
    expected = lone_ns("random", 16)
    assert random["requests"] == 1
    assert random["latency"] == {
        "mean_ns": expected,
        "p50_ns": expected,
        "p99_ns": expected,
        "least_ns": expected,
        "greatest_ns": expected,
    }
    assert sum(account["time_ns"].values()) == pytest.approx(
        account["total"]["latency"]["mean_ns"] * account["total"]["requests"]
    )
    assert account["limited_by"]["name"] == "clients"
    assert account["forecast_of"] == account["total"]["requests"]
    clocks = account["clocks"]
    assert clocks["simulated_ns"] == account["span_ns"] >= expected
    assert clocks["host_ns"] == pytest.approx(clocks["host_per_simulated"] * clocks["simulated_ns"])


def test_the_processes_of_a_program_are_added_up(token: Host) -> None:
    line = " ".join(RANDOM)
    account = run(token, "sh", "-c", f"{line} && {line}")
    assert account["runs"] == account["clients"] == 2
    assert account["verbs"]["GenerateRandom"] == 2
    assert account["deepest"] == 1


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_exit_code_passes_and_the_account_comes_all_the_same(
    token: Host, script: str, code: int
) -> None:
    account = run(token, "sh", "-c", f"{' '.join(RANDOM)}; {script}", expect=code)
    assert (account["exit_code"], account["verbs"]["GenerateRandom"]) == (code, 1)


@pytest.mark.parametrize(("name", "code"), [("INT", 130), ("KILL", 137)])
def test_a_program_that_is_killed_leaves_its_account(token: Host, name: str, code: int) -> None:
    client = str(build(token.folder))
    stopped = ("timeout", "--preserve-status", "--signal", name, "2")
    command = (*stopped, client, "{module}", "--seconds", "60", "sha256")
    account = run(token, *command, expect=code)
    digests = account["operations"][0]
    assert digests["operation"] == "sha256"
    assert digests["requests"] > 100
    lone = lone_ns("sha256", 1024)
    assert (digests["latency"]["p50_ns"], digests["latency"]["p99_ns"]) == (lone, lone)
    assert (account["runs"], account["damaged"]) == (1, [])


def test_the_records_can_be_kept_and_are_not_mixed_with_others(token: Host) -> None:
    command = (sys.executable, "-m", "ghostcard", "run", "--records", "kept", "--", *RANDOM)
    token.run(*command)
    (path,) = (token.folder / "kept").glob("*.records")
    assert "random" in Recorder.load(path).names
    refused = token.run(*command, expect=2)
    assert refused.stderr == b"error: kept: has records already; name a new folder\n"


def test_the_environment_names_the_library(token: Host) -> None:
    script = 'test "$PKCS11_MODULE_PATH" = "$1" && test "$PKCS11_PROVIDER_MODULE" = "$1"'
    assert run(token, "sh", "-c", script, "sh", "{module}")["exit_code"] == 0


def test_tables_go_to_standard_error_and_tell_no_pin(token: Host) -> None:
    command = ("--", *RANDOM, "--login", "--pin", PIN)
    done = token.run(sys.executable, "-m", "ghostcard", "run", *command)
    shown = done.stderr.decode()
    assert done.stdout == b""
    assert "Simulated time: what the cards did for pkcs11-tool\n" in shown
    assert PIN not in shown
    heads = {line.split("  ")[0] for line in shown.splitlines()}
    assert {"verbs", "deepest queue", "callers", "clocks", "assumptions"} <= heads


def test_a_program_without_the_library_reaches_no_card(host: Host) -> None:
    done = host.run(sys.executable, "-m", "ghostcard", "run", "--output", "-", "--", "true")
    assert done.stdout == b"no request reached a card\n"


def test_damaged_records_are_named_and_the_rest_is_told(token: Host) -> None:
    damage = 'echo nonsense > "$GHOSTCARD_RUN_DIR/0.records"'
    account = run(token, "sh", "-c", f"{damage}; {' '.join(RANDOM)}")
    assert account["verbs"]["GenerateRandom"] == 1
    assert len(account["damaged"]) == 1
    assert account["damaged"][0].endswith("0.records: not a file of records")


def test_the_machine_is_the_configured_one(host: Host) -> None:
    machine = '[[cards]]\nadapter = 5\nprofile = "null"\n'
    config = str(host.file("machine.toml", machine.encode()))
    init_token(host.setting(GHOSTCARD_CONFIG=config))
    options = ("--json", "--output", "account.json", "--config", config)
    host.run(sys.executable, "-m", "ghostcard", "run", *options, "--", *RANDOM)
    account = json.loads((host.folder / "account.json").read_text())
    assert account["profiles"] == {"05": "null"}
    assert account["clocks"]["simulated_ns"] == 0
    assert account["clocks"]["host_per_simulated"] is None


def test_other_cards_use_the_keys_of_the_home_and_leave_nothing_there(token: Host) -> None:
    tool = ("pkcs11-tool", "--module", "{module}", "--login", "--pin", PIN)
    made = ("--keypairgen", "--key-type", "EC:prime256v1", "--id", "01")
    run(token, *tool, *made)
    state = token.folder / "state"
    before = sorted(path.relative_to(state) for path in state.rglob("*"))
    token.file("data", bytes(32))
    account = json.loads(
        token.run(
            *(sys.executable, "-m", "ghostcard", "run", "--profile", "cex7p", "--cards", "3"),
            *("--depth", "4", "--json", "--output", "-", "--", *tool),
            *("--sign", "-m", "ECDSA", "--id", "01", "-i", "data", "-o", "signature"),
        ).stdout
    )
    assert account["profiles"] == dict.fromkeys(("00", "01", "02"), "cex7p-depth-4")
    assert account["verbs"]["SignSingle"] == 1
    assert sorted(path.relative_to(state) for path in state.rglob("*")) == before
    assert len((token.folder / "signature").read_bytes()) == 64


def test_the_order_of_threads_is_told(token: Host) -> None:
    plain = run(token, *RANDOM)["order"]
    assert (plain["order"], plain["think"], plain["is_deterministic"]) == ("strict", "none", True)
    asked = ("--order", "behind", "--think", "cpu", "--think-scale", "0.5", "--clients", "3")
    done = token.run(sys.executable, "-m", "ghostcard", "run", *asked, "--", *RANDOM)
    (line,) = [one for one in done.stderr.decode().splitlines() if one.startswith("order ")]
    assert line.removeprefix("order").strip() == (
        "behind, think time cpu x 0.5, 3 threads announced; "
        "not deterministic: think time is measured"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--", "nowhere"), 127, "error: nowhere: not found\n"),
        (("--", "/dev/null"), 126, "error: /dev/null: Permission denied\n"),
        (
            ("--output", "/nowhere/x", "--", "true"),
            1,
            "error: /nowhere/x: No such file or directory\n",
        ),
    ],
)
def test_refusals(host: Host, arguments: tuple[str, ...], code: int, line: str) -> None:
    done = host.run(sys.executable, "-m", "ghostcard", "run", *arguments, expect=code)
    assert done.stderr.decode() == line


def test_a_bad_configuration_is_refused_before_the_program_runs(host: Host) -> None:
    config = str(host.file("machine.toml", b"cards = 7\n"))
    ran = host.folder / "ran"
    options = ("--config", config, "--", "touch", str(ran))
    done = host.run(sys.executable, "-m", "ghostcard", "run", *options, expect=2)
    assert done.stderr.decode().startswith(f"error: {config}: cards: got 7")
    assert not Path(ran).exists()
