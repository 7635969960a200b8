"""Records that were kept: files of them, or folders as `ghostcard run --records` leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.errors import RecordError


class KeptRuns(NamedTuple):
    """Each file is a run on a clock of its own; `damaged` says what could not be read, and why."""

    files: tuple[Path, ...]
    runs: tuple[Requests, ...]
    damaged: tuple[str, ...]

    def queues(self) -> tuple[int, ...]:
        """The qids that had requests, ascending."""
        found = {qid for run in self.runs for qid in np.unique(run.array["qid"]).tolist()}
        return tuple(sorted(found))

    def operations(self) -> dict[str, tuple[int, int]]:
        """Each operation with the adapter and the payload of its first request."""
        found: dict[str, tuple[int, int]] = {}
        for run in self.runs:
            codes, places = np.unique(run.array["operation"], return_index=True)
            for code, place in zip(codes.tolist(), places.tolist(), strict=True):
                first = run.array[place]
                met = int(first["qid"]) >> 8, int(first["payload_bytes"])
                found.setdefault(run.names[code], met)
        return found


def collect(inputs: Sequence[Path]) -> KeptRuns:
    """The runs of files and folders; of a folder the damaged files are left out and named.

    `OSError` and `RecordError` for a file that cannot be read, `ExportError` when nothing was
    recorded.
    """
    files: list[Path] = []
    runs: list[Requests] = []
    damaged: list[str] = []
    for path in inputs:
        if not path.is_dir():
            files.append(path)
            runs.append(Requests.load(path))
            continue
        for file in sorted(path.glob("*.records")):
            try:
                run = Requests.load(file)
            except RecordError as error:
                damaged.append(str(error))
            except ExportError:
                continue  # a process that asked for nothing
            else:
                files.append(file)
                runs.append(run)
    if not runs:
        raise ExportError(f"no request was recorded in {', '.join(map(str, inputs))}")
    return KeptRuns(tuple(files), tuple(runs), tuple(damaged))
