"""Drivers that are processes, and the command."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ghostcard.conformance.remote import Remote
from ghostcard.conformance.run import cases, run
from ghostcard.emulator.busserver import BusSocket
from tests.conformance.broken import EXAMPLE

SOCKET_DRIVER = EXAMPLE.with_name("socket_driver.py")
DRIVERTEST = (sys.executable, "-m", "ghostcard", "drivertest")


def drivertest(*arguments: str | Path, expect: int = 0, cwd: Path | None = None) -> str:
    done = subprocess.run(
        (*DRIVERTEST, *map(str, arguments)), capture_output=True, text=True, cwd=cwd, timeout=120
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout if expect < 2 else done.stderr


def test_a_process_is_put_through_the_same(tmp_path: Path) -> None:
    remote = (tmp_path / "socket", "--", sys.executable, SOCKET_DRIVER)
    for only in ("lost messages", "cards that go", "nqap 0"):
        here = json.loads(drivertest("--json", "--only", only, f"{EXAMPLE}:make_driver"))
        there = json.loads(drivertest("--json", "--only", only, *remote))
        assert there["cases"] == here["cases"]
        assert all(case["passed"] for case in there["cases"])
    assert not (tmp_path / "socket").exists()


def test_a_process_that_connects_by_itself(tmp_path: Path) -> None:
    """As from another terminal, once for each case."""
    chosen = cases("aqic 0")[:3]
    with BusSocket(str(tmp_path / "socket")) as place:
        environment = {**os.environ, "GHOSTCARD_BUS": place.path}

        def drive() -> None:
            for _ in chosen:
                subprocess.run((sys.executable, SOCKET_DRIVER), env=environment, check=True)

        driver = threading.Thread(target=drive)
        driver.start()
        remote = Remote(place)
        verdicts = list(run(remote.make_driver, chosen))
        remote.close()
        driver.join()
    assert [verdict.passed for verdict in verdicts] == [True] * 3


BAD = {
    "hangs up": "",
    "sends no frame: a frame of 0 bytes: 1 to 131072 were expected": (
        "s.sendall(bytes(4)); s.recv(9)"
    ),
    "sends no frame: operation 77 is not known": "s.sendall(b'\\0\\0\\0\\1\\x77'); s.recv(9)",
    "sends no frame: WAIT: 4611686018427387904 ns, up to 4611686018427387903 were expected": (
        "s.sendall(b'\\0\\0\\0\\x09\\x10\\x40' + bytes(7)); s.recv(9)"
    ),
}


@pytest.mark.parametrize("did", BAD)
def test_a_process_that_talks_nonsense(tmp_path: Path, did: str) -> None:
    code = (
        "import os, socket\ns = socket.socket(socket.AF_UNIX)\n"
        f"s.connect(os.environ['GHOSTCARD_BUS'])\n{BAD[did]}"
    )
    command = (tmp_path / "socket", "--", sys.executable, "-c", code)
    out = json.loads(drivertest("--json", "--only", "aqic 00", *command, expect=1))
    assert [case["did"] for case in out["cases"]] == [did]


def test_a_process_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ghostcard.conformance.remote.PATIENCE_S", 0.5)
    with BusSocket(str(tmp_path / "socket")) as place:
        remote = Remote(place, ("sleep", "60"))
        (verdict,) = run(remote.make_driver, cases("aqic 00"))
        remote.close()
    assert verdict.did == f"does not connect to {place.path} within 0 s"


def test_the_table_and_the_exit_code(tmp_path: Path) -> None:
    out = drivertest("--only", "NQAP 15", f"{EXAMPLE}:make_driver")
    assert "nqap 15 MESSAGE_TOO_BIG   yes" in out
    assert "EINVAL at once, one NQAP; the next is served" in out
    assert out.endswith("all 1 cases passed\n")
    broken = tmp_path / "mine.py"
    broken.write_text("def make(port, done):\n    raise OSError('no')\n")
    out = drivertest("--only", "lost", "mine.py:make", expect=1, cwd=tmp_path)
    assert "request never answered       NO" in out
    assert out.endswith("7 of 7 cases failed: 7 of lost messages\n")
    assert out.count("raises OSError: no (make, line 2)") == 7


def test_the_cases_are_listed() -> None:
    out = drivertest("--list", "--only", "hot", "x:y", expect=2)
    assert "no case has that in its name" in out
    out = drivertest("--list", "--only", "queue_full")
    assert "reset by the operator   QUEUE_FULL" in out
    [case] = json.loads(drivertest("--list", "--json", "--only", "queue_full"))["cases"][:1]
    assert case["should"] == "what it held is tried again, and served; interrupts are on again"
    assert "Missing argument 'DRIVER'" in drivertest("--only", "queue_full", expect=2)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("json:nothing",), 2, "error: json:nothing: json has no function nothing\n"),
        (("no_such_module:make",), 2, "error: No module named 'no_such_module'\n"),
        (("bad.py:make",), 2, "error: bad.py:make: ZeroDivisionError: division by zero\n"),
        (("json:loads", "--", "true"), 2, "a COMMAND connects to a socket"),
        (("nowhere/socket",), 1, "nowhere/socket: No such file or directory"),
        (("socket", "--", "no-such-program"), 127, "error: no-such-program: not found\n"),
    ],
)
def test_what_is_asked_wrongly(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "bad.py").write_text("1 / 0\n")
    done = subprocess.run(
        (*DRIVERTEST, *arguments), capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
