"""The outputs of lszcrypt as text: cards and queues, settings, capabilities, domains, serials.

(AP sheet 6.1.) All of it is read from the tree of attributes, as lszcrypt does.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ghostcard.driver import masks
from ghostcard.driver.attributes import BUS, DEVICES, Attributes
from ghostcard.driver.errors import DriverError
from ghostcard.driver.facts import CARD_DRIVER, QUEUE_DRIVER, is_bound

# (header, width); a negative width is aligned right
COLUMNS = (
    ("CARD.DOM", 8),
    ("TYPE", 5),
    ("MODE", 11),
    ("STATUS", 10),
    ("REQUESTS", -8),
)
VERBOSE = (
    *COLUMNS,
    ("PENDING", -8),
    ("HWTYPE", -6),
    ("QDEPTH", -6),
    ("FUNCTIONS", 10),
    ("DRIVER", 11),
)
SERIALS = (*COLUMNS[:4], ("SERIALNR", 8))
_MODES = {"A": "Accelerator", "C": "CCA-Coproc", "P": "EP11-Coproc"}
_LETTERS = "SMCDAXNHFR"  # of facility bits 0 ... 9, AP sheet 1.4
_RSA_4K = 0x60000000
_FULL, _RESTRICTED, _FILTERING = 0x00800000, 0x00400000, 0x01000000
NO_DRIVER = "-no-driver-"


class Line(NamedTuple):
    """A card or a queue."""

    id: str
    type: str
    mode: str
    status: str
    requests: str
    pending: str
    hardware_type: int
    queue_depth: int
    functions: str
    driver: str

    @property
    def cells(self) -> tuple[str, ...]:
        """As the columns have them."""
        depth = f"{self.queue_depth:02d}"
        return (*self[:6], str(self.hardware_type), depth, *self[8:])


class Tree:
    """The attributes of a host, as lszcrypt wants them."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        self.host = attributes.host

    def cards(self) -> list[str]:
        """``card00`` and so on."""
        return [f"card{adapter:02x}" for adapter in dict.fromkeys(q >> 8 for q in self.host.qids())]

    def queues(self, card: str) -> list[str]:
        """``00.0006`` and so on."""
        adapter = int(card[4:], 16)
        return [
            f"{adapter:02x}.{qid & 0xFF:04x}" for qid in self.host.qids() if qid >> 8 == adapter
        ]

    def get(self, path: str) -> str:
        """An attribute, without its newline; "-" if it cannot be read."""
        try:
            return self._attributes.read(path).rstrip("\n")
        except DriverError:
            return "-"

    def bus(self, name: str) -> str:
        return self.get(f"{BUS}/{name}")

    def card(self, card: str, name: str) -> str:
        return self.get(f"{DEVICES}/{card}/{name}")

    def queue(self, card: str, queue: str, name: str) -> str:
        return self.get(f"{DEVICES}/{card}/{queue}/{name}")


def listing(tree: Tree) -> Iterator[Line]:
    """Each card in order, followed by its queues."""
    for card in tree.cards():
        place = f"{DEVICES}/{card}"
        yield _line(tree, card, card[4:], place, CARD_DRIVER)
        for queue in tree.queues(card):
            adapter, domain = queue.split(".")
            qid = int(adapter, 16) << 8 | int(domain, 16)
            driver = QUEUE_DRIVER if is_bound(tree.host, qid) else NO_DRIVER
            yield _line(tree, card, queue, f"{place}/{queue}", driver)


def _line(tree: Tree, card: str, name: str, place: str, driver: str) -> Line:
    status = _status(tree, place)
    counts = ("request_count", "pendingq_count", "requestq_count")
    requests, pending, waiting = (tree.get(f"{place}/{count}") for count in counts)
    is_known = status != "deconfig"
    kind = tree.card(card, "type")
    functions = int(tree.card(card, "ap_functions"), 16)
    letters = (x if functions << n & 0x80000000 else "-" for n, x in enumerate(_LETTERS))
    under_way = pending.isdecimal() and waiting.isdecimal() and driver != NO_DRIVER
    return Line(
        name,
        kind,
        _MODES.get(kind[-1:], "Unknown"),
        status if driver != NO_DRIVER or status in ("deconfig", "chkstop") else "-",
        requests if is_known else "-",
        str(int(pending) + int(waiting)) if is_known and under_way else "-",
        int(tree.card(card, "hwtype")),
        int(tree.card(card, "depth")),
        "".join(letters),
        driver,
    )


def _status(tree: Tree, place: str) -> str:
    if tree.get(f"{place}/config") == "0":
        return "deconfig"
    if tree.get(f"{place}/chkstop") == "1":
        return "chkstop"
    return "online" if tree.get(f"{place}/online") == "1" else "offline"


def table(rows: Iterator[tuple[str, ...]], columns: tuple[tuple[str, int], ...]) -> Iterator[str]:
    """Header, line and rows; rows may have more cells than are shown."""
    yield _text(tuple(header for header, _ in columns), columns)
    yield "-" * (sum(abs(width) for _, width in columns) + len(columns) - 1)
    for row in rows:
        yield _text(row[: len(columns)], columns)


def warning(tree: Tree) -> Iterator[str]:
    """That the default domain is not there, if so."""
    domain = int(tree.bus("ap_domain"))
    if not masks.holds(int(tree.bus("ap_usage_domain_mask"), 16), domain):
        yield f"Warning: Default domain 0x{domain & 0xFF:02x} is not available."


def settings(tree: Tree) -> Iterator[str]:
    """Option -b: the bus."""
    yield f"features: {tree.bus('features')}"
    yield f"ap_domain=0x{int(tree.bus('ap_domain')) & 0xFF:02x}"
    yield f"ap_max_domain_id=0x{int(tree.bus('ap_max_domain_id')):02x}"
    yield f"ap_interrupts are {_switched(tree.bus('ap_interrupts'))}"
    yield f"config_time={tree.bus('config_time')} (seconds)"
    yield f"poll_thread is {_switched(tree.bus('poll_thread'))}"
    yield f"poll_timeout={tree.bus('poll_timeout')} (nanoseconds)"


def capabilities(tree: Tree, card: str) -> Iterator[str]:
    """Option -c: what a card can do."""
    functions = int(tree.card(card, "ap_functions"), 16)
    letter = tree.card(card, "type")[-1:]
    yield f"{card} provides capability for:"
    if letter == "A":
        yield f"RSA {'4K' if functions & _RSA_4K == _RSA_4K else '2K'} Clear Key"
    if letter == "C":
        yield "RSA 4K Clear Key"
        kinds = ((_FULL, " (full function set)"), (_RESTRICTED, " (restricted function set)"))
        yield "CCA Secure Key" + next((text for bit, text in kinds if functions & bit), "")
        if functions & _FILTERING:
            yield "Hardware support for stateless filtering"
        yield "Long RNG"
    if letter == "P":
        yield "EP11 Secure Key"
    yield f"AP bus max message size limit {int(tree.card(card, 'max_msg_size')) // 1024} Kb"


def domains(tree: Tree) -> Iterator[str]:
    """Option -d: a letter for each domain: C control, U usage, B both."""
    usage = int(tree.bus("ap_usage_domain_mask"), 16)
    control = int(tree.bus("ap_control_domain_mask"), 16)
    letters = {(True, True): "B", (True, False): "U", (False, True): "C", (False, False): "."}
    yield "DOMAIN " + " ".join(f"{number:02x}" for number in range(16))
    yield "-" * 54
    for row in range(16):
        places = range(16 * row, 16 * row + 16)
        found = (letters[masks.holds(usage, n), masks.holds(control, n)] for n in places)
        yield f"    {row * 16:02x}  " + "  ".join(found)
    yield "-" * 54
    yield "C: Control domain"
    yield "U: Usage domain"
    yield "B: Both (Control + Usage domain)"


def serials(tree: Tree) -> Iterator[tuple[str, ...]]:
    """Option -s: cards that keep keys, with the first 8 characters of their serial numbers."""
    for line in listing(tree):
        if "." not in line.id and line.type[-1:] in ("C", "P"):
            yield (*line[:4], tree.card(f"card{line.id}", "serialnr")[:8])


def _switched(text: str) -> str:
    return "enabled" if text == "1" else "disabled"


def _text(cells: tuple[str, ...], columns: tuple[tuple[str, int], ...]) -> str:
    return " ".join(
        f"{cell:>{-width}}" if width < 0 else f"{cell:<{width}}"
        for cell, (_, width) in zip(cells, columns, strict=True)
    )
