"""``ghostcard explain``: where a request's nanoseconds went."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ghostcard.benchmarks.explanation import Explanation, Part, Wait, explain, percentile, slowest
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.benchmarks.timesplit import TimeSplit, split
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, duration, table


@click.command(
    "explain",
    epilog="""\b
Waiting for a core or an engine is in the record; other waiting is what an interval
took beyond the least on record for a message of that size, and at worst too small.

\b
Examples:
  ghostcard explain run.gcr
  ghostcard explain run.gcr --percentile 99 --operation rsa2048-sign
  ghostcard explain run.gcr --request 17 --json
  ghostcard explain run.gcr --all
""",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--request", "number", type=click.IntRange(min=0), help="That request, from 0.")
@click.option("--slowest", "is_slowest", is_flag=True, help="The one that took longest (default).")
@click.option(
    "--percentile",
    "percent",
    type=click.FloatRange(0, 100, min_open=True),
    help="The one at this percentile of latency, by nearest rank.",
)
@click.option("--all", "is_all", is_flag=True, help="The mean of all requests, by operation.")
@click.option("--operation", help="Choose among the requests of this operation only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: Path,
    number: int | None,
    is_slowest: bool,
    percent: float | None,
    is_all: bool,
    operation: str | None,
    as_json: bool,
) -> None:
    """Show where the simulated time of one request in FILE went, and what it waited for."""
    if sum((number is not None, is_slowest, percent is not None, is_all)) > 1:
        raise click.UsageError("--request, --slowest, --percentile and --all exclude each other")
    try:
        requests = Requests.load(file).select(operation=operation)
        if is_all:
            _show_all(split(requests), as_json)
            return
        if number is None:
            number = slowest(requests) if percent is None else percentile(requests, percent)
        else:
            requests.select(number, number, operation)
        _show(explain(requests, number), as_json)
    except ExportError as error:
        raise Failure(f"{error}", 2) from None


def _show(found: Explanation, as_json: bool) -> None:
    if as_json:
        document(_plain(found))
        return
    title = (
        f"Request {found.request}: {found.operation or 'unknown operation'} on "
        f"{found.card:02x}.{found.domain:04x}, client {found.client}, "
        f"{duration(found.latency_ns)} from {found.submitted_ns:,} ns on"
    )
    if found.given_up:
        click.echo(
            f"{title}\nThe driver gave it up (outcome {found.outcome:#x}): it passed no stage."
        )
    else:
        _show_parts(title, found)
    if found.fault:
        click.echo(f"It met a fault: {found.fault}.")


def _show_parts(title: str, found: Explanation) -> None:
    columns = ("interval", ">start", ">took", ">share", ">waiting", "rest is", "~waited for")
    table(title, columns, map(_row, found.parts))
    kinds = sorted(found.kinds_ns.items(), key=lambda kind: -kind[1])
    latency = max(1, found.latency_ns)
    click.echo(
        "In all: " + ", ".join(f"{k} {duration(ns)} ({ns / latency:.1%})" for k, ns in kinds)
    )
    if found.outcome:
        click.echo(f"It was answered with error {found.outcome:#x}.")


def _row(part: Part) -> tuple[str, ...]:
    return (
        part.name,
        f"{part.start_ns:,} ns",
        duration(part.duration_ns),
        f"{part.share:.1%}",
        duration(part.waiting_ns) if part.waiting_ns else "-",
        part.kind if part.duration_ns > part.waiting_ns else "-",
        _sentence(part.waited) if part.waited else "",
    )


def _sentence(wait: Wait) -> str:
    """What a request waited for, in words."""
    return f"{wait.waits_for}: " + "; ".join(_clauses(wait))


def _clauses(wait: Wait) -> Iterator[str]:
    if wait.held:
        named = ", ".join(
            f"{h.request} ({h.operation or 'unknown operation'})" for h in wait.holders
        )
        more = wait.held - len(wait.holders)
        yield f"held by {named}" + (f" and {more} more" if more else "")
    yield f"{wait.ahead} ahead"
    if wait.overtaken:
        yield f"overtaken by {wait.overtaken}"


def _show_all(splits: list[TimeSplit], as_json: bool) -> None:
    if as_json:
        document([_plain(each) for each in splits])
        return
    columns = ("interval", ">mean", ">share", ">waiting", "rest is")
    for each in splits:
        title = (
            f"{each.operation or 'unknown operation'}: {each.requests:,} requests, "
            f"mean {duration(each.mean_latency_ns)}"
        )
        if each.given_up:
            title += f"; {each.given_up:,} given up, not counted"
        rows = (
            (
                part.name,
                duration(part.mean_ns),
                f"{part.share:.1%}",
                duration(part.mean_waiting_ns) if part.mean_waiting_ns else "-",
                part.kind if part.mean_ns > part.mean_waiting_ns else "-",
            )
            for part in each.parts
        )
        table(title, columns, rows)


def _plain(value: Any) -> Any:
    """Named tuples as dictionaries, for JSON."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
