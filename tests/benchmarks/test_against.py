"""The comparison with SoftHSM2: turns, ratios, targets; the real libraries once, for a moment."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.benchmarks import against
from ghostcard.benchmarks.against import Comparison, Contestant
from ghostcard.benchmarks.client import ClientError, Loading, Measurement

OURS, THEIRS = Contestant("ghostcard", "ours.so", {}), Contestant("softhsm2", "theirs.so", {})


def test_a_ratio_is_the_median_of_the_rounds_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = iter([(10.0, 5.0), (4.0, 2.0), (30.0, 10.0), (5.0, 1.0), (8.0, 4.0), (9.0, 9.0)])
    turns: list[str] = []

    def measure(
        program: Path, module: str, names: Sequence[str], *_: object
    ) -> Iterator[Measurement]:
        turns.append(module)
        for threads, rate in zip((1, 2), next(rates), strict=True):
            yield Measurement(names[0], threads, 1, 1.0, rate, 1.0, 1.0)

    monkeypatch.setattr(against, "measure", measure)
    monkeypatch.setattr(against, "TARGETS", {"sha256:64": (2.5, None)})
    one, two = against.compare(Path(), OURS, THEIRS, 3, 0.1)
    assert turns == ["ours.so", "theirs.so"] * 3
    assert one == Comparison("sha256:64", 1, 10.0, 5.0, 2.5, 2.5)
    assert two == Comparison("sha256:64", 2, 5.0, 2.0, 2.5, None)
    assert one.holds()
    assert two.holds()
    assert not one._replace(ratio=2.49).holds()


def test_the_start_is_all_up_to_the_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    loadings = iter([Loading(10.0, 20.0, 5.0, 2048), Loading(1.0, 2.0, 0.5, 1024)] * 3)
    monkeypatch.setattr(against, "measure", lambda *_: iter([next(loadings)]))
    ours, theirs = against.start(Path(), (OURS, THEIRS), 3)
    assert ours == ("ghostcard", 35.0, 2.0)
    assert theirs == ("softhsm2", 3.5, 1.0)


def test_the_real_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"aes-256-gcm:100": (0.0, None), "find": (0.0, 1e9), "find-token:3": (None, None)}
    monkeypatch.setattr(against, "TARGETS", names)
    file = tmp_path / "against.json"
    run = CliRunner().invoke(
        against.main, ["--rounds", "1", "--seconds", "0.01", "--json", str(file)]
    )
    assert run.exit_code == 1  # one target is out of reach
    figures = json.loads(file.read_text())
    assert [rate["operation"] for rate in figures["rates"]] == [n for n in names for _ in (1, 2)]
    assert all(rate["ratio"] > 0 for rate in figures["rates"])
    assert [each["name"] for each in figures["loading"]] == ["ghostcard", "softhsm2"]
    assert run.output.count("missed") == 1


def test_it_says_why_it_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path) -> Contestant:
        raise ClientError("libsofthsm2.so is not installed (Debian: softhsm2)")

    monkeypatch.setattr(against, "softhsm2", fail)
    run = CliRunner().invoke(against.main, [])
    assert run.exit_code == 2
    assert run.output == "error: libsofthsm2.so is not installed (Debian: softhsm2)\n"
