"""``ghostcard drivertest``: what a driver for the AP bus should do, and what it does."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.conformance.case import Case
from ghostcard.conformance.driver import DriverNotFoundError, MakeDriver, find
from ghostcard.conformance.remote import Remote
from ghostcard.conformance.run import Verdict, cases, run
from ghostcard.emulator.busserver import BusSocket

_VARIABLE = "GHOSTCARD_BUS"


@click.command(
    "drivertest",
    epilog="""\b
Examples:
  ghostcard drivertest docs/examples/small_driver.py:make_driver
  ghostcard drivertest --only "lost messages" my_package.driver:make
  ghostcard drivertest --json /tmp/cards -- ./my-driver
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
@click.option("--only", default="", metavar="WORDS", help="Cases with these words in their name.")
@click.option("--list", "listed", is_flag=True, help="Only say what the cases are.")
@click.argument("driver", required=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context,
    as_json: bool,
    only: str,
    listed: bool,
    driver: str | None,
    command: tuple[str, ...],
) -> None:
    """Put DRIVER through everything that can go wrong on the AP bus.

    DRIVER is MODULE:FUNCTION or FILE.py:FUNCTION, which makes a driver in Python, or the path of a
    socket to which a driver process connects for each case; COMMAND is started for each, with the
    path in GHOSTCARD_BUS. docs/drivers.md says what is asked of either. The exit code is 1 if the
    driver has not done in every case what it should.
    """
    chosen = cases(only)
    if not chosen:
        raise click.UsageError(f"--only {only!r}: no case has that in its name")
    if listed:
        _list(chosen, as_json)
        return
    if driver is None:
        raise click.UsageError("Missing argument 'DRIVER'.")
    verdicts = []
    with _maker(driver, command) as make:
        for verdict in run(make, chosen):
            verdicts.append(verdict)
            _progress(len(verdicts), len(chosen), verdict)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    if as_json:
        document({"driver": driver, "cases": [verdict._asdict() for verdict in verdicts]})
    else:
        _show(verdicts, failed)
    ctx.exit(1 if failed else 0)


def _list(chosen: Sequence[Case], as_json: bool) -> None:
    if as_json:
        names = ("group", "name", "should")
        document({"cases": [dict(zip(names, case[:3], strict=True)) for case in chosen]})
    else:
        table("Cases", ("group", "case", "~should"), [case[:3] for case in chosen], grouped=True)


@contextmanager
def _maker(driver: str, command: Sequence[str]) -> Iterator[MakeDriver]:
    if ":" in driver:
        if command:
            raise click.UsageError("a COMMAND connects to a socket: name its path first")
        yield _found(driver)
        return
    with BusSocket(os.path.abspath(driver)) as place:
        os.environ[_VARIABLE] = place.path
        if command and shutil.which(command[0]) is None:
            raise Failure(f"{command[0]}: not found", 127)
        remote = Remote(place, command)
        if not command:
            click.echo(f"{place.path}: waiting for the driver", err=True)
        try:
            yield remote.make_driver
        finally:
            remote.close()


def _found(driver: str) -> MakeDriver:
    sys.path.insert(0, os.getcwd())  # as `python -m` does
    try:
        return find(driver)
    except (DriverNotFoundError, ImportError) as error:
        raise Failure(str(error), 2) from None
    except Exception as error:
        raise Failure(f"{driver}: {type(error).__name__}: {error}", 2) from None


def _progress(number: int, total: int, verdict: Verdict) -> None:
    if sys.stderr.isatty():
        end = "\n" if number == total else ""
        line = f"{number}/{total} {verdict.group}: {verdict.name}"
        click.echo(f"\r\x1b[K{line}{end}", err=True, nl=False)


def _show(verdicts: Sequence[Verdict], failed: Sequence[Verdict]) -> None:
    rows = [
        (each.group, each.name, "yes" if each.passed else "NO", each.should, each.did)
        for each in verdicts
    ]
    table("Driver", ("group", "case", "passed", "~should", "~did"), rows, grouped=True)
    if failed:
        groups = Counter(verdict.group for verdict in failed)
        where = ", ".join(f"{count} of {group}" for group, count in groups.items())
        click.echo(f"{len(failed)} of {len(verdicts)} cases failed: {where}")
    else:
        click.echo(f"all {len(verdicts)} cases passed")
