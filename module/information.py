"""What the information functions answer: the standard's structures, field by field."""

from typing import NamedTuple

MANUFACTURER = "Ghostcard"
LIBRARY = "Ghostcard Cryptoki"

Version = tuple[int, int]
"""Major and minor number of a CK_VERSION."""


class LibraryInfo(NamedTuple):
    """CK_INFO (PKCS #11 3.2, 3.1)."""

    cryptoki_version: Version
    manufacturer: str
    flags: int
    description: str
    version: Version


class SlotInfo(NamedTuple):
    """CK_SLOT_INFO (PKCS #11 3.2, 3.2)."""

    description: str
    manufacturer: str
    flags: int
    hardware_version: Version
    firmware_version: Version


class TokenInfo(NamedTuple):
    """CK_TOKEN_INFO (PKCS #11 3.2, 3.2); ``label`` is the 32 bytes, blank padded."""

    label: bytes
    manufacturer: str
    model: str
    serial: str
    flags: int
    max_sessions: int
    sessions: int
    max_rw_sessions: int
    rw_sessions: int
    max_pin: int
    min_pin: int
    total_public_memory: int
    free_public_memory: int
    total_private_memory: int
    free_private_memory: int
    hardware_version: Version
    firmware_version: Version
    utc_time: str


class SessionInfo(NamedTuple):
    """CK_SESSION_INFO (PKCS #11 3.2, 3.3)."""

    slot: int
    state: int
    flags: int
    device_error: int


class MechanismInfo(NamedTuple):
    """CK_MECHANISM_INFO (PKCS #11 3.2, 3.6); key sizes in the unit the mechanism prescribes."""

    min_key_size: int
    max_key_size: int
    flags: int
