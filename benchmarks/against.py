"""Ghostcard's library against SoftHSM2's, by the same C program, in turns: host time and ratios.

    python -m ghostcard.benchmarks.against [--rounds 5] [--seconds 0.5] [--json FILE]

A round measures one, then the other (A B A B ...), so that both meet the machine in the same mood;
the ratio is the median of the rounds' ratios. An operation is that of benchmarks/client.c, with the
bytes of its message: the cost of a call is mostly ours for short ones, the cryptography's for long
ones. Ends with 1 when a target is missed, with 2 when it cannot run.
"""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click

from ghostcard.benchmarks.cases import THREADS
from ghostcard.benchmarks.client import ClientError, Loading, Measurement, build, measure
from ghostcard.benchmarks.provenance import provenance
from ghostcard.library import LibraryError, library

# operation -> least ratio to SoftHSM2's rate with one and with two threads; None: shown only
TARGETS: dict[str, tuple[float | None, float | None]] = {
    "rsa2048-sign": (2.0, 1.8),
    "ecdsa-p256-sign": (1.3, 1.2),
    "aes-256-gcm:65536": (2.0, 1.4),  # three requests: a card's longest message is 60 KiB
    "aes-256-gcm:57344": (None, None),  # the most of one request
    "aes-256-cbc:65536": (1.0, 1.0),
    "sha256:65536": (0.9, 0.9),
    "aes-256-gcm:1024": (1.0, 0.8),
    "hmac-sha256:1024": (0.8, 0.7),
    "find": (0.5, 0.5),
    "find-token:10000": (100.0, None),  # the last: the objects stay on the token
}
START_TARGET_MS = 60.0  # dlopen, C_Initialize, C_GetSlotList
RESIDENT_TARGET_MIB = 40.0  # of the whole process then


class Contestant(NamedTuple):
    """A PKCS #11 library and the environment in which it has an empty token store."""

    name: str
    module: str
    environment: Mapping[str, str]


class Comparison(NamedTuple):
    """Both libraries' median rates and the median of the rounds' ratios."""

    operation: str
    threads: int
    ghostcard_per_s: float
    softhsm2_per_s: float
    ratio: float
    target: float | None

    def holds(self) -> bool:
        """Whether the target is met; always without one."""
        return self.target is None or self.ratio >= self.target


class Start(NamedTuple):
    """What it costs to have a library: medians over new processes."""

    name: str
    start_ms: float
    resident_mib: float


def ghostcard(folder: Path) -> Contestant:
    """Our library with its state in `folder`, whatever the user's configuration says."""
    state = {"GHOSTCARD_HOME": str(folder / "ghostcard"), "GHOSTCARD_CONFIG": ""}
    return Contestant("ghostcard", str(library()), state)


def softhsm2(folder: Path) -> Contestant:
    """SoftHSM2 with its tokens in `folder`; ClientError when it is not installed."""
    found = sorted(Path("/usr/lib").glob("**/softhsm/libsofthsm2.so"))
    if not found:
        raise ClientError("libsofthsm2.so is not installed (Debian: softhsm2)")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    return Contestant("softhsm2", str(found[0]), {"SOFTHSM2_CONF": str(settings)})


def compare(
    program: Path, ours: Contestant, theirs: Contestant, rounds: int, seconds: float
) -> list[Comparison]:
    """Every operation with every number of threads, in turns."""
    compared = []
    for operation, targets in TARGETS.items():
        turns = [
            [_rates(program, each, operation, seconds) for each in (ours, theirs)]
            for _ in range(rounds)
        ]
        for threads, target in zip(THREADS, targets, strict=True):
            mine, other = ([turn[who][threads] for turn in turns] for who in (0, 1))
            ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
            rates = statistics.median(mine), statistics.median(other)
            compared.append(Comparison(operation, threads, *rates, ratio, target))
    return compared


def start(program: Path, contestants: Sequence[Contestant], rounds: int) -> list[Start]:
    """From dlopen to the end of C_GetSlotList, in turns, each time in a new process."""
    turns = [[_loading(program, each) for each in contestants] for _ in range(rounds)]
    return [
        Start(
            each.name,
            statistics.median(one.load_ms + one.initialize_ms + one.slots_ms for one in loadings),
            statistics.median(one.resident_kib / 1024 for one in loadings),
        )
        for each, loadings in zip(contestants, zip(*turns, strict=True), strict=True)
    ]


def _loading(program: Path, contestant: Contestant) -> Loading:
    (line,) = measure(program, contestant.module, (), (1,), 1, contestant.environment)
    assert isinstance(line, Loading)
    return line


def _rates(
    program: Path, contestant: Contestant, operation: str, seconds: float
) -> dict[int, float]:
    lines = measure(
        program, contestant.module, (operation,), THREADS, seconds, contestant.environment
    )
    return {line.threads: line.rate for line in lines if isinstance(line, Measurement)}


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Turns each.")
@click.option("--seconds", default=0.5, show_default=True, help="Host time of one measurement.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures there.")
def main(rounds: int, seconds: float, output: Path | None) -> None:
    """Compare libghostcard.so with SoftHSM2, in turns: host time and ratios."""
    try:
        with TemporaryDirectory() as folder:
            compared, starts = _run(Path(folder), rounds, seconds)
    except (ClientError, LibraryError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    ours = starts[0]
    quick = ours.start_ms <= START_TARGET_MS and ours.resident_mib <= RESIDENT_TARGET_MIB
    _show(compared, starts)
    if output:
        figures = [comparison._asdict() for comparison in compared]
        loading = [each._asdict() for each in starts]
        record = provenance(rounds=rounds, seconds=seconds, rates=figures, loading=loading)
        output.write_text(json.dumps(record, indent=2) + "\n")
    sys.exit(not (quick and all(comparison.holds() for comparison in compared)))


def _run(folder: Path, rounds: int, seconds: float) -> tuple[list[Comparison], list[Start]]:
    program = build(folder)
    ours, theirs = ghostcard(folder), softhsm2(folder)
    starts = start(program, (ours, theirs), 4 * rounds)
    return compare(program, ours, theirs, rounds, seconds), starts


def _show(compared: Sequence[Comparison], starts: Sequence[Start]) -> None:
    print("host time, C client, in turns   threads  ghostcard/s   SoftHSM2/s    ratio  target")
    for each in compared:
        rates = f"{each.ghostcard_per_s:12,.0f} {each.softhsm2_per_s:12,.0f} {each.ratio:8.2f}"
        target = "" if each.target is None else f"{each.target:7.1f}"
        missed = "" if each.holds() else "  missed"
        print(f"{each.operation:<31} {each.threads:7d} {rates} {target}{missed}".rstrip())
    for name, start_ms, resident_mib in starts:
        took = f"{start_ms:.1f} ms, {resident_mib:.1f} MiB"
        print(f"dlopen, C_Initialize and C_GetSlotList, {name}: {took}")
    print(f"targets: at most {START_TARGET_MS:.0f} ms, {RESIDENT_TARGET_MIB:.0f} MiB")


if __name__ == "__main__":
    main()
