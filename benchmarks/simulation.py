"""How fast the timing-only simulation is: requests per second of CPU time, client to record.

    python -m ghostcard.benchmarks.simulation [--requests 100000] [--rounds 3] [--json FILE]

A request passes client, dispatcher, queue machine, link, firmware core, engine, reply builder, link
and interrupt, and leaves a record. One thread computes, so its CPU time is what the host needs when
nothing else runs on it. The best round counts. Ends with 1 below the target.
"""

import json
import sys
import time
from pathlib import Path

import click

from ghostcard.benchmarks.cases import CASES, Case
from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.benchmarks.provenance import provenance
from ghostcard.driver.shapes import shape
from ghostcard.machine import Machine

TARGET_PER_S = 150_000
CLIENTS = (1, 8, 64)


def speed(case: Case, clients: int, requests: int, profile: str = "cex8p") -> float:
    """Requests per second of CPU time for one closed loop of `clients` clients."""
    machine = Machine.simulation(profile)
    work = Work(case.operation, case.payload, *shape(case.operation, case.payload))
    port, targets = machine.simulated(), machine.targets(0)
    loop = ClosedLoop(port, targets, [work], clients, requests // clients)
    began = time.process_time()
    loop.run()
    return len(machine.recorder) / (time.process_time() - began)


@click.command()
@click.option("--requests", default=100_000, show_default=True, type=click.IntRange(64))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures there.")
def main(requests: int, rounds: int, output: Path | None) -> None:
    """Measure the speed of the timing-only simulation."""
    figures: list[dict[str, object]] = []
    slowest = float("inf")
    print(f"{'operation':<18} {'clients':>7} {'requests/s of CPU time':>24}")
    for case in CASES:
        for clients in CLIENTS:
            best = max(speed(case, clients, requests) for _ in range(rounds))
            slowest = min(slowest, best)
            figures.append({"operation": case.operation, "clients": clients, "per_s": best})
            missed = "" if best >= TARGET_PER_S else f"  below {TARGET_PER_S:,}"
            print(f"{case.operation:<18} {clients:>7} {best:>24,.0f}{missed}", flush=True)
    if output:
        record = provenance(requests=requests, rounds=rounds, figures=figures)
        output.write_text(json.dumps(record, indent=2) + "\n")
    sys.exit(slowest < TARGET_PER_S)


if __name__ == "__main__":
    main()
