"""``ghostcard module``."""

import click

from ghostcard.library import library


@click.command(
    "module",
    epilog="""\b
Examples:
  pkcs11-tool --module "$(ghostcard module)" --list-slots
  p11tool --provider "$(ghostcard module)" --list-tokens
""",
)
def command() -> None:
    """Print the path of the PKCS #11 library."""
    click.echo(library())
