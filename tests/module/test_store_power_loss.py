"""Power is lost at any write of the token store: the old state is there afterwards, or the new; and
what was acknowledged is there.

Every write that SQLite makes is noted in a process of its own, and the disk put together as it may
be then: creation and migration of a store, each change to it, its checkpoint, its end.
"""

import sqlite3
from collections.abc import Callable, Iterator
from os.path import isdir
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ghostcard.module.store import Store
from tests.module import disk
from tests.module.disk import Files, Step
from tests.module.store_writes import WRITES, fill

STORES = Path(__file__).parent / "stores"
Start = dict[str, bytes]  # suffix of the file -> bytes
State = tuple[int, dict[str, list[tuple[object, ...]]]]


@pytest.fixture(scope="module")
def interposer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disk.interposer(tmp_path_factory.mktemp("writes"))


@pytest.fixture
def look() -> Iterator[Path]:
    """A folder for each state in turn: in memory, where it costs no waiting for a disk."""
    with TemporaryDirectory(dir="/dev/shm" if isdir("/dev/shm") else None) as made:
        yield Path(made)


class Shelf:
    """A folder with a store, what a process has done to it, and a place to look at what is left."""

    def __init__(self, folder: Path, look: Path, interposer: Path, name: str, start: Start) -> None:
        self.path = folder / "tokens" / "slot-0.sqlite"
        self.path.parent.mkdir()
        self._look = look / "slot-0.sqlite"
        self.start: Files = {f"{self.path}{suffix}": data for suffix, data in start.items()}
        for name_of, data in self.start.items():
            Path(name_of).write_bytes(data)
        self.steps: list[Step] = disk.steps_of(interposer, folder, name, self.path)

    def files(self) -> Files:
        """What the process has left."""
        found = {str(path): path.read_bytes() for path in self.path.parent.iterdir()}
        return {path: data for path, data in found.items() if not path.endswith(disk.SHARED_MEMORY)}

    def state(self, files: Files, is_used: bool = True) -> State:
        """What the next program finds, version and rows; ``is_used``: that it can go on with."""
        for old in self._look.parent.iterdir():
            old.unlink()
        for path, data in files.items():
            (self._look.parent / Path(path).name).write_bytes(data)
        state = _rows(self._look)
        if not is_used:
            return state
        store = Store(str(self._look))
        token = store.token()
        store.close()
        assert (token is not None) == bool(state[1])
        return state


def _rows(path: Path) -> State:
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        tables = [name for (name,) in connection.execute(names)]
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
        return connection.execute("PRAGMA user_version").fetchone()[0], rows
    finally:
        connection.close()


def _live(folder: Path) -> Start:
    """A store that a program has been killed over: its changes are in the log."""
    path = folder / "live" / "slot-0.sqlite"
    store = Store(str(path))
    fill(store)
    found = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    store.close()
    return found


def _at_rest(folder: Path) -> Start:
    """The same after its program has ended."""
    _live(folder)
    return {"": (folder / "live" / "slot-0.sqlite").read_bytes()}


def _old(version: int) -> Start:
    return {"": (STORES / f"version-{version}" / "tokens" / "slot-0.sqlite").read_bytes()}


def _cases() -> Iterator[object]:
    for write in WRITES:
        for begin in (_live, _at_rest):
            yield pytest.param(write.__name__, begin, id=f"{write.__name__}-{begin.__name__[1:]}")
    yield pytest.param("create", lambda _: {}, id="create")
    for version in (1, 2):
        yield pytest.param("migrate", lambda _, v=version: _old(v), id=f"migrate-{version}")


@pytest.mark.parametrize(("name", "begin"), list(_cases()))
def test_the_old_state_or_the_new(
    tmp_path: Path, look: Path, interposer: Path, name: str, begin: Callable[[Path], Start]
) -> None:
    shelf = Shelf(tmp_path, look, interposer, name, begin(tmp_path))
    old, new = shelf.state(shelf.start), shelf.state(disk.after(shelf.start, shelf.steps))
    assert old != new
    told = next(at for at, step in enumerate(shelf.steps) if step.path.endswith(".told"))
    seen: dict[tuple[tuple[str, bytes], ...], State] = {}
    for done, is_within, files in disk.crashes(shelf.start, shelf.steps):
        key = tuple(sorted(files.items()))
        if key not in seen:
            seen[key] = shelf.state(files, not is_within)
        assert seen[key] in ((new,) if done > told else (old, new)), shelf.steps[done - 1][:3]
    assert len(seen) > 100
    assert old in seen.values()
    assert new in seen.values()


def test_every_write_is_noted(tmp_path: Path, look: Path, interposer: Path) -> None:
    shelf = Shelf(tmp_path, look, interposer, "insert", _at_rest(tmp_path))
    assert disk.after(shelf.start, shelf.steps) == shelf.files()
    assert {step.kind for step in shelf.steps} == {"w", "t", "s", "u"}
