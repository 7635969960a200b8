"""What it takes to have a card perform one operation, and how large request and reply are.

An exercise makes its material (keys, ciphertexts, signatures) on a card, then asks. It also knows
the sizes of material and reply without a card, since no length on the wire follows a random value;
`ghostcard.driver.shapes` builds on that. Data is zeros.
"""

import sys
from typing import Protocol, TypeAlias

from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.template import ULONG_SIZE

Material: TypeAlias = tuple[bytes, ...]
Sizes: TypeAlias = tuple[int, ...]

CHECKSUM = 7  # bytes: check value and size of a secret key
ON = b"\1"


def ulong(value: int) -> bytes:
    """A CK_ULONG as a template holds it."""
    return value.to_bytes(ULONG_SIZE, sys.byteorder)


class Exercise(Protocol):
    """One operation. `payload` is the bytes the card processes, as its records state them."""

    def accepts(self, payload: int) -> bool:
        """Whether a request can have this payload."""

    def material(self, host: Ep11Host, payload: int) -> Material:
        """Make what the request needs; asks the card for other operations."""

    def material_bytes(self, payload: int) -> Sizes:
        """The sizes of the material."""

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        """The one request."""

    def reply_bytes(self, payload: int) -> Sizes:
        """The sizes of the parameters of the good reply."""


class NoPayload:
    """Part of an exercise whose request carries no data."""

    def accepts(self, payload: int) -> bool:
        return payload == 0


class AnyPayload:
    """Part of an exercise whose request carries any data."""

    def accepts(self, payload: int) -> bool:
        return payload >= 0


class NoMaterial:
    """Part of an exercise that needs nothing."""

    def material(self, host: Ep11Host, payload: int) -> Material:
        return ()

    def material_bytes(self, payload: int) -> Sizes:
        return ()
