"""``ghostcard module``."""

import shlex

import click

from ghostcard.library import capture_library, library


@click.command(
    "module",
    epilog="""\b
Examples:
  pkcs11-tool --module "$(ghostcard module)" --list-slots
  p11tool --provider "$(ghostcard module)" --list-tokens
  pkcs11-tool --module "$(ghostcard module --capture)" --list-slots
  gcc program.c $(ghostcard module --flags) -o program
""",
)
@click.option("--capture", is_flag=True, help="Of the one that captures calls of another library.")
@click.option("--flags", is_flag=True, help="Print where a C compiler finds its headers instead.")
def command(capture: bool, flags: bool) -> None:
    """Print the path of the PKCS #11 library.

    Its headers are cryptoki.h, all of PKCS #11 3.2, and ghostcard.h, what this library adds.
    """
    if flags:
        folder = library().parent
        click.echo(shlex.join((f"-I{folder / 'generated'}", f"-I{folder}")))
        return
    click.echo(capture_library() if capture else library())
