"""The ``ghostcard`` command: a file per subcommand, loaded only when it is asked for."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from ghostcard import __version__
from ghostcard.cli.failure import reported

_COMMANDS = (
    "administrator",
    "bench",
    "bus",
    "cards",
    "compare",
    "control-points",
    "drivertest",
    "explain",
    "export",
    "fault",
    "module",
    "perf",
    "profiles",
    "replay",
    "report",
    "run",
    "serve",
    "simulate",
    "size",
    "stats",
    "sweep",
    "token",
    "top",
    "validate",
    "wrapping-key",
)

_EXAMPLES = """\b
Examples:
  ghostcard token init --label test --so-pin 87654321 --pin 12345678
  ghostcard run -- pkcs11-tool --module {module} --login --pin 12345678 --test
  ghostcard bench

\b
Environment:
  GHOSTCARD_HOME     folder of all state (default: $XDG_STATE_HOME/ghostcard)
  GHOSTCARD_CONFIG   TOML file that describes the machine (default: one card)
  GHOSTCARD_TRACE    file that gets a line for each call of a program (-: stderr)
  GHOSTCARD_DEBUG    set: an internal error shows its traceback
"""


class _Commands(click.Group):
    """Finds a subcommand's file by name, and turns every error into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"ghostcard.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        with reported():  # before click sees it: click makes "Aborted!" of an interrupt
            return super().invoke(ctx)

    def main(self, *args: Any, **extra: Any) -> Any:
        _occupy_standard_files()
        try:
            with reported():  # what is raised outside a command: while --help loads them all
                return super().main(*args, **extra)
        except click.exceptions.Exit as end:
            sys.exit(end.exit_code)


def _occupy_standard_files() -> None:
    """What the caller has closed is /dev/null: a file of ours with that number would be written to
    by whoever has something to say.
    """
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(file, True)
    os.close(file)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
    sys.stdin = sys.stdin or os.fdopen(0)


@click.command(
    cls=_Commands,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="ghostcard", message="%(prog)s %(version)s")
def main() -> None:
    """A cryptographic adapter without the hardware."""
