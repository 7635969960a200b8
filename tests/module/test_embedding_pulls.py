"""A C program that signs while cards are pulled and put back: by hand, by a plan, by the socket."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ghostcard import config, control
from ghostcard import pkcs11 as ck
from ghostcard.emulator.sockets import Sockets
from ghostcard.module import token_admin
from tests.module.program import PIN, SO_PIN
from tests.module.tree import LIBRARY, compile_host

OK, REMOVED, ERROR = (f"{rv:#x}" for rv in (ck.CKR_OK, ck.CKR_DEVICE_REMOVED, ck.CKR_DEVICE_ERROR))
ONE = "[[cards]]\nadapter = 0\ndomains = [0]\n"
TWO = ONE + ONE.replace("= 0\n", "= 1\n", 1)
SLOT_OF_ONE = '[[slots]]\nid = 0\napqns = ["00.0000"]\n'
SLOT_OF_TWO = '[[slots]]\nid = 0\napqns = ["00.0000", "01.0000"]\n'


class Signer:
    """The program, and the lines it has printed."""

    def __init__(self, host: Path, home: Path, config: str) -> None:
        path = home / "machine.toml"
        path.write_text(config)
        environment = {"GHOSTCARD_HOME": str(home), "GHOSTCARD_CONFIG": str(path)}
        self.process = subprocess.Popen(
            [host, LIBRARY, PIN.decode()],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []

    def next(self) -> str:
        """The next answer that is another than the one before."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        assert line or self.process.poll() is None, self.process.communicate()[1]
        self.lines.append(line)
        return line

    def end(self) -> list[str]:
        """All lines, when it has ended well."""
        out, err = self.process.communicate(timeout=30)
        assert (self.process.returncode, err) == (0, "")
        return self.lines + out.split()


@pytest.fixture(scope="module")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a token whose PIN is as slow as it should be: the program knows of no other."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTCARD_HOME", str(home))
        patch.delenv("GHOSTCARD_CONFIG", raising=False)
        token_admin.initialise(config.load(), 0, "test", SO_PIN.decode(), PIN.decode())
    return home


@pytest.fixture
def home(real_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    home = tmp_path / "home"
    shutil.copytree(real_home, home)
    monkeypatch.setenv("GHOSTCARD_HOME", str(home))
    return home


@pytest.fixture
def signer(home: Path, tmp_path: Path) -> Iterator[Callable[[str], Signer]]:
    host, started = compile_host("pulled", tmp_path), list[Signer]()

    def start(config: str) -> Signer:
        started.append(Signer(host, home, config))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def test_while_another_card_can_serve_there_is_no_error(
    signer: Callable[[str], Signer], home: Path
) -> None:
    one = signer(TWO + SLOT_OF_TWO)
    assert one.next() == OK
    sockets = Sockets(str(home / "cards" / "sockets"))
    for adapter in (0, 1) * 10:
        sockets.switch(adapter, False)
        time.sleep(0.02)
        sockets.switch(adapter, True)
        time.sleep(0.02)
    assert one.end() == [OK]


def test_without_a_card_the_device_is_gone_and_comes_back(
    signer: Callable[[str], Signer], home: Path
) -> None:
    one = signer(TWO + SLOT_OF_TWO)
    assert one.next() == OK
    sockets = Sockets(str(home / "cards" / "sockets"))
    for _ in range(3):
        for adapter in (0, 1):
            sockets.switch(adapter, False)
        assert one.next() in (REMOVED, ERROR)
        time.sleep(0.05)
        sockets.switch(0, True)
        assert one.next() == OK
        sockets.switch(1, True)
    assert set(one.end()) <= {OK, REMOVED, ERROR}


@pytest.mark.parametrize("kind", ["pull", "deconfigure", "checkstop", "power-loss"])
def test_a_plan_takes_the_only_card_for_a_while(
    signer: Callable[[str], Signer], home: Path, kind: str
) -> None:
    (home / "plan.toml").write_text(
        f'[[faults]]\nkind = "{kind}"\nnth = 20\nfor_ns = 100_000_000\nverb = "SignSingle"\n'
    )
    one = signer('faults = "plan.toml"\n' + ONE + SLOT_OF_ONE)
    assert [one.next() for _ in range(3)] == [OK, REMOVED, OK]
    assert one.end() == [OK, REMOVED, OK]
    assert Sockets(str(home / "cards" / "sockets")).is_there(0)


def test_a_card_comes_back_though_whoever_pulled_it_was_killed(
    signer: Callable[[str], Signer], home: Path
) -> None:
    (home / "plan.toml").write_text(
        '[[faults]]\nkind = "pull"\nnth = 20\nfor_ns = 1_500_000_000\nverb = "SignSingle"\n'
    )
    other = signer(ONE + SLOT_OF_ONE)
    assert other.next() == OK
    puller = signer('faults = "plan.toml"\n' + ONE + SLOT_OF_ONE)
    assert [puller.next() for _ in range(2)] == [OK, REMOVED]
    puller.process.kill()
    puller.process.wait()
    sockets = Sockets(str(home / "cards" / "sockets"))
    assert not sockets.is_there(0)
    assert other.next() in (REMOVED, ERROR)
    assert other.next() == OK
    assert sockets.is_there(0)


def test_a_fault_while_it_runs(signer: Callable[[str], Signer], home: Path) -> None:
    one = signer("control = true\n" + ONE + SLOT_OF_ONE)
    assert one.next() == OK
    (process,) = control.processes()
    assert process == one.process.pid
    path = home / "control" / f"{process}.sock"
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"
    added = control.ask(process, {"add": {"kind": "reply-code", "code": 0x90, "times": 10}})
    assert one.next() == ERROR
    assert one.next() == OK
    (listed,) = control.ask(process, {"list": None})["faults"]
    assert (listed["number"], listed["kind"], listed["struck"]) == (
        added["number"],
        "reply-code",
        10,
    )
    assert control.ask(process, {"clear": None}) == {"cleared": 1}
    with pytest.raises(control.ControlError, match=r"^kind: got 'swap', takes another"):
        control.ask(process, {"add": {"kind": "swap"}})
    assert one.end() == [OK, ERROR, OK]
    assert not path.exists()
