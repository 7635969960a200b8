"""`ghostcard run --capture` and `ghostcard replay`: real programs, and the same on other cards."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ghostcard.benchmarks.capture import file
from ghostcard.benchmarks.client import build
from tests.clients.host import PIN, Host

GHOSTCARD = (sys.executable, "-m", "ghostcard")
TEST = ("pkcs11-tool", "--module", "{module}", "--login", "--pin", PIN, "--test")


def replayed(token: Host, *options: str) -> dict[str, Any]:
    done = token.run(*GHOSTCARD, "replay", "it.capture", "--json", *options)
    plain: dict[str, Any] = json.loads(done.stdout)
    return plain


def captured(token: Host, *command: str, expect: int = 0, more: tuple[str, ...] = ()) -> None:
    options = ("--capture", "it.capture", "--records", "ran", "--output", "account")
    token.run(*GHOSTCARD, "run", *options, *more, "--", *command, expect=expect)


def records(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.records"))]


def test_the_replay_of_a_program_leaves_its_records(token: Host) -> None:
    captured(token, *TEST)
    account = replayed(token, "--records", "again")
    assert account["program"] == "pkcs11-tool"
    assert account["left_out"] == []
    assert records(token.folder / "ran") == records(token.folder / "again")
    capture = file.load(token.folder / "it.capture")
    assert {"digest", "generate_random"} <= {
        capture.names[n] for n in capture.rows["call"].tolist() if n < len(capture.names)
    }
    assert PIN.encode() not in (token.folder / "it.capture").read_bytes()


def test_threads_of_a_c_program_and_the_same_on_more_cards(token: Host) -> None:
    client = str(build(token.folder))
    captured(token, client, "{module}", "--threads", "4", "--seconds", "0.3", "rsa2048-sign")
    account = replayed(token, "--records", "again")
    assert records(token.folder / "ran") == records(token.folder / "again")
    assert account["clients"] == 5
    forecast = {(one["cards"], one["depth"]): one["per_second"] for one in account["forecast"]}
    assert set(forecast) == {(1, 8), (2, 8), (4, 8), (8, 8), (1, 2), (1, 4), (1, 16)}
    assert forecast[1, 2] < forecast[1, 8]
    other = replayed(token, "--profile", "cex4p", "--cards", "2", "--no-forecast")
    assert set(other["profiles"].values()) == {"cex4p"}
    assert other["total"]["requests"] == account["total"]["requests"]
    assert other["total"]["per_second"] < account["total"]["per_second"]
    assert other["forecast"] == []


@pytest.mark.parametrize("think", ["none", "cpu"])
@pytest.mark.parametrize("order", ["behind", "strict"])
def test_in_any_order_with_thoughts_and_without(token: Host, order: str, think: str) -> None:
    client = str(build(token.folder))
    more = ("--order", order, "--think", think, "--no-forecast")
    captured(
        token, client, "{module}", "--threads", "2,8", "--seconds", "0.05", "sha256", more=more
    )
    replayed(token, "--records", "again", "--no-forecast")
    assert records(token.folder / "ran") == records(token.folder / "again")
    thoughts = file.load(token.folder / "it.capture").rows["think_ns"]
    assert bool(thoughts.any()) == (think == "cpu")


def test_a_killed_program_leaves_its_capture(token: Host) -> None:
    client = str(build(token.folder))
    stopped = ("timeout", "--preserve-status", "--signal", "KILL", "2")
    captured(token, *stopped, client, "{module}", "--seconds", "60", "sha256", expect=137)
    rows = file.load(token.folder / "it.capture").rows
    assert len(rows) > 100
    assert len(records(token.folder / "ran")[0]) < 128 * len(rows) + 10_000


def test_processes_are_captured_each_for_itself(token: Host) -> None:
    line = " ".join(TEST)
    captured(token, "sh", "-c", f"{line} && {line}")
    account = replayed(token, "--records", "again")
    assert account["runs"] == 2
    assert sorted(records(token.folder / "ran")) == sorted(records(token.folder / "again"))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"nonsense", "not a capture"),
        (b"GCCAPTUR" + bytes(40), "a capture of version 0, this is version 1"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(host: Host, content: bytes, line: str) -> None:
    host.file("it.capture", content)
    done = host.run(*GHOSTCARD, "replay", "it.capture", expect=2)
    assert done.stderr.decode() == f"error: it.capture: {line}\n"
