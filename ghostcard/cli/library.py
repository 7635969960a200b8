"""``ghostcard module``: where the PKCS #11 library is."""

from pathlib import Path

import click

import ghostcard
from ghostcard.cli.failure import Failure


def library() -> Path:
    """The path of libghostcard.so; Failure when it was not built."""
    path = Path(ghostcard.__file__).parent / "module" / "libghostcard.so"
    if not path.exists():
        raise Failure(f"{path}: is not built; run `make bench` or `pip install -e .`")
    return path


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
