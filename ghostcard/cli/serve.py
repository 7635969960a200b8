"""``ghostcard serve``: the cards as a process of their own, for all programs that may use them."""

import os
import signal
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import click

from ghostcard.cli.failure import Failure
from ghostcard.config import load
from ghostcard.driver.timing import ORDERS, STANDING_SUFFIX, Timing
from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.journal import Journal
from ghostcard.emulator.record import Recorder
from ghostcard.home import home
from ghostcard.machine import NATIVE_RECORDS, Machine
from ghostcard.shared.listener import Listener, ListenError
from ghostcard.shared.place import SERVER, default
from ghostcard.shared.server import GRACE_S, Server


@click.command(
    "serve",
    epilog="""\b
Examples:
  ghostcard serve                                     for this user alone, until Ctrl-C
  ghostcard serve --socket /run/ghostcard/cards.sock --mode 0660 --group crypto
  ghostcard serve --clients 4 --records run           time begins with the fourth thread
  GHOSTCARD_SERVER=/run/ghostcard/cards.sock pkcs11-tool --module $(ghostcard module) -T
""",
)
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="The cards, in TOML.")
@click.option("--socket", "path", type=click.Path(), envvar=SERVER,
              help="Where to listen; default: server.sock in GHOSTCARD_HOME.")  # fmt: skip
@click.option("--mode", default="0600", show_default=True, help="Of the socket, in octal.")
@click.option("--group", help="Of the socket: a name or a number.")
@click.option("--records", type=click.Path(file_okay=False, path_type=Path),
              help="Folder that keeps the request records.")  # fmt: skip
@click.option("--clients", type=click.IntRange(0),
              help="No simulated time passes before so many threads have called.")  # fmt: skip
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    help="How threads share simulated time; default: the configuration's, else behind.",
)
@click.option(
    "--grace",
    default=GRACE_S,
    show_default=True,
    type=click.FloatRange(0.01, 3600),
    help="Seconds that others wait for a thread that is awake (strict order).",
)
def command(
    config: str | None,
    path: str | None,
    mode: str,
    group: str | None,
    records: Path | None,
    clients: int | None,
    order: str | None,
    grace: float,
) -> None:
    """Hold the cards for all programs whose configuration names this server.

    They contend for the same cards in the same simulated time. Who may use which queue says
    [[access]] in the configuration; without it, the user of the server alone. Ends with SIGTERM
    or Ctrl-C, and leaves no socket.
    """
    listening = (path or default(), _octal(mode), None if group is None else _group(group))
    with ExitStack() as ends:
        try:
            listener = ends.enter_context(Listener(*listening))
        except ListenError as error:
            raise Failure(str(error)) from None
        cards = load(config, is_of_server=True)
        announced = cards.time.clients if clients is None else clients
        timing = Timing(order or cards.time.order, clients=announced)
        machine = Machine(cards._replace(time=timing), recorder=Recorder(NATIVE_RECORDS))
        ends.callback(machine.close)
        journal = None if records is None else _journal(records)
        server = Server(machine, listener, os.path.join(home(), "jobs"), journal, timing, grace)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: server.stop())
        click.echo(f"{listener.path}: {len(machine.bus.cards)} card(s), process {os.getpid()}")
        server.run()
        if journal is not None:
            name = journal.path.removesuffix(".journal")
            journal.save(f"{name}.records")
            Path(name + STANDING_SUFFIX).write_text(machine.native.standing.as_text())
            journal.remove()


def _octal(mode: str) -> int:
    try:
        number = int(mode, 8)
    except ValueError:
        number = -1
    if not 0 <= number <= 0o777:
        raise click.UsageError(f"--mode: got {mode!r}, takes octal digits such as 0660")
    return number


def _group(name: str) -> int:
    import grp

    if name.isdecimal():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise click.UsageError(f"--group: there is no group {name!r}") from None


def _journal(folder: Path) -> Journal:
    """A new file of records in a folder, whoever has left some there before."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = folder / f"{os.getpid()}-{number}.journal"
        if not path.exists() and not path.with_suffix(".records").exists():
            break
    try:
        return Journal(path, NATIVE_RECORDS)
    except RecordError as error:
        raise Failure(str(error)) from None
