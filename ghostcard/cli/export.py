"""``ghostcard export``: the records of a run for other programs."""

import os
from pathlib import Path

import click

from ghostcard.benchmarks.export import formats
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.cli.failure import Failure

_NAMES = [each.name for each in formats.FORMATS]
_TABLE = "\n".join(
    f"  {f.name:9} {', '.join(f.suffixes):16} {f.opened_by}" for f in formats.FORMATS
)


@click.command(
    "export",
    epilog=f"""\b
Formats, the suffix that implies each, and what opens it:
{_TABLE}

\b
Examples:
  ghostcard export run.gcr --output run.csv
  ghostcard export run.gcr --output trace.json.gz --requests 0:9999
  ghostcard export run.gcr --output sign.hgrm --operation rsa2048-sign
""",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option(
    "--format", "name", type=click.Choice(_NAMES), help="Default: what OUTPUT's suffix implies."
)
@click.option("--requests", "numbers", metavar="FIRST:LAST", help="Only these; both are included.")
@click.option("--operation", help="Only the requests of this operation.")
def command(
    file: Path, output: Path, name: str | None, numbers: str | None, operation: str | None
) -> None:
    """Write the records in FILE, one per request, in a format of other programs.

    All times are simulated nanoseconds, whatever the unit the format wants.
    """
    try:
        chosen = formats.named(name) if name else formats.of_file(output)
        requests = _selected(Requests.load(file), numbers, operation)
        _require_another(file, output)
        chosen.writer()(requests, output)
    except ExportError as error:
        raise Failure(str(error), 2) from None
    click.echo(f"{output}: {len(requests):,} requests as {chosen.name}, for {chosen.opened_by}")
    if requests.dropped:
        click.echo(f"note: {requests.dropped:,} requests of the run were not recorded", err=True)


def _selected(requests: Requests, numbers: str | None, operation: str | None) -> Requests:
    first, last = (0, None) if numbers is None else _range(numbers)
    return requests.select(first, last, operation)


def _range(numbers: str) -> tuple[int, int | None]:
    """FIRST:LAST, either of which may be left out."""
    first, colon, last = numbers.partition(":")
    if not colon or not all(part == "" or part.isdecimal() for part in (first, last)):
        raise ExportError(f"--requests {numbers}: expected FIRST:LAST, such as 0:9999")
    return int(first or 0), int(last) if last else None


def _require_another(file: Path, output: Path) -> None:
    if output.exists() and os.path.samefile(file, output):
        raise ExportError(f"{output}: that is the file of records itself")
