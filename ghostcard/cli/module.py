"""``ghostcard module``."""

import click

from ghostcard.library import capture_library, library


@click.command(
    "module",
    epilog="""\b
Examples:
  pkcs11-tool --module "$(ghostcard module)" --list-slots
  p11tool --provider "$(ghostcard module)" --list-tokens
  pkcs11-tool --module "$(ghostcard module --capture)" --list-slots
""",
)
@click.option("--capture", is_flag=True, help="Of the one that captures calls of another library.")
def command(capture: bool) -> None:
    """Print the path of the PKCS #11 library."""
    click.echo(capture_library() if capture else library())
