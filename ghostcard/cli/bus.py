"""``ghostcard bus``: the cards for a driver that is a process of its own (docs/drivers.md)."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import click

from ghostcard.cli.failure import Failure
from ghostcard.config import Config, apqn, load, parse
from ghostcard.emulator.apport import ApPort
from ghostcard.emulator.busserver import BusSocket, run
from ghostcard.emulator.record import Recorder
from ghostcard.faults import check_cards
from ghostcard.faults import load as load_faults
from ghostcard.library import client_library
from ghostcard.machine import Machine

_VARIABLE = "GHOSTCARD_BUS"
_KILLED = 128


@click.command(
    "bus",
    context_settings={"allow_interspersed_args": False},  # the program's options are its own
    epilog="""\b
Examples:
  gcc driver.c $(ghostcard bus --flags) -o driver
  ghostcard bus --profile cex8a -- ./driver
  ghostcard bus --config two-cards.toml --socket /tmp/cards
""",
)
@click.option("--socket", "path", type=click.Path(), help="Listen there; until Ctrl-C.")
@click.option(
    "--config", type=click.Path(exists=True, dir_okay=False), help="The machine, in TOML."
)
@click.option(
    "--profile", "profiles", metavar="NAME", multiple=True, help="A card, the next adapter, of it."
)
@click.option(
    "--faults", type=click.Path(exists=True, dir_okay=False), help="What goes wrong: a plan, TOML."
)
@click.option("--records", type=click.Path(dir_okay=False), help="Keep the request records there.")
@click.option("--flags", is_flag=True, help="Print what a compiler needs for a driver in C.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context,
    path: str | None,
    config: str | None,
    profiles: tuple[str, ...],
    faults: str | None,
    records: str | None,
    flags: bool,
    command: tuple[str, ...],
) -> None:
    """Give a driver the AP bus: instructions and a virtual clock, over a Unix socket.

    COMMAND finds the socket in GHOSTCARD_BUS; its exit code passes through. Without one the bus
    serves one driver after the other. The cards are in memory and forget everything at the end.
    """
    if flags:
        click.echo(_compiler_flags())
        return
    if path is None and not command:
        raise click.UsageError("--socket PATH or a COMMAND: where is the driver?")
    if config and profiles:
        raise click.UsageError("--config or --profile: one of them says what the machine is")
    recorder, plan = Recorder(), load_faults(faults) if faults else None
    machine = Machine(_config(config, profiles), True, recorder, faults=plan)
    if plan is not None:
        check_cards(plan, machine.bus.cards)
    port = ApPort(machine.bus, recorder=recorder if records else None)
    with _socket(path) as place:
        code = _with_program(place, port, command) if command else _alone(place, port)
    if records:
        recorder.save(records)
    ctx.exit(code)


def _config(config: str | None, profiles: Sequence[str]) -> Config:
    if not profiles:
        return load(config)
    cards = [{"adapter": adapter, "profile": name} for adapter, name in enumerate(profiles)]
    return parse({"cards": cards, "seed": 0})


@contextmanager
def _socket(path: str | None) -> Iterator[BusSocket]:
    if path is not None:
        with BusSocket(path) as place:
            yield place
        return
    with TemporaryDirectory(prefix="ghostcard-") as folder, BusSocket(f"{folder}/bus") as place:
        yield place


def _alone(place: BusSocket, port: ApPort) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    queues = ", ".join(
        apqn(queue.qid) for card in port.bus.cards.values() for queue in card.queues.values()
    )
    click.echo(f"{place.path}: the bus with {queues}; Ctrl-C ends it", err=True)
    try:
        run(place, port)
    except KeyboardInterrupt:  # how it is to end
        return 0
    return 0


def _with_program(place: BusSocket, port: ApPort, command: Sequence[str]) -> int:
    """Serves a program, and ends when it does; a Ctrl-C reaches it by itself, and SIGTERM by us."""
    early: list[int] = []  # signals that came before the program was there
    signal.signal(signal.SIGTERM, lambda number, _: early.append(number))
    try:
        program = subprocess.Popen(command, env={**os.environ, _VARIABLE: place.path})
    except OSError as error:
        raise Failure(f"{command[0]}: {error.strerror}", 127) from None
    signal.signal(signal.SIGTERM, lambda number, _: program.send_signal(number))
    for number in early:
        program.send_signal(number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended = os.pidfd_open(program.pid)
    try:
        run(place, port, (ended,))
    finally:
        os.close(ended)
    code = program.wait()
    return code if code >= 0 else _KILLED - code


def _compiler_flags() -> str:
    library = client_library()
    folder = library.parent
    return f"-I{folder} -L{folder} -Wl,-rpath,{folder} -l{library.stem.removeprefix('lib')}"
