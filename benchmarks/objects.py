"""A token with 100,000 objects in host time: the first look, finding, adding, deleting, and memory.

    python -m ghostcard.benchmarks.objects [--objects 100000] [--folder FOLDER] [--json FILE]

Two C programs (objects.c) use one token, half of whose objects are private; what one adds or
deletes, the other has to see in its next call. All objects come in by C_CreateObject, each of which
is on the disk when it returns, so that the filling takes as long as the disk makes it: in memory
(/dev/shm, the default where there is one) half a minute. Ends with 1 when a target is missed, with
2 when it cannot run.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import NamedTuple

import click

from ghostcard.benchmarks.client import ClientError, build
from ghostcard.benchmarks.provenance import provenance
from ghostcard.library import LibraryError, library

PIN, SO_PIN = "12345678", "87654321"
FOUND = 2_000  # labels that are looked for
CHANGED = 50  # objects that are added, and deleted again
MEMORY = Path("/dev/shm")


class Row(NamedTuple):
    """A figure, its unit, and the most it may be; None: shown only."""

    name: str
    value: float
    unit: str
    most: float | None

    def holds(self) -> bool:
        return self.most is None or self.value <= self.most


class Wrong(Exception):
    """The token answered something else than what is on it."""


class Program:
    """objects.c with the token of slot 0 of a home."""

    def __init__(self, program: Path, module: Path, home: Path) -> None:
        self._process = subprocess.Popen(
            [str(program), str(module)],
            env={**os.environ, "GHOSTCARD_HOME": str(home), "GHOSTCARD_CONFIG": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def ask(self, command: str) -> tuple[int, int]:
        """How many objects a command was about, and nanoseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().split()
        if len(answer) != 2:
            raise ClientError(f"objects.c ended at: {command}")
        return int(answer[0]), int(answer[1])

    def expect(self, count: int, command: str) -> int:
        """Nanoseconds of a command that must be about so many objects."""
        found, took_ns = self.ask(command)
        if found != count:
            raise Wrong(f"{command}: {found} objects, not {count}")
        return took_ns


def label(number: int) -> str:
    """The label of an object; of an even number it is public."""
    return f"object-{number:07d}"


def measure(program: Path, module: Path, home: Path, objects: int) -> list[Row]:
    """The figures of a token that has so many; Wrong if it does not behave as it must."""
    with Program(program, module, home) as one, Program(program, module, home) as other:
        empty_kib, _ = one.ask("resident")
        login_ns, _ = (each.expect(0, f"login {PIN}") for each in (one, other))
        first_ns = one.expect(1, f"find {label(objects - 1)}")
        for each in (one, other):
            each.expect(1, f"find {label(0)}")
            each.expect(0, f"find {label(objects)}")
        steps = range(0, objects, max(1, objects // FOUND))
        found = [one.expect(1, f"find {label(number)}") for number in steps]
        added, seen, deleted = [], [], []
        for number in range(objects, objects + CHANGED):
            added.append(one.expect(1, f"add {label(number)} {number % 2}"))
            seen.append(other.expect(1, f"find {label(number)}"))
        for number in range(objects, objects + CHANGED):
            deleted.append(other.expect(1, f"delete {label(number)}"))
            one.expect(0, f"find {label(number)}")
        full_kib, _ = one.ask("resident")
    return [
        Row("C_Login", login_ns / 1e9, "s", 10.0),
        Row("the first look", first_ns / 1e9, "s", 10.0),
        Row("find by label", statistics.median(found) / 1e3, "us", 100.0),
        Row("add", statistics.median(added) / 1e6, "ms", None),
        Row("find what another process has added", statistics.median(seen) / 1e3, "us", 5_000.0),
        Row("delete", statistics.median(deleted) / 1e6, "ms", None),
        Row("memory of a process with a session", empty_kib / 1024, "MiB", 40.0),
        Row("memory of one that knows all objects", full_kib / 1024, "MiB", 64.0 + objects / 1000),
    ]


def furnish(program: Path, module: Path, home: Path, objects: int) -> None:
    """Makes the token and its objects."""
    environment = {**os.environ, "GHOSTCARD_HOME": str(home), "GHOSTCARD_CONFIG": ""}
    pins = ("--so-pin", SO_PIN, "--pin", PIN)
    command = [sys.executable, "-m", "ghostcard", "token", "init", "--label", "many", *pins]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    with Program(program, module, home) as one:
        one.expect(0, f"login {PIN}")
        for number in range(objects):
            one.expect(1, f"add {label(number)} {number % 2}")


@contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    usual = MEMORY if os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(dir=folder or usual) as made:
        yield Path(made)


@click.command()
@click.option("--objects", default=100_000, show_default=True, type=click.IntRange(1))
@click.option("--folder", type=click.Path(path_type=Path), help="Where the token lies meanwhile.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures there.")
def main(objects: int, folder: Path | None, output: Path | None) -> None:
    """Look for, add and delete objects of a token that has very many."""
    try:
        with _scratch(folder) as place:
            program, module = build(place, "objects"), library()
            furnish(program, module, place / "home", objects)
            rows = measure(program, module, place / "home", objects)
    except (ClientError, LibraryError, Wrong) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    _show(objects, rows)
    if output:
        record = provenance(objects=objects, figures=[row._asdict() for row in rows])
        output.write_text(json.dumps(record, indent=2) + "\n")
    sys.exit(not all(row.holds() for row in rows))


def _show(objects: int, rows: Sequence[Row]) -> None:
    print(f"host time, {objects:,} objects on the token, half of them private          at most")
    for row in rows:
        most = "" if row.most is None else f"{row.most:10,.0f}"
        missed = "" if row.holds() else "  missed"
        print(f"{row.name:<42}{row.value:14,.2f} {row.unit:<4}{most}{missed}".rstrip())


if __name__ == "__main__":
    main()
