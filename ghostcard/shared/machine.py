"""What a program has instead of cards of its own: their likeness, and a port to the server.

Slots, modes, sizes and prices are the configuration's; whatever is asked of a card the server does,
and accounts for it.
"""

import os
from typing import TYPE_CHECKING

from ghostcard.config import Config, ConfigError
from ghostcard.driver.native import NativePort
from ghostcard.emulator.meter import Meter
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.sockets import Sockets
from ghostcard.machine import Machine
from ghostcard.shared.client import Link, ServerError, describe
from ghostcard.shared.wire import pack_targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghostcard.driver.jobs import Jobs
    from ghostcard.emulator.bus import Bus


class RemotePort(NativePort):
    """The port to a server's cards. It has no tickets: asynchronous sessions are refused on it."""

    begin = None  # type: ignore[assignment]  # so it is no AsyncPort

    def __init__(self, bus: "Bus", link: Link) -> None:
        super().__init__(bus, Recorder(capacity=0))
        self._link = link
        self._perform = link.perform
        self._packed: dict[tuple[int, ...], bytes] = {}

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

    def enter(self, group: int = 0) -> int:
        """Have the calling thread known to the server before its first call."""
        self._link.enter()
        return -1


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
