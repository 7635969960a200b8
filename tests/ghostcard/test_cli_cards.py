"""`ghostcard cards`: the layout of lszcrypt -V (AP sheet 6.1)."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.cli.cards import command, listing
from ghostcard.config import load
from ghostcard.machine import Machine

TWO = """
[[cards]]
adapter = 0
profile = "cex8a"
domains = [6]
[[cards]]
adapter = 2
domains = [6, 23]
"""

EXPECTED = """\
CARD.DOM TYPE  MODE        STATUS     REQUESTS  PENDING HWTYPE QDEPTH FUNCTIONS  DRIVER     
--------------------------------------------------------------------------------------------
00       CEX8A Accelerator online            0        0     14     08 -MC-A-N-F- cex4card   
00.0006  CEX8A Accelerator online            0        0     14     08 -MC-A-N-F- cex4queue  
02       CEX8P EP11-Coproc online            0        0     14     08 -----XN-F- cex4card   
02.0006  CEX8P EP11-Coproc online            0        0     14     08 -----XN-F- cex4queue  
02.0017  CEX8P EP11-Coproc online            0        0     14     08 -----XN-F- cex4queue  
"""  # noqa: W291 - the columns are padded to their width, as lszcrypt does


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.toml").write_text(TWO)
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(tmp_path / "two.toml"))


def test_the_layout_is_that_of_the_sheet() -> None:
    assert CliRunner().invoke(command).stdout == EXPECTED


def test_json_has_the_same_lines() -> None:
    lines = json.loads(CliRunner().invoke(command, ("--json",)).stdout)
    assert [line["id"] for line in lines] == ["00", "00.0006", "02", "02.0006", "02.0017"]
    assert {line["queue_depth"] for line in lines} == {8}


def test_the_state_of_a_card_is_shown() -> None:
    machine = Machine(load(), in_memory=True)
    machine.bus.cards[0].configure(False)
    machine.bus.cards[2].checkstop(True)
    states = {line.id: line.status for line in listing(machine)}
    assert states["00"] == states["00.0006"] == "deconfig"
    assert states["02"] == states["02.0017"] == "chkstop"


def test_a_card_is_switched_off_and_on_for_everybody() -> None:
    other = Machine(load())
    for arguments, status in (
        (("--config-off", "02"), "deconfig"),
        ((), "deconfig"),
        (("--config-off", "02", "--config-on", "02"), "online"),
    ):
        lines = json.loads(CliRunner().invoke(command, ("--json", *arguments)).stdout)
        states = {line["id"]: line["status"] for line in lines}
        assert states["02"] == states["02.0006"] == states["02.0017"] == status
        assert states["00"] == "online"
        other.follow()
        assert other.bus.cards[2].configured is (status == "online")


@pytest.mark.parametrize("name", ["01", "2", "zz", ""])
def test_only_a_card_there_is_can_be_switched(name: str) -> None:
    result = CliRunner().invoke(command, ("--config-off", name))
    assert result.exit_code == 2
    assert f"card {name!r}: there are 00, 02" in result.stderr
