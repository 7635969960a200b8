"""The two engines and other tools on the same load, in turns; memory and time over requests.

    python -m ghostcard.benchmarks.engines [--requests 400000] [--rounds 3] [--json FILE]

A closed loop of 64 clients on the default card. The engines compute the full path, driver included,
and leave records; a plain SimPy model and Ciw (if it is installed) compute a line of stations
(`rivals`). One thread computes, so its CPU time counts; the best of the rounds is shown. Each size
of the second table is simulated and evaluated as by `ghostcard simulate`, in a process of its own.
Ends with 1 if a target is missed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import NamedTuple

import click

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.benchmarks.provenance import provenance
from ghostcard.benchmarks.recursion import engine
from ghostcard.benchmarks.recursion.sources import closed_loop
from ghostcard.benchmarks.rivals import by_ciw, plain_simpy, stations
from ghostcard.benchmarks.scenario_reader import parse
from ghostcard.benchmarks.scenario_result import evaluate
from ghostcard.benchmarks.scenario_run import replicate
from ghostcard.machine import Machine

CLIENTS = 64
WORK = sized("rsa2048-sign", 51)
TARGETS_PER_S = {"recursion": 1_000_000, "simpy": 150_000}
TARGETS_MIB = {"records": 500, "histogram": 100}  # of a million requests
SIZES = (100_000, 1_000_000, 10_000_000)
_SHARE = {"recursion": 1, "simpy": 10, "plain SimPy": 20, "Ciw": 200}  # of the requests, 1 / n


class Footprint(NamedTuple):
    """What a run took of the host."""

    requests: int
    keeps: str  # "records" or "histogram"
    seconds: float  # of CPU time
    mib: int  # the most memory the process ever had

    @property
    def target_mib(self) -> int | None:
        return TARGETS_MIB[self.keeps] if self.requests == 1_000_000 else None


def recursion(requests: int) -> int:
    """The default card by the second engine; how many requests ended."""
    machine = Machine.simulation()
    sources = closed_loop(machine.targets(0), [WORK], CLIENTS)
    engine.run(machine.bus, machine.recorder, sources, requests)
    return len(machine.recorder)


def simpy(requests: int) -> int:
    """The same by SimPy."""
    machine = Machine.simulation()
    targets = machine.targets(0)
    ClosedLoop(machine.simulated(), targets, [WORK], CLIENTS, requests // CLIENTS).run()
    return len(machine.recorder)


def plain(requests: int) -> int:
    """Its line of stations as processes and Resources."""
    line = stations(Machine.simulation().bus.cards[0], WORK)
    return len(plain_simpy(line, CLIENTS, requests))


def ciw(requests: int) -> int:
    """Its line of stations in Ciw, for as long as so many requests take."""
    card = Machine.simulation().bus.cards[0]
    line = stations(card, WORK)
    slowest_ns = max(one.service_ns / one.servers for one in line if one.servers)
    return by_ciw(line, CLIENTS, int(requests * slowest_ns))


def speeds(requests: int, rounds: int) -> dict[str, float]:
    """Requests per second of CPU time by tool, the best of the rounds, in which all take turns."""
    tools: dict[str, Callable[[int], int]] = {
        "recursion": recursion,
        "simpy": simpy,
        "plain SimPy": plain,
    }
    if find_spec("ciw"):
        tools["Ciw"] = ciw
    best = dict.fromkeys(tools, 0.0)
    for _ in range(rounds):
        for name, run in tools.items():
            began = time.process_time()
            ended = run(max(requests // _SHARE[name], 10 * CLIENTS))
            best[name] = max(best[name], ended / (time.process_time() - began))
    return best


def occupy(requests: int, keeps: str) -> Footprint:
    """Run a scenario and evaluate it here, as `ghostcard simulate` does; what it took."""
    percentiles = "histogram" if keeps == "histogram" else "exact"
    tenant = {"operation": WORK.operation, "payload_bytes": WORK.payload_bytes, "clients": CLIENTS}
    scenario = parse({"requests": requests, "percentiles": percentiles, "tenants": [tenant]})
    began = time.process_time()
    submitted = evaluate(scenario, [replicate(scenario, 0)]).submitted
    took = time.process_time() - began
    return Footprint(submitted, keeps, took, _peak_kib() // 1024)


def _peak_kib() -> int:
    """The most memory this program has had. Linux counts in ru_maxrss what its parent had, too."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return getrusage(RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    return int(status.partition("VmHWM:")[2].split()[0])


def footprint(requests: int, keeps: str) -> Footprint:
    """The same in a process of its own."""
    code = f"from {__spec__.name if __spec__ else __name__} import occupy; import json; "
    code += f"print(json.dumps(occupy({requests}, {keeps!r})))"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return Footprint(*json.loads(output.stdout))


def _show_speeds(best: dict[str, float]) -> bool:
    met = True
    print(f"{'':<12} {'requests/s of CPU time':>24} {'recursion is':>14} {'simpy is':>10}")
    for name, per_s in best.items():
        missed = per_s < TARGETS_PER_S.get(name, 0)
        met &= not missed
        note = f"  below {TARGETS_PER_S[name]:,}" if missed else ""
        ratios = (best[ours] / per_s for ours in ("recursion", "simpy"))
        fast, slow = (f"{ratio:,.1f} x" for ratio in ratios)
        print(f"{name:<12} {per_s:>24,.0f} {fast:>14} {slow:>10}{note}", flush=True)
    return met


def _show_footprint(one: Footprint) -> bool:
    target = one.target_mib
    missed = target is not None and one.mib > target
    note = f"  above {target} MiB" if missed else ""
    print(
        f"{one.requests:>12,} {one.keeps:<10} {one.seconds:>8.2f} s {one.mib:>6} MiB{note}",
        flush=True,
    )
    return not missed


@click.command()
@click.option("--requests", default=400_000, show_default=True, type=click.IntRange(6400))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--sizes", default=len(SIZES), show_default=True, type=click.IntRange(0, len(SIZES)))
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures there.")
def main(requests: int, rounds: int, sizes: int, output: Path | None) -> None:
    """Measure the engines."""
    best = speeds(requests, rounds)
    met = _show_speeds(best)
    if "Ciw" not in best:
        print("Ciw is not installed: pip install 'ghostcard[benchmark]'")
    taken = []
    for size in SIZES[:sizes]:
        for keeps in TARGETS_MIB:
            taken.append(footprint(size, keeps))
            met &= _show_footprint(taken[-1])
    if output:
        plain_taken = [one._asdict() for one in taken]
        record = provenance(requests=requests, rounds=rounds, per_s=best, footprints=plain_taken)
        output.write_text(json.dumps(record, indent=2) + "\n")
    sys.exit(not met)


if __name__ == "__main__":
    main()
