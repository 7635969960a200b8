"""What a program has instead of cards of its own: their likeness, and a port to the server.

Slots, modes, sizes and prices are the configuration's; whatever is asked of a card the server does,
and accounts for it.
"""

import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from ghostcard.config import Config, ConfigError
from ghostcard.driver.errors import DriverError
from ghostcard.driver.native import NativePort
from ghostcard.emulator.meter import Meter
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.sockets import Sockets
from ghostcard.machine import Machine
from ghostcard.shared.client import Link, ServerError, describe
from ghostcard.shared.remoteticket import RemoteTicket
from ghostcard.shared.wire import Kind, Wait, pack_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghostcard.driver.jobs import Jobs
    from ghostcard.driver.port import Result
    from ghostcard.emulator.bus import Bus

_AT_ONCE = 64  # tickets forgotten with the beginning of another


class RemotePort(NativePort):
    """The port to a server's cards. Tickets are the server's (`shared/tickets.py`)."""

    def __init__(self, bus: "Bus", link: Link) -> None:
        super().__init__(bus, Recorder(capacity=0))
        self._link = link
        self._perform = link.perform
        self._packed: dict[tuple[int, ...], bytes] = {}
        self._forgotten: deque[int] = deque()  # tickets that nobody has any more

    def call(
        self, function: int, render: "Callable[[int], bytes]", targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        """As `NativePort.call`; DriverError(ENODEV) also when the server is gone."""
        packed = self._packed.get(targets)
        if packed is None:
            packed = self._packed[targets] = pack_targets(targets)
        link = self._link
        link.function = function
        link.targets = packed
        return super().call(function, render, targets)

    def enter(self, group: int = 0) -> None:
        """Have the calling thread known to the server before its first call."""
        self._link.enter()

    def begin(self, action: "Callable[[], Result]") -> "tuple[Result, RemoteTicket]":  # type: ignore[override]
        """As `NativePort.begin`; DriverError(ENODEV) when the server is gone with the requests."""
        link = self._link
        link.kind, link.queued = Kind.QUEUE, 0
        try:
            result = action()
        except BaseException:
            with suppress(DriverError):
                self.wait((self._begun(link),))
            raise
        finally:
            link.kind = Kind.CALL
        return result, self._begun(link)

    def _begun(self, link: Link) -> RemoteTicket:
        if not link.queued:
            return RemoteTicket(0, self._forgotten)
        forgotten = [self._forgotten.popleft() for _ in range(min(len(self._forgotten), _AT_ONCE))]
        return RemoteTicket(link.begin(forgotten), self._forgotten)

    def is_done(self, ticket: RemoteTicket) -> bool:  # type: ignore[override]
        """As `NativePort.is_done`; ENODEV when the server is gone that had the ticket."""
        ticket.is_over = ticket.is_over or self._link.is_done(ticket.number)
        return ticket.is_over

    def wait(  # type: ignore[override]
        self,
        tickets: "Sequence[RemoteTicket]",
        timeout_ns: int | None = None,
        wall_s: float | None = None,
    ) -> RemoteTicket | None:
        """As `NativePort.wait`; ENODEV when the server is gone that had one of them."""
        by_number = {ticket.number: ticket for ticket in tickets}
        if 0 in by_number or not by_number:
            return by_number.get(0)
        found = self._link.wait(Wait(timeout_ns, wall_s or None, tuple(by_number)))
        if not found:
            return None
        by_number[found].is_over = True
        return by_number[found]

    def accompany(self, ticket: RemoteTicket, beside: RemoteTicket) -> bool:  # type: ignore[override]
        """As `NativePort.accompany`; False when the server is gone."""
        with suppress(DriverError):
            return self._link.accompany(ticket.number, beside.number)
        return False

    def abandon(self, ticket: RemoteTicket) -> None:  # type: ignore[override]
        """As `NativePort.abandon`; a server that has gone has no use for it."""
        with suppress(DriverError):
            self._link.abandon(ticket.number)


class RemoteSockets(Sockets):
    """Which of a server's cards are in operation; to be read only."""

    def __init__(self, file: int, link: Link) -> None:
        self._link = link
        self._map_of(file)

    def announce(self) -> None:
        """The server tells every process."""
        self._link.announce()


class RemoteMachine(Machine):
    """A machine whose cards are a server's; the stores of tokens are this home's."""

    def __init__(self, config: Config) -> None:
        """ConfigError when no server listens at ``config.server``, or has none for this user."""
        assert config.server is not None
        self._link = Link(config.server)
        super().__init__(config, recorder=Recorder(capacity=0))

    @property
    def jobs(self) -> "Jobs":
        """The server's."""
        return self._link

    def close(self) -> None:
        """Close the channel of the calling thread; those of others end with them."""
        super().close()
        self._link.forget()

    def after_fork(self) -> None:
        """As `Machine.after_fork`; the parent's thread keeps its channel."""
        self._link.forget()
        super().after_fork()

    def _share(
        self,
        modes: dict[int, str],
        nvrams: dict[int, Nvram],
        randoms: dict[int, RandomSource],
        is_administered: bool,
    ) -> None:
        """The server has seen to that."""

    def _nvram(self, owners: str, name: str, *of_config: str | None) -> Nvram:
        """A likeness keeps no secrets; the software of this host does."""
        return Nvram() if owners == "cards" else super()._nvram(owners, name, *of_config)

    def _opened_sockets(self) -> Sockets:
        assert self.config.server is not None
        try:
            _, file = describe(self.config.server)
        except ServerError as error:
            raise ConfigError(f"server: {error}") from None
        try:
            return RemoteSockets(file, self._link)
        finally:
            os.close(file)

    def _port(self, meter: Meter | None) -> NativePort:
        return RemotePort(self.bus, self._link)
