"""CK_BBOOL, CK_ULONG and CK_DATE as the bytes a template holds, in the machine's byte order."""

import struct

_ULONG = struct.Struct("=Q")

TRUE = b"\x01"
FALSE = b"\x00"
EMPTY = b""
ULONG_BYTES = 8


def boolean(value: bool) -> bytes:
    """A CK_BBOOL, 1 byte."""
    return TRUE if value else FALSE


def ulong(value: int) -> bytes:
    """A CK_ULONG, 8 bytes."""
    return _ULONG.pack(value)


def number(value: bytes) -> int:
    """The value of a CK_ULONG whose length has been checked."""
    (result,) = _ULONG.unpack(value)
    return int(result)


def numbers(value: bytes) -> tuple[int, ...]:
    """The values of an array of CK_ULONG."""
    return struct.unpack(f"={len(value) // ULONG_BYTES}Q", value)


def big(value: int, size: int = 0) -> bytes:
    """A big integer: big-endian, no leading zero, at least ``size`` bytes."""
    return value.to_bytes(max(size, (value.bit_length() + 7) // 8), "big")


def is_date(value: bytes) -> bool:
    """Whether this is a CK_DATE (YYYYMMDD in digits) or the empty value for "no date"."""
    if not value:
        return True
    if len(value) != 8 or not value.isdigit():
        return False
    return 1 <= int(value[4:6]) <= 12 and 1 <= int(value[6:8]) <= 31
