"""``ghostcard wrapping-key generate``, ``import``, ``importer`` and ``export``: keys and parts."""

import os
from contextlib import suppress

import click

from ghostcard.cli import key_parts
from ghostcard.cli.administered import Scope, opened, public_key, signed, where
from ghostcard.cli.failure import Failure
from ghostcard.cli.key_parts import Part
from ghostcard.cli.secret import uninterrupted
from ghostcard.config import apqn
from ghostcard.firmware.abi.blob import WKID_SIZE
from ghostcard.firmware.abi.keypart import PART_SIZE
from ghostcard.module.rekeying import Rekeying

_PATH = click.Path(exists=True, dir_okay=False)


@click.command(
    epilog="""\b
Examples:
  ghostcard wrapping-key generate --slot 0
  ghostcard wrapping-key generate --slot 0 --save alice.part --save bob.part
  ghostcard wrapping-key generate --slot 0 --key alice.pem --key bob.pem
"""
)
@where
@signed
@click.option(
    "--save", multiple=True, type=click.Path(), help="Keep the parts, each in a new file (0600)."
)
def generate(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    save: tuple[str, ...],
) -> None:
    """Make a random next wrapping key.

    One APQN makes it for itself. Several get parts from here, of which nothing is kept unless they
    are saved; `import` makes the same key of them again.
    """
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying), uninterrupted():
        parts = [os.urandom(PART_SIZE) for _ in save]
        if not parts:
            say("next wrapping key", rekeying.generate(), rekeying)
            return
        for path, part in zip(save, parts, strict=True):
            key_parts.write(path, Part(False, part))
        try:
            pattern = rekeying.import_parts(parts)
        except BaseException:
            for path in save:
                with suppress(OSError):
                    os.unlink(path)
            raise
        say("next wrapping key", pattern, rekeying)


@click.command(
    "import",
    epilog="""\b
Examples:
  ghostcard wrapping-key import --slot 0 alice.part bob.part
  ghostcard wrapping-key import --apqn 01.0000 sealed-1 sealed-2     (of `export`)
""",
)
@where
@signed
@click.argument("files", nargs=-1, required=True, type=_PATH)
def import_(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    files: tuple[str, ...],
) -> None:
    """Make the next wrapping key of the parts in FILES: the same for all APQNs."""
    parts = [key_parts.read(file) for file in files]
    kinds = {part.is_sealed for part in parts}
    if len(kinds) > 1:
        raise Failure("parts in clear and sealed ones do not make a key together", 2)
    data = [part.data for part in parts]
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying), uninterrupted():
        if kinds == {False}:
            pattern = rekeying.import_parts(data)
        elif len(rekeying.administrators) > 1:
            raise Failure("sealed parts are for one APQN: name it with --apqn", 2)
        else:
            (administrator,) = rekeying.administrators.values()
            pattern = administrator.import_parts(data)
        say("next wrapping key", pattern, rekeying)


@click.command(
    epilog="\b\nExamples:\n  ghostcard wrapping-key importer --apqn 01.0000 > importer.pem\n"
)
@where
@signed
def importer(
    slot: int | None, name: str | None, keys: tuple[str, ...], passphrase: str | None
) -> None:
    """Make an importer key in one APQN and print its public key: what parts are sealed for."""
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_der_public_key,
    )

    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying):
        if len(rekeying.administrators) > 1:
            raise Failure("an importer key is that of one APQN: name it with --apqn", 2)
        (administrator,) = rekeying.administrators.values()
        key = load_der_public_key(administrator.make_importer())
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    click.echo(pem.decode("ascii"), nl=False)


@click.command(
    epilog="""\b
Examples:
  ghostcard administrator set --slot 0 --allow wk-export
  ghostcard wrapping-key importer --apqn 01.0000 > importer.pem
  ghostcard wrapping-key export --slot 0 --to importer.pem sealed-1 --to importer.pem sealed-2
"""
)
@where
@signed
@click.option(
    "--to",
    "receivers",
    multiple=True,
    required=True,
    type=(_PATH, click.Path()),
    metavar="PEM FILE",
    help="Public key (P-521) a part is sealed for, and the new file for it.",
)
@click.option("--next", "is_next", is_flag=True, help="The next wrapping key.")
def export(
    slot: int | None,
    name: str | None,
    keys: tuple[str, ...],
    passphrase: str | None,
    receivers: tuple[tuple[str, str], ...],
    is_next: bool,
) -> None:
    """Export the wrapping key in as many parts as there are receivers: all of them make the key."""
    spkis = [public_key(pem) for pem, _ in receivers]
    with opened(Scope(slot, name, keys, passphrase)) as (_, rekeying), uninterrupted():
        administrator = next(iter(rekeying.administrators.values()))
        sealed = (administrator.export_next if is_next else administrator.export)(spkis)
        for (_, path), data in zip(receivers, sealed, strict=True):
            key_parts.write(path, Part(True, data))
            click.echo(f"{path}: a sealed part")


def say(what: str, pattern: bytes, rekeying: Rekeying) -> None:
    """Which key the APQNs have now."""
    click.echo(f"{names(rekeying)}: {what} {short(pattern)}")


def names(rekeying: Rekeying) -> str:
    """The APQNs a command was about."""
    return ", ".join(map(apqn, rekeying.group.apqns))


def short(pattern: bytes) -> str:
    """A verification pattern as keys have it: its first half."""
    return pattern[:WKID_SIZE].hex() or "-"
