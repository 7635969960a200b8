"""The accelerator image: RSA with keys in clear, by modulus or by primes (AP sheet 2, 3.1, 3.2).

It keeps nothing.
"""

from ghostcard.emulator.image import Plan, Scheduler, Services
from ghostcard.firmware import clear_rsa
from ghostcard.firmware.abi import errorreply, type50, type80
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import ACCELERATOR_OPERATIONS, ERROR
from ghostcard.firmware.abi.type50 import ModExpo
from ghostcard.firmware.facilities import FACILITIES
from ghostcard.firmware.pipeline import Pipeline


class AcceleratorImage:
    """`emulator.image.Image` for a card in accelerator mode."""

    mode = "accelerator"
    facilities = FACILITIES["accelerator"]

    def boot(self, services: Services) -> None:
        """Take the prices from the profile; ProfileError if one is missing."""
        self._pipeline = Pipeline(services.profile, ACCELERATOR_OPERATIONS)
        self._is_null = services.function == "null"

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """Answer a type 50 request: reply of type 80 or 82, operation, bytes of the message.

        The domain does not matter, since there are no secrets. With function `null` everything is
        checked, and the result is zero.
        """
        try:
            request = type50.unpack(block)
            number = clear_rsa.result(request, self._is_null)
        except WireError as error:
            return errorreply.pack(error.code), ERROR, 0
        size = len(request.message)
        kind = "me" if isinstance(request, ModExpo) else "crt"
        return type80.pack(number.to_bytes(size, "big")), f"rsa{size * 8}-{kind}", size

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """The cost of one request."""
        return self._pipeline.plan(operation, payload_bytes)

    def scheduler(self) -> Scheduler | None:
        """The policy that the profile names."""
        return self._pipeline.scheduler()

    def zeroize(self, domain: int) -> None:
        """Nothing to forget."""
