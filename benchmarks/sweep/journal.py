"""The finished cases of a folder: a line of JSON for each, written before anybody is told of it.

A sweep that was killed finds here what it need not do again, whatever it varied; a line that was
not written to its end is not there. One sweep at a time has the folder.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ghostcard.benchmarks.sweep import columns
from ghostcard.benchmarks.sweep.case import Figures
from ghostcard.benchmarks.sweep.errors import SweepError

NAME = "cases.jsonl"


class Journal:
    """Opened for one sweep, as a context; `done` are the figures of finished cases by key.

    A case that failed is none of them: it is tried again. `SweepError` if another sweep has the
    folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / NAME).open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise SweepError(f"another sweep writes into {folder}: take another --output") from None
        before = self.all()
        self.done = {key: one for key, one in before.items() if one["status"] == columns.DONE}

    def all(self) -> dict[str, Figures]:
        """The figures of all cases that are kept, by key, those that failed too."""
        found: dict[str, Figures] = {}
        end = 0
        self._file.flush()
        self._file.seek(0)
        for line in self._file:
            if not line.endswith(b"\n"):
                break  # killed while it was written; nothing comes after it
            end += len(line)
            with suppress(ValueError, KeyError, TypeError):  # damaged: its case is done again
                entry = json.loads(line)
                if entry["figures"]["status"] in (columns.DONE, columns.FAILED):
                    found[entry["key"]] = entry["figures"]
        self._file.truncate(end)
        return found

    def add(self, finished: Iterable[tuple[str, Figures]]) -> None:
        """Keep cases, on the disk when this returns."""
        lines = [json.dumps({"key": key, "figures": figures}) + "\n" for key, figures in finished]
        self._file.write("".join(lines).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._file.close()
