"""``ghostcard sweep``: a scenario in all combinations of values, on all cores or a cluster."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ghostcard.benchmarks.provenance import provenance
from ghostcard.benchmarks.scenario import ScenarioError
from ghostcard.benchmarks.sweep import cluster, columns
from ghostcard.benchmarks.sweep.case import Figures
from ghostcard.benchmarks.sweep.errors import SweepError
from ghostcard.benchmarks.sweep.grid import Grid, grid
from ghostcard.benchmarks.sweep.journal import Journal
from ghostcard.benchmarks.sweep.rows import Row, as_csv, rows, write_parquet
from ghostcard.benchmarks.sweep.summary import Combination, combinations
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, duration, estimated, estimated_rate, table
from ghostcard.cli.progress import bar_of

if TYPE_CHECKING:
    from distributed import Client

LINES_MAX = 100  # of the table; the files have all


@click.command(
    "sweep",
    epilog="""\b
Examples:
  ghostcard sweep mine.toml --vary clients=1..64 --vary cards=1,2,4
  ghostcard sweep mine.toml --vary payload=64:16384:x4 --replications 5
  ghostcard sweep mine.toml --vary 'tenants[0].think.mean_ns=0:1000000:+250000' --csv
  ghostcard sweep mine.toml --vary depth=1..8 --scheduler tcp://10.0.0.1:8786
""",
)
@click.argument("scenario", type=click.Path(dir_okay=False))
@click.option(
    "--vary",
    required=True,
    multiple=True,
    metavar="KEY=VALUES",
    help="A key and its values: 1,2,4, 1..64, 1..64:8, 64:16384:x4, 0:1024:+256.",
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the scenario.")
@click.option("--replications", type=click.IntRange(1), help="Instead of the scenario's.")
@click.option("--workers", type=click.IntRange(1), help="Processes on this host.  [default: cores]")
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster that is there.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the results.  [default: results/sweep-SCENARIO]",
)
@click.option("--json", "as_json", is_flag=True, help="Print all cases as JSON, no table.")
@click.option("--csv", "with_csv", is_flag=True, help="Print all cases as CSV, no table.")
def command(
    scenario: str,
    vary: tuple[str, ...],
    changes: tuple[str, ...],
    replications: int | None,
    workers: int | None,
    scheduler: str | None,
    output: Path | None,
    as_json: bool,
    with_csv: bool,
) -> None:
    """Simulate SCENARIO in all combinations of values (docs/sweeps.md).

    A case that is finished is kept: after Ctrl-C, or whatever ended it, the same command goes on.
    """
    if workers and scheduler:
        raise Failure("--workers: the cluster of --scheduler has its own", 2)
    if as_json and with_csv:
        raise Failure("--csv: takes no --json beside it", 2)
    try:
        cluster.require()
        planned = grid(scenario, vary, changes, replications)
    except (ScenarioError, SweepError) as error:
        raise Failure(str(error), 2) from None
    folder = output or Path("results") / f"sweep-{planned.name}"
    place = cluster.remote(scheduler) if scheduler else cluster.local(workers or _cores())
    try:
        finished, is_whole = _finish(planned, folder, place)
    except SweepError as error:
        raise Failure(str(error)) from None
    found = rows(planned, finished)
    if found:
        _keep(planned, found, folder)
        _print(planned, found, folder, as_json, with_csv)
    if not is_whole:
        done = sum(row["status"] == columns.DONE for row in found)
        counted = f"{done:,} of {len(planned.cases):,} cases are done and kept in {folder}"
        raise Failure(f"interrupted: {counted}; the same command goes on from there", 130)
    lost = [row for row in found if row["status"] != columns.DONE]
    if lost:
        raise Failure(f"{len(lost):,} of {len(found):,} cases failed: {lost[0]['reason']}")


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _finish(
    planned: Grid, folder: Path, place: "AbstractContextManager[Client]"
) -> tuple[dict[str, Figures], bool]:
    """What is finished, new and of before, and whether that is all."""
    with Journal(folder) as journal:
        missing = [case for case in planned.cases if case.key not in journal.done]
        finished = dict(journal.done)
        if not missing:
            return finished, True
        try:
            with _progress(len(planned.cases), len(missing)) as tell, place as client:
                for outcomes in cluster.compute(client, missing, planned.requests):
                    journal.add(outcomes)
                    finished.update(outcomes)
                    tell(len(outcomes))
        except KeyboardInterrupt:  # it may have come between the file and `finished`
            kept = journal.all()
            return kept, all(case.key in kept for case in missing)
    return finished, True


@contextmanager
def _progress(cases: int, missing: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, nothing elsewhere."""
    shown = (BarColumn(), MofNCompleteColumn(), TextColumn("cases"))
    with bar_of(*shown, TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("cases", total=cases, completed=cases - missing)
        yield lambda ended: bar.advance(task, ended)


def _keep(planned: Grid, found: Sequence[Row], folder: Path) -> None:
    write_parquet(planned, found, folder / "sweep.parquet")
    origin = provenance(**planned.origin())
    (folder / "sweep.json").write_text(json.dumps(origin, indent=2) + "\n")


def _print(
    planned: Grid, found: Sequence[Row], folder: Path, as_json: bool, with_csv: bool
) -> None:
    if as_json:
        document({**planned.origin(), "cases": found})
    elif with_csv:
        click.echo(as_csv(planned, found), nl=False)
    else:
        _show(planned, found)
        click.echo("\n".join(planned.caveats))
        click.echo(folder / "sweep.parquet")


_FIGURES = (">per second", ">mean", ">50 %", ">99 %", "busiest", ">busy")


def _show(planned: Grid, found: Sequence[Row]) -> None:
    lines = list(combinations(planned, found))
    how = "batch means" if planned.replications == 1 else f"{planned.replications} replications"
    title = f"Simulated, with {planned.confidence:.0%} confidence ({how})"
    names = tuple(f">{axis.name}" for axis in planned.axes)
    table(title, (*names, *_FIGURES), map(_cells, lines[:LINES_MAX]))
    if len(lines) > LINES_MAX:
        click.echo(f"and {len(lines) - LINES_MAX:,} lines more: --csv, or the file")


def _cells(line: Combination) -> tuple[str, ...]:
    values = tuple(map(str, line.values))
    if not line.done:
        return (*values, "failed", "", "", "", line.reason, "")
    figures = line.figures
    times = (figures[name] for name in ("mean_ns", "p50_ns", "p99_ns"))
    return (
        *values,
        estimated_rate(figures["per_second"]),
        *(estimated(one, duration) for one in times),
        line.busiest,
        f"{line.utilisation:.0%}",
    )
