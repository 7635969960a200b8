"""``ghostcard token``: makes, lists and deletes tokens, without a PKCS #11 program."""

import sys
from typing import TextIO

import click

from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.cli.secret import secret, uninterrupted
from ghostcard.cli.token_config import show_config
from ghostcard.cli.token_objects import export_public, import_, objects
from ghostcard.config import Config, SlotConfig, load
from ghostcard.emulator.profile import load as load_profile
from ghostcard.module.kinds import KINDS
from ghostcard.module.token_admin import TokenListing, delete, initialise, listing


@click.group(
    "token",
    epilog="""\b
Examples:
  ghostcard token init --label test --so-pin 87654321 --pin 12345678
  ghostcard token list
  ghostcard token import --label server key.pem certificate.pem
  ghostcard token objects --login
""",
)
def command() -> None:
    """Make tokens, look into them, put keys on them."""


for each in (objects, import_, export_public, show_config):
    command.add_command(each)


@command.command(
    "init",
    epilog="""\b
Examples:
  ghostcard token init --label test --so-pin 87654321 --pin 12345678
  ghostcard token init --label test                   (asks for both PINs)
  ghostcard token init --label test --so-pin-file so --pin-file user
  GHOSTCARD_SO_PIN=... GHOSTCARD_PIN=... ghostcard token init --label test
""",
)
@click.option("--label", required=True, help="Name of the token, at most 32 bytes.")
@click.option("--so-pin", envvar="GHOSTCARD_SO_PIN", help="PIN of the security officer.")
@click.option(
    "--so-pin-file", type=click.File(), help="Take it from a file's first line (-: stdin)."
)
@click.option("--pin", envvar="GHOSTCARD_PIN", help="PIN of the user.")
@click.option("--pin-file", type=click.File(), help="Take it from a file's first line.")
@click.option("--slot", type=int, help="Number of the slot; default: the first without a token.")
@click.option("--force", is_flag=True, help="Also if the slot has a token: destroys its objects.")
def init(
    label: str,
    so_pin: str | None,
    so_pin_file: TextIO | None,
    pin: str | None,
    pin_file: TextIO | None,
    slot: int | None,
    force: bool,
) -> None:
    """Put a new token into a slot and set both PINs.

    Each PIN comes from its option, its file or the environment (GHOSTCARD_SO_PIN, GHOSTCARD_PIN),
    or is asked for. Other users of the machine can see the command line of a program.
    """
    config = _with_tokens(load(), slot)
    number = _free_slot(config) if slot is None else slot
    if not force:
        _refuse_to_destroy(config, number)
    so = secret("SO PIN", "--so-pin", so_pin, so_pin_file, confirm=True)
    user = secret("user PIN", "--pin", pin, pin_file, confirm=True)
    with uninterrupted():
        initialise(config, number, label, so, user)
        click.echo(f"slot {number}: token {label!r} initialised")


@command.command(
    "list", epilog="\b\nExamples:\n  ghostcard token list\n  ghostcard token list --json\n"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """List the slots that can have a token, and their tokens."""
    tokens = listing(_with_tokens(load()))
    if as_json:
        document([token._asdict() for token in tokens])
    else:
        columns = (">slot", "label", "serial", "token", "user PIN", "SO PIN", "~slot description")
        table("Tokens", columns, map(_row, tokens))


@command.command(
    "delete",
    epilog="""\b
Examples:
  ghostcard token delete --slot 1                     (asks whether to)
  ghostcard token delete --slot 1 --force
""",
)
@click.option("--slot", type=int, required=True, help="Number of the slot.")
@click.option("--force", is_flag=True, help="Do not ask.")
def delete_(slot: int, force: bool) -> None:
    """Take a token away with all its objects. They cannot be had back."""
    config = _with_tokens(load(), slot)
    if not force:
        _ask_whether_to_delete(config, slot)
    with uninterrupted():
        delete(config, slot)
        click.echo(f"slot {slot}: token deleted")


def _ask_whether_to_delete(config: Config, slot: int) -> None:
    label = next((token.label for token in listing(config) if token.slot == slot), "")
    if not sys.stdin.isatty():
        raise Failure("nobody can be asked: --force deletes the token without", 2)
    if not click.confirm(
        f"Delete the token {label!r} in slot {slot} with all its objects?", err=True
    ):
        raise Failure("nothing was deleted")


def _row(token: TokenListing) -> tuple[str, ...]:
    if token.is_damaged:
        return (str(token.slot), "-", "-", "damaged", "-", "-", token.description)
    if not token.is_initialised:
        return (str(token.slot), "-", "-", "none", "-", "-", token.description)
    user = "locked" if token.is_user_pin_locked else "set" if token.has_user_pin else "not set"
    so = "locked" if token.is_so_pin_locked else "set"
    serial = token.serial
    return (str(token.slot), token.label, serial, "ready", user, so, token.description)


def _with_tokens(config: Config, wanted: int | None = None) -> Config:
    """The configuration without slots of cards that have no token; Failure if one of them is
    wanted.
    """
    modes = {card.adapter: load_profile(card.profile).mode for card in config.cards}

    def can_have_one(slot: SlotConfig) -> bool:
        return modes[slot.apqns[0] >> 8] in KINDS

    if any(slot.id == wanted and not can_have_one(slot) for slot in config.slots):
        raise Failure(f"slot {wanted} leads to cards that have no token")
    return config._replace(slots=tuple(filter(can_have_one, config.slots)))


def _free_slot(config: Config) -> int:
    for token in listing(config):
        if not token.is_initialised and not token.is_damaged:
            return token.slot
    if not config.slots:
        raise Failure("no slot can have a token: all lead to cards that have none")
    raise Failure("every slot has a token; choose one with --slot and --force")


def _refuse_to_destroy(config: Config, slot: int) -> None:
    for token in listing(config):
        if token.slot == slot and token.is_initialised:
            raise Failure(
                f"slot {slot} has the token {token.label!r}; --force initialises it again "
                "and destroys its objects"
            )
