"""``ghostcard report``: what was measured, on one page that a browser opens without network."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ghostcard.benchmarks import load_curve, scenario_reader
from ghostcard.benchmarks.analysis import answers, loads
from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.load_curve import Curve
from ghostcard.benchmarks.offload import Offload, offload
from ghostcard.benchmarks.provenance import caveat, provenance
from ghostcard.benchmarks.reporting import (
    html,
    markdown,
    record_document,
    scenario_document,
    sweep_document,
)
from ghostcard.benchmarks.reporting.document import Document, Listing
from ghostcard.benchmarks.reporting.kept_runs import collect
from ghostcard.benchmarks.reporting.kept_runs import machine_of as machine_of_kept
from ghostcard.benchmarks.reporting.observed import observe
from ghostcard.benchmarks.scenario import Scenario, ScenarioError
from ghostcard.benchmarks.scenario_limits import require_possible
from ghostcard.benchmarks.scenario_result import evaluate
from ghostcard.benchmarks.scenario_run import machine_of, replicate
from ghostcard.benchmarks.sweep import axis
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import require_writable
from ghostcard.cli.progress import progress
from ghostcard.emulator.card import Card
from ghostcard.emulator.errors import RecordError
from ghostcard.machine import Machine

_OFFLOADS = 6  # operations that are measured on the host, the first of the mix


@click.command(
    "report",
    epilog="""\b
INPUT is a scenario (.toml): it is simulated, and again under other loads; or
files of records, or a folder of them, as `ghostcard run --records` keeps; or
captures, as `ghostcard run --capture` makes; or the Parquet of a sweep, or its folder.

\b
Examples:
  ghostcard report benchmarks/scenarios/closed.toml
  ghostcard report mine.toml --load 1:64:x2 --set seed=7 --markdown mine.md
  ghostcard report run.gcr --profile cex8p --output run.html
  ghostcard report results/sweep-mine --output sweep.html
  ghostcard report run/ --config two-cards.toml
""",
)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True,
                type=click.Path(path_type=Path))  # fmt: skip
@click.option(
    "--output",
    default="report.html",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page.",
)
@click.option("--markdown", "text", type=click.Path(dir_okay=False, path_type=Path),
              help="The same as Markdown, with its pictures beside it.")  # fmt: skip
@click.option("--load", "steps", metavar="RANGE",
              help="Of a scenario: clients, or percent of capacity, such as 1..64.")  # fmt: skip
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the scenario.")
@click.option("--config", type=click.Path(exists=True, dir_okay=False),
              help="Of records: the machine, in TOML.")  # fmt: skip
@click.option("--profile", help="Of records: the profile of every card, instead of a machine.")
@click.option("--host/--no-host", default=True, show_default=True,
              help="Measure this host's own software, for the offload break-even.")  # fmt: skip
def command(
    inputs: tuple[Path, ...],
    output: Path,
    text: Path | None,
    steps: str | None,
    changes: tuple[str, ...],
    config: str | None,
    profile: str | None,
    host: bool,
) -> None:
    """Write a report of INPUT as one HTML page: tables, plots, and what limits it in plain words.

    All times are simulated, but for the software of this host, which says so. Ctrl-C keeps what was
    simulated until then.
    """
    is_scenario = len(inputs) == 1 and inputs[0].suffix == ".toml"
    if config and profile:
        raise click.UsageError("--config and --profile exclude each other")
    if is_scenario and (config or profile):
        raise click.UsageError("a scenario has its machine: --config and --profile are of records")
    if not is_scenario and (steps or changes):
        raise click.UsageError("--load and --set are of a scenario")
    for path in filter(None, (output, text)):
        require_writable(path)
    if is_scenario:
        document, interrupted = _of_scenario(inputs[0], steps, changes, host)
    elif _is_sweep(inputs):
        document, interrupted = _of_sweep(inputs[0]), False
    else:
        document, interrupted = _of_records(inputs, config, profile, host), False
    _write(document, output, text)
    if interrupted:
        raise Failure("interrupted; the report is of what was done until then", 130)


def _write(document: Document, output: Path, text: Path | None) -> None:
    page = html.render(document)
    output.write_text(page, "utf-8")
    for line in document.summary:
        click.echo(line)
    click.echo(f"{output}: {len(page.encode()) / 1e6:.1f} MB")
    if text is not None:
        for path in markdown.write(document, text):
            click.echo(path)


def _is_sweep(inputs: Sequence[Path]) -> bool:
    first = inputs[0]
    return len(inputs) == 1 and (
        first.suffix == sweep_document.SUFFIX or (first / sweep_document.FILE).exists()
    )


def _of_sweep(path: Path) -> Document:
    try:
        return sweep_document.document(sweep_document.read(path), provenance())
    except ExportError as error:
        raise Failure(str(error), 2) from None


# -- a scenario ---------------------------------------------------------------------------------


def _of_scenario(
    path: Path, steps: str | None, changes: Sequence[str], host: bool
) -> tuple[Document, bool]:
    try:
        scenario = scenario_reader.load(str(path), changes)
        cards = machine_of(scenario, scenario.seed).bus.cards
        require_possible(scenario, cards, loads(scenario, cards))
        at = _loads(steps) if steps else load_curve.usual_loads(scenario)
    except ScenarioError as error:
        raise Failure(str(error), 2) from None
    reason = load_curve.obstacle(scenario)
    if reason and steps:
        raise Failure(f"--load: {reason}", 2)
    with progress(scenario.replications + (0 if reason else len(at)) + host) as done:
        runs = []
        for number in range(scenario.replications):
            runs.append(replicate(scenario, number))
            done("the scenario")
            if runs[-1].interrupted:
                break
        interrupted = runs[-1].interrupted
        answered = [run for run in runs if run.ended and run.answered]
        if not answered:
            raise Failure(
                "no request was answered, there is nothing to report", 130 if interrupted else 1
            )
        points = []
        if not reason and not interrupted:
            for point in load_curve.points(scenario, at, cards):
                points.append(point)
                done("other loads")
        measured, missing = _host(scenario, cards) if host else ([], [])
    curve = Curve(load_curve.kind_of(scenario), tuple(points), reason)
    profiles = {card.profile.name: card.profile for card in cards.values()}
    material = scenario_document.Material(
        scenario=scenario,
        runs=answered,
        result=evaluate(scenario, answered),
        cards=cards,
        curve=curve,
        offloads=measured,
        not_computed=missing,
        theory=answers(scenario, cards),
        origin=provenance(
            scenario=scenario.name,
            seed=scenario.seed,
            replications=len(answered),
            engine=answered[0].engine,
            caveats=[caveat(profile) for profile in profiles.values()],
            changes=list(changes),
        ),
        listings=(Listing(path.name, path.read_text("utf-8")),),
    )
    return scenario_document.document(material), interrupted


def _loads(text: str) -> tuple[int, ...]:
    """Whole numbers from 1 on, as `ghostcard sweep --vary` has them."""
    try:
        found = axis.values(text)
    except ScenarioError as error:
        raise ScenarioError(f"--load {text}: {error}") from None
    numbers = [value for value in found if isinstance(value, int) and value > 0]
    if len(numbers) != len(found):
        raise ScenarioError(f"--load: got {text!r}, takes whole numbers from 1 on, such as 1..64")
    return tuple(sorted(numbers))


def _host(scenario: Scenario, cards: Mapping[int, Card]) -> tuple[list[Offload], list[str]]:
    """The operations of the tenants, each on the first card that its tenant uses."""
    asked = {
        kind.operation: (cards[min(tenant.targets) >> 8], kind.payload_bytes)
        for tenant in scenario.tenants
        for kind in reversed(tenant.mix)
    }
    return _measured(
        [(card, name, payload) for name, (card, payload) in asked.items()],
        scenario.machine.interrupts,
    )


def _measured(
    asked: Sequence[tuple[Card, str, int]], interrupts: bool
) -> tuple[list[Offload], list[str]]:
    found = [
        (name, offload(card, name, size, interrupts)) for card, name, size in asked[:_OFFLOADS]
    ]
    return [one for _, one in found if one], [name for name, one in found if not one]


# -- records ------------------------------------------------------------------------------------


def _of_records(
    inputs: Sequence[Path], config: str | None, profile: str | None, host: bool
) -> Document:
    try:
        kept = collect(inputs, profile)
        cards = Machine(machine_of_kept(kept, config, profile), in_memory=True).bus.cards
        observed = observe(kept.runs, cards)
    except (CaptureError, ExportError, RecordError) as error:
        raise Failure(str(error), 2) from None
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}", 2) from None
    if observed.kinds[0].latency is None:
        raise Failure("no request was answered, there is nothing to report")
    asked = []
    for operation, (adapter, payload) in kept.operations().items():
        if operation in cards[adapter].profile.operations:
            asked.append((cards[adapter], operation, payload))
    measured, missing = _measured(asked, True) if host else ([], [])
    profiles = {card.profile.name: card.profile for card in cards.values()}
    material = record_document.Material(
        title=", ".join(path.name for path in inputs),
        observed=observed,
        cards=cards,
        places=sum(cards[qid >> 8].profile.queue.depth for qid in kept.queues()),
        offloads=measured,
        not_computed=missing,
        damaged=kept.damaged,
        origin=provenance(
            records=[path.name for path in kept.files],
            profiles=sorted(profiles),
            caveats=[caveat(one) for one in profiles.values()],
        ),
        listings=(Listing(config, Path(config).read_text("utf-8")),) if config else (),
    )
    return record_document.document(material)
