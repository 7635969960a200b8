"""``ghostcard cards``: adapters and queues, in the manner of lszcrypt and chzcrypt."""

import click

from ghostcard.cli import lszcrypt
from ghostcard.cli.failure import Failure
from ghostcard.cli.lszcrypt import Tree
from ghostcard.cli.output import document
from ghostcard.config import load, own
from ghostcard.driver.attributes import DEVICES, Attributes
from ghostcard.driver.errors import DriverError
from ghostcard.machine import Machine
from ghostcard.nativehost import NativeHost

# Option -> the attribute that it writes, and what; in the order in which it is done.
_CHANGES = {
    "config_off": ("config", "0"),
    "config_on": ("config", "1"),
    "offline": ("online", "0"),
    "online": ("online", "1"),
    "reset": ("reset", "1"),
}
_DEVICE = "DEVICE"


@click.command(
    "cards",
    epilog="""\b
Examples:
  ghostcard cards -V
  GHOSTCARD_CONFIG=two.toml ghostcard cards --json
  ghostcard cards --config-off 00
  ghostcard cards --offline 00.0001
""",
)
@click.option("-V", "--verbose", is_flag=True, help="All columns.")
@click.option("-b", "--bus", is_flag=True, help="The settings of the AP bus instead.")
@click.option("-c", "--capability", metavar="CARD", help="What a card can do instead.")
@click.option("-d", "--domains", is_flag=True, help="Control and usage domains instead.")
@click.option("-s", "--serial", is_flag=True, help="The serial numbers of cards with keys instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--config-off", metavar="CARD", multiple=True, help="Take a card out first.")
@click.option("--config-on", metavar="CARD", multiple=True, help="Bring a card back first.")
@click.option("--offline", metavar=_DEVICE, multiple=True, help="Set a card or queue offline.")
@click.option("--online", metavar=_DEVICE, multiple=True, help="Set it online again.")
@click.option("--reset", metavar="QUEUE", multiple=True, help="Reset a queue.")
def command(
    verbose: bool,
    bus: bool,
    capability: str | None,
    domains: bool,
    serial: bool,
    as_json: bool,
    **changes: tuple[str, ...],
) -> None:
    """List the machine's cards and queues, in the manner of lszcrypt.

    REQUESTS counts what all programs with this GHOSTCARD_HOME have asked. The firmware of a card is
    started where it is asked for something, so that a card that cannot start says so.

    A card that is taken out of operation (--config-off, as chzcrypt has it) is so for every
    program with this GHOSTCARD_HOME, also for those that run: its token goes, and with it their
    sessions, and C_WaitForSlotEvent tells of it. It stays away until --config-on. A card or queue
    that is offline is sent nothing more; programs go to others, if they can.
    """
    if sum((bus, capability is not None, domains, serial)) > 1:
        raise click.UsageError("-b, -c, -d and -s exclude each other")
    machine = Machine(own(load()))
    attributes = Attributes(NativeHost(machine))
    tree = Tree(attributes)
    for option, (name, value) in _CHANGES.items():
        for device in changes[option]:
            _write(attributes, _path(tree, device, name), value)
    if as_json:
        document([line._asdict() for line in lszcrypt.listing(tree)])
        return
    if bus:
        lines = lszcrypt.settings(tree)
    elif capability is not None:
        _path(tree, capability, "type")
        lines = lszcrypt.capabilities(tree, f"card{capability}")
    elif domains:
        lines = lszcrypt.domains(tree)
    elif serial:
        lines = lszcrypt.table(lszcrypt.serials(tree), lszcrypt.SERIALS)
    else:
        columns = lszcrypt.VERBOSE if verbose else lszcrypt.COLUMNS
        lines = lszcrypt.table((line.cells for line in lszcrypt.listing(tree)), columns)
    for line in lines:
        click.echo(line)
    for line in lszcrypt.warning(tree):
        click.echo(line)


def _path(tree: Tree, device: str, attribute: str) -> str:
    """The attribute of a device named as in the listing; UsageError if there is none."""
    cards = {card[4:]: card for card in tree.cards()}
    queues = {queue: f"{card}/{queue}" for card in cards.values() for queue in tree.queues(card)}
    known = {**cards, **queues}
    if attribute == "reset":
        known = queues
    if attribute in ("config", "type"):
        known = cards
    if device not in known:
        kind = "queue" if known is queues else "card"
        raise click.UsageError(f"{kind} {device!r}: there are {', '.join(sorted(known))}")
    return f"{DEVICES}/{known[device]}/{attribute}"


def _write(attributes: Attributes, path: str, value: str) -> None:
    try:
        attributes.write(path, value)
    except DriverError as error:
        raise Failure(f"{path}: {error}") from None
