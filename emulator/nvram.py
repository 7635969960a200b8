"""A card's non-volatile memory: names -> bytes, in one crash-safe file or, simulated, in memory.

A change writes a whole new file beside the old one, forces it to the disk and renames it over the
old: whoever reads, at whatever instant, after whatever crash, sees the state before or after it and
nothing between. Changes of several processes and threads exclude each other by a lock on
`<file>.lock`, and a counter in `<file>.changes` tells them of each other's.
"""

import fcntl
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

from ghostcard.emulator.counter import ChangeCounter
from ghostcard.emulator.errors import NvramError

MAGIC = b"GCNVRAM\x01"
_COUNT = struct.Struct(
    "<I"
)  # after the magic: the number of entries; at the very end: CRC-32 of all before
_ENTRY = struct.Struct("<HI")  # bytes of the name, bytes of the value; then both
NAME_MAX = 255


class PowerLost(NvramError):
    """The card has lost power in the middle of a write: the old state is there, or the new one."""


class Torn(NamedTuple):
    """A write that ends after so many bytes of the new file; complete if there were no more."""

    after: int
    is_complete: bool


class Nvram:
    """`Nvram(path)` keeps its entries in that file, `Nvram()` in memory.

    The file has mode 0600 and is created at the first change. A file that cannot be read or
    written, or that is damaged, raises `NvramError` with its path; nothing is ever replaced by a
    guess.

    `tear`, if given, is asked at each write for the number of bytes after which power is lost, or
    None: then the write stops there and `PowerLost` ends it.
    """

    __slots__ = ("_counter", "_memory", "_memory_changes", "_memory_lock", "path", "tear")

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else os.fspath(path)
        self._memory: dict[str, bytes] = {}
        self._memory_lock = Lock()
        self._memory_changes = [0]
        self._counter: ChangeCounter | None = None
        self.tear: Callable[[], int | None] | None = None

    @property
    def changes(self) -> "list[int] | memoryview[int]":
        """`changes[0]` is another number after every change, whichever process makes it; odd while
        one is under way. To be kept and looked at, at the cost of a memory read.
        """
        return self._memory_changes if self.path is None else self._opened(self.path).view

    def read(self, name: str) -> bytes | None:
        """The value stored under `name`, or None."""
        return self._load().get(name)

    def names(self) -> list[str]:
        """The names there are, sorted."""
        return sorted(self._load())

    def write(self, name: str, value: bytes) -> None:
        """Store `value` under `name`. When this returns it is on the disk."""
        with self.transaction() as entries:
            entries[_checked(name)] = bytes(value)

    def create(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The value under `name`; if there is none, `make()` gives it.

        Of several processes that do this at once one makes the value and all get it.
        """
        value = self.read(name)
        if value is None:
            with self.transaction() as entries:
                value = entries.get(name)
                if value is None:
                    value = entries[_checked(name)] = bytes(make())
        return value

    def erase(self, name: str) -> None:
        """Forget `name`; that it was not there is no error."""
        with self.transaction() as entries:
            entries.pop(name, None)

    @contextmanager
    def transaction(self) -> Iterator[dict[str, bytes]]:
        """The entries, to be changed in place; all changes are stored at the end, or none when an
        exception ends it. Nobody else can change them meanwhile.
        """
        if self.path is None:
            with self._memory_lock:
                entries = dict(self._memory)
                yield entries
                torn = self._torn(pack(entries))
                if torn is None or torn.is_complete:
                    self._memory = entries
                    self._memory_changes[0] += 2
                if torn is not None:
                    raise PowerLost("power was lost during a write")
            return
        with _translated(self.path), _locked(self.path):
            entries = self._load()
            yield entries
            counter = self._opened(self.path)
            counter.announce()
            try:
                data = pack(entries)
                _replace(self.path, data, self._torn(data))
            finally:
                counter.conclude()

    def close(self) -> None:
        """Let go of the counter: what `changes` gave is void."""
        counter, self._counter = self._counter, None
        if counter is not None:
            counter.close()

    def _torn(self, data: bytes) -> "Torn | None":
        after = self.tear() if self.tear is not None else None
        return None if after is None else Torn(after, len(data) < after)

    def _opened(self, path: str) -> ChangeCounter:
        if self._counter is None:
            with _translated(path):
                self._counter = ChangeCounter(f"{path}.changes")
        return self._counter

    def _load(self) -> dict[str, bytes]:
        if self.path is None:
            return self._memory
        with _translated(self.path):
            try:
                with open(self.path, "rb") as file:
                    data = file.read()
            except FileNotFoundError:
                return {}
        return unpack(data, self.path)


def pack(entries: dict[str, bytes]) -> bytes:
    """The file of these entries; equal entries give equal bytes."""
    parts = [MAGIC, _COUNT.pack(len(entries))]
    for name, value in sorted(entries.items()):
        encoded = name.encode()
        parts += (_ENTRY.pack(len(encoded), len(value)), encoded, value)
    body = b"".join(parts)
    return body + _COUNT.pack(zlib.crc32(body))


def unpack(data: bytes, path: str) -> dict[str, bytes]:
    """The entries of a file; `NvramError` names `path` when it is not one or is damaged."""
    if data[: len(MAGIC)] != MAGIC:
        raise NvramError(f"{path}: not a card's memory, or of another version")
    if len(data) < len(MAGIC) + 8 or zlib.crc32(data[:-4]) != _COUNT.unpack(data[-4:])[0]:
        raise NvramError(f"{path}: the card's memory is damaged (checksum)")
    try:
        return _entries(data[:-4])
    except (struct.error, UnicodeDecodeError, IndexError):
        raise NvramError(f"{path}: the card's memory is damaged (structure)") from None


def _entries(body: bytes) -> dict[str, bytes]:
    entries: dict[str, bytes] = {}
    offset = len(MAGIC) + _COUNT.size
    for _ in range(_COUNT.unpack_from(body, len(MAGIC))[0]):
        name_bytes, value_bytes = _ENTRY.unpack_from(body, offset)
        offset += _ENTRY.size
        end = offset + name_bytes + value_bytes
        if end > len(body):
            raise IndexError
        entries[body[offset : offset + name_bytes].decode()] = body[offset + name_bytes : end]
        offset = end
    if offset != len(body):
        raise IndexError
    return entries


def _checked(name: str) -> str:
    if not 0 < len(name.encode()) <= NAME_MAX:
        raise NvramError(f"a name of 1..{NAME_MAX} bytes was expected, got {len(name.encode())}")
    return name


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NvramError(f"{path}: {error.strerror or error}") from error


@contextmanager
def _locked(path: str) -> Iterator[None]:
    """Exclusive among processes and, since each call opens the file anew, among threads."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)  # which also unlocks


def _replace(path: str, data: bytes, torn: Torn | None = None) -> None:
    """Put `data` in the place of the file, with the lock held; a left-over of a crash is
    overwritten."""
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data if torn is None else data[: torn.after])
        file.flush()
        os.fsync(file.fileno())
    if torn is not None and not torn.is_complete:
        raise PowerLost(f"{path}: power was lost after {torn.after} bytes of a write")
    os.replace(new, path)
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    if torn is not None:
        raise PowerLost(f"{path}: power was lost after a write")
