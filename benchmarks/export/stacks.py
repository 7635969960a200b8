"""Collapsed stacks: where the simulated time of each operation went, for a flame graph.

A line is `operation;kind;interval nanoseconds`, as flamegraph.pl, speedscope and inferno read it;
the kinds are host, transfer, waiting and service (`owntime` tells waiting from the rest).
"""

from collections import Counter
from os import PathLike

import numpy as np

from ghostcard.benchmarks.export.intervals import INTERVALS, WAITING
from ghostcard.benchmarks.export.owntime import OwnTimes, durations
from ghostcard.benchmarks.export.requests import Chunk, Requests

_GIVEN_UP = 1 << 16  # a bit above the two indices of a group


def write(requests: Requests, path: str | PathLike[str]) -> None:
    """Write the summed times in nanoseconds; what took no time has no line.

    The time of a request that the driver gave up stands under `given up`: it passed no stage.
    """
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for stack, total_ns in sorted(_totals(requests).items()):
            file.write(f"{stack} {total_ns}\n")


def _totals(requests: Requests) -> Counter[str]:
    own = OwnTimes(requests)
    totals: Counter[str] = Counter()
    for chunk in requests.chunks():
        operations, engines = chunk.array["operation"], chunk.array["engine"]
        groups = operations.astype(np.int64) << 17 | chunk.given_up() * _GIVEN_UP | engines
        for group in np.unique(groups).tolist():
            root = _frame(requests.names[group >> 17] or "unknown operation")
            same = chunk.take(groups == group)
            if group & _GIVEN_UP:
                totals[f"{root};given up"] += int(
                    (same.times("done") - same.times("submitted")).sum()
                )
            else:
                _add(totals, root, requests.names[group & 0xFFFF], same, own)
    return +totals  # without zeros


def _add(totals: Counter[str], root: str, engine: str, chunk: Chunk, own: OwnTimes) -> None:
    """Add the requests of one operation and engine."""
    for interval in INTERVALS:
        waited = int(own.waiting(interval, chunk).sum())
        of_engine = f" {engine}" if engine and interval.name.endswith("engine") else ""
        if interval.waits_for:
            line = _frame(f"for {interval.waits_for}{of_engine}")
            totals[f"{root};{WAITING};{line}"] += waited
        if interval.kind != WAITING:
            name = _frame(f"{interval.name}{of_engine}")
            spent = int(durations(interval, chunk).sum()) - waited
            totals[f"{root};{interval.kind};{name}"] += spent


def _frame(name: str) -> str:
    """A name that cannot be taken for two frames."""
    return name.replace(";", ",")
