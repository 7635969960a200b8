"""One thread with N asynchronous sessions against N simulated clients: the card's rate, and cost.

    python -m ghostcard.benchmarks.asynchronous [--signatures 100] [--json FILE]

Runs docs/examples/async.c, a C program, in each of its three ways: by GC_WaitForAny, by polling, by
an eventfd in epoll. RSA-2048 signatures on the default card, without cryptography. Rates are of the
middle of a run in simulated time; CPU time is what a signature takes beyond the start and end of
the program. Ends with 2 when it cannot run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from typing import Any

import click
import numpy

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.benchmarks.provenance import provenance
from ghostcard.emulator.record import Recorder
from ghostcard.library import LibraryError, library
from ghostcard.machine import Machine

WAYS = ("wait", "poll", "epoll")
SESSIONS = (1, 2, 4, 8, 16, 32, 64)
WORK = sized("rsa2048-sign", 51)
PIN = "12345678"
FEW = 2  # signatures of each session in a run that shows what starting costs
EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "examples" / "async.c"
CONFIG = 'function = "null"\n\n[[cards]]\nadapter = 0\ndomains = [0]\n'


class Program:
    """The C program with a token of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = folder / "async"
        config = folder / "machine.toml"
        config.write_text(CONFIG)
        own = {"GHOSTCARD_HOME": str(folder / "home"), "GHOSTCARD_CONFIG": str(config)}
        self._environment = os.environ | own
        headers = (f"-I{library().parent / 'generated'}", f"-I{library().parent}")
        self._run([os.environ.get("CC", "gcc"), "-O2", *headers, EXAMPLE, "-o", self._program])
        init = ("token", "init", "--label", "async", "--so-pin", PIN, "--pin", PIN)
        self._run([sys.executable, "-m", "ghostcard", *init])

    def _run(self, command: list[Any], **variables: str) -> None:
        environment = self._environment | variables
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)

    def records(self, way: str, sessions: int, signatures: int) -> tuple[float, float]:
        """Signatures a second in simulated time, and CPU seconds that it took."""
        with TemporaryDirectory(dir=self._folder) as run:
            start = cpu_seconds()
            command = [self._program, library(), PIN, str(sessions), way, str(signatures)]
            self._run(command, GHOSTCARD_RUN_DIR=run)
            seconds = cpu_seconds() - start
            (file,) = Path(run).glob("*.records")
            return rate(Recorder.load(str(file))), seconds


def cpu_seconds() -> float:
    """What all programs that have ended have taken of the processors."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rate(recorder: Recorder) -> float:
    """Signatures a second in the middle of a run: at its end some sessions have nothing to do."""
    records = recorder.array()
    done = numpy.sort(records["done"][records["operation"] == recorder.names.index(WORK.operation)])
    first, last = len(done) // 4, 3 * len(done) // 4
    return float((last - first) / (done[last] - done[first]) * 1e9)


def simulated(clients: int, signatures: int) -> float:
    """The rate of so many simulated clients."""
    machine = Machine.simulation()
    ClosedLoop(machine.simulated(), machine.targets(0), [WORK], clients, signatures).run()
    return rate(machine.recorder)


def measure(folder: Path, signatures: int) -> list[dict[str, Any]]:
    """A row for each number of sessions."""
    program, rows = Program(folder), []
    for sessions in SESSIONS:
        row: dict[str, Any] = {"sessions": sessions, "clients": simulated(sessions, signatures)}
        for way in WAYS:
            found, seconds = program.records(way, sessions, signatures)
            _, start = program.records(way, sessions, FEW)
            row[way] = found
            row[f"{way}_cpu_us"] = (seconds - start) / (sessions * (signatures - FEW)) * 1e6
        rows.append(row)
        show(row)
    return rows


def show(row: dict[str, Any]) -> None:
    """A line of the table."""
    ways = "".join(f"{row[way]:>10,.0f}" for way in WAYS)
    host = "".join(f"{row[f'{way}_cpu_us']:>8,.0f}" for way in WAYS)
    click.echo(f"{row['sessions']:>8}{row['clients']:>16,.0f}{ways}  {host}")


@click.command()
@click.option("--signatures", default=100, show_default=True, help="Of each session.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures there.")
def main(signatures: int, file: Path | None) -> None:
    """One thread with N asynchronous sessions against N simulated clients."""
    click.echo(f"{'':8}{'signatures a second, simulated':>46}{'CPU us each':>26}")
    ways = "".join(f"{way:>10}" for way in WAYS)
    click.echo(f"{'sessions':>8}{'N clients':>16}{ways}  {''.join(f'{w:>8}' for w in WAYS)}")
    try:
        with TemporaryDirectory() as folder:
            rows = measure(Path(folder), signatures)
    except (OSError, LibraryError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or str(error)
        click.echo(told.strip().splitlines()[0], err=True)
        sys.exit(2)
    if file is not None:
        file.write_text(json.dumps({**provenance(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
