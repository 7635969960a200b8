"""The requests of a run, in chunks: all that an export or an explanation reads.

Whatever reads them goes chunk by chunk, so that beyond the records themselves no more is held than
a chunk and, where order matters, what has come since the oldest request under way at its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from os import PathLike
from typing import Any, NamedTuple, Self

import numpy as np

from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.record import STAGES, Note, Recorder

CHUNK = 1 << 14  # requests: 2 MiB of records

Array = np.ndarray[Any, Any]


class Chunk(NamedTuple):
    """Some requests: their records (`Recorder.array`, all times absolute) and their numbers.

    A request's number is its place in the file, from 0.
    """

    array: Array
    numbers: Array

    def take(self, places: Array | slice) -> "Chunk":
        """Those at `places`: indices, a mask or a slice."""
        return Chunk(self.array[places], self.numbers[places])

    def followed_by(self, other: "Chunk") -> "Chunk":
        """These and then those."""
        return Chunk(
            np.concatenate((self.array, other.array)), np.concatenate((self.numbers, other.numbers))
        )

    def __bool__(self) -> bool:
        return len(self.numbers) > 0

    def times(self, stage: str) -> Array:
        """The time of a stage, signed: differences may be taken."""
        return self.array[stage].astype(np.int64)

    def adapters(self) -> Array:
        """The adapter of each request."""
        return self.array["qid"] >> 8

    def given_up(self) -> Array:
        """Which requests the driver gave up: no reply came, no stage after the first was passed.

        An answer that is no reply has an outcome of the driver's too, but it has been on the card.
        """
        array = self.array
        mask: Array = (array["outcome"] >= DRIVER_OUTCOME) & (array["enqueued"] == array["done"])
        return mask


@dataclass(frozen=True, slots=True)
class Requests:
    """The records of a run, or those of them that `first`, `last` and `operation` select.

    `names` are the operations, engines and faults by index; `dropped` requests were not recorded.
    `notes` are the faults that happened, to requests or not.
    """

    array: Array
    names: tuple[str, ...]
    dropped: int = 0
    first: int = 0
    last: int | None = None
    operation: str | None = None
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, recorder: Recorder) -> Self:
        """Those of a recorder; `RecordError` names a request whose times do not ascend."""
        notes = recorder.notes
        requests = cls(recorder.array(), recorder.names, recorder.dropped, notes=notes)
        for chunk in requests.chunks():
            _require_ascending(chunk)
        return requests

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Those of a file that `Recorder.save` wrote.

        `OSError` when it cannot be read, `RecordError` when it is damaged or no such file,
        `ExportError` when it holds no request.
        """
        requests = cls.of(Recorder.load(path))
        if not len(requests.array):
            raise ExportError(f"{path}: no request was recorded")
        return requests

    def select(self, first: int = 0, last: int | None = None, operation: str | None = None) -> Self:
        """The requests numbered `first` to `last`, both included, of one operation or of all.

        `ExportError` when there is none.
        """
        chosen = replace(self, first=first, last=last, operation=operation)
        if operation is not None and operation not in self.operations():
            known = ", ".join(filter(None, self.operations()))
            raise ExportError(f"no request of operation {operation!r}; there are {known}")
        if not any(chosen.chunks()):
            asked = (
                f"{first}"
                if first == last
                else f"{first} to {'the last' if last is None else last}"
            )
            of = "" if operation is None else f" of operation {operation}"
            raise ExportError(
                f"there is no request {asked}{of}: the file holds 0 to {len(self.array) - 1}"
            )
        return chosen

    def chunks(self) -> Iterator[Chunk]:
        """The requests in the order of the file, at most `CHUNK` at a time, none empty."""
        end = len(self.array) if self.last is None else min(self.last + 1, len(self.array))
        for start in range(self.first, end, CHUNK):
            stop = min(start + CHUNK, end)
            chunk = Chunk(self.array[start:stop], np.arange(start, stop))
            if self.operation is not None:
                wanted = self.names.index(self.operation)
                chunk = chunk.take(chunk.array["operation"] == wanted)
            if chunk:
                yield chunk

    def faults(self) -> list[Note]:
        """The faults by time; of a selection those from its first submission to its last end."""
        faults = sorted(self.notes)
        if not faults or (not self.first and self.last is None and self.operation is None):
            return faults
        begin = min(int(chunk.array["submitted"].min()) for chunk in self.chunks())
        end = max(int(chunk.array["done"].max()) for chunk in self.chunks())
        return [fault for fault in faults if begin <= fault.at_ns <= end]

    def __len__(self) -> int:
        return sum(len(chunk.numbers) for chunk in self.chunks())

    def operations(self) -> list[str]:
        """The names of the operations in the file, sorted."""
        whole = Requests(self.array, self.names)
        seen: set[int] = set()
        for chunk in whole.chunks():
            seen.update(np.unique(chunk.array["operation"]).tolist())
        return sorted(self.names[code] for code in seen)


def in_order(requests: Requests, stage: str) -> Iterator[Chunk]:
    """The requests by the time of a stage, ties in the order of the file.

    The file is nearly in order already (a request is recorded at its end), so that only what a
    later chunk may still precede has to be held.
    """
    held: Chunk | None = None
    for chunk, floor in zip(requests.chunks(), floors(requests, stage), strict=True):
        merged = chunk if held is None else held.followed_by(chunk)
        merged = merged.take(np.argsort(merged.array[stage], kind="stable"))
        ready = len(merged.numbers)
        if floor is not None:
            ready = int(np.searchsorted(merged.times(stage), floor, side="left"))
        if ready:
            yield merged.take(slice(0, ready))
        held = merged.take(slice(ready, None))


def floors(requests: Requests, stage: str) -> list[int | None]:
    """For each chunk the earliest time of a stage in all later ones; None for the last."""
    earliest = [int(chunk.array[stage].min()) for chunk in requests.chunks()]
    later: list[int | None] = [None]
    for time in reversed(earliest[1:]):
        later.append(time if later[-1] is None else min(time, later[-1]))
    return later[::-1]


def _require_ascending(chunk: Chunk) -> None:
    for earlier, stage in pairwise(STAGES):
        wrong = np.flatnonzero(chunk.array[stage] < chunk.array[earlier])
        if len(wrong):
            raise RecordError(f"request {chunk.numbers[wrong[0]]}: {stage} before {earlier}")
