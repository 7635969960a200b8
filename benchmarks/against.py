"""Ghostcard's library against SoftHSM2's, by the same C program, in turns: host time and ratios.

    python -m ghostcard.benchmarks.against [--rounds 5] [--seconds 0.5] [--json FILE]

A round measures one, then the other (A B A B ...), so that both meet the machine in the same mood;
the ratio is the median of the rounds' ratios. Ends with 1 when a target is missed, with 2 when it
cannot run.
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

# (operation, threads) -> least ratio to SoftHSM2's rate; absent: measured and shown only
TARGETS = {
    ("rsa2048-sign", 1): 1.7,
    ("rsa2048-sign", 2): 1.5,
    ("ecdsa-p256-sign", 1): 0.8,
    ("aes-256-gcm", 1): 0.4,
}
OPERATIONS = ("rsa2048-sign", "ecdsa-p256-sign", "aes-256-gcm")
LOADING_TARGET_MS = 100.0


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
    for operation in OPERATIONS:
        turns = [
            [_rates(program, each, operation, seconds) for each in (ours, theirs)]
            for _ in range(rounds)
        ]
        for threads in THREADS:
            mine, other = ([turn[who][threads] for turn in turns] for who in (0, 1))
            ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
            rates = statistics.median(mine), statistics.median(other)
            target = TARGETS.get((operation, threads))
            compared.append(Comparison(operation, threads, *rates, ratio, target))
    return compared


def loading(program: Path, contestant: Contestant, rounds: int) -> float:
    """Median milliseconds from dlopen to the end of C_Initialize, each time in a new process."""
    took = []
    for _ in range(rounds):
        for line in measure(program, contestant.module, (), (1,), 1, contestant.environment):
            assert isinstance(line, Loading)
            took.append(line.load_ms + line.initialize_ms)
    return statistics.median(took)


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
            compared, start = _run(Path(folder), rounds, seconds)
    except (ClientError, LibraryError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    _show(compared, start)
    if output:
        figures = [comparison._asdict() for comparison in compared]
        record = provenance(rounds=rounds, seconds=seconds, rates=figures, loading_ms=start)
        output.write_text(json.dumps(record, indent=2) + "\n")
    quick = start["ghostcard"] <= LOADING_TARGET_MS
    sys.exit(not (quick and all(comparison.holds() for comparison in compared)))


def _run(folder: Path, rounds: int, seconds: float) -> tuple[list[Comparison], dict[str, float]]:
    program = build(folder)
    ours, theirs = ghostcard(folder), softhsm2(folder)
    compared = compare(program, ours, theirs, rounds, seconds)
    return compared, {each.name: loading(program, each, 4 * rounds) for each in (ours, theirs)}


def _show(compared: Sequence[Comparison], start: Mapping[str, float]) -> None:
    print("host time, C client, in turns   threads  ghostcard/s   SoftHSM2/s  ratio  target")
    for each in compared:
        rates = f"{each.ghostcard_per_s:12,.0f} {each.softhsm2_per_s:12,.0f} {each.ratio:6.2f}"
        target = "" if each.target is None else f"{each.target:7.1f}"
        missed = "" if each.holds() else "  missed"
        print(f"{each.operation:<31} {each.threads:7d} {rates} {target}{missed}")
    for name, took in start.items():
        target = f", target at most {LOADING_TARGET_MS:.0f}" if name == "ghostcard" else ""
        print(f"loading and C_Initialize, {name}: {took:.1f} ms{target}")


if __name__ == "__main__":
    main()
