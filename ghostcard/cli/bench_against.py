"""``ghostcard bench --against LIBRARY``: our library and another one in turns, in host time."""

import csv
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from ghostcard.benchmarks import against
from ghostcard.benchmarks.against import (
    RESIDENT_TARGET_MIB,
    SOFTHSM2,
    START_TARGET_MS,
    TARGETS,
    Comparison,
    Contestant,
    Start,
)
from ghostcard.benchmarks.client import SIZE_MAX, ClientError, build
from ghostcard.benchmarks.client import operations as known
from ghostcard.benchmarks.provenance import provenance
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, rate, table
from ghostcard.cli.progress import progress
from ghostcard.module.names import name

STAYS = "find-token"  # of an operation: its objects stay on the token
_THREADS_MOST = 64


class Asked(NamedTuple):
    """What is to be compared, and how long."""

    library: str  # a path, or SOFTHSM2
    slot: int | None  # its place among those with a token
    token: str | None  # its label
    pin: str | None
    operations: tuple[str, ...]  # those of benchmarks/client.c; none: those with a target
    threads: str  # such as 1,2
    rounds: int
    seconds: float
    targets: bool


def run(asked: Asked, output: Path, as_json: bool) -> None:
    """Measure, print, write against.csv and against.json; Failure for a target that is missed."""
    threads = _threads(asked.threads)
    for operation in asked.operations:
        _require(operation)
    rows: list[Comparison] = []
    failure: Failure | None = None
    try:
        with TemporaryDirectory() as folder:
            program = build(Path(folder))
            ours, theirs = against.ghostcard(Path(folder)), _other(asked, Path(folder))
            operations = _operations(asked, theirs)
            with progress(len(operations) + 1) as done:
                starts = against.start(program, (ours, theirs), asked.rounds)
                done("start-up")
                output.mkdir(parents=True, exist_ok=True)  # before minutes are measured in vain
                each = against.compare(
                    program, ours, theirs, operations, threads, asked.rounds, asked.seconds
                )
                try:
                    for found in each:
                        rows += found
                        done(found[0].operation)
                except KeyboardInterrupt:
                    failure = Failure("interrupted; kept what was measured until then", 130)
    except ClientError as error:
        raise Failure(_spoken(str(error))) from None
    record = provenance(
        against=theirs.name, rounds=asked.rounds, seconds=asked.seconds,
        rates=[row._asdict() for row in rows], start=[one._asdict() for one in starts],
    )  # fmt: skip
    written = _write(rows, record, output)
    if as_json:
        document(record)
    else:
        _show(rows, starts, theirs.name, asked.targets)
        click.echo("\n".join(map(str, written)))
    if failure:
        raise failure
    if all(row.ratio is None for row in rows):
        raise Failure("no operation could be compared")
    if asked.targets and not _all_met(rows, starts[0]):
        raise Failure("a target is missed")


def _other(asked: Asked, folder: Path) -> Contestant:
    """The other library; of SoftHSM2 with a throwaway token unless one of the user's is named."""
    named = asked.slot is not None or asked.token is not None or asked.pin is not None
    if asked.library == SOFTHSM2 and not named:
        return against.softhsm2(folder)
    if asked.library == SOFTHSM2:
        module = against.softhsm2(folder).module
    else:
        module = os.path.abspath(asked.library)
        if not os.path.exists(module):
            raise Failure(f"--against: there is no library {asked.library}", 2)
    if asked.pin is None:
        raise Failure("--against: the PIN of its token is missing, give --pin (GHOSTCARD_PIN)", 2)
    token = (
        ("--token", asked.token) if asked.token is not None else ("--slot", str(asked.slot or 0))
    )
    title = Path(module).name.removesuffix(".so").removeprefix("lib")
    return Contestant(title, module, {"CLIENT_PIN": asked.pin}, token)


def _operations(asked: Asked, theirs: Contestant) -> tuple[str, ...]:
    """Those asked for; else all with a target, but for what would stay on a user's token, and takes
    minutes to put there."""
    if not asked.operations:
        with_all = theirs.is_throwaway and asked.targets
        return tuple(one for one in TARGETS if with_all or not one.startswith(STAYS))
    if not theirs.is_throwaway and any(one.startswith(STAYS) for one in asked.operations):
        raise Failure(f"--operation {STAYS}: its objects would stay on the token", 2)
    return asked.operations


def _threads(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() and 1 <= int(part) <= _THREADS_MOST for part in parts):
        raise Failure(f"--threads: got {text!r}, takes numbers from 1 to 64 such as 1,2", 2)
    return tuple(sorted(set(map(int, parts))))


def _require(operation: str) -> None:
    name, colon, size = operation.partition(":")
    if name not in known():
        raise Failure(f"--operation: got {operation!r}, takes {', '.join(known())}", 2)
    if colon and not (size.isdecimal() and 1 <= int(size) <= SIZE_MAX):
        takes = f"takes a size from 1 to {SIZE_MAX:,}, such as {name}:1024"
        raise Failure(f"--operation: got {operation!r}, {takes}", 2)


def _all_met(rows: Sequence[Comparison], ours: Start) -> bool:
    quick = ours.start_ms <= START_TARGET_MS and ours.resident_mib <= RESIDENT_TARGET_MIB
    return quick and not any(map(against.missed, rows))


# -- what is told -------------------------------------------------------------------------------


def _show(rows: Sequence[Comparison], starts: Sequence[Start], other: str, targets: bool) -> None:
    columns = ["operation", ">threads", ">ghostcard", f">{other}", ">ratio"]
    columns += [">target"] if targets else []
    shown = [_cells(row)[: 5 + targets] for row in rows]
    table("Host time, calls per second by a C program, in turns", columns, shown, grouped=True)
    for one in starts:
        took = f"{one.start_ms:.1f} ms, {one.resident_mib:.1f} MiB"
        click.echo(f"dlopen, C_Initialize and C_GetSlotList, {one.name}: {took}")
    if targets:
        click.echo(f"targets: at most {START_TARGET_MS:.0f} ms, {RESIDENT_TARGET_MIB:.0f} MiB")


def _cells(row: Comparison) -> tuple[str, ...]:
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
    target = against.target_of(row)
    wanted = "" if target is None else f"{target:.1f}" + (" missed" if against.missed(row) else "")
    return (
        row.operation,
        str(row.threads),
        _rate(row.ghostcard_per_s, row.ghostcard_missing),
        _rate(row.other_per_s, row.other_missing),
        ratio,
        wanted,
    )


def _rate(per_second: float | None, missing: int | str | None) -> str:
    if per_second is not None:
        return rate(per_second)
    if isinstance(missing, int):
        return f"no {name('CKM', missing)}"
    return _spoken(missing or "not measured")


def _spoken(text: str) -> str:
    """With the name of a return code for its number."""
    return re.sub(r"\b0x([0-9a-f]+)$", lambda found: name("CKR", int(found[1], 16)), text)


def _write(rows: Sequence[Comparison], record: dict[str, object], output: Path) -> list[Path]:
    figures, told = output / "against.csv", output / "against.json"
    with figures.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Comparison._fields)
        writer.writerows(rows)
    told.write_text(json.dumps(record, indent=2) + "\n")
    return [figures, told]
