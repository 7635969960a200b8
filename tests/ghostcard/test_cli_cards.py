"""`ghostcard cards`: the layout of lszcrypt -V (AP sheet 6.1)."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.cli.cards import command
from ghostcard.cli.lszcrypt import Tree, listing
from ghostcard.config import load
from ghostcard.driver.attributes import Attributes
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError
from ghostcard.machine import Machine
from ghostcard.nativehost import NativeHost

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
    assert CliRunner().invoke(command, ("-V",)).stdout == EXPECTED


def test_json_has_the_same_lines() -> None:
    lines = json.loads(CliRunner().invoke(command, ("--json",)).stdout)
    assert [line["id"] for line in lines] == ["00", "00.0006", "02", "02.0006", "02.0017"]
    assert {line["queue_depth"] for line in lines} == {8}


def test_the_state_of_a_card_is_shown() -> None:
    machine = Machine(load())
    machine.bus.cards[0].configure(False)
    machine.bus.cards[2].checkstop(True)
    states = {line.id: line.status for line in listing(Tree(Attributes(NativeHost(machine))))}
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


def printed(*arguments: str) -> list[str]:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    lines: list[str] = result.stdout.split("\n")
    assert lines.pop() == ""
    return lines


def test_without_verbose_there_are_five_columns() -> None:
    lines = printed()
    assert lines[:3] == [
        "CARD.DOM TYPE  MODE        STATUS     REQUESTS",
        "----------------------------------------------",
        "00       CEX8A Accelerator online            0",
    ]


def test_a_card_that_is_out_has_no_counts() -> None:
    lines = printed("-V", "--config-off", "02")
    assert lines[4] == (
        "02       CEX8P EP11-Coproc deconfig          -        -     14     08 "
        "-----XN-F- cex4card   "
    )


def test_the_settings_of_the_bus() -> None:
    assert printed("-b") == [
        "features: APXA",
        "ap_domain=0x06",
        "ap_max_domain_id=0x54",
        "ap_interrupts are enabled",
        "config_time=30 (seconds)",
        "poll_thread is disabled",
        "poll_timeout=250000 (nanoseconds)",
    ]


def test_what_cards_can_do() -> None:
    assert printed("-c", "00") == [
        "card00 provides capability for:",
        "RSA 4K Clear Key",
        "AP bus max message size limit 12 Kb",
    ]
    assert printed("-c", "02")[1:] == ["EP11 Secure Key", "AP bus max message size limit 60 Kb"]


def test_what_a_cca_coprocessor_can_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cca.toml").write_text('[[cards]]\nadapter = 7\nprofile = "cex8c"\n')
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(tmp_path / "cca.toml"))
    assert printed("-c", "07") == [
        "card07 provides capability for:",
        "RSA 4K Clear Key",
        "CCA Secure Key (full function set)",
        "Long RNG",
        "AP bus max message size limit 12 Kb",
    ]
    assert printed("-V")[2].endswith("S--D--N-F- cex4card   ")


def test_the_domains() -> None:
    lines = printed("-d")
    assert lines[0] == "DOMAIN 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"
    assert lines[2] == "    00  .  .  .  .  .  .  B  .  .  .  .  .  .  .  .  ."
    assert lines[3] == "    10  .  .  .  .  .  .  .  B  .  .  .  .  .  .  .  ."


def test_the_serial_numbers() -> None:
    header, _, line = printed("-s")
    assert header == "CARD.DOM TYPE  MODE        STATUS     SERIALNR"
    assert line.startswith("02       CEX8P EP11-Coproc online     ")
    assert len(line.split()[-1]) == 8


def test_a_queue_offline_is_sent_nothing_by_programs_that_run() -> None:
    running = Machine(load())
    both = Ep11Host(running.native, (0x206, 0x217))
    assert len(both.generate_random(4)) == 4
    lines = printed("--offline", "02.0006")
    assert lines[5].split()[3] == "offline"
    running.follow()
    for _ in range(4):
        both.generate_random(4)
    with pytest.raises(DriverError):
        Ep11Host(running.native, (0x206,)).generate_random(4)
    states = {line.split()[0]: line.split()[3:5] for line in printed()[2:]}
    assert states["02.0006"] == ["offline", "1"]
    assert states["02.0017"] == ["online", "4"]
    assert states["02"] == ["online", "5"]
    printed("--online", "02.0006")
    running.follow()
    assert len(Ep11Host(running.native, (0x206,)).generate_random(4)) == 4


def test_a_card_offline_takes_its_queues_along() -> None:
    lines = printed("--offline", "02")
    assert [line.split()[3] for line in lines[4:]] == ["offline"] * 3
    refused = CliRunner().invoke(command, ("--online", "02.0006"))
    assert refused.exit_code == 1
    assert "card02 is offline" in str(refused.exception)
    assert [line.split()[3] for line in printed("--online", "02")[4:]] == ["online"] * 3


@pytest.mark.parametrize(
    "arguments",
    [("-b", "-d"), ("-c", "09"), ("--reset", "02"), ("--offline", "02.0001"), ("--online", "")],
)
def test_what_cannot_be_asked_for(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(command, arguments).exit_code == 2


def test_a_queue_is_reset() -> None:
    assert printed("--reset", "02.0006") == printed()
