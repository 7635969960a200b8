"""Records that outlive their process: each is in a file when it has been made.

The file is a row of slots of `RECORD_BYTES`: a header, then records as `Recorder` packs them and,
between them, the names that they refer to and the notes of faults. What a killed process leaves,
whole slots and maybe a part of one, `recover` turns into a `Recorder`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.ownfile import OwnFile
from ghostcard.emulator.record import NOTE, RECORD_BYTES, Recorder

_HEADER = struct.pack("<8sHH", b"GCJOURNL", 2, RECORD_BYTES).ljust(RECORD_BYTES, b"\0")
_NAME = struct.Struct("<QHH")  # a submission at the end of time, index, bytes of the name
_INDICES = struct.Struct("<16xHH6xH")  # of operation, engine and (plus 1) fault, in a record
_NOTED = struct.Struct("<Q")  # another such time, before a note
_NEVER = (1 << 64) - 1
_NOTED_AT = _NEVER - 1


class Journal(Recorder):
    """A recorder that keeps nothing in memory. The system call makes it slower: a microsecond each.

    `RecordError` when the file cannot be made; it must not exist. Records that the file does not
    take later (a full disk) are counted in `dropped`.
    """

    def __init__(self, path: str | os.PathLike[str], capacity: int | None = None) -> None:
        super().__init__(capacity)
        self.path = os.fspath(path)
        self._slots = Slots(self.path)

    def __len__(self) -> int:
        return self._slots.records

    def _learn(self, *names: str) -> None:
        new = [name for name in names if name not in self._names]
        super()._learn(*names)
        for name in new:
            text = name.encode()[: RECORD_BYTES - _NAME.size]
            self._slots.write(_NAME.pack(_NEVER, self._names[name], len(text)) + text)

    def _store(self, packed: bytes) -> None:
        if self._slots.records * RECORD_BYTES < self._limit:
            self._slots.add(packed)
        else:
            self.dropped += 1

    def _keep_note(self, packed: bytes) -> bool:
        return super()._keep_note(packed) and self._slots.write(_NOTED.pack(_NOTED_AT) + packed)

    def extend(self, records: bytes) -> None:
        """Keep packed records, which refer to `names`: a write for all of them."""
        room = max(self._limit // RECORD_BYTES - self._slots.records, 0) * RECORD_BYTES
        self._slots.extend(records[:room])
        self.dropped += max(len(records) - room, 0) // RECORD_BYTES

    def _parts(self) -> Iterator[bytes]:
        self.dropped += self._slots.lost
        self._slots.lost = 0
        return super()._parts()

    def _pieces(self, records: int) -> Iterator[bytes]:
        yield self._slots.read()[: records * RECORD_BYTES]

    def remove(self) -> None:
        """Close and remove the file; the journal is over."""
        self._slots.remove()


class Slots:
    """The file: what is added is written."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.lost = 0
        self.records = 0
        self._full = False
        try:
            self._file = OwnFile(path)
            self._file.write(_HEADER)
        except OSError as error:
            raise RecordError(f"{self._path}: {error.strerror or error}") from error

    def add(self, record: bytes) -> None:
        """Write a record; one that the file does not take is lost."""
        if self.write(record):
            self.records += 1
        else:
            self.lost += 1

    def extend(self, records: bytes) -> None:
        """Write many; those that the file does not take are lost."""
        count, written = len(records) // RECORD_BYTES, 0
        if not self._full and count:
            try:
                written = self._file.write(records) // RECORD_BYTES
            except OSError:
                written = 0
            self._full = written < count
        self.records += written
        self.lost += count - written

    def read(self) -> bytes:
        """The records; `RecordError` if the file is not as we wrote it."""
        with open(self._path, "rb") as file:
            data = file.read()
        try:
            return _split(data)[1]
        except ValueError as error:  # not by us
            raise RecordError(f"{self._path}: damaged ({error})") from None

    def write(self, slot: bytes) -> bool:
        """Append a slot; whether that was possible. Nothing follows a slot that was not."""
        if self._full:
            return False
        try:
            self._full = self._file.write(slot.ljust(RECORD_BYTES, b"\0")) < RECORD_BYTES
        except OSError:
            self._full = True
        return not self._full

    def remove(self) -> None:
        self._file.close()
        os.unlink(self._path)


def recover(path: str | os.PathLike[str]) -> Recorder:
    """The records of a journal whose process is no more; `RecordError` for any other file."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise RecordError(f"{os.fspath(path)}: {error.strerror or error}") from error
    if not data.startswith(_HEADER):
        raise RecordError(f"{os.fspath(path)}: not a journal of records")
    try:
        names, records, notes = _split(data)
        return Recorder.of(names, records, 0, notes)
    except ValueError as error:
        raise RecordError(f"{os.fspath(path)}: damaged ({error})") from None


def _split(data: bytes) -> tuple[tuple[str, ...], bytes, bytes]:
    """The names, in order of their index, the records and the notes of a journal; ValueError for
    nonsense.
    """
    names: dict[int, str] = {}
    records, notes = bytearray(), bytearray()
    highest = -1
    for start in range(RECORD_BYTES, len(data) - RECORD_BYTES + 1, RECORD_BYTES):
        submitted, index, size = _NAME.unpack_from(data, start)
        if submitted == _NEVER:
            text = start + _NAME.size
            names[index] = data[text : text + size].decode()
        elif submitted == _NOTED_AT:
            note = data[start + _NOTED.size : start + _NOTED.size + NOTE.size]
            notes += note
            highest = max(highest, NOTE.unpack(note)[-1])
        else:
            records += data[start : start + RECORD_BYTES]
            operation, engine, fault = _INDICES.unpack_from(data, start)
            highest = max(highest, operation, engine, fault - 1)
    if sorted(names) != list(range(len(names))) or highest >= len(names):
        raise ValueError("names")
    return tuple(names[index] for index in sorted(names)), bytes(records), bytes(notes)
