"""The sysfs tree of the AP bus: which attributes there are, and what reads and writes do.

Names and texts are those of AP sheet 5; the tables are in `busattributes`, `cardattributes` and
`queueattributes`. A path is one of::

    /sys/bus/ap/NAME
    /sys/devices/ap/card00/NAME             or /sys/bus/ap/devices/card00/NAME
    /sys/devices/ap/card00/00.0006/NAME     or /sys/bus/ap/devices/00.0006/NAME
    /sys/class/zcrypt/create, destroy       write the name of a device node
    /sys/class/zcrypt/NODE/MASK             ioctlmask, apmask, aqmask, admask

Errors are DriverError: ENOENT for what is not there, EACCES for a write of what can only be read,
EINVAL for a value that is none, and what the attribute itself has against it.
"""

import errno
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ghostcard.driver import busattributes, cardattributes, queueattributes
from ghostcard.driver.attribute import Attribute, nothing
from ghostcard.driver.errors import DriverError
from ghostcard.driver.facts import facts, queues_of
from ghostcard.driver.host import Host
from ghostcard.driver.nodes import MASKS, Nodes

BUS = "/sys/bus/ap"
DEVICES = "/sys/devices/ap"
NODES = "/sys/class/zcrypt/"
NODE_TABLE: dict[str, Callable[[Nodes, str], object]] = {
    "create": Nodes.create,
    "destroy": Nodes.destroy,
}
TABLES = {
    "bus": busattributes.TABLE,
    "card": cardattributes.TABLE,
    "queue": queueattributes.TABLE,
}


class Place(NamedTuple):
    """A device: a row of TABLES, and its number: 0, adapter, or qid."""

    kind: str
    number: int
    path: str


class Attributes:
    """The tree of one host, with its device nodes."""

    def __init__(self, host: Host, nodes: Nodes | None = None) -> None:
        self.host = host
        self.nodes = Nodes() if nodes is None else nodes

    def read(self, path: str) -> str:
        """The text of an attribute, with the newline at its end."""
        if path.startswith(NODES):
            return self._read_node(path.removeprefix(NODES))
        place, attribute = self._find(path)
        return attribute.read(self.host, place.number) + "\n"

    def write(self, path: str, text: str) -> None:
        """Write it; a newline at the end does not matter."""
        if path.startswith(NODES):
            self._write_node(path.removeprefix(NODES), text.rstrip("\n"))
            return
        place, attribute = self._find(path)
        if attribute.write is None:
            raise DriverError(errno.EACCES, f"{path} can only be read")
        attribute.write(self.host, place.number, text.rstrip("\n"))

    def paths(self) -> Iterator[str]:
        """Every attribute that can be read, by the path that is no link."""
        for place in self._places():
            for name in self._rows(place):
                yield f"{place.path}/{name}"
        for node in self.nodes.names():
            yield from (f"{NODES}{node}/{mask}" for mask in MASKS)

    def _read_node(self, place: str) -> str:
        """A mask of a device node (AP sheet 4.5)."""
        if place in NODE_TABLE:
            raise DriverError(errno.EACCES, f"{NODES}{place} can only be written")
        node, _, mask = place.rpartition("/")
        return self.nodes.read(node, mask) + "\n"

    def _write_node(self, place: str, text: str) -> None:
        if place in NODE_TABLE:
            NODE_TABLE[place](self.nodes, text)
            return
        node, _, mask = place.rpartition("/")
        self.nodes.write(node, mask, text)

    def _places(self) -> Iterator[Place]:
        yield Place("bus", 0, BUS)
        qids = self.host.qids()
        for adapter in dict.fromkeys(qid >> 8 for qid in qids):
            card = f"{DEVICES}/card{adapter:02x}"
            yield Place("card", adapter, card)
            for qid in qids:
                if qid >> 8 == adapter:
                    yield Place("queue", qid, f"{card}/{adapter:02x}.{qid & 0xFF:04x}")

    def _rows(self, place: Place) -> dict[str, Attribute]:
        """The attributes of a device; some are those of one mode only."""
        rows = TABLES[place.kind]
        if place.kind == "bus":
            return rows
        first = queues_of(self.host, place.number)[0] if place.kind == "card" else place.number
        letter = facts(self.host, first).letter
        return {name: row for name, row in rows.items() if letter in row.modes}

    def _find(self, path: str) -> tuple[Place, Attribute]:
        folder, _, name = path.rpartition("/")
        folder = _without_links(folder)
        for place in self._places():
            if place.path == folder:
                row = self._rows(place).get(name)
                if row is None:
                    break
                return place, row
        raise nothing(f"attribute {path}")


def _without_links(folder: str) -> str:
    """The path of a device for that of its link."""
    device = folder.removeprefix(f"{BUS}/devices/")
    if device == folder:
        return folder
    card = device if device.startswith("card") else f"card{device[:2]}/{device}"
    return f"{DEVICES}/{card}"
