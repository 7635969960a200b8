"""Ghostcard's library against another PKCS #11 library, by the same C program, in turns: host time.

A round measures one, then the other (A B A B ...), so that both meet the machine in the same mood;
the ratio is the median of the rounds' ratios. An operation is that of benchmarks/client.c, with the
bytes of its message: the cost of a call is mostly the library's for short ones, the cryptography's
for long ones. What a library does not offer, or fails at, is told beside the rest.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ghostcard.benchmarks.client import ClientError, Loading, Measurement, Missing, measure
from ghostcard.library import library

SOFTHSM2 = "softhsm2"  # wherever it is installed, with a throwaway token
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
    """A PKCS #11 library, its environment, and the options of the C client that choose a token.

    Without a PIN (CLIENT_PIN in the environment) the token is a throwaway one.
    """

    name: str
    module: str
    environment: Mapping[str, str]
    token: tuple[str, ...] = ()

    @property
    def is_throwaway(self) -> bool:
        """Whether objects may be left on its token."""
        return "CLIENT_PIN" not in self.environment


class Comparison(NamedTuple):
    """Both libraries' median calls per second and the median of the rounds' ratios; None, and the
    reason in words or as the number of the mechanism, for what one of them does not do."""

    operation: str
    threads: int
    ghostcard_per_s: float | None
    other_per_s: float | None
    ratio: float | None
    ghostcard_missing: int | str | None = None
    other_missing: int | str | None = None


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
    return Contestant(SOFTHSM2, str(found[0]), {"SOFTHSM2_CONF": str(settings)})


def missed(row: Comparison) -> bool:
    """Whether there is a target for a row, by its operation and threads, that it does not meet."""
    target = target_of(row)
    return target is not None and (row.ratio is None or row.ratio < target)


def target_of(row: Comparison) -> float | None:
    """The least ratio to SoftHSM2 that we ask of ourselves; None: none."""
    targets = TARGETS.get(row.operation, ())
    return targets[row.threads - 1] if row.threads <= len(targets) else None


def compare(
    program: Path,
    ours: Contestant,
    theirs: Contestant,
    operations: Sequence[str],
    threads: Sequence[int],
    rounds: int,
    seconds: float,
) -> Iterator[list[Comparison]]:
    """The rows of each operation, one for each number of threads, as it is done."""
    for operation in operations:
        turns: list[tuple[Turn, ...]] = []
        for _ in range(rounds):
            each = (_turn(program, one, operation, threads, seconds) for one in (ours, theirs))
            turns.append(tuple(each))
            if any(turn.reason is not None for turn in turns[-1]):
                break
        yield [_row(operation, number, turns) for number in threads]


class Turn(NamedTuple):
    """Calls per second by threads, or why there are none: in words, or a mechanism's number."""

    rates: Mapping[int, float]
    reason: int | str | None = None


def _row(operation: str, threads: int, turns: Sequence[tuple[Turn, ...]]) -> Comparison:
    mine, other = (
        [turn[who].rates[threads] for turn in turns if threads in turn[who].rates] for who in (0, 1)
    )
    last = turns[-1]
    ratios = [a / b for a, b in zip(mine, other, strict=False)]
    return Comparison(
        operation,
        threads,
        None if last[0].reason is not None else statistics.median(mine),
        None if last[1].reason is not None else statistics.median(other),
        None if any(turn.reason is not None for turn in last) else statistics.median(ratios),
        last[0].reason,
        last[1].reason,
    )


def _turn(
    program: Path, contestant: Contestant, operation: str, threads: Sequence[int], seconds: float
) -> Turn:
    _, module, environment, token = contestant
    rates: dict[int, float] = {}
    try:
        for line in measure(program, module, (operation,), threads, seconds, environment, token):
            if isinstance(line, Missing):
                return Turn({}, line.missing)
            if isinstance(line, Measurement):
                rates[line.threads] = line.rate
    except ClientError as error:
        return Turn({}, str(error).removeprefix("client: "))
    return Turn(rates)


def start(program: Path, contestants: Sequence[Contestant], rounds: int) -> list[Start]:
    """From dlopen to the end of C_GetSlotList, in turns, each time in a new process.

    ClientError when a library cannot be loaded.
    """
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
