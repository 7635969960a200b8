"""``ghostcard control-points``: what a domain allows to be done with keys (AP sheet 7.6)."""

from collections.abc import Callable

import click

from ghostcard.cli.administered import Scope, opened, signed, where
from ghostcard.cli.output import document, table
from ghostcard.cli.secret import uninterrupted
from ghostcard.config import apqn
from ghostcard.driver.administration import DomainAdministrator
from ghostcard.firmware.abi import controlpoints
from ghostcard.firmware.abi.controlpoints import ControlPoint


def _named(names: tuple[str, ...]) -> tuple[ControlPoint, ...]:
    """Control points by name or number."""
    return tuple(map(_point, names))


def _point(name: str) -> ControlPoint:
    try:
        if name.isascii() and name.isdigit():
            return ControlPoint(int(name))
        return ControlPoint[name.upper().replace("-", "_")]
    except (KeyError, ValueError):
        raise click.UsageError(
            f"control point {name!r}: `ghostcard control-points show` has them all"
        ) from None


@click.group(
    "control-points",
    epilog="""\b
Examples:
  ghostcard control-points show --slot 0
  ghostcard control-points forbid --slot 0 ALG_RSA KEYGEN_ASYMM
  ghostcard control-points allow --slot 0 ALG_RSA KEYGEN_ASYMM
  ghostcard control-points preset --slot 0 fips2021
""",
)
def command() -> None:
    """Switch off what may be done with keys, and on again, also under programs that run."""


@command.command(
    epilog="\b\nExamples:\n  ghostcard control-points show --slot 0\n"
    "  ghostcard control-points show --apqn 01.0000 --json\n"
)
@where
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(slot: int | None, name: str | None, as_json: bool) -> None:
    """Show the control points of each APQN."""
    with opened(Scope(slot, name)) as (_, rekeying):
        allowed = {
            apqn(qid): each.control_points() for qid, each in rekeying.administrators.items()
        }
    if as_json:
        document(
            {
                queue: {point.name: point in points for point in ControlPoint}
                for queue, points in allowed.items()
            }
        )
        return
    rows = [
        (int(point), point.name, *("yes" if point in there else "no" for there in allowed.values()))
        for point in ControlPoint
    ]
    table("Control points: what is allowed", (">number", "control point", *allowed), rows)


@command.command(epilog="\b\nExamples:\n  ghostcard control-points allow --slot 0 ALG_RSA\n")
@where
@signed
@click.argument("points", nargs=-1, required=True)
def allow(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    points: tuple[str, ...],
) -> None:
    """Allow what POINTS stand for."""
    wanted = _named(points)
    _change(Scope(slot, name, keys, passphrase), lambda each: each.allow(wanted))


@command.command(
    epilog="\b\nExamples:\n  ghostcard control-points forbid --slot 0 ALG_RSA SIGN_SYMM\n"
)
@where
@signed
@click.argument("points", nargs=-1, required=True)
def forbid(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    points: tuple[str, ...],
) -> None:
    """Forbid what POINTS stand for: a program that does it gets CKR_FUNCTION_CANCELED."""
    wanted = _named(points)
    _change(Scope(slot, name, keys, passphrase), lambda each: each.forbid(wanted))


@command.command(epilog="\b\nExamples:\n  ghostcard control-points preset --slot 0 fips2021\n")
@where
@signed
@click.argument("preset_name", metavar="NAME", type=click.Choice(tuple(controlpoints.PROHIBITED)))
def preset(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    preset_name: str,
) -> None:
    """Allow what a standard allows, and nothing else; fips2009 allows all that can be."""
    points = controlpoints.unpack(controlpoints.preset(preset_name))
    _change(Scope(slot, name, keys, passphrase), lambda each: each.set_control_points(points))


def _change(scope: Scope, change: Callable[[DomainAdministrator], None]) -> None:
    """The same in each APQN, and every program looks at its mechanisms again."""
    with opened(scope) as (machine, rekeying), uninterrupted():
        try:
            for qid, administrator in rekeying.administrators.items():
                change(administrator)
                count = len(administrator.control_points())
                click.echo(f"{apqn(qid)}: {count} of {len(ControlPoint)} control points allow")
        finally:
            assert machine.sockets is not None
            machine.sockets.announce()
