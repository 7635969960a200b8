"""Sides of a comparison: of a scenario that is simulated, and of records that were kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ghostcard.benchmarks.comparison import Figures, Sample, Side, figures_over
from ghostcard.benchmarks.estimation import Array
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.benchmarks.reporting.observed import observe
from ghostcard.benchmarks.reporting.quantiles import Distribution, of_histogram, of_values
from ghostcard.benchmarks.reporting.verdict import ceilings
from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_changes import of_tenants
from ghostcard.benchmarks.scenario_result import SATURATED, Result, evaluate
from ghostcard.benchmarks.scenario_rows import ALL, PERMILLE, Row
from ghostcard.benchmarks.scenario_run import Replication, replicate
from ghostcard.benchmarks.scenario_series import latencies, percentile, slim, throughput, warm
from ghostcard.benchmarks.scenario_stations import Busy
from ghostcard.emulator.card import Card

LOAD, PLACES = "the load", "the places of the queues"


def simulated(
    name: str, scenario: Scenario, replications: int, told: Callable[[], None] = lambda: None
) -> Side | None:
    """The side of a scenario, each replication with requests of its own; None when nothing was
    answered or it was interrupted."""
    results, latency = [], None
    for number in range(replications):
        run = replicate(scenario, number)
        if run.interrupted:
            raise KeyboardInterrupt
        if not run.answered:
            return None
        results.append(evaluate(scenario, [run]))
        latency = latency or _latency(scenario, run)
        told()
    assert latency is not None
    each = [[_figures(row) for row in result.rows] for result in results]
    if replications == 1:
        figures = tuple(each[0])
    else:
        figures = figures_over(each, scenario.confidence, scenario.seed)
    return Side(name, figures, _limit_of(results), latency)


def _figures(row: Row) -> Figures:
    return Figures(
        row.title,
        Sample(row.throughput_per_s),
        Sample(row.mean_ns),
        tuple(map(Sample, row.percentiles_ns)),
    )


def _latency(scenario: Scenario, run: Replication) -> Distribution:
    """Of a replication, without its warm-up."""
    if run.stream is not None:
        return of_histogram(run.stream.all.latency, PERMILLE)
    load = of_tenants(scenario, slim(run.recorder.array()))
    return of_values(_took(warm(load, scenario.warm_up_ns).answered), PERMILLE)


def _limit_of(results: Sequence[Result]) -> str:
    stations = [one for result in results for one in result.stations]
    places = [np.mean(result.in_hardware.means) / result.places for result in results]
    return limit(stations, results[0].rows[0].throughput_per_s.mean, float(np.mean(places)))


def limit(stations: Sequence[Busy], per_second: float, places_taken: float) -> str:
    """What limits the throughput, as a noun; `places_taken` is the share of the queues' places."""
    top = next(iter(ceilings(stations, per_second)), None)
    if top is not None and top.utilisation >= SATURATED:
        return f"the {top.title}"
    return PLACES if places_taken >= SATURATED else LOAD


def recorded(
    name: str, runs: Sequence[Requests], cards: dict[int, Card], confidence: float
) -> Side | None:
    """The side of records: batch means of one run; several count as replications. None when a run
    has no answered request."""
    observed = observe(runs, cards)
    if any(not (run.array["outcome"] == 0).any() for run in runs):
        return None
    latency = observed.kinds[0].latency
    assert latency is not None
    each = [_rows(run, confidence) for run in runs]
    figures = tuple(each[0]) if len(each) == 1 else figures_over(each, confidence, None)
    places = sum(
        cards[qid >> 8].profile.queue.depth
        for qid in {qid for run in runs for qid in np.unique(run.array["qid"]).tolist()}
    )
    taken = sum(observed.in_hardware.mean) / len(observed.in_hardware.mean) / places
    return Side(
        name, figures, limit(observed.stations, observed.kinds[0].per_second, taken), latency
    )


def _rows(run: Requests, confidence: float) -> list[Figures]:
    answered = warm(slim(run.array), 0).answered
    names = run.operations()
    rows = [_of(ALL, answered, confidence)]
    if len(names) > 1:
        for name in names:
            own = answered[answered["operation"] == run.names.index(name)]
            rows += [_of(name, own, confidence)] if len(own) else []
    return rows


def _of(title: str, answered: Array, confidence: float) -> Figures:
    return Figures(
        title,
        Sample(throughput(answered, confidence)),
        Sample(latencies(answered, confidence)),
        tuple(Sample(percentile(answered, permille, confidence)) for permille in PERMILLE),
    )


def _took(array: Array) -> Array:
    took: Array = array["done"].astype(np.int64) - array["submitted"].astype(np.int64)
    return took
