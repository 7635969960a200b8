"""The timing image: prices requests and answers none.

For simulated hosts on devices that are no AP adapters and so have no firmware image here. A profile
need only state the operations of which something is known.
"""

from ghostcard.emulator.image import Plan, Scheduler, Services
from ghostcard.emulator.status import APXA, MODE_FACILITY
from ghostcard.firmware.abi import errorreply
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.operations import ERROR
from ghostcard.firmware.pipeline import Pipeline

MODES = ("timing",)


class TimingImage:
    """`emulator.image.Image` for a card of whose requests only the times matter."""

    def __init__(self, mode: str) -> None:
        """`mode` is one of MODES."""
        self.mode = mode
        self.facilities = MODE_FACILITY[mode] | APXA

    def boot(self, services: Services) -> None:
        """Take the prices from the profile, whatever operations it has."""
        self._pipeline = Pipeline(services.profile, ())

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """Refuse every block, as a card does that does not know the type of message."""
        return errorreply.pack(ReplyCode.MESSAGE_TYPE), ERROR, 0

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """The cost of one request; KeyError for an operation that the profile does not price."""
        return self._pipeline.plan(operation, payload_bytes)

    def scheduler(self) -> Scheduler | None:
        """The policy that the profile names."""
        return self._pipeline.scheduler()

    def zeroize(self, domain: int) -> None:
        """Nothing to forget."""
