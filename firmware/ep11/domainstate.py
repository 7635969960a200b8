"""What NVRAM keeps of a domain besides its current wrapping key (AP sheet 7.5).

One entry a domain, big-endian, so that a change of any of it is one write:

    layout u8 (1) | next key's state u8 | signature threshold u8 | revocation threshold u8 |
    permissions u32 | transaction counter 16 | control points 16 | next wrapping key 32 |
    list of: importer's private key (PKCS #8, or nothing), SPKI of each administrator

A domain without an entry is as the factory made it.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from ghostcard.emulator.errors import NvramError
from ghostcard.firmware.abi import admin, controlpoints
from ghostcard.firmware.abi.errors import WireError

ADMINISTRATORS_MAX = 8
_HEAD = struct.Struct(">BBBBI16s16s32s")
_LAYOUT = 1


class Next(IntEnum):
    """What the register of the next wrapping key holds."""

    EMPTY = 0
    UNCOMMITTED = 1
    COMMITTED = 2


class DomainState(NamedTuple):
    """Thresholds 0: imprint mode, in which commands need no signature."""

    next: Next = Next.EMPTY
    signature_threshold: int = 0
    revocation_threshold: int = 0
    permissions: int = admin.USUAL_PERMISSIONS
    counter: bytes = bytes(admin.COUNTER_SIZE)
    points: bytes = controlpoints.USUAL
    next_key: bytes = bytes(32)
    importer: bytes = b""
    administrators: tuple[bytes, ...] = ()

    @property
    def has_left_imprint(self) -> bool:
        """Whether commands have to be signed."""
        return self.signature_threshold > 0


def nvram_name(domain: int) -> str:
    """Where a card keeps the state of a domain."""
    return f"ep11.domain.{domain:04x}"


def pack(state: DomainState) -> bytes:
    """The entry."""
    head = _HEAD.pack(
        _LAYOUT, state.next, state.signature_threshold, state.revocation_threshold,
        state.permissions, state.counter, state.points, state.next_key,
    )  # fmt: skip
    return head + admin.pack_list((state.importer, *state.administrators))


def unpack(entry: bytes | None) -> DomainState:
    """The state; NvramError for bytes that are none of ours."""
    if entry is None:
        return DomainState()
    try:
        layout, following, *middle = _HEAD.unpack_from(entry)
        importer, *administrators = admin.unpack_list(entry[_HEAD.size :])
        if layout == _LAYOUT:
            fields = (Next(following), *middle, importer, tuple(administrators))
            return DomainState._make(fields)
    except (struct.error, WireError, ValueError):
        pass
    raise NvramError("the state of a domain cannot be read: it is of another version or damaged")
