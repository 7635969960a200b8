"""``ghostcard compare``: two machines, scenarios or records side by side, and what changed."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from ghostcard.benchmarks.analysis import loads as offered_loads
from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.comparison import (
    LATENCIES,
    MEAN,
    THROUGHPUT,
    Change,
    Comparison,
    Side,
    compare,
    sentence,
)
from ghostcard.benchmarks.comparison_inputs import (
    REQUESTS,
    Input,
    Load,
    listing,
    loads,
    recognise,
)
from ghostcard.benchmarks.comparison_sides import recorded, simulated
from ghostcard.benchmarks.estimation import Estimate
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.provenance import provenance
from ghostcard.benchmarks.reporting import comparison_document, html, markdown
from ghostcard.benchmarks.reporting.document import Listing
from ghostcard.benchmarks.reporting.kept_runs import collect, machine_of
from ghostcard.benchmarks.scenario import Scenario, ScenarioError
from ghostcard.benchmarks.scenario_limits import require_possible
from ghostcard.benchmarks.scenario_result import plain
from ghostcard.benchmarks.scenario_run import machine_of as machine_of_scenario
from ghostcard.benchmarks.wording import ratio
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, duration, estimated_rate, require_writable, table
from ghostcard.cli.progress import progress
from ghostcard.emulator.errors import RecordError
from ghostcard.machine import Machine

REPLICATIONS = 10
WORSE = 3  # exit code
_TAIL = LATENCIES[2]


@click.command(
    "compare",
    epilog="""\b
A and B are each a profile, a configuration (TOML with [[cards]]), a scenario; or
records, a folder of them, or a capture. Two machines are compared under the load of
--scenario, else under the five of `ghostcard bench` with 64 clients.

\b
Exit codes: 0 compared; 1 it failed; 2 what was asked is wrong; 3 with
--fail-if-worse, B is significantly worse; 130 interrupted.

\b
Examples:
  ghostcard compare cex7p cex8p
  ghostcard compare cex7p cex8p --scenario benchmarks/scenarios/closed.toml
  ghostcard compare before.toml after.toml --replications 20 --output compared.html
  ghostcard compare monday.gcr tuesday.gcr --profile cex8p --fail-if-worse
""",
)
@click.argument("a")
@click.argument("b")
@click.option("--scenario", type=click.Path(exists=True, dir_okay=False),
              help="The load of two machines.")  # fmt: skip
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the scenarios.")
@click.option("--replications", type=click.IntRange(2, 1000),
              help=f"Of each side that is simulated.  [default: {REPLICATIONS}]")  # fmt: skip
@click.option("--confidence", type=click.FloatRange(0.5, 0.9999), default=0.95, show_default=True,
              help="Of the intervals.")  # fmt: skip
@click.option("--config", type=click.Path(exists=True, dir_okay=False),
              help="Of records: the machine, in TOML.")  # fmt: skip
@click.option("--profile", help="Of records: the profile of every card.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not tables.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write a page there, or Markdown (.md).")  # fmt: skip
@click.option("--fail-if-worse", is_flag=True,
              help="Exit with 3 when throughput or 99 % latency is worse in B.")  # fmt: skip
def command(
    a: str,
    b: str,
    scenario: str | None,
    changes: tuple[str, ...],
    replications: int | None,
    confidence: float,
    config: str | None,
    profile: str | None,
    as_json: bool,
    output: Path | None,
    fail_if_worse: bool,
) -> None:
    """Compare A with B: figures side by side, with intervals, and a sentence of what changed.

    Replications meet the same requests on both sides (common random numbers).
    """
    if output:
        require_writable(output)
    try:
        one, other = recognise(a), recognise(b)
        if REQUESTS in (one.kind, other.kind):
            if scenario or changes or replications:
                raise ScenarioError(
                    "--scenario, --set and --replications: are for what is simulated"
                )
            found = [_of_requests(one, other, confidence, config, profile)]
        else:
            if config or profile:
                raise ScenarioError("--config and --profile: are of records")
            chosen = loads(one, other, scenario, changes)
            found = _of_loads(one, other, chosen, replications or REPLICATIONS, confidence)
    except (CaptureError, ExportError, RecordError, ScenarioError) as error:
        raise Failure(str(error), 2) from None
    if as_json:
        document(_document(found, confidence))
    else:
        _show(found, confidence)
    if output:
        _write(output, found, confidence, [one, other])
        click.echo(output, err=as_json)
    if fail_if_worse and any(map(_is_worse, found)):
        raise Failure(f"{other.name} is worse than {one.name}", WORSE)


def _of_loads(
    a: Input, b: Input, chosen: Sequence[Load], replications: int, confidence: float
) -> list[Comparison]:
    names = _names(a, b)
    for load in chosen:
        for scenario in (load.a, load.b):
            cards = machine_of_scenario(scenario, scenario.seed).bus.cards
            require_possible(scenario, cards, offered_loads(scenario, cards))
    found = []
    with progress(len(chosen) * 2 * replications) as done:
        for load in chosen:
            sides = []
            for name, scenario in zip(names, (load.a, load.b), strict=True):
                sides.append(_side(name, scenario, replications, confidence, done))
            found.append(compare(load.title, sides[0], sides[1], confidence))
    return found


def _side(
    name: str, scenario: Scenario, replications: int, confidence: float, done: Callable[[str], None]
) -> Side:
    scenario = scenario._replace(confidence=confidence)
    side = simulated(name, scenario, replications, lambda: done(name))
    if side is None:
        raise Failure(f"{name}: no request was answered, there is nothing to compare")
    return side


def _of_requests(
    a: Input, b: Input, confidence: float, config: str | None, profile: str | None
) -> Comparison:
    sides = []
    for name, one in zip(_names(a, b), (a, b), strict=True):
        if one.kind != REQUESTS:
            raise ScenarioError(
                f"{one.text}: is a {one.kind}, and what is compared with records must be records"
            )
        kept = collect([Path(one.text)], profile)
        cards = Machine(machine_of(kept, config, profile), in_memory=True).bus.cards
        side = recorded(name, kept.runs, cards, confidence)
        if side is None:
            raise Failure(f"{name}: no request was answered, there is nothing to compare")
        sides.append(side)
    return compare("", sides[0], sides[1], confidence)


def _names(a: Input, b: Input) -> tuple[str, str]:
    """Of files of one name in two folders, all of the path."""
    return (a.name, b.name) if a.name != b.name else (f"A ({a.text})", f"B ({b.text})")


def _is_worse(found: Comparison) -> bool:
    return any(
        change.ratio is not None
        and change.ratio.is_significant
        and (change.ratio.value < 1 if change.figure == THROUGHPUT else change.ratio.value > 1)
        for change in found.changes
        if change.figure in (THROUGHPUT, _TAIL) and change.of == found.changes[0].of
    )


# -- what is printed ----------------------------------------------------------------------------


def _show(found: Sequence[Comparison], confidence: float) -> None:
    first = found[0]
    columns = ("load", "of", "figure", f">{first.a.name}", f">{first.b.name}", ">B / A",
               f">with {confidence:.0%} confidence", "significant")  # fmt: skip
    rows = [(one.title or "-", *_cells(change)) for one in found for change in one.changes
            if change.figure in (THROUGHPUT, MEAN, *LATENCIES[::2])]  # fmt: skip
    kept = slice(0, None) if any(one.title for one in found) else slice(1, None)
    table("Simulated time, side by side", columns[kept], [row[kept] for row in rows])
    for one in found:
        click.echo(sentence(one))


def _cells(change: Change) -> tuple[str, ...]:
    shown = (change.of, change.figure, *(_mean(change, one) for one in (change.a, change.b)))
    if change.ratio is None:
        return (*shown, "-", "-", "-")
    low, high = change.ratio.low, change.ratio.high
    between = "-" if low is None or high is None else f"{ratio(low)} to {ratio(high)}"
    told = {True: "yes", False: "no", None: "not known"}[change.ratio.is_significant]
    return (*shown, ratio(change.ratio.value), between, told)


def _mean(change: Change, one: Estimate) -> str:
    """Without its interval, as the ratio's says more."""
    bare = one._replace(half_width=None)
    return estimated_rate(bare) if change.figure == THROUGHPUT else duration(bare.mean)


def _document(found: Sequence[Comparison], confidence: float) -> dict[str, object]:
    return {
        "confidence": confidence,
        "comparisons": [
            {
                "load": one.title,
                "a": {"name": one.a.name, "limit": one.a.limit},
                "b": {"name": one.b.name, "limit": one.b.limit},
                "sentence": sentence(one),
                "changes": [_change(change) for change in one.changes],
            }
            for one in found
        ],
    }


def _change(change: Change) -> object:
    significant = change.ratio.is_significant if change.ratio else None
    return {**plain(change), "significant": significant}


def _write(
    output: Path, found: Sequence[Comparison], confidence: float, sides: Sequence[Input]
) -> None:
    listings = ((side.name, listing(side)) for side in sides)
    made = comparison_document.document(
        found,
        confidence,
        provenance(a=sides[0].text, b=sides[1].text, confidence=confidence),
        tuple(Listing(name, text) for name, text in listings if text is not None),
    )
    if output.suffix == ".md":
        markdown.write(made, output)
    else:
        output.write_text(html.render(made), "utf-8")
