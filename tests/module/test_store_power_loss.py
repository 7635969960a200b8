"""Power is lost during a write of the token store: the old state is there afterwards, or the new.

What the disk has then is put together from copies of the files: the write-ahead log cut off at a
byte, or with a sector that never got there; or the data base in the middle of a checkpoint.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ghostcard.module.pins import SealedKey
from ghostcard.module.store import NO_PIN, Store, TokenRow

Rows = list[list[tuple[object, ...]]]
_ROW = TokenRow(b"epoch", "serial", b"label", NO_PIN, NO_PIN, 0, 0)
_SECTOR = 512
_FRAME_HEADER, _PAGE = 24, 4096
_STRIDE = 331  # bytes between two cuts within a page; a prime, so that all of a sector are met


def insert(store: Store) -> None:
    store.insert(True, b"body of a new object" * 30)


def update(store: Store) -> None:
    assert store.update(1, b"another body" * 500, 1)


def delete(store: Store) -> None:
    assert store.delete(2)


def set_pin(store: Store) -> None:
    with store.writing():
        store.set_pin("user", SealedKey(b"salt" * 4, b"key" * 20, 2))


def initialise_again(store: Store) -> None:
    with store.writing():
        store.initialise(_ROW._replace(epoch=b"later", label=b"another label"))


def begin_change(store: Store) -> None:
    with store.writing():
        store.begin_change(bytes(16))


WRITES: tuple[Callable[[Store], None], ...] = (
    insert, update, delete, set_pin, initialise_again, begin_change,
)  # fmt: skip


class Disk:
    """A store's two files before a write and after it, and the rows that they mean."""

    def __init__(self, folder: Path, write: Callable[[Store], None]) -> None:
        self._copy = folder / "copy.sqlite"
        self._path = folder / "tokens" / "slot-0.sqlite"
        store = Store(str(self._path))
        with store.writing():
            store.initialise(_ROW)
        for number in range(3):
            store.insert(number == 1, b"object %d" % number * 40)
        self.base, self.log = self._files()
        self.old = self.rows(self.base, self.log)
        write(store)
        base, self.longer = self._files()
        assert base == self.base
        self.new = self.rows(self.base, self.longer)
        store.close()  # which brings the log into the data base
        self.checkpointed = self._path.read_bytes()

    def _files(self) -> tuple[bytes, bytes]:
        return self._path.read_bytes(), Path(f"{self._path}-wal").read_bytes()

    def rows(self, base: bytes, log: bytes) -> Rows:
        """What a program finds that opens these files."""
        for suffix, data in (("", base), ("-wal", log)):
            Path(f"{self._copy}{suffix}").write_bytes(data)
        Path(f"{self._copy}-shm").unlink(missing_ok=True)
        connection = sqlite3.connect(self._copy)
        try:
            assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
            tables = ("token", "object", "deleted")
            return [connection.execute(f"SELECT * FROM {one}").fetchall() for one in tables]
        finally:
            connection.close()


@pytest.fixture(params=WRITES, ids=lambda write: write.__name__)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return Disk(tmp_path, request.param)


def cuts(start: int, end: int) -> Iterator[int]:
    """Places in the new part of a log: each byte of a frame's head and of its surroundings, and
    many within its page.
    """
    for place in range(start, end):
        within = (place - 32) % (_FRAME_HEADER + _PAGE)  # the log's own head has 32 bytes
        if within <= _FRAME_HEADER + 8 or within >= _PAGE or place % _STRIDE == 0:
            yield place


def test_the_log_is_cut_off_at_a_byte(disk: Disk) -> None:
    assert disk.old != disk.new
    seen = [disk.rows(disk.base, disk.longer[:n]) for n in cuts(len(disk.log), len(disk.longer))]
    assert len(seen) > 60
    assert all(rows == disk.old for rows in seen)  # the last frame is what commits
    assert disk.rows(disk.base, disk.longer) == disk.new


def test_a_sector_of_the_log_never_got_there(disk: Disk) -> None:
    """Sectors may be written in any order."""
    first = len(disk.log) // _SECTOR * _SECTOR
    for place in range(first, len(disk.longer), _SECTOR):
        kept = disk.log[place : place + _SECTOR]
        lost = kept + bytes(min(_SECTOR, len(disk.longer) - place) - len(kept))
        log = disk.longer[:place] + lost + disk.longer[place + len(lost) :]
        assert disk.rows(disk.base, log) in (disk.old, disk.new)


def test_a_checkpoint_ends_in_the_middle(disk: Disk) -> None:
    """Pages have come into the data base, whole or in part; the log still has all of them."""
    size = max(len(disk.base), len(disk.checkpointed))
    before, after = disk.base.ljust(size, b"\0"), disk.checkpointed.ljust(size, b"\0")
    for place in range(0, size + 1, _SECTOR):
        assert disk.rows(after[:place] + before[place:], disk.longer) == disk.new
