"""`ghostcard bench --against`: real libraries for a moment, tokens of the user's, refusals."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ghostcard.benchmarks import against
from ghostcard.cli import main
from ghostcard.library import library

QUICK = ("--rounds", "1", "--seconds", "0.01")


def bench(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The label of a token of SoftHSM2's, whose PIN is 2468."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "soft.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "soft.conf"))
    command = ("softhsm2-util", "--init-token", "--free", "--label", "of mine", "--pin", "2468")
    subprocess.run([*command, "--so-pin", "9999"], check=True, capture_output=True)
    return "of mine"


def test_softhsm2_with_a_throwaway_token(tmp_path: Path) -> None:
    names = ("aes-256-gcm:100", "find-token:3")
    asked = [part for name in names for part in ("--operation", name)]
    done = bench("--against", "softhsm2", *QUICK, *asked, "--output", tmp_path)
    assert done.exit_code == 0, done.output
    with (tmp_path / "against.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["operation"], row["threads"]) for row in rows] == [
        (name, threads) for name in names for threads in ("1", "2")
    ]
    assert all(float(row["ratio"]) > 0 for row in rows)
    assert "dlopen, C_Initialize and C_GetSlotList, softhsm2:" in done.stdout
    record = json.loads((tmp_path / "against.json").read_text())
    assert [one["name"] for one in record["start"]] == ["ghostcard", "softhsm2"]


def test_a_missed_target_ends_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(against.TARGETS, "find", (1e9, None))
    monkeypatch.setattr("ghostcard.cli.bench_against.START_TARGET_MS", 1e9)
    asked = ("--against", "softhsm2", *QUICK, "--operation", "find", "--output", tmp_path)
    done = bench(*asked, "--targets")
    assert done.exit_code == 1
    assert done.stdout.count("1000000000.0 missed") == 1
    assert bench(*asked).exit_code == 0


def test_a_token_of_the_users(token: str, tmp_path: Path) -> None:
    place = ("--against", "softhsm2", *QUICK, "--output", tmp_path, "--threads", "1")
    asked = (*place, "--operation", "sha256", "--json")
    done = bench(*asked, "--token", token, "--pin", "2468")
    assert done.exit_code == 0, done.output
    [row] = json.loads(done.stdout)["rates"]
    assert row["ratio"] > 0
    wrong = bench(*place, "--operation", "sha256", "--token", token, "--pin", "1111")
    assert "C_Login: CKR_PIN_INCORRECT" in wrong.stdout
    assert (wrong.exit_code, wrong.stderr) == (1, "error: no operation could be compared\n")
    assert "1111" not in wrong.output
    for option, words in (
        (("--token", "none"), "there is no token of that label"),
        (("--slot", "7"), "there is no such slot"),
        (("--slot", "1"), "there is no token in it"),
    ):
        failed = bench(*place, "--operation", "sha256", *option, "--pin", "2468")
        assert words in failed.stdout
    objects = bench(*place, "--operation", "find-token:3", "--token", token, "--pin", "2468")
    assert objects.exit_code == 2
    assert "its objects would stay on the token" in objects.stderr


def test_a_mechanism_that_is_missing_there_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another library: ours with a slot that has little."""
    config = tmp_path / "little.toml"
    config.write_text(
        '[[cards]]\nadapter = 0\n[[slots]]\nid = 0\napqns = ["00.0000"]\n'
        'mechanisms = ["CKM_SHA256"]\n'
    )
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(config))
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    label = ("token", "init", "--label", "little", "--so-pin", "87654321", "--pin", "12345678")
    assert CliRunner().invoke(main, label).exit_code == 0
    asked = ("--operation", "sha256", "--operation", "aes-256-gcm", "--threads", "1")
    done = bench("--against", library(), *QUICK, "--pin", "12345678", *asked, "--output", tmp_path)
    assert done.exit_code == 0, done.output
    with (tmp_path / "against.csv").open() as file:
        digest, encrypt = csv.DictReader(file)
    assert float(digest["ratio"]) > 0
    assert float(encrypt["ghostcard_per_s"]) > 0
    assert (encrypt["other_per_s"], encrypt["ratio"]) == ("", "")
    assert "no CKM_AES_GCM" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--against", "{}/none.so"), "--against: there is no library"),
        (("--against", "{}/text.so"), "--against: the PIN of its token is missing"),
        (("--against", "{}/text.so", "--pin", "1"), "client: dlopen: "),
        (("--against", "softhsm2", "--threads", "0"), "--threads: got '0', takes"),
        (("--targets",), "--targets go with --against"),
        (("--against", "softhsm2", "--operation", "md6"), "got 'md6', takes rsa2048-sign, "),
        (("--against", "softhsm2", "--operation", "find:x"), "takes a size from 1 to 16,777,216"),
        (("--slot", "1"), "go with --against"),
    ],
)
def test_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], line: str
) -> None:
    monkeypatch.delenv("GHOSTCARD_PIN", raising=False)
    (tmp_path / "text.so").write_text("no library")
    given = (one.format(tmp_path) for one in arguments)
    done = bench(*given, *QUICK, "--output", tmp_path / "out")
    assert done.exit_code in (1, 2)
    assert line in done.output
    assert os.listdir(tmp_path) == ["text.so"]
