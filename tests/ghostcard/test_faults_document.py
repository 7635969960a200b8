"""docs/faults.md: its plans can be used, every kind and key is in one, and its commands run."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard import faults
from ghostcard.cli import main
from ghostcard.control import Control
from ghostcard.driver.faultynative import ProgramFaults
from ghostcard.emulator.faultkinds import KINDS
from ghostcard.emulator.faultplan import FaultPlan, parse
from ghostcard.emulator.record import Recorder

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "faults.md").read_text()
PLANS = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [shlex.split(line) for line in re.findall(r"^ *\$ ghostcard (.*)$", TEXT, re.MULTILINE)]
EXAMPLE = ROOT / "docs" / "examples" / "faults.toml"


def test_every_plan_can_be_used_and_every_key_is_shown() -> None:
    documents = [tomllib.loads(plan) for plan in PLANS]
    for document in documents:
        parse(document, faults.names())
    rules = [rule for document in documents for rule in document["faults"]]
    assert {rule["kind"] for rule in rules} == set(KINDS)
    for kind, of in KINDS.items():
        shown = {key for rule in rules if rule["kind"] == kind for key in rule}
        assert shown >= {*of.needs, *of.takes}, kind


@pytest.fixture
def in_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has what the commands name, and where they may write."""
    for name in ("benchmarks", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    return tmp_path


def test_every_command_runs(in_the_tree: Path) -> None:
    listening = Control(ProgramFaults(FaultPlan()))
    assert len(COMMANDS) == 8
    for command in COMMANDS:
        done = CliRunner().invoke(main, command)
        assert (done.exit_code, done.stderr) == (0, ""), command
    listening.close()
    happened = {note.name for note in Recorder.load("run.gcr").notes}
    assert happened == {rule.name for rule in faults.load(str(EXAMPLE)).rules}
    assert '"cat": "fault"' in Path("run.json").read_text()
