"""What it costs that a thread waits for its turn: `python -m ghostcard.benchmarks.gate [SECONDS]`.

The C client calls the library in a closed loop with 1, 2 and 8 threads, in host time, SECONDS (1)
each: without records, with its time behind, and in the strict order. The three take turns in one
run, three times over; the figures are medians of host microseconds per call, which other load on
the machine moves together.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ghostcard.benchmarks.client import Measurement, build, measure
from ghostcard.driver.timing import BEHIND, STRICT
from ghostcard.library import library

THREADS = (1, 2, 8)
OPERATION = "sha256"
WAYS = ("no records", BEHIND, STRICT)
ROUNDS = 3


def costs(seconds: float, rounds: int = ROUNDS) -> dict[tuple[str, int], float]:
    """Microseconds per call, by way and threads."""
    found: dict[tuple[str, int], list[float]] = {}
    with TemporaryDirectory(prefix="ghostcard-") as folder:
        program = build(Path(folder))
        for number in range(rounds):
            for way in WAYS:
                run = Path(folder) / f"{number}-{way}"
                run.mkdir()
                for one in _measured(program, run, way, seconds):
                    found.setdefault((way, one.threads), []).append(1e6 / one.rate)
    return {key: median(values) for key, values in found.items()}


def _measured(program: Path, run: Path, way: str, seconds: float) -> Iterator[Measurement]:
    config = run / "machine.toml"
    order = STRICT if way == WAYS[0] else way
    config.write_text(f'[time]\norder = "{order}"\n')
    environment = {"GHOSTCARD_HOME": str(run / "home"), "GHOSTCARD_CONFIG": str(config)}
    if way != WAYS[0]:
        environment["GHOSTCARD_RUN_DIR"] = str(run)
    for one in measure(program, str(library()), [OPERATION], THREADS, seconds, environment):
        if isinstance(one, Measurement):
            yield one


def main() -> None:
    """Print a line for each way."""
    found = costs(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
    print(f"{'host us per call':<18}" + "".join(f"{f'K = {k}':>10}" for k in THREADS))
    for way in WAYS:
        print(f"{way:<18}" + "".join(f"{found[way, k]:>10.1f}" for k in THREADS))


if __name__ == "__main__":
    main()
