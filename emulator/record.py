"""One record per request: the only instrument. Statistics, plots, traces and tests all read it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ghostcard.emulator.errors import RecordError

if TYPE_CHECKING:
    import numpy

    from ghostcard.emulator.job import Job

# The twelve times of a request, in nanoseconds on the machine's timeline
STAGES: tuple[str, ...] = (
    "submitted",  # the host begins
    "enqueued",  # NQAP accepted it: in hardware
    "arrived",  # its last byte is on the card
    "fetched",  # a firmware core took it
    "decoded",
    "unwrapped",  # the key is ready; the core is free again
    "started",  # an engine took it
    "finished",
    "built",  # the reply block is ready
    "replied",  # the reply's last byte is in host memory
    "notified",  # by an interrupt or a poll
    "done",  # DQAP handed it back
)

MAGIC = b"GCRECORD"
VERSION = 2  # 1 had no faults; what was written then is read as it is
# Little-endian whatever the machine. Fields in order, with their bytes:
FIELDS: tuple[tuple[str, str], ...] = (
    ("submitted", "Q"),  # ns
    ("client", "I"),
    ("qid", "H"),  # adapter << 8 | domain
    ("function", "H"),  # number of the verb
    ("operation", "H"),  # index into the names of the file
    ("engine", "H"),  # index into the names of the file; the name of a pool, or ""
    ("depth", "I"),  # messages in hardware when this one was accepted, itself included
    ("outcome", "H"),  # 0: a reply was handed back; otherwise the error's number
    ("fault", "H"),  # 0: none; otherwise the index into the names, plus 1, of the last that struck
    ("request_bytes", "I"),
    ("reply_bytes", "I"),
    ("payload_bytes", "I"),
    *[(stage, "Q") for stage in STAGES[1:]],  # ns after `submitted`
)
_RECORD: Final = struct.Struct("<" + "".join(code for _, code in FIELDS))
_SUBMITTED: Final = struct.Struct("<Q")
_pack: Final = _RECORD.pack
_HEADER = struct.Struct(
    "<8sHHIQQ"
)  # magic, version, record bytes, bytes of names, records, dropped
_NOTES = struct.Struct("<Q")  # from version 2 on, after the records: their number, then themselves
NOTE: Final = struct.Struct("<QQHH")  # ns, for ns, qid, index into the names
_CHECKSUM = struct.Struct("<I")  # CRC-32 of all before
RECORD_BYTES: Final = _RECORD.size
_PIECE_BYTES: Final = RECORD_BYTES << 14


class Note(NamedTuple):
    """A fault that happened, to a request or not: when, for how long (0: no time), where, what."""

    at_ns: int
    for_ns: int
    qid: int
    name: str


class Recorder:
    """Packed records, `RECORD_BYTES` each; the same calls give the same bytes on every platform.

    With a `capacity` (records) what comes beyond it is counted in `dropped` and not kept, so that
    memory is bounded. Any number of threads may add. Beside the records there are notes of what
    happened on the bus, no more of them than there may be records.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self.dropped = 0
        self._limit = (1 << 62) if capacity is None else capacity * RECORD_BYTES
        self._records = bytearray()
        self._notes = bytearray()
        self._names: dict[str, int] = {}
        self._learning = Lock()

    def __len__(self) -> int:
        return len(self._records) // RECORD_BYTES

    @property
    def keeps(self) -> bool:
        """Whether it keeps any record: with a capacity of 0 nobody needs to make one."""
        return self._limit > 0

    @property
    def names(self) -> tuple[str, ...]:
        """The operations and engines the records refer to, by index."""
        return tuple(self._names)

    def add(
        self,
        client: int,
        qid: int,
        function: int,
        operation: str,
        engine: str,
        outcome: int,
        depth: int,
        request_bytes: int,
        reply_bytes: int,
        payload_bytes: int,
        times: tuple[int, ...] | list[int],
        fault: str = "",
    ) -> None:
        """Keep one request; `times` are the twelve of `STAGES`, none before the first.

        `RecordError` when a number does not fit its field.
        """
        t, a, b, c, d, e, f, g, h, i, j, k = times
        names = self._names
        try:
            packed = _pack(
                t, client, qid, function, names[operation], names[engine], depth, outcome,
                names[fault] + 1 if fault else 0, request_bytes, reply_bytes, payload_bytes,
                a - t, b - t, c - t, d - t, e - t, f - t, g - t, h - t, i - t, j - t, k - t,
            )  # fmt: skip
        except KeyError:
            self._learn(operation, engine, *_named(fault))
            self.add(
                client, qid, function, operation, engine, outcome, depth,
                request_bytes, reply_bytes, payload_bytes, times, fault,
            )  # fmt: skip
            return
        except struct.error as error:
            raise RecordError(f"a request that cannot be recorded: {error}") from None
        self._store(packed)

    def keep(self, job: Job) -> None:
        """Keep what a job that is over says of itself: `add` without the arguments."""
        t = job.submitted
        names = self._names
        try:
            packed = _pack(
                t, job.client, job.qid, job.function, names[job.operation], names[job.engine],
                job.depth, job.outcome, names[job.fault] + 1 if job.fault else 0,
                job.request_bytes, job.reply_bytes, job.payload_bytes,
                job.enqueued - t, job.arrived - t, job.fetched - t, job.decoded - t,
                job.unwrapped - t, job.started - t, job.finished - t, job.built - t,
                job.replied - t, job.notified - t, job.done - t,
            )  # fmt: skip
        except KeyError:
            self._learn(job.operation, job.engine, *_named(job.fault))
            self.keep(job)
            return
        except struct.error as error:
            raise RecordError(f"a request that cannot be recorded: {error}") from None
        self._store(packed)

    def note(self, at_ns: int, qid: int, name: str, for_ns: int = 0) -> None:
        """Keep that a fault has happened; one too many is counted in `dropped`."""
        self._keep_note(NOTE.pack(at_ns, for_ns, qid, self.number(name)))

    def _keep_note(self, packed: bytes) -> bool:
        """Keep a packed note, if there is room; whether there was."""
        has_room = len(self._notes) // NOTE.size * RECORD_BYTES < self._limit
        if has_room:
            self._notes += packed
        else:
            self.dropped += 1
        return has_room

    @property
    def notes(self) -> tuple[Note, ...]:
        """The faults that happened, in order."""
        names = self.names
        return tuple(
            Note(at_ns, for_ns, qid, names[name])
            for at_ns, for_ns, qid, name in NOTE.iter_unpack(bytes(self._notes))
        )

    def _store(self, packed: bytes) -> None:
        """Keep a packed record, if there is room."""
        if len(self._records) < self._limit:
            self._records += packed
        else:
            self.dropped += 1

    def shape(
        self,
        client: int,
        qid: int,
        function: int,
        operation: str,
        engine: str,
        outcome: int,
        depth: int,
        request_bytes: int,
        reply_bytes: int,
        payload_bytes: int,
        times: tuple[int, ...],
    ) -> bytes:
        """All of a record but when it was submitted, for `repeat`; arguments as for `add`."""
        self._learn(operation, engine)
        single = Recorder()
        single._names, single._learning = self._names, self._learning
        single.add(
            client, qid, function, operation, engine, outcome, depth,
            request_bytes, reply_bytes, payload_bytes, times,
        )  # fmt: skip
        return bytes(single._records)[_SUBMITTED.size :]

    def repeat(self, submitted_ns: int, shape: bytes) -> None:
        """Keep a request of a known shape, submitted at `submitted_ns`: a cheaper `add`."""
        self._store(_SUBMITTED.pack(submitted_ns) + shape)

    def learn(self, *names: str) -> None:
        """Number these operations and engines, in this order, unless they are known."""
        if not set(names) <= self._names.keys():
            self._learn(*names)

    def number(self, name: str) -> int:
        """The index of a name among `names`; it is learnt if it is not known."""
        self.learn(name)
        return self._names[name]

    def extend(self, records: bytes) -> None:
        """Keep packed records, which refer to `names`: a cheaper `add` for many at once."""
        room = -(-max(self._limit - len(self._records), 0) // RECORD_BYTES) * RECORD_BYTES
        self._records += records[:room]
        self.dropped += max(len(records) - room, 0) // RECORD_BYTES

    def _learn(self, *names: str) -> None:
        with self._learning:
            for name in names:
                self._names.setdefault(name, len(self._names))

    def take(self) -> bytes:
        """Hand over the packed records and go on without them; the names stay. Not of a journal."""
        records = bytes(self._records)
        self._records = bytearray()
        return records

    def to_bytes(self) -> bytes:
        """The file `save` writes."""
        return b"".join(self._parts())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the records to a file; `OSError` when that fails."""
        with open(path, "wb") as file:
            file.writelines(self._parts())

    def _parts(self) -> Iterator[bytes]:
        """The file piece by piece."""
        import zlib

        records = len(self)  # first: whose names are known
        names = "\n".join(self._names).encode()
        header = _HEADER.pack(MAGIC, VERSION, RECORD_BYTES, len(names), records, self.dropped)
        checksum = 0
        notes = bytes(self._notes)
        count = _NOTES.pack(len(notes) // NOTE.size)
        for part in chain((header, names), self._pieces(records), (count, notes)):
            checksum = zlib.crc32(part, checksum)
            yield part
        yield _CHECKSUM.pack(checksum)

    def _pieces(self, records: int) -> Iterator[bytes]:
        """The first so many records, some at a time: all of them twice would be much memory."""
        end = records * RECORD_BYTES
        for start in range(0, end, _PIECE_BYTES):
            yield bytes(self._records[start : min(start + _PIECE_BYTES, end)])

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Recorder:
        """Read what `save` wrote; `OSError` when the file cannot be read.

        `RecordError` names it when it is damaged or no file of records.
        """
        with open(path, "rb") as file:
            data = file.read()
        try:
            return cls.from_bytes(data)
        except RecordError as error:
            raise RecordError(f"{os.fspath(path)}: {error}") from None

    @classmethod
    def from_bytes(cls, data: bytes) -> Recorder:
        """The inverse of `to_bytes`; `RecordError` for anything else."""
        import zlib

        if data[: len(MAGIC)] != MAGIC or len(data) < _HEADER.size + _CHECKSUM.size:
            raise RecordError("not a file of records")
        _, version, record_bytes, names_bytes, records, dropped = _HEADER.unpack_from(data)
        if not 1 <= version <= VERSION or record_bytes != RECORD_BYTES:
            raise RecordError(f"records of version {version}, this is version {VERSION}")
        start = _HEADER.size + names_bytes
        end = start + records * RECORD_BYTES
        notes = b"" if version == 1 else _cut_notes(data, end)
        whole = end if version == 1 else end + _NOTES.size + len(notes)
        if len(data) != whole + _CHECKSUM.size:
            raise RecordError(f"{len(data)} bytes, where {whole + _CHECKSUM.size} were expected")
        if zlib.crc32(data[:whole]) != _CHECKSUM.unpack_from(data, whole)[0]:
            raise RecordError("damaged (checksum)")
        try:
            names = data[_HEADER.size : start].decode()
        except UnicodeDecodeError:
            raise RecordError("damaged (names)") from None
        known = names.split("\n") if names or records else ()
        if any(name >= len(known) for _, _, _, name in NOTE.iter_unpack(notes)):
            raise RecordError("damaged (notes)")
        return cls.of(known, data[start:end], dropped, notes)

    @classmethod
    def of(
        cls, names: Sequence[str], records: bytes, dropped: int = 0, notes: bytes = b""
    ) -> Recorder:
        """The recorder that has these packed records and notes, which refer to these names."""
        recorder = Recorder()
        recorder._notes += notes
        recorder.dropped = dropped
        recorder._learn(*names)
        recorder._records += records
        return recorder

    def array(self) -> numpy.ndarray[Any, Any]:
        """The records as a NumPy structured array: the fields of `FIELDS`, all times absolute.

        `operation` and `engine` are indices into `names`.
        """
        import numpy

        packed = numpy.dtype([(name, _DTYPES[code]) for name, code in FIELDS])
        array = numpy.empty(len(self), packed)
        start = 0
        for piece in self._pieces(len(array)):
            part = numpy.frombuffer(piece, packed)
            array[start : start + len(part)] = part
            start += len(part)
        for stage in STAGES[1:]:
            array[stage] += array["submitted"]
        return array


def _named(fault: str) -> tuple[str, ...]:
    return (fault,) if fault else ()


def _cut_notes(data: bytes, start: int) -> bytes:
    """The notes that stand behind the records; RecordError if there is no room for so many."""
    if len(data) < start + _NOTES.size + _CHECKSUM.size:
        raise RecordError(f"{len(data)} bytes, too few for the records")
    start += _NOTES.size
    end = start + _NOTES.unpack_from(data, start - _NOTES.size)[0] * NOTE.size
    return data[start:end]


_DTYPES = {"Q": "<u8", "I": "<u4", "H": "<u2"}
