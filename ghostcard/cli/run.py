"""``ghostcard run``: a PKCS #11 program, unchanged, and then what the cards would have done."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import TextIO

import click

from ghostcard.cli.failure import Failure
from ghostcard.cli.order import order_options, ordered, paced, paced_option
from ghostcard.cli.process import CommandError, run
from ghostcard.cli.token_config import as_toml
from ghostcard.config import Config, load
from ghostcard.configtables import as_tables
from ghostcard.driver.timing import BEHIND, PACED, STRICT, Timing
from ghostcard.emulator.profile import is_path
from ghostcard.guests import MOST, arranged
from ghostcard.library import capture_library, clock_library, library


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},  # the program's options are its own
    epilog="""\b
Examples:
  ghostcard run -- pkcs11-tool --module {module} --login --pin 12345678 --test
  ghostcard run --profile cex7p --cards 4 --depth 16 -- ./server
  ghostcard run --capture it --through /usr/lib/softhsm/libsofthsm2.so -- ./server {module}
  ghostcard run --config two-cards.toml --json --output profile.json -- ./server
  ghostcard run --records run -- ./client && ghostcard explain run/*.records
  ghostcard run --shared --clients 4 -- ./four-processes
  ghostcard run -- sh -c 'my-program "$PKCS11_MODULE_PATH"'
""",
)
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False), help="The machine, in TOML."
)
@click.option("--profile", help="Cards of this profile (name or TOML file) in place of its own.")
@click.option("--cards", type=click.IntRange(1, MOST), help="So many of them, behind every slot.")
@click.option("--depth", type=click.IntRange(1, 16), help="Messages that a queue of theirs holds.")
@order_options
@paced_option
@click.option(
    "--virtual-clock", is_flag=True, help="COMMAND's clocks show the cards' time, not the host's."
)
@click.option("--json", "as_json", is_flag=True, help="Print the profile as JSON, not as tables.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="File for the profile (-: standard output); default: standard error.",
)
@click.option(
    "--records",
    type=click.Path(file_okay=False),
    help="Folder that keeps the request records, for `ghostcard export` and `explain`.",
)
@click.option(
    "--capture",
    "keep",
    type=click.Path(dir_okay=False),
    help="File for a capture of what the program asks, for `ghostcard replay`.",
)
@click.option(
    "--through",
    type=click.Path(exists=True, dir_okay=False),
    help="Another PKCS #11 library, which the program uses; its calls are captured.",
)
@click.option("--shared", is_flag=True, help="One set of cards for all processes of the program.")
@click.option("--no-forecast", is_flag=True, help="Do not compute what other machines would do.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context,
    config: str | None,
    profile: str | None,
    cards: int | None,
    depth: int | None,
    order: str | None,
    think: str | None,
    think_scale: float | None,
    clients: int | None,
    dilation: float | None,
    virtual_clock: bool,
    as_json: bool,
    output: str | None,
    records: str | None,
    keep: str | None,
    through: str | None,
    shared: bool,
    no_forecast: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with the library set up, and print the cards' profile at its end.

    In COMMAND's arguments {module} stands for the library's path, which is also in
    PKCS11_MODULE_PATH and PKCS11_PROVIDER_MODULE. Its exit code and its signals pass through.
    """
    timing = (order, think, think_scale, clients)
    if dilation is not None and (shared or (through, *timing) != (None,) * 5):
        raise click.UsageError(
            "--paced takes none of --order, --think, --think-scale, --clients, --through, --shared:"
            " time is the wall's"
        )
    if through is not None and any(each is not None for each in (config, records, *timing)):
        raise click.UsageError(
            "--through takes neither --config nor --records nor what `ghostcard replay` is told: "
            "--order, --think, --think-scale, --clients"
        )
    if shared and any(each is not None for each in (through, think, think_scale, keep)):
        raise click.UsageError(
            "--shared takes neither --through nor --capture, nor --think, --think-scale"
        )
    if virtual_clock and (shared or (dilation, through) != (None, None)):
        raise click.UsageError("--virtual-clock takes none of --paced, --through, --shared")
    machine, module = load(config), str(library() if through is None else capture_library())
    if through is None and keep is not None and machine.server is not None:
        raise Failure(
            f"--capture: the cards are those of {machine.server}, who has the requests; "
            f"capture the calls, with --through {module}",
            2,
        )
    if virtual_clock and machine.server is not None:
        raise Failure(f"--virtual-clock: the cards are those of {machine.server}, as is time", 2)
    if virtual_clock and machine.time.clock == PACED:
        raise Failure("--virtual-clock: with the paced clock of the configuration there is none", 2)
    if dilation is not None and machine.server is not None:
        raise Failure(f"--paced: the cards are those of {machine.server}, whose time is its own", 2)
    if shared:  # the server's time is that of the run
        machine = machine._replace(time=Timing(order or BEHIND, clients=clients or 0))
    arguments = [argument.replace("{module}", module) for argument in command]
    with _folder(records) as folder, _opened(output) as file, _scratch() as scratch:
        if not shared and any(each is not None for each in timing):
            machine = ordered(machine, *timing)
            config = _written(machine, scratch)
        if dilation is not None:
            machine = paced(machine, dilation)
            config = _written(machine, scratch)
        if through is None and (profile, cards, depth) != (None, None, None):
            machine = arranged(machine, profile, cards, depth, str(scratch))
            config = _written(machine, scratch)
            if records is not None:
                _written(_lasting(machine, folder), folder)
        if virtual_clock and machine.time.order != STRICT:
            raise Failure("--virtual-clock: takes the strict order; `behind` no thread waits", 2)
        told = _told(folder) if through is None else _captured(folder, through)
        if virtual_clock:
            told |= _preloaded()
        began = time.monotonic_ns()
        try:
            with _cards_of(shared, config, order, clients, folder, scratch) as place:
                exit_code = run(arguments, _environment(config, module, {**told, **place}))
        except CommandError as error:
            raise Failure(str(error), error.exit_code) from None
        host_ns = time.monotonic_ns() - began
        from ghostcard.cli import aftermath  # NumPy has threads, and `run` must have none

        ran = aftermath.Ran(command[0], exit_code, host_ns, machine, folder, through)
        told_of = aftermath.Told(file, keep, not no_forecast, as_json)
        if through is None:
            aftermath.tell(ran, told_of, scratch)
        else:
            other = aftermath.Cards(profile, cards, depth)
            aftermath.tell_through(ran, told_of, other, scratch)
    ctx.exit(exit_code)


@contextmanager
def _cards_of(
    shared: bool,
    config: str | None,
    order: str | None,
    clients: int | None,
    folder: Path,
    scratch: Path,
) -> Iterator[dict[str, str]]:
    """A server of their own for the processes of the program, if they are to share cards."""
    if not shared:
        yield {}
        return
    from ghostcard.cli.private_server import private_server

    with private_server(config, order, clients, folder, scratch) as place:
        yield place


def _environment(config: str | None, module: str, told: dict[str, str]) -> dict[str, str]:
    """Ours, what names the library to programs, and what is told to the library."""
    chosen = {"GHOSTCARD_CONFIG": os.path.abspath(config)} if config else {}
    places = {"PKCS11_MODULE_PATH": module, "PKCS11_PROVIDER_MODULE": module}
    return {**os.environ, **chosen, **places, **told}


def _written(machine: Config, folder: Path) -> str:
    """The machine as a file for the program's processes."""
    path = folder / "machine.toml"
    path.write_text("\n".join(as_toml(as_tables(machine))) + "\n")
    return str(path)


def _told(folder: Path) -> dict[str, str]:
    return {"GHOSTCARD_RUN_DIR": str(folder), "GHOSTCARD_RUN_CAPTURE": "1"}


def _preloaded() -> dict[str, str]:
    """For the loader of programs: the library with the cards' clock, before any other."""
    others = os.environ.get("LD_PRELOAD")
    return {"LD_PRELOAD": f"{clock_library()}:{others}" if others else str(clock_library())}


def _captured(folder: Path, through: str) -> dict[str, str]:
    """For `libghostcard-capture.so`: where to write, and the library that it stands before."""
    real = os.path.abspath(through)
    return {"GHOSTCARD_CAPTURE_FOLDER": str(folder), "GHOSTCARD_CAPTURE_MODULE": real}


def _lasting(machine: Config, folder: Path) -> Config:
    """The machine as whoever reads the records is to have it: nothing of the run in it."""
    cards = []
    for card in machine.cards:
        profile = card.profile
        if is_path(profile):
            profile = copy(profile, str(folder))
        cards.append(card._replace(profile=profile, nvram=None))
    return machine._replace(cards=tuple(cards))


@contextmanager
def _scratch() -> Iterator[Path]:
    """What goes with the run."""
    with TemporaryDirectory(prefix="ghostcard-") as folder:
        yield Path(folder)


@contextmanager
def _folder(records: str | None) -> Iterator[Path]:
    """Where the processes leave their records; Failure if there are records of others already."""
    if records is None:
        with TemporaryDirectory(prefix="ghostcard-") as folder:
            yield Path(folder)
        return
    kept = Path(records).absolute()
    kept.mkdir(parents=True, exist_ok=True)
    if any(kept.glob("*.records")):
        raise Failure(f"{records}: has records already; name a new folder", 2)
    yield kept


@contextmanager
def _opened(output: str | None) -> Iterator[TextIO]:
    """The file for the profile, opened before the program runs: it cannot be refused later."""
    if output is None:
        yield sys.stderr
    elif output == "-":
        yield sys.stdout
    else:
        with open(output, "w") as file:
            yield file
