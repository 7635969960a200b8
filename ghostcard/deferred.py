"""A firmware image that boots at its first request.

A program that only looks around (slots, token information, sessions) never needs the firmware, and
loading it is a third of what a short-lived program pays. What is wrong with a profile is said at
boot, so only cards whose profile comes with Ghostcard boot late.
"""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from ghostcard.emulator.image import (
    NOT_PERFORMED,
    DestructibleImage,
    SchedulingImage,
    WholeImage,
)

if TYPE_CHECKING:
    from ghostcard.emulator.image import Image, Plan, Scheduler, Services


class DeferredImage:
    """Implements `ghostcard.emulator.image.Image` by the image that ``make`` gives."""

    def __init__(self, mode: str, facilities: int, make: "Callable[[], Image]") -> None:
        self.mode = mode
        self.facilities = facilities
        self._make = make
        self._lock = Lock()
        self._image: Image | None = None

    def boot(self, services: "Services") -> None:
        """Remember what to boot with."""
        self._services = services

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """As the image; boots it if this is the first request."""
        return self._booted().perform(domain, block)

    def perform_whole(
        self,
        domain: int,
        function: int,
        mechanism: bytes,
        key: bytes,
        data: memoryview,
        out: memoryview,
    ) -> int:
        """As the image, if it can; boots it if this is the first request."""
        image = self._booted()
        if not isinstance(image, WholeImage):
            return NOT_PERFORMED
        return image.perform_whole(domain, function, mechanism, key, data, out)

    def plan(self, operation: str, payload_bytes: int) -> "Plan":
        """As the image; boots it if this is the first request."""
        return self._booted().plan(operation, payload_bytes)

    def scheduler(self) -> "Scheduler | None":
        """As the image; boots it if this is the first request."""
        image = self._booted()
        return image.scheduler() if isinstance(image, SchedulingImage) else None

    def zeroize(self, domain: int) -> None:
        """As the image; one that has not booted has nothing to forget."""
        if self._image is not None:
            self._image.zeroize(domain)

    def destroy(self, domain: int) -> None:
        """As the image, if it has secrets; it boots for that."""
        image = self._booted()
        if isinstance(image, DestructibleImage):
            image.destroy(domain)

    def _booted(self) -> "Image":
        with self._lock:
            if self._image is None:
                image = self._make()
                image.boot(self._services)
                self._image = image
                # From here on a request meets the image itself.
                self.perform = image.perform  # type: ignore[method-assign]
                if isinstance(image, WholeImage):
                    self.perform_whole = image.perform_whole  # type: ignore[method-assign]
                self.plan = image.plan  # type: ignore[method-assign]
            return self._image
