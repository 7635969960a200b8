"""What programs have asked of the cards of one home: counters that other processes can read.

Each process has a file of its own in the folder, mapped into memory: a row for each kind of request
(queue, category, nanoseconds on an engine) and how many there were. Counting is one look-up and one
write to memory; a kind is written down when it is first met. A process holds a lock on its file for
as long as it lives; what dead ones have left is added to the file `TOTALS` by whoever comes next.

So nothing is lost when a program is killed, and nobody waits for anybody. Counts of processes are
apart, so that no two write to one counter; within a process the interpreter's lock sees to that.
"""

import fcntl
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

from ghostcard.emulator.ownfile import Descriptor

TOTALS = "totals"
_LOCK = "lock"
_ROWS = 1024  # kinds of request in one file; with one more, all are added to the totals
_WORDS = 3  # name, nanoseconds, count
_SIZE = 8 * _WORDS * _ROWS
_FORGOTTEN = 0xFF  # the category of requests that are not to be told any more
_MOST_LEFT = 16  # files of dead processes before a program, and no reader, clears them away

Kind = tuple[int, str, int]  # qid, operation, payload bytes
Describe = Callable[[int, str, int], tuple[int, int]]
"""Kind -> category, and nanoseconds on an engine."""


class Measured(NamedTuple):
    """What was asked of a queue in a category."""

    time_ns: int
    ops: int


Row = tuple[int, int, Measured]  # qid, category
Totals = dict[tuple[int, int], Measured]
"""(qid, category) -> since ever. Category 0: what belongs to none."""


class Meter:
    """The counters of this process, for any number of threads."""

    __slots__ = ("_counts", "_describe", "_file", "_folder", "_lock", "_places")

    def __init__(self, folder: str, describe: Describe) -> None:
        """`folder` need not be there yet; it is made at the first request."""
        self._folder = folder
        self._describe = describe
        self._file: Descriptor | None = None
        self._lock = Lock()
        self._counts: memoryview | list[int] = []
        self._places: dict[Kind, int] = {}

    def count(self, qid: int, operation: str, payload_bytes: int) -> None:
        """Count a request."""
        place = self._places.get((qid, operation, payload_bytes))
        if place is None:
            self._learn((qid, operation, payload_bytes))
        else:
            self._counts[place] += 1

    def _learn(self, kind: Kind) -> None:
        """Write a kind of request down, and count it. Where there is no room on the disk, it is
        counted for nobody."""
        qid, operation, payload_bytes = kind
        category, time_ns = self._describe(qid, operation, payload_bytes)
        with self._lock:
            if kind in self._places:  # another thread was first
                self._counts[self._places[kind]] += 1
                return
            if not len(self._counts):
                self._open()
            if len(self._places) >= _ROWS:
                self._spill()
            at = _WORDS * len(self._places)
            self._counts[at + 1] = time_ns
            self._counts[at + 2] = 1
            self._counts[at] = _name(qid, category)  # last: from now on the row is read
            self._places[kind] = at + 2

    def forget_prices(self) -> None:
        """Times on engines have changed: what is known so far counts at the old ones."""
        with self._lock:
            if len(self._counts):
                self._spill()

    def close(self) -> None:
        """Let go of the file, which is then that of a dead process."""
        counts, self._counts = self._counts, []
        self._places.clear()
        if isinstance(counts, memoryview):
            counts.release()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            if len(os.listdir(self._folder)) > _MOST_LEFT:
                collect(self._folder)
            self._counts = self._mapped()
        except OSError:
            self._counts = [0] * (_WORDS * _ROWS)

    def _mapped(self) -> memoryview:
        number = 0
        while True:
            path = os.path.join(self._folder, f"{os.getpid()}-{number}")
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.stat(path).st_ino == os.fstat(file).st_ino and not os.fstat(file).st_size:
                    # room on the disk: a write to a page that has none would kill the process
                    os.posix_fallocate(file, 0, _SIZE)
                    self._file = Descriptor(file)
                    return memoryview(mmap.mmap(file, _SIZE)).cast("Q")
            except (BlockingIOError, FileNotFoundError):
                pass
            os.close(file)
            number += 1

    def _spill(self) -> None:
        """Add all to the totals and begin anew."""
        if isinstance(self._counts, memoryview):
            with _locked(self._folder):
                found = _stored(self._folder)
                _add(found, _rows(self._counts.tobytes()))
                self._clear()
                _store(self._folder, found)
        else:
            self._clear()

    def _clear(self) -> None:
        self._places.clear()
        for at in range(0, _WORDS * _ROWS, _WORDS):
            self._counts[at] = 0


def uncounted(qid: int, operation: str, payload_bytes: int) -> None:
    """As `Meter.count`, where nobody counts."""


def totals(folder: str) -> Totals:
    """What all programs have asked, those that run too. Nothing if the folder is not there."""
    found = _everything(folder)
    return {name: measured for name, measured in found.items() if name[1] != _FORGOTTEN}


def requests(folder: str) -> dict[int, int]:
    """How many requests each queue has had since they were last forgotten, by qid."""
    counts: dict[int, int] = {}
    for (qid, category), measured in _everything(folder).items():
        sign = -1 if category == _FORGOTTEN else 1
        counts[qid] = counts.get(qid, 0) + sign * measured.ops
    return counts


def forget(folder: str, qids: list[int]) -> None:
    """Have `requests` begin at 0 for these queues; the totals stay."""
    so_far = requests(folder)
    if not any(so_far.get(qid) for qid in qids):
        return
    with _locked(folder):
        stored = _stored(folder)
        for qid in qids:
            _add(stored, [(qid, _FORGOTTEN, Measured(0, so_far.get(qid, 0)))])
        _store(folder, stored)


def collect(folder: str) -> None:
    """Add what dead processes have left to the totals."""
    with _locked(folder):
        stored, dead = _stored(folder), []
        for path in _files(folder):
            left = _left(path)
            if left is not None:
                _add(stored, _rows(left))
                dead.append(path)
        if dead:
            _store(folder, stored)
        for path in dead:
            os.unlink(path)


def _left(path: str) -> bytes | None:
    """What a process has left; None while it lives."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        return file.read()


def _everything(folder: str) -> Totals:
    if not os.path.isdir(folder):
        return {}
    collect(folder)
    with _locked(folder):
        found = _stored(folder)
        for path in _files(folder):
            with open(path, "rb") as file:
                _add(found, _rows(file.read()))
        return found


def _files(folder: str) -> list[str]:
    """Those of processes."""
    names = [name for name in os.listdir(folder) if name[:1].isdigit()]
    return [os.path.join(folder, name) for name in sorted(names)]


def _name(qid: int, category: int) -> int:
    return (category << 32 | qid) + 1


def _rows(data: bytes) -> Iterator[Row]:
    """The rows of a process's file."""
    for name, time_ns, count in _words(data):
        yield name & 0xFFFFFFFF, name >> 32, Measured(time_ns * count, count)


def _words(data: bytes) -> Iterator[tuple[int, int, int]]:
    size = 8 * _WORDS
    words = memoryview(data[: len(data) // size * size]).cast("Q")
    for at in range(0, len(words), _WORDS):
        if words[at]:
            yield words[at] - 1, words[at + 1], words[at + 2]


def _add(found: Totals, rows: Iterable[Row]) -> None:
    for qid, category, measured in rows:
        time_ns, count = found.get((qid, category), (0, 0))
        found[qid, category] = Measured(time_ns + measured.time_ns, count + measured.ops)


def _stored(folder: str) -> Totals:
    try:
        with open(os.path.join(folder, TOTALS), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return {}
    return {(n & 0xFFFFFFFF, n >> 32): Measured(time, count) for n, time, count in _words(data)}


def _store(folder: str, found: Totals) -> None:
    words = memoryview(bytearray(8 * _WORDS * len(found))).cast("Q")
    for place, ((qid, category), measured) in enumerate(found.items()):
        at = _WORDS * place
        words[at], words[at + 1], words[at + 2] = _name(qid, category), *measured
    path = os.path.join(folder, TOTALS)
    with open(f"{path}.new", "wb") as file:
        file.write(words)
    os.replace(f"{path}.new", path)


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Readers of the files take turns; those who count do not."""
    path = os.path.join(folder, _LOCK)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
