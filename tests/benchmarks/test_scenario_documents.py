"""docs/scenarios.md: its commands run, its files are read, and every key it must know it names."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.benchmarks.scenario_reader import parse
from ghostcard.benchmarks.scenario_run import replicate
from ghostcard.cli import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "scenarios.md").read_text()
COMMANDS = re.findall(r"^\$ ghostcard (.*)$", TEXT, re.MULTILINE)
FILES = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_commands_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) >= 6
    for line in COMMANDS:
        done = CliRunner().invoke(main, shlex.split(line))
        assert done.exit_code == 0, f"{line}: {done.output}"


@pytest.mark.parametrize("text", FILES, ids=lambda text: text.split("\n", 1)[0][:20])
def test_the_files_are_scenarios(text: str) -> None:
    scenario = parse(tomllib.loads(text))._replace(requests=500)
    assert len(replicate(scenario, 0).recorder) > 0


def test_every_key_is_described() -> None:
    keys = (
        "description seed duration_ns requests warm_up_ns replications percentiles confidence stop "
        "relative_error metric profile profiles cards domains depth interrupts name arrivals "
        "clients think mean_ns distribution spread_permille ramp_ns rate_per_s ramp_to_per_s "
        "phases file operation payload_bytes mix weight arrival_ns payload changes at_ns key value "
        "steps times workers"
    )
    assert [key for key in keys.split() if not re.search(rf"\b{key}\b", TEXT)] == []
