"""`ghostcard fault` and the socket behind it: what is added strikes, nonsense is one line."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostcard import control
from ghostcard.cli import main
from ghostcard.control import Control, ControlError
from ghostcard.driver.faultynative import ProgramFaults
from ghostcard.emulator.faultkinds import KINDS
from ghostcard.emulator.faultplan import FaultPlan

ME = os.getpid()


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["fault", *map(str, arguments)])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def faults(home: Path) -> Iterator[ProgramFaults]:
    """Those of a program that listens: this one."""
    faults = ProgramFaults(FaultPlan())
    listening = Control(faults)
    yield faults
    listening.close()


def test_every_kind_is_listed(home: Path) -> None:
    done = ran("kinds")
    assert done.exit_code == 0
    for name, kind in KINDS.items():
        assert name in done.stdout
        assert kind.meaning.split()[0] in done.stdout
    assert set(json.loads(ran("kinds", "--json").stdout)) == set(KINDS)


def test_add_list_and_clear(faults: ProgramFaults) -> None:
    added = ran("add", "delay", "delay_ns=2_000", "verb=SignSingle", "rate_ppm=10", "name=slow one")
    assert (added.exit_code, added.stdout) == (0, f"{ME}: fault 0\n")
    assert json.loads(ran("add", "drop", "nth=3", "--json").stdout) == {str(ME): {"number": 1}}
    (_, delay), (_, drop) = faults.armed()
    assert (delay.rule.delay_ns, delay.rule.function, delay.rule.name) == (2_000, 31, "slow one")
    assert drop.rule.nth == 3
    shown = ran("list").stdout
    assert "slow one" in shown
    assert "delay_ns=2000" in shown
    listed = json.loads(ran("list", "--json").stdout)[str(ME)]
    assert [(one["number"], one["kind"], one["struck"]) for one in listed] == [
        (0, "delay", 0),
        (1, "drop", 0),
    ]
    assert ran("clear", 0, "--pid", ME).stdout == f"{ME}: 1 cleared\n"
    assert json.loads(ran("clear", "--json").stdout) == {str(ME): {"cleared": 1}}
    assert faults.armed() == []
    assert ran("clear", 0).stderr == "error: there is no fault 0\n"


REFUSED = [
    (("add", "rust"), "kind: got 'rust', takes one of response, "),
    (("add", "drop", "nth=0"), "nth: got 0, takes a whole number from 1 to "),
    (("add", "drop", "nth"), "nth: got no KEY=VALUE, takes one such as nth=3"),
    (("add", "drop", "verb=Sing"), "verb: got 'Sing', takes one of "),
    (("add", "corrupt", "field=type86.kind", "flip=1"), "field: got 'type86.kind', takes one of "),
    (("add", "swap"), "kind: got 'swap', takes another: a program's replies come one at a time"),
]


@pytest.mark.parametrize(("arguments", "expected"), REFUSED)
def test_what_cannot_be_is_one_line(
    faults: ProgramFaults, arguments: tuple[str, ...], expected: str
) -> None:
    done = ran(*arguments)
    assert done.exit_code in (1, 2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {expected}")
    assert done.stderr.count("\n") == 1
    assert faults.armed() == []


def test_nobody_listens(home: Path) -> None:
    takes = "it takes `control = true` in the configuration of a running one"
    assert ran("list").stderr == f"error: no program listens: {takes}\n"
    done = ran("list", "--pid", 1)
    assert (done.exit_code, done.stderr) == (1, f"error: process 1 does not listen: {takes}\n")


def test_what_a_killed_program_leaves_is_passed_over(faults: ProgramFaults, home: Path) -> None:
    dead = home / "control" / "4711.sock"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(dead))
    assert control.processes() == sorted((4711, ME))
    assert list(json.loads(ran("list", "--json").stdout)) == [str(ME)]
    assert not dead.exists()


def test_only_the_user_may_ask(faults: ProgramFaults, home: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home / "control").iterdir()}
    assert modes == {f"{ME}.sock": 0o600}
    assert (home / "control").stat().st_mode & 0o777 == 0o700


def test_a_home_with_a_long_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of a socket has room for 107 bytes."""
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / ("h" * 200)))
    listening = Control(ProgramFaults(FaultPlan()))
    assert control.ask(ME, {"list": None}) == {"faults": []}
    listening.close()
    with pytest.raises(FileNotFoundError):
        control.ask(ME, {"list": None})


@pytest.mark.parametrize(
    "asked", [{}, [], 1, {"add": 1}, {"list": 1}, {"clear": "x"}, {"add": {}, "list": None}]
)
def test_nonsense_is_answered(faults: ProgramFaults, asked: Any) -> None:
    with pytest.raises(ControlError, match="takes"):
        control.ask(ME, asked)
    assert control.ask(ME, {"list": None}) == {"faults": []}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.binary(max_size=300))
def test_any_bytes_get_a_line(faults: ProgramFaults, home: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        control._at(f"{ME}.sock", one.connect)
        one.sendall(data.replace(b"\n", b"") + b"\n")
        answer = control._line(one)
    assert "error" in json.loads(answer)
    assert answer.endswith(b"\n")
