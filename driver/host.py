"""What attributes are read from and act on: a host with its AP bus driver, whatever its kind."""

from typing import NamedTuple, Protocol

from ghostcard.driver import masks
from ghostcard.driver.port import Port
from ghostcard.driver.queue import Device, State

CONFIG_TIME_S = 30
POLL_TIMEOUT_NS = 250_000


class QueueState(NamedTuple):
    """A queue as its driver knows it."""

    online: bool
    configured: bool
    checkstopped: bool
    load: int
    requests: int  # ever taken
    queued: int  # not yet in hardware
    pending: int  # in hardware
    state: State
    device: Device
    last_error: int  # response code


class CardState(NamedTuple):
    """A card as its driver knows it; what is counted is counted at its queues."""

    online: bool
    configured: bool
    checkstopped: bool
    load: int
    requests: int


class Settings:
    """What is written and kept by the driver itself; masks have 256 bits."""

    __slots__ = ("apmask", "aqmask", "config_time_s", "domain", "overrides")

    def __init__(self) -> None:
        self.domain = -1  # the default domain; -1: none
        self.config_time_s = CONFIG_TIME_S
        self.apmask = masks.ALL
        self.aqmask = masks.ALL
        self.overrides: dict[int, str] = {}  # qid -> name of the driver that is to have it


class Host(Protocol):
    """One kind of host; queues are named by qid, cards by adapter. KeyError for what is not there.

    ``interrupts`` says whether they are used, ``scans`` how often the bus was scanned; ``poll_ns``
    and ``poll_thread`` are those of the driver. ``port`` asks cards what they say of themselves.
    """

    settings: Settings
    interrupts: bool
    poll_ns: int
    poll_thread: bool

    @property
    def scans(self) -> int: ...

    @property
    def port(self) -> Port: ...

    def qci(self) -> bytes:
        """The configuration block (AP sheet 1.5)."""
        ...

    def tapq(self, qid: int) -> tuple[int, int]:
        """Status word and hardware information."""
        ...

    def qids(self) -> list[int]:
        """The queues there are, in order."""
        ...

    def queue(self, qid: int) -> QueueState: ...

    def card(self, adapter: int) -> CardState: ...

    def switch_queue(self, qid: int, online: bool) -> None:
        """Set it online or offline; what it holds goes elsewhere."""
        ...

    def switch_card(self, adapter: int, online: bool) -> None:
        """Set it and all its queues online or offline."""
        ...

    def configure(self, adapter: int, configured: bool) -> None:
        """Put the adapter into operation, or into standby."""
        ...

    def reset(self, qid: int) -> None:
        """Flush and reset."""
        ...

    def forget_requests(self, qids: list[int]) -> None:
        """Count from 0 again."""
        ...

    def scan(self) -> None:
        """Scan the bus."""
        ...

    @property
    def bindings_completed(self) -> int:
        """How often all queues that there were have found their driver."""
        ...

    def notice(self) -> None:
        """Masks or overrides have been written."""
        ...

    def set_scan_period(self, seconds: int) -> None: ...
