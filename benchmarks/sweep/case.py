"""One case: a scenario with its values, and one replication of it; what identifies it, and its run.

Nothing here depends on the other cases, on the host, or on the time at which it is run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from ghostcard import __version__
from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_result import Result, evaluate
from ghostcard.benchmarks.scenario_rows import Row
from ghostcard.benchmarks.scenario_run import Replication, replicate
from ghostcard.benchmarks.sweep import columns
from ghostcard.benchmarks.workload import replication_seed

Figures = dict[str, object]
"""The columns of a case that its run gives (`columns.FIGURES`)."""


class Case(NamedTuple):
    """What is to be run; `values` are those of the axes, in their order."""

    values: tuple[object, ...]
    replication: int
    scenario: Scenario
    key: str  # the same for whatever gives the same figures


def key_of(scenario: Scenario, replication: int, profiles: str) -> str:
    """The digest of all that the figures of a case depend on; `profiles` is that of its cards.

    Names, comments and the place of files are not among it; neither is how many replications the
    sweep has.
    """
    spec = scenario.machine._replace(profiles=(), loaded=())
    bare = scenario._replace(name="", description="", machine=spec, replications=1)
    text = f"{__version__}\n{profiles}\n{replication}\n{bare!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def run(case: Case) -> Figures:
    """The figures of a case; of one that fails its reason."""
    seed = replication_seed(case.scenario.seed, case.replication)
    try:
        done = replicate(case.scenario, case.replication)
        if not done.answered:
            return failed(seed, "no request was answered")
        return _figures(done, evaluate(case.scenario, [done]))
    except Exception as error:  # of this case alone: the others go on
        return failed(seed, f"{type(error).__name__}: {error}")


def failed(seed: int, reason: str) -> Figures:
    """A case without figures."""
    return {"run_seed": seed, "status": columns.FAILED, "reason": reason}


def _figures(done: Replication, result: Result) -> Figures:
    everything, *parts = result.rows
    busiest = max(result.stations, key=lambda one: one.utilisation)
    return {
        "run_seed": done.seed,
        "status": columns.DONE,
        "reason": "",
        "engine": result.engine,
        **_row(everything),
        "per_second_half_width": everything.throughput_per_s.half_width,
        "mean_half_width_ns": everything.mean_ns.half_width,
        "busiest": f"{busiest.title} of card {busiest.adapter}",
        "busiest_utilisation": busiest.utilisation,
        "in_system": _mean(result.in_system.means),
        "in_hardware": _mean(result.in_hardware.means),
        "places": result.places,
        "warm_up_ns": result.warm_up_ns,
        "warm_up_found": result.warm_up_found,
        "span_ns": result.span_ns,
        "overloaded": result.overloaded,
        "stations": [
            {
                "card": one.adapter,
                "station": one.station,
                "servers": one.servers,
                "utilisation": one.utilisation,
            }
            for one in result.stations
        ],
        "parts": [{"title": row.title, **_row(row)} for row in parts],
    }


def _row(row: Row) -> Mapping[str, object]:
    times = (row.mean_ns, *row.percentiles_ns)
    return {
        "answered_requests": row.requests,
        "failed_requests": row.failed,
        "per_second": row.throughput_per_s.mean or None,  # too few to tell
        **{name: time.mean for name, time in zip(columns.TIMES, times, strict=True)},
    }


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
