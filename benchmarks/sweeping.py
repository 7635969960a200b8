"""How long a sweep takes, and what a second worker brings: one and two workers in turns.

``python -m ghostcard.benchmarks.sweeping [--cases N] [--rounds N]``

Each is the whole command, from its start to the files, in a folder of its own. CPU time is that of
all its processes; on a host with other work to do, the ratio of CPU times is what can be trusted:
two workers that cost no more CPU time than one take half as long where there are two free cores.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

_SCENARIO = """
requests = 20_000

[[tenants]]
operation = "rsa2048-sign"
payload_bytes = 51
think = { mean_ns = 1_000_000, distribution = "exponential" }
"""


class Turn(NamedTuple):
    """What one sweep took, in seconds."""

    workers: int
    wall_s: float
    cpu_s: float


def turn(workers: int, cases: int) -> Turn:
    """One sweep of `cases` cases of 20,000 requests; `SystemExit` if it does not end well."""
    with TemporaryDirectory() as folder:
        scenario = Path(folder) / "scenario.toml"
        scenario.write_text(_SCENARIO)
        clients = -(-cases // 10)
        command = [
            sys.executable, "-m", "ghostcard", "sweep", str(scenario), "--csv",
            f"--vary=clients=1..{clients}", f"--replications={cases // clients}",
            f"--workers={workers}", f"--output={folder}/out",
        ]  # fmt: skip
        before, began = _cpu_s(), time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        wall_s, cpu_s = time.perf_counter() - began, _cpu_s() - before
    if done.returncode or done.stdout.count("\n") != cases // clients * clients + 1:
        raise SystemExit(f"the sweep ended with {done.returncode}")
    return Turn(workers, wall_s, cpu_s)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print each turn, then the ratios of the best of either."""
    parser = argparse.ArgumentParser(description=__doc__, prog="ghostcard.benchmarks.sweeping")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    turns: list[Turn] = []
    print(f"{asked.cases} cases of 20,000 requests, {os.cpu_count()} cores, host time")
    print("workers     wall s      CPU s  cases/s")
    for workers in (1, 2) * asked.rounds:
        last = turn(workers, asked.cases)
        turns.append(last)
        print(
            f"{workers:7} {last.wall_s:10.1f} {last.cpu_s:10.1f} {asked.cases / last.wall_s:8.1f}"
        )
    wall = _least(turns, 1).wall_s / _least(turns, 2).wall_s
    cpu = 2 * _least(turns, 1).cpu_s / _least(turns, 2).cpu_s
    print(f"two workers take 1/{wall:.2f} of the time; by CPU time it could be 1/{cpu:.2f}")


def _least(turns: Sequence[Turn], workers: int) -> Turn:
    """The least of each time, of the turns with so many workers."""
    found = [one for one in turns if one.workers == workers]
    return Turn(workers, min(one.wall_s for one in found), min(one.cpu_s for one in found))


if __name__ == "__main__":
    main()
