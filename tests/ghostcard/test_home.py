"""The state folder: where it is, how it is made, and what is refused."""

import os
import stat
from pathlib import Path

import pytest

from ghostcard.home import HomeError, home


def test_ghostcard_home_comes_first_and_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "deep" / "own"))
    assert home() == str(tmp_path / "deep" / "own")
    assert stat.S_IMODE(os.stat(home()).st_mode) == 0o700


def test_xdg_then_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GHOSTCARD_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert home() == str(tmp_path / "xdg" / "ghostcard")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert home() == str(tmp_path / ".local" / "state" / "ghostcard")
    monkeypatch.delenv("XDG_STATE_HOME")
    assert home() == str(tmp_path / ".local" / "state" / "ghostcard")


def test_a_file_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "file"))
    with pytest.raises(HomeError, match=r"^.*/file: is not a directory$"):
        home()
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(HomeError, match=r"^.*/below: cannot be created: Not a directory$"):
        home()


def test_a_folder_one_may_not_use_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may use any folder
    with pytest.raises(HomeError, match="permission denied"):
        home()


def test_no_home_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GHOSTCARD_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(HomeError, match="set GHOSTCARD_HOME"):
        home()
