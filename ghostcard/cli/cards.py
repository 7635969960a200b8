"""``ghostcard cards``: adapters and queues in the manner of lszcrypt -V (AP sheet 6.1)."""

from collections.abc import Iterator
from typing import NamedTuple

import click

from ghostcard.cli.output import document
from ghostcard.config import apqn, load
from ghostcard.emulator.card import Card
from ghostcard.emulator.status import CHECKSTOPPED, DECONFIGURED, NORMAL, response_code
from ghostcard.machine import Machine

# (header, width); a negative width is aligned right
_COLUMNS = (
    ("CARD.DOM", 8),
    ("TYPE", 5),
    ("MODE", 11),
    ("STATUS", 10),
    ("REQUESTS", -8),
    ("PENDING", -8),
    ("HWTYPE", -6),
    ("QDEPTH", -6),
    ("FUNCTIONS", 10),
    ("DRIVER", 11),
)
_MODES = {
    "accelerator": ("A", "Accelerator"),
    "cca": ("C", "CCA-Coproc"),
    "ep11": ("P", "EP11-Coproc"),
}
_STATUS = {NORMAL: "online", DECONFIGURED: "deconfig", CHECKSTOPPED: "chkstop"}
_LETTERS = "SMCDAXNHFR"  # of facility bits 0 ... 9, AP sheet 1.4
_CEX4_TYPE = 10  # hardware type of the first generation the drivers of today know


class Line(NamedTuple):
    """A card or a queue; ``requests`` and ``pending`` count within this process."""

    id: str
    type: str
    mode: str
    status: str
    requests: int
    pending: int
    hardware_type: int
    queue_depth: int
    functions: str
    driver: str


@click.command(
    "cards",
    epilog="\b\nExamples:\n  ghostcard cards\n  GHOSTCARD_CONFIG=two.toml ghostcard cards --json\n"
    "  ghostcard cards --config-off 00\n",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--config-off", "off", metavar="CARD", multiple=True, help="Take a card out first.")
@click.option("--config-on", "on", metavar="CARD", multiple=True, help="Bring a card back first.")
def command(as_json: bool, off: tuple[str, ...], on: tuple[str, ...]) -> None:
    """List the machine's cards and queues, in the manner of lszcrypt.

    The cards are started for it, so that a card that cannot start says so; REQUESTS and PENDING
    count from there. What a program asked of the cards is told by `ghostcard run`.

    A card that is taken out of operation (--config-off, as chzcrypt has it) is so for every
    program with this GHOSTCARD_HOME, also for those that run: its token goes, and with it their
    sessions, and C_WaitForSlotEvent tells of it. It stays away until --config-on.
    """
    machine = Machine(load())
    for names, is_there in ((off, False), (on, True)):
        for name in names:
            switch(machine, name, is_there)
    lines = list(listing(machine))
    if as_json:
        document([line._asdict() for line in lines])
        return
    click.echo(_text([header for header, _ in _COLUMNS]))
    click.echo("-" * (sum(abs(width) for _, width in _COLUMNS) + len(_COLUMNS) - 1))
    for line in lines:
        click.echo(_text([*line[:7], f"{line.queue_depth:02d}", *line[8:]]))


def switch(machine: Machine, name: str, is_there: bool) -> None:
    """Take a card, named as in the listing, out of operation, or bring it back."""
    known = {f"{adapter:02x}": adapter for adapter in machine.bus.cards}
    if name not in known:
        raise click.UsageError(f"card {name!r}: there are {', '.join(sorted(known))}")
    assert machine.sockets is not None
    machine.sockets.switch(known[name], is_there)
    machine.follow()


def listing(machine: Machine) -> Iterator[Line]:
    """Each card in order, followed by its queues."""
    for adapter, card in sorted(machine.bus.cards.items()):
        statuses = {
            queue.qid: response_code(machine.bus.tapq(queue.qid)[0])
            for queue in card.queues.values()
        }
        best = min(statuses.values())
        yield _line(card, f"{adapter:02x}", best, "card")
        for qid, status in sorted(statuses.items()):
            yield _line(card, apqn(qid), status, "queue")


def _line(card: Card, name: str, status: int, driver: str) -> Line:
    letter, mode = _MODES[card.profile.mode]
    generation = card.profile.hardware_type - _CEX4_TYPE + 4
    bits = card.image.facilities
    functions = "".join(x if bits << n & 0x80000000 else "-" for n, x in enumerate(_LETTERS))
    return Line(
        name,
        f"CEX{generation}{letter}",
        mode,
        _STATUS.get(status, f"rc {status:02x}"),
        0,
        0,
        card.profile.hardware_type,
        card.profile.queue.depth,
        functions,
        f"cex4{driver}",
    )


def _text(cells: list[object]) -> str:
    return " ".join(
        f"{cell!s:>{-width}}" if width < 0 else f"{cell!s:<{width}}"
        for cell, (_, width) in zip(cells, _COLUMNS, strict=True)
    )
