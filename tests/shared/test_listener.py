"""One server to a socket; what the dead leave is in nobody's way."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ghostcard.shared.listener import Listener, ListenError
from ghostcard.shared.place import connect

DIES = """\
import os, sys
from ghostcard.shared.listener import Listener
Listener(sys.argv[1])
os.kill(os.getpid(), 9)
"""


def test_it_is_there_with_its_mode_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Listener(str(path), 0o660, os.getgid()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        connect(str(path)).close()
    assert list(tmp_path.iterdir()) == []


def test_a_second_one_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with Listener(path):
        with pytest.raises(ListenError, match=f"^{path}: another server listens there$"):
            Listener(path)
        connect(path).close()
    with Listener(path):
        connect(path).close()


def test_the_socket_of_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "s"
    subprocess.run([sys.executable, "-c", DIES, str(path)], check=False)
    assert path.is_socket()
    with pytest.raises(ConnectionRefusedError):
        connect(str(path))
    with Listener(str(path)):
        connect(str(path)).close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("mine")
    with pytest.raises(ListenError, match="is there already, and no socket"):
        Listener(str(path))
    assert path.read_text() == "mine"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="No such file or directory"):
        Listener(str(tmp_path / "no" / "s"))


def test_a_path_longer_than_an_address(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with Listener(str(folder / "cards.sock")):
        connect(str(folder / "cards.sock")).close()
    assert list(folder.iterdir()) == []


def test_nobody_connects_before_the_mode_is_right(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        with Listener(str(tmp_path / "s"), 0o600):
            assert os.umask(0o022) == 0o022
    finally:
        os.umask(mask)
    assert socket.AF_UNIX  # the umask is as it was
