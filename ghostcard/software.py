"""The software of a host with accelerators: an EP11 image that the host itself runs for a slot.

So the whole of Cryptoki works on it as on a card, and takes no time of any card. RSA up to the size
that accelerators take is sent to them, as type 50 requests: private operations by primes.

The image keeps its secrets in ``hosts/<slot>.nvram`` of the state folder. It has no prices, and
boots at the first request.
"""

import errno
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from ghostcard.deferred import DeferredImage
from ghostcard.driver.errors import DriverError
from ghostcard.driver.port import Noted, Result
from ghostcard.driver.triage import outcome, triage
from ghostcard.emulator.figures import UnknownFigure
from ghostcard.emulator.profile import Profile, load
from ghostcard.firmware.abi.errorreply import sentence
from ghostcard.firmware.facilities import FACILITIES

if TYPE_CHECKING:
    from ghostcard.driver.port import Port
    from ghostcard.emulator.image import Image
    from ghostcard.emulator.nvram import Nvram
    from ghostcard.emulator.randomness import RandomSource


class Software:
    """Implements `ghostcard.driver.port.WholePort` and `ghostcard.emulator.image.Services`.

    There is one domain, 0, whatever the targets. ``port`` leads to the accelerators ``apqns``.
    """

    domains = (0,)

    def __init__(
        self,
        nvram: "Nvram",
        random: "RandomSource",
        function: str,
        port: "Port",
        apqns: tuple[int, ...],
    ) -> None:
        self.nvram = nvram
        self.random = random
        self.function = function
        self._port = port
        self._apqns = apqns
        self._image = DeferredImage("ep11", FACILITIES["ep11"], self._make)
        self._image.boot(self)

    @cached_property
    def profile(self) -> Profile:
        """A card that takes no time."""
        return load("null")

    def change(self, key: str, value: int) -> int:
        """A host has no figures: UnknownFigure."""
        raise UnknownFigure(f"{key}: the software of a host has no figures")

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        """Perform a request at once; DriverError(EINVAL) for one that is malformed."""
        reply, _, _ = self._image.perform(0, render(0))
        if triage(reply):
            raise DriverError(errno.EINVAL, sentence(outcome(reply)))
        return reply, 0

    def noting(
        self, action: Callable[[], Result], targets: tuple[int, ...]
    ) -> tuple[Result, Noted | None]:
        """No card has part in it: there is nothing to note."""
        return action(), Noted(False, ())

    def perform_whole(
        self,
        verb: int,
        mechanism: bytes,
        key: bytes,
        data: memoryview,
        out: memoryview,
        targets: tuple[int, ...],
        known: Mapping[int, Noted],
    ) -> int | None:
        """Do an operation in one piece; None if its result has another size than before."""
        size = self._image.perform_whole(0, verb, mechanism, key, data, out)
        return size if size in known else None

    def _make(self) -> "Image":
        from ghostcard.accelerated_rsa import AcceleratedRsa
        from ghostcard.driver.accelerator import AcceleratorHost
        from ghostcard.firmware.ep11.image import Ep11Image

        host = AcceleratorHost(self._port, self._apqns)
        return Ep11Image(AcceleratedRsa(host, self.function == "null").equip)
