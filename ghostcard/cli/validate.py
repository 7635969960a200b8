"""``ghostcard validate``: published figures of real devices against the model."""

import click

from ghostcard.benchmarks.published import FIT, RATING, published_profiles
from ghostcard.benchmarks.validation import PREDICTED, SCALE_NOTE, Comparison, notes, validate
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.emulator.profile import names

_COLUMNS = (
    "profile", "operation", ">bytes", ">clients", ">published", ">simulated", "unit", ">error",
    "row", "source",
)  # fmt: skip


@click.command(
    "validate",
    epilog="""\b
Examples:
  ghostcard validate
  ghostcard validate ti-j7200-sa2ul aws-cloudhsm-classic
  ghostcard validate cex8a --json

\b
A row is either
  fitted     the profile's figures were found from it: its error says how well
             the model can follow it at all, not how well it predicts
  judged     the profile has not seen it; within the tolerance, if one is stated
  predicted  the model's answer where nothing was published
""",
)
@click.argument("profiles", metavar="[PROFILE]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(profiles: tuple[str, ...], as_json: bool) -> None:
    """Compare published figures with what the model gives, for PROFILE or for all profiles.

    Each row runs as a closed loop through driver, bus and card, timing only. Exit code 1 if a row
    that judges is off by more than its tolerance.
    """
    chosen = tuple(dict.fromkeys(profiles)) or tuple(published_profiles())
    for name in chosen:
        _require_rows(name)
    found = [comparison for name in chosen for comparison in validate(name)]
    if as_json:
        document([_plain(comparison) for comparison in found])
    else:
        _show(found)
    exceeding = [comparison for comparison in found if comparison.exceeds]
    if exceeding:
        raise Failure(f"off by more than the tolerance: {'; '.join(map(_title, exceeding))}")


def _require_rows(name: str) -> None:
    if name not in published_profiles():
        known = ", ".join(published_profiles())
        what = "nothing was published for it" if name in names() else "there is no such profile"
        raise Failure(f"profile {name!r}: {what}; PROFILE is one of {known}", 2)


def _show(found: list[Comparison]) -> None:
    sources = list(dict.fromkeys(one.source for one in found if one.source))
    numbers = {source: f"[{number}]" for number, source in enumerate(sources, 1)}
    rows = ((*_row(one), numbers.get(one.source, "")) for one in found)
    table("Published and simulated", _COLUMNS, rows, grouped=True)
    click.echo("\n".join(f"Note: {note}" for note in notes(found)))
    click.echo("\n".join(f"{number} {source}" for source, number in numbers.items()))


def _row(one: Comparison) -> tuple[str, ...]:
    return (
        one.profile,
        one.operation,
        str(one.bytes),
        str(one.clients),
        "no published figure" if one.published is None else f"{one.published:,.10g}",
        f"{one.simulated:,.6g}" if one.simulated < 1000 else f"{one.simulated:,.1f}",
        one.unit,
        "" if one.error_percent is None else f"{one.error_percent:+.2f} %",
        _use(one),
    )


def _use(one: Comparison) -> str:
    if one.use == FIT:
        return "fitted"
    if one.use == PREDICTED:
        return "predicted"
    if one.tolerance_percent is None:
        return "judged, no tolerance stated"
    within = "beyond" if one.exceeds else "within"
    return f"judged, {within} {one.tolerance_percent:g} %"


def _title(one: Comparison) -> str:
    return f"{one.profile} {one.operation} {one.bytes} B: {one.error_percent:+.2f} %"


def _plain(one: Comparison) -> dict[str, object]:
    note = SCALE_NOTE if one.unit == RATING else ""
    return {**one._asdict(), "exceeds": one.exceeds, "note": note}
