"""Requests that were kept: files of records, folders as `ghostcard run --records` leaves them, and
captures, which are played again on their machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.capture import file as captures
from ghostcard.benchmarks.capture.machine import on_machine
from ghostcard.benchmarks.capture.replay import replay
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.config import CardConfig, Config, load
from ghostcard.emulator.errors import RecordError

MACHINE = "machine.toml"  # in a folder of records: the configuration of the cards


class KeptRuns(NamedTuple):
    """Each file is a run on a clock of its own; `damaged` says what could not be read, and why."""

    files: tuple[Path, ...]
    runs: tuple[Requests, ...]
    damaged: tuple[str, ...]
    machine: Config | None = None  # where it is kept with them

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


def collect(inputs: Sequence[Path], profile: str | None = None) -> KeptRuns:
    """The runs of files and folders; of a folder the damaged files are left out and named.

    A capture is played on the cards it was captured on, or as many of `profile`.
    `OSError`, `RecordError` and `CaptureError` for a file that cannot be read, `ExportError` when
    nothing was recorded.
    """
    found = KeptRuns((), (), ())
    for path in inputs:
        if path.is_dir():
            more = _of_folder(path)
        elif _is_capture(path):
            more = _of_capture(path, profile)
        else:
            more = KeptRuns((path,), (Requests.load(path),), ())
        found = KeptRuns(
            found.files + more.files,
            found.runs + more.runs,
            found.damaged + more.damaged,
            found.machine or more.machine,
        )
    if not found.runs:
        raise ExportError(f"no request was recorded in {', '.join(map(str, inputs))}")
    return found


def machine_of(kept: KeptRuns, config: str | None, profile: str | None) -> Config:
    """The machine of the requests: as it was kept or is said, or a card of a profile for each
    adapter in them. `ExportError` when it has not their cards."""
    if profile is not None:
        domains: dict[int, list[int]] = {}
        for qid in kept.queues():
            domains.setdefault(qid >> 8, []).append(qid & 0xFF)
        cards = tuple(CardConfig(number, profile, tuple(own)) for number, own in domains.items())
        return Config(cards, ())
    found = load(config) if config else kept.machine or load(None)
    known = {card.adapter for card in found.cards}
    unknown = sorted({qid >> 8 for qid in kept.queues()} - known)
    if unknown:
        named = ", ".join(f"{adapter:02x}" for adapter in unknown)
        raise ExportError(f"adapters that are not configured: {named}; say --profile or --config")
    return found


def _of_folder(path: Path) -> KeptRuns:
    files: list[Path] = []
    runs: list[Requests] = []
    damaged: list[str] = []
    for file in sorted(path.glob("*.records")):
        try:
            runs.append(Requests.load(file))
        except RecordError as error:
            damaged.append(str(error))
        except ExportError:
            continue  # a process that asked for nothing
        else:
            files.append(file)
    machine = path / MACHINE
    known = load(str(machine)) if machine.exists() else None
    return KeptRuns(tuple(files), tuple(runs), tuple(damaged), known)


def _is_capture(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(captures.MAGIC)) == captures.MAGIC


def _of_capture(path: Path, profile: str | None) -> KeptRuns:
    capture, machine, _ = on_machine(captures.load(path), profile, None)
    played = replay(capture, machine)
    runs = tuple(Requests.of(run) for run in played.runs if len(run))
    left = tuple(f"{path}: {one.requests} of {one.operation}: {one.reason}" for one in played.left)
    return KeptRuns((path,), runs, left, played.config)
