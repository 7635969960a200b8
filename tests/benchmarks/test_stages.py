"""Where a call's host time goes: the sums, and one short run of all of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.benchmarks import long_stages, stages
from ghostcard.benchmarks.client import ClientError

LEAST = {"host": 4.0, "noted": 4.5, "port": 3.0, "render": 0.25, "bus": 2.5, "image": 2.25}


def test_stages_are_the_differences_of_layers_and_add_up_to_the_call() -> None:
    found = stages.stages(LEAST, crossing=0.5, null=6.0, real=16.0)
    assert found == {
        "C entry and crossing, twice": 1.0,
        "Cryptoki: session, key, mechanism": 1.0,
        "request block": 0.25,
        "port": 0.25,
        "bus": 0.25,
        "firmware: block, key, reply block": 2.25,
        "reply": 1.0,
        "cryptography": 10.0,
        "the whole call": 16.0,
        "timing, only in a run": 1.5,
    }
    assert sum(found[stage] for stage in stages.STAGES) == found[stages.CALL]


def test_each_layer_of_every_case_can_be_called() -> None:
    for operation, size in stages.CASES:
        for call in stages.layers(operation, size).values():
            call()


def test_each_layer_of_every_long_case_does_the_same_in_one_piece() -> None:
    results = {"aes-256-gcm": 65536 + 16, "aes-256-cbc": 65536, "sha256": 32}
    for operation, size in long_stages.CASES:
        called = long_stages.layers(operation, size)
        assert called.pop("render")() is None
        assert {call() for call in called.values()} == {results[operation]}


def test_a_short_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "BATCH_NS", 10_000)
    monkeypatch.setattr(stages, "ROUND_S", 0.01)
    file = tmp_path / "stages.json"
    run = CliRunner().invoke(stages.main, ["--rounds", "1", "--json", str(file)])
    assert run.exit_code == 0, run.output
    cases = json.loads(file.read_text())["stages_us"]
    wanted = [list(case) for case in (*stages.CASES, *long_stages.CASES)]
    assert [[case["operation"], case["message_bytes"]] for case in cases] == wanted
    assert all(case["us"][stages.CALL] > 1 for case in cases)
    assert len(run.output.splitlines()) == 2 * (2 + len(stages.STAGES) + 2) + 1


def test_it_says_why_it_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> Path:
        raise ClientError("no compiler")

    monkeypatch.setattr(stages, "build", fail)
    run = CliRunner().invoke(stages.main, ["--rounds", "1"])
    assert (run.exit_code, run.output) == (2, "error: no compiler\n")
