"""``ghostcard simulate``: a scenario's load on its cards, and what theory says beside it."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

from ghostcard.benchmarks import scenario_reader
from ghostcard.benchmarks.analysis import Answer, Load, answers, loads
from ghostcard.benchmarks.engine_choice import ASKED_FOR, AUTO, RECURSION, SIMPY, EngineError
from ghostcard.benchmarks.scenario import Scenario, ScenarioError
from ghostcard.benchmarks.scenario_changes import carry_out
from ghostcard.benchmarks.scenario_limits import expected_requests, require_possible
from ghostcard.benchmarks.scenario_result import Changed, Result, evaluate, plain
from ghostcard.benchmarks.scenario_rows import PERMILLE, Row
from ghostcard.benchmarks.scenario_run import Replication, machine_of, replicate
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, duration, estimated, estimated_rate, rate, table
from ghostcard.cli.progress import bar_of

_BARS = " ▁▂▃▄▅▆▇█"


@click.command(
    "simulate",
    epilog="""\b
Examples:
  ghostcard simulate benchmarks/scenarios/closed.toml
  ghostcard simulate mine.toml --set tenants[0].clients=64 --seed 7
  ghostcard simulate mine.toml --records run.gcr && ghostcard explain run.gcr
  ghostcard simulate mine.toml --faults docs/examples/faults.toml
""",
)
@click.argument("scenario", type=click.Path(dir_okay=False))
@click.option("--seed", type=click.IntRange(0), help="Instead of the scenario's.")
@click.option("--replications", type=click.IntRange(1), help="Instead of the scenario's.")
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    type=click.Choice([AUTO, SIMPY, RECURSION]),
    help="What computes the times.",
)
@click.option("--records", type=click.Path(path_type=Path), help="Write the requests there.")
@click.option(
    "--faults", type=click.Path(dir_okay=False), help="A plan of faults (docs/faults.md)."
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the scenario.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not tables.")
def command(
    scenario: str,
    seed: int | None,
    replications: int | None,
    engine: str,
    records: Path | None,
    faults: str | None,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Simulate SCENARIO, a TOML file that docs/scenarios.md describes.

    All times are simulated. Ctrl-C ends the run, and reports what was done until then.
    """
    options = [f"{name}={value}" for name, value in
               (("seed", seed), ("replications", replications)) if value is not None]  # fmt: skip
    if faults is not None:
        options.append(f"faults={json.dumps(os.path.abspath(faults))}")
    try:
        loaded = scenario_reader.load(scenario, [*changes, *options])
        cards = machine_of(loaded, loaded.seed).bus.cards
        offered = loads(loaded, cards)
        require_possible(loaded, cards, offered)
        later = _changed_loads(loaded)
    except ScenarioError as error:
        raise Failure(str(error), 2) from None
    if records and loaded.histogram:
        raise Failure('--records: percentiles = "histogram" keeps none, take "exact"', 2)
    if records:
        _require_folder(records)
    for warning in _overloads(offered, later):
        click.echo(f"warning: {warning}", err=True)
    try:
        runs = _run(loaded, expected_requests(loaded, cards), engine)
    except EngineError as error:
        raise Failure(str(error), 2) from None
    if records:
        runs[0].recorder.save(records)
    if not any(run.ended for run in runs):
        raise Failure("interrupted before the first request ended", 130)
    if loaded.faults is not None and not all(run.answered for run in runs if run.ended):
        told = ", ".join(f"{name} {times:,}" for name, times in _happened(runs).items())
        raise Failure(f"no request was answered, there is nothing to measure; faults: {told}")
    result = evaluate(loaded, [run for run in runs if run.ended])
    said = answers(loaded, cards)
    if as_json:
        document(_document(loaded, result, offered, said, _happened(runs)))
    else:
        _show(loaded, result, said)
        if loaded.faults is not None:
            table("Faults", ("fault", ">happened"), _happened(runs).items())
    if result.interrupted:
        raise Failure("interrupted; the figures are of what was done until then", 130)


def _happened(runs: Sequence[Replication]) -> dict[str, int]:
    """How often each fault happened, by its name."""
    return dict(sorted(Counter(note.name for run in runs for note in run.recorder.notes).items()))


def _require_folder(records: Path) -> None:
    """Said before the run, not after it."""
    folder = records.parent
    if records.is_dir() or not os.access(folder, os.W_OK):
        why = "is a folder" if records.is_dir() else f"cannot be made in {folder}"
        raise Failure(f"--records: {records} {why}", 2)


def _run(scenario: Scenario, expected: int | None, engine: str) -> list[Replication]:
    runs: list[Replication] = []
    with _progress(scenario, expected) as watch:
        for number in range(scenario.replications):
            done = sum(run.ended for run in runs)
            told = partial(_tell, watch, done)
            runs.append(replicate(scenario, number, told, engine))
            if runs[-1].interrupted:
                break
    return runs


def _tell(watch: Callable[[int], None], before: int, ended: int) -> None:
    watch(before + ended)


@contextmanager
def _progress(scenario: Scenario, expected: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, nothing elsewhere."""
    total = None if expected is None else expected * scenario.replications
    counted = TextColumn("{task.completed:,} requests")
    with bar_of(BarColumn(), counted, TimeElapsedColumn()) as bar:
        task = bar.add_task(scenario.name, total=total)
        yield lambda ended: bar.update(task, completed=ended)


def _changed_loads(scenario: Scenario) -> Sequence[Load]:
    """The loads after all changes; none if there are no changes."""
    if not scenario.changes:
        return ()
    bus = machine_of(scenario, scenario.seed).bus
    carry_out(scenario, bus)
    offered = loads(scenario, bus.cards)
    require_possible(scenario, bus.cards, offered)
    return offered


def _overloads(offered: Sequence[Load], later: Sequence[Load]) -> Iterator[str]:
    """The utilisation law, before the run: at its beginning, and after the changes."""
    for when, one in [("", one) for one in offered] + [
        (" after the changes", one) for one in later
    ]:
        if one.load >= 1:
            yield (
                f"the load on {one.station} of card {one.adapter} is {one.load:.2f} of what it "
                f"can serve{when} ({', '.join(one.tenants)}): there is no steady state, "
                "and requests wait the longer the longer the run"
            )


def _document(
    scenario: Scenario,
    result: Result,
    offered: Sequence[Load],
    said: Sequence[Answer],
    faults: dict[str, int],
) -> dict[str, object]:
    return {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "percentiles": [permille / 10 for permille in PERMILLE],
        "engine": result.engine,
        "engine_reason": result.engine_reason,
        "result": plain(result),
        "bottleneck": result.bottleneck(),
        "offered_load": plain(list(offered)),
        "theory": plain(list(said)),
        "faults": faults,
    }


_ROWS = ("", ">requests", ">per second", ">mean", ">50 %", ">90 %", ">99 %", ">99.9 %")


def _show(scenario: Scenario, result: Result, said: Sequence[Answer]) -> None:
    for line in scenario.description.strip().splitlines():
        click.echo(line)
    how = f"{_method(result)}, engine {result.engine}"
    title = f"Simulated, with {scenario.confidence:.0%} confidence ({how})"
    table(title, _ROWS, map(_cells, result.rows))
    used = [one for one in result.stations if one.utilisation]
    shown = ((one.adapter, one.station, one.servers, f"{one.utilisation:.1%}") for one in used)
    if used:
        table("Stations", (">card", "station", ">servers", ">busy"), shown)
    _show_depth(result)
    if result.engine == SIMPY and result.engine_reason != ASKED_FOR:
        click.echo(f"Engine {SIMPY}: {result.engine_reason}.")
    click.echo(_warm_up(result, scenario))
    click.echo(result.bottleneck())
    for one in result.changes:
        click.echo(_changed(one))
    if result.overloaded:
        click.echo("Unstable: the requests under way grew to the end of the run.")
    if result.settled is not None:
        reached = "was" if result.settled else "was NOT"
        click.echo(f"The relative error asked for {reached} reached.")
    columns = ("~formula", ">per second", ">mean latency", "~assumes")
    table("Theory", columns, map(_answer, said))


def _changed(changed: Changed) -> str:
    (at_ns, card, key, value), fetched_ns = changed
    if fetched_ns is None:
        return f"{key} of card {card} did not change: the run ended before {duration(at_ns)}."
    return f"{key} of card {card} is {value:,} from {duration(fetched_ns)} on."


def _method(result: Result) -> str:
    if result.replications == 1:
        return "batch means of one run"
    return f"{result.replications} replications"


def _warm_up(result: Result, scenario: Scenario) -> str:
    is_found = scenario.warm_up_ns is None and not scenario.histogram
    how = "MSER-5" if is_found else "warm_up_ns"
    doubt = "" if result.warm_up_found else "; the run may be too short to tell"
    text = f"{result.left_out:,} requests, {duration(result.warm_up_ns)}"
    return f"Warm-up left out by {how}: {text} of {duration(result.span_ns)}{doubt}."


def _show_depth(result: Result) -> None:
    for title, one in (("under way", result.in_system), ("in hardware", result.in_hardware)):
        top = max(one.means)
        steps = len(_BARS) - 1
        line = "".join(_BARS[round(mean / top * steps) if top else 0] for mean in one.means)
        mean = sum(one.means) / len(one.means)
        most = "" if one.greatest is None else f", at most {one.greatest:,}"
        click.echo(f"{title:<12} |{line}| mean {mean:.2f}{most}")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.title + (f" ({row.failed:,} failed)" if row.failed else ""),
        f"{row.requests:,}",
        estimated_rate(row.throughput_per_s),
        *(estimated(one, duration) for one in (row.mean_ns, *row.percentiles_ns)),
    )


def _answer(answer: Answer) -> tuple[str, ...]:
    per_second, latency = answer.throughput_per_s, answer.latency_ns
    return (
        answer.formula,
        "" if per_second is None else rate(per_second),
        "" if latency is None else duration(latency),
        answer.assumes,
    )
