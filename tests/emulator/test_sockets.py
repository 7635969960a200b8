"""Adapters that are switched off and on, as every process with these cards sees it."""

import os
import time
from pathlib import Path

from ghostcard.emulator.sockets import Sockets


def test_a_new_machine_has_all_its_cards(tmp_path: Path) -> None:
    sockets = Sockets(str(tmp_path / "sockets"))
    assert all(sockets.is_there(adapter) for adapter in range(256))
    assert sockets.changes[0] == 0
    assert os.stat(tmp_path / "sockets").st_mode & 0o777 == 0o600


def test_a_switch_is_seen_by_everybody_and_outlives_them(tmp_path: Path) -> None:
    one, other = (Sockets(str(tmp_path / "sockets")) for _ in range(2))
    assert one.switch(3, False)
    assert not one.switch(3, False)
    assert not other.is_there(3)
    assert other.is_there(4)
    assert (other.view[3], other.changes[0]) == (1, 1)
    assert other.switch(3, True)
    assert one.is_there(3)
    assert (one.view[3], one.changes[0]) == (2, 2)
    assert Sockets(str(tmp_path / "sockets")).view[3] == 2


def test_whoever_comes_first_puts_back_what_was_due(tmp_path: Path) -> None:
    one, other = (Sockets(str(tmp_path / "sockets")) for _ in range(2))
    assert not one.bring_back()
    now = time.time_ns()
    assert one.switch(3, False, now - 1)
    assert one.switch(255, False, now + 3_600_000_000_000)
    assert one.switch(4, False)
    assert other.bring_back()  # there is one still to come
    assert [other.is_there(adapter) for adapter in (3, 4, 255)] == [True, False, False]
    assert one.changes[0] == 4
    assert other.switch(255, True)
    assert not one.bring_back()
    assert not one.is_there(4)  # that one is away for good


def test_counters_go_round(tmp_path: Path) -> None:
    sockets = Sockets(str(tmp_path / "sockets"))
    sockets.view[0] = sockets.changes[0] = (1 << 32) - 1
    assert sockets.switch(0, True)
    assert (sockets.view[0], sockets.changes[0]) == (0, 0)
