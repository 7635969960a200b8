"""``ghostcard size``: how many cards, places and clients meet a target, and the curve."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from ghostcard.benchmarks.estimation import Estimate
from ghostcard.benchmarks.provenance import provenance
from ghostcard.benchmarks.scenario import ScenarioError
from ghostcard.benchmarks.scenario_result import plain
from ghostcard.benchmarks.size.load import Varied
from ghostcard.benchmarks.size.measure import Measured
from ghostcard.benchmarks.size.rows import rows, write_parquet
from ghostcard.benchmarks.size.search import Answer, Search
from ghostcard.benchmarks.size.target import Target, parse
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import (
    counted,
    document,
    duration,
    estimated,
    estimated_rate,
    rate,
    table,
)
from ghostcard.cli.progress import bar_of


@click.command(
    "size",
    epilog="""\b
Examples:
  ghostcard size benchmarks/scenarios/closed.toml --target "rsa2048-sign 40000/s p99<2ms"
  ghostcard size benchmarks/scenarios/open.toml --target "60000/s mean<500us p99.9<2ms"
  ghostcard size mine.toml --target "p99<1ms" --json
""",
)
@click.argument("scenario", type=click.Path(dir_okay=False))
@click.option(
    "--target",
    required=True,
    metavar="TARGET",
    help="[OPERATION] [RATE/s] [METRIC<TIME ...]; mean, p50, p90, p99, p99.9, max.",
)
@click.option("--tenant", default="", help="Whose load is varied.  [default: whoever fits]")
@click.option(
    "--requests",
    default=20_000,
    show_default=True,
    type=click.IntRange(100),
    help="Of each replication.",
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the scenario.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the plot and the JSON.  [default: results/size-SCENARIO]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not tables.")
def command(
    scenario: str,
    target: str,
    tenant: str,
    requests: int,
    changes: tuple[str, ...],
    output: Path | None,
    as_json: bool,
) -> None:
    """The smallest number of cards, then places of their queues, then clients that meet a target.

    By simulation of SCENARIO (docs/sweeps.md): what is found meets it, one card fewer does not.
    """
    try:
        asked = parse(target)
        varied = Varied(scenario, changes, asked, tenant, requests)
        folder = output or Path("results") / f"size-{varied.scenario.name}"
        folder.mkdir(parents=True, exist_ok=True)  # before anything is simulated in vain
        with _progress() as tell:
            answer = Search(varied, tell).answer()
    except ScenarioError as error:
        raise Failure(str(error), 2) from None
    said = _sentence(varied, answer)
    written = _write(asked, varied, answer, said, folder) if answer.by_cards else []
    if as_json:
        document(_document(asked, varied, answer, said))
    else:
        _show(asked, varied, answer)
        if answer.best is not None:
            click.echo(said)
        if written:
            click.echo("\n".join((*varied.caveats, *map(str, written))))
    if answer.best is None:
        raise Failure(said)


@contextmanager
def _progress() -> Iterator[Callable[[Measured], None]]:
    """What was tried last, on the terminal; nothing elsewhere."""
    tried = TextColumn("{task.description}")
    with bar_of(SpinnerColumn(), tried, TimeElapsedColumn()) as bar:
        task = bar.add_task("", total=None)
        yield lambda one: bar.update(task, description=_size(one))


def _size(measured: Measured) -> str:
    size = measured.size
    clients = f", {counted(size.clients, 'client')}" if size.clients else ""
    return f"{counted(size.cards, 'card')}, queues of {counted(size.depth, 'place')}{clients}"


def _sentence(varied: Varied, answer: Answer) -> str:
    """The answer for people, with how sure it is."""
    target, best = varied.target, answer.best
    if best is None:
        return f"nothing meets {target.text}: {answer.reason}"
    confidence = f"{varied.scenario.confidence:.0%} confidence"
    sure = f"with {confidence}" if best.is_decided else f"in the mean, not with {confidence}"
    said = [f"{_size(best)} meet {target.text}, {sure}."]
    fewer = [one for one in answer.by_cards if one.size.cards == best.size.cards - 1]
    if fewer:
        [one] = fewer
        doubt = "" if one.is_decided else f", in the mean, not with {confidence}"
        said.append(f"{_size(one)} miss it{doubt}: {_why(target, one)}.")
    if best.rests_on_few:
        said.append("A percentile rests on fewer than 20 values beyond it: take more --requests.")
    return " ".join(said)


def _why(target: Target, one: Measured) -> str:
    each = zip(target.bounds, one.latencies_ns, strict=True)
    reasons = [f"{b.metric} is {duration(e.mean)}" for b, e in each if b.metric in one.violated]
    if "rate" in one.violated:
        reasons.insert(0, f"{rate(one.per_second.mean)} per second")
    if one.load >= 1:
        reasons.insert(0, f"the load is {one.load:.2f} of what they can do")
    return ", ".join(reasons)


def _show(target: Target, varied: Varied, answer: Answer) -> None:
    for title, curve in (("By cards", answer.by_cards), ("By depth", answer.by_depth)):
        if not curve:
            continue
        metrics = [f">{bound.metric}" for bound in target.bounds]
        clients = [">clients"] if varied.is_closed else []
        columns = (">cards", ">places", *clients, ">per second", *metrics, "target", ">runs")
        confidence = f"{varied.scenario.confidence:.0%} confidence"
        table(f"{title}, simulated, with {confidence}", columns, map(_cells, curve))


def _cells(one: Measured) -> tuple[object, ...]:
    size = one.size
    verdict = "meets" if one.meets else "misses"
    return (
        size.cards,
        size.depth,
        *((f"{size.clients:,}",) if size.clients else ()),
        estimated_rate(one.per_second),
        *(estimated(each, duration) for each in one.latencies_ns),
        verdict if one.is_decided else f"{verdict} in the mean",
        one.replications,
    )


def _write(target: Target, varied: Varied, answer: Answer, said: str, folder: Path) -> list[Path]:
    from ghostcard.benchmarks.size.plot import draw  # loads matplotlib

    record = folder / "size.json"
    about = provenance(**_document(target, varied, answer, said))
    record.write_text(json.dumps(about, indent=2) + "\n")
    table = folder / "size.parquet"
    tried = rows(target, (*answer.by_cards, *answer.by_depth))
    is_there = write_parquet(tried, _about(target, varied, said), table)
    title = f"{varied.scenario.name}: {target.text}"
    return [*draw(target, answer.by_cards, title, folder), record, *[table] * is_there]


def _about(target: Target, varied: Varied, said: str) -> dict[str, object]:
    return {
        "scenario": varied.scenario.name,
        "seed": varied.scenario.seed,
        "confidence": varied.scenario.confidence,
        "target": {
            "text": target.text,
            "operation": target.operation,
            "per_second": None if target.rate_per_s is None else float(target.rate_per_s),
            "bounds_ns": {bound.metric: bound.limit_ns for bound in target.bounds},
        },
        "said": said,
        "caveat": "; ".join(varied.caveats),
    }


def _document(target: Target, varied: Varied, answer: Answer, said: str) -> dict[str, object]:
    return {
        **_about(target, varied, said),
        "best": None if answer.best is None else _one(target, answer.best),
        "by_cards": [_one(target, one) for one in answer.by_cards],
        "by_depth": [_one(target, one) for one in answer.by_depth],
        "simulated_requests": answer.simulated,
    }


def _one(target: Target, one: Measured) -> dict[str, object]:
    metrics = [bound.metric for bound in target.bounds]
    return {
        **one.size._asdict(),
        "per_second": plain(one.per_second),
        "latencies_ns": dict(zip(metrics, map(_plain, one.latencies_ns), strict=True)),
        "load": one.load,
        "meets": one.meets,
        "decided": one.is_decided,
        "violated": list(one.violated),
        "replications": one.replications,
    }


def _plain(estimate: Estimate) -> object:
    """None where nothing was answered: JSON has no infinity."""
    return None if estimate.mean == float("inf") else plain(estimate)
