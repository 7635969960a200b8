"""``ghostcard administrator``: who must sign what changes a domain (AP sheet 7.5)."""

import sys

import click

from ghostcard.cli.administered import Scope, opened, public_key, signed, where
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.cli.secret import uninterrupted
from ghostcard.config import apqn
from ghostcard.driver.administration import DomainAdministrator
from ghostcard.firmware.abi.admin import Attribute, Permission

_PERMISSIONS = {str(each.name).lower().replace("_", "-"): each for each in Permission}
_PERMISSION = click.Choice(tuple(_PERMISSIONS))


@click.group(
    "administrator",
    epilog="""\b
Examples, a domain leaves imprint mode:
  openssl ecparam -name prime256v1 -genkey -noout -out alice.pem
  openssl pkey -in alice.pem -pubout -out alice.pub
  ghostcard administrator add --slot 0 alice.pub
  ghostcard administrator set --slot 0 --signatures 1 --revocations 1
  ghostcard wrapping-key generate --slot 0 --key alice.pem
""",
)
def command() -> None:
    """Say who administers a domain, and how many must sign.

    In imprint mode, which is how a domain comes from the factory, no command is signed.
    """


@command.command(
    epilog="\b\nExamples:\n  ghostcard administrator show --slot 0\n"
    "  ghostcard administrator show --slot 0 --json\n"
)
@where
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(slot: int | None, name: str | None, as_json: bool) -> None:
    """Show the administrators of each APQN, how many must sign, and what is permitted."""
    with opened(Scope(slot, name)) as (_, rekeying):
        found = [_described(qid, each) for qid, each in rekeying.administrators.items()]
    if as_json:
        document(found)
        return
    columns = ("APQN", "mode", ">signatures", ">to revoke", "~permissions", "~administrators")
    table("Administrators", columns, map(_row, found))


def _described(qid: int, administrator: DomainAdministrator) -> dict[str, object]:
    values = administrator.attributes()
    return {
        "apqn": apqn(qid),
        "is_in_imprint_mode": values[Attribute.SIGNATURE_THRESHOLD] == 0,
        "signatures": values[Attribute.SIGNATURE_THRESHOLD],
        "revocations": values[Attribute.REVOCATION_THRESHOLD],
        "permissions": [
            word for word, bit in _PERMISSIONS.items() if values[Attribute.PERMISSIONS] & bit
        ],
        "administrators": [each.hex() for each in administrator.administrators()],
    }


def _row(found: dict[str, object]) -> tuple[object, ...]:
    permissions, administrators = found["permissions"], found["administrators"]
    assert isinstance(permissions, list)
    assert isinstance(administrators, list)
    return (
        found["apqn"],
        "imprint" if found["is_in_imprint_mode"] else "signed",
        found["signatures"],
        found["revocations"],
        ", ".join(permissions) or "-",
        ", ".join(each[:16] for each in administrators) or "-",
    )


@command.command(epilog="\b\nExamples:\n  ghostcard administrator add --slot 0 alice.pub bob.pub\n")
@where
@signed
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
def add(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    files: tuple[str, ...],
) -> None:
    """Add the owners of the public keys (RSA or on a curve, PEM) in FILES."""
    spkis = [public_key(file) for file in files]
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying), uninterrupted():
        for qid, administrator in rekeying.administrators.items():
            for file, spki in zip(files, spkis, strict=True):
                identifier = administrator.add_administrator(spki)
                click.echo(f"{apqn(qid)}: {file} is administrator {identifier.hex()[:16]}")


@command.command(
    epilog="\b\nExamples:\n  ghostcard administrator remove --slot 0 --key bob.pem 3f1c09aa\n"
)
@where
@signed
@click.argument("identifier")
def remove(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    identifier: str,
) -> None:
    """Remove the administrator whose IDENTIFIER, as shown, begins so."""
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying), uninterrupted():
        for qid, administrator in rekeying.administrators.items():
            meant = [
                each
                for each in administrator.administrators()
                if identifier and each.hex().startswith(identifier.lower())
            ]
            if len(meant) != 1:
                raise Failure(f"{apqn(qid)}: {len(meant)} administrators begin {identifier!r}")
            administrator.remove_administrator(meant[0])
            click.echo(f"{apqn(qid)}: administrator {meant[0].hex()[:16]} removed")


@command.command(
    "set",
    epilog="""\b
Examples:
  ghostcard administrator set --slot 0 --signatures 2 --revocations 1
  ghostcard administrator set --slot 0 --key alice.pem --key bob.pem --allow wk-export
""",
)
@where
@signed
@click.option("--signatures", type=click.IntRange(0, 8), help="How many must sign a command.")
@click.option("--revocations", type=click.IntRange(0, 8), help="And the removal of one of them.")
@click.option("--allow", multiple=True, type=_PERMISSION, help="Permit this.")
@click.option("--forbid", multiple=True, type=_PERMISSION, help="Permit it no more.")
def set_(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    signatures: int | None,
    revocations: int | None,
    allow: tuple[str, ...],
    forbid: tuple[str, ...],
) -> None:
    """Set how many administrators must sign, and what is permitted.

    With the first signature asked for a domain leaves imprint mode; only `zeroize` leads back.
    """
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying), uninterrupted():
        for qid, administrator in rekeying.administrators.items():
            permissions = administrator.attributes()[Attribute.PERMISSIONS]
            for word in allow:
                permissions |= _PERMISSIONS[word]
            for word in forbid:
                permissions &= ~_PERMISSIONS[word]
            wanted = {
                Attribute.SIGNATURE_THRESHOLD: signatures,
                Attribute.REVOCATION_THRESHOLD: revocations,
                Attribute.PERMISSIONS: permissions if allow or forbid else None,
            }
            values = {key: value for key, value in wanted.items() if value is not None}
            if not values:
                raise click.UsageError("nothing to set")
            administrator.set_attributes(values)
            click.echo(f"{apqn(qid)}: set")


@command.command(
    epilog="\b\nExamples:\n  ghostcard administrator zeroize --slot 0 --key alice.pem --force\n"
)
@where
@signed
@click.option("--force", is_flag=True, help="Do not ask.")
def zeroize(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    force: bool,
) -> None:
    """Make a domain what the factory made it: no administrators, no wrapping key, imprint mode."""
    with opened(Scope(slot, name, keys, passphrase)) as (machine, rekeying):
        names = ", ".join(map(apqn, rekeying.group.apqns))
        if not force:
            if not sys.stdin.isatty():
                raise Failure("nobody can be asked: --force zeroizes without", 2)
            if not click.confirm(f"Zeroize {names}? All keys of their tokens are lost.", err=True):
                raise Failure("nothing was zeroized")
        with uninterrupted():
            for qid, administrator in rekeying.administrators.items():
                administrator.zeroize()
                click.echo(f"{apqn(qid)}: zeroized")
            assert machine.sockets is not None
            machine.sockets.announce()
