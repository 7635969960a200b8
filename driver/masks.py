"""Masks of 256 bits, bit 0 leftmost, as text: ``0x`` and 64 digits (AP sheet 4.5, 5.1).

Written they may also be a list of changes, ``+1,-0x10,+3-7``: each adds or takes away one bit or a
range, in order, so that the last one that names a bit wins.
"""

import errno

from ghostcard.driver.errors import DriverError
from ghostcard.emulator.status import mask

BITS = 256
ALL = (1 << BITS) - 1


def text(bits: int) -> str:
    """``0x`` and 64 lower-case digits."""
    return f"{bits:#066x}"


def bit(number: int) -> int:
    """The mask that has this bit alone."""
    return int.from_bytes(mask((number,)), "big")


def holds(bits: int, number: int) -> bool:
    """Whether the bit is set; a number that is none is not."""
    return 0 <= number < BITS and bool(bits & bit(number))


def changed(bits: int, written: str) -> int:
    """What a write of that text makes of a mask; DriverError(EINVAL) for any other text."""
    written = written.strip()
    if written[:1] not in ("+", "-"):
        return _absolute(written)
    for term in written.split(","):
        first, last = _range(term[1:])
        span = sum(bit(number) for number in range(first, last + 1))
        if term[:1] not in ("+", "-"):
            raise _refusal(written)
        bits = bits | span if term[0] == "+" else bits & ~span
    return bits


def _absolute(written: str) -> int:
    """Digits count from the left: ``0x8`` is bit 0."""
    digits = written[2:] if written[:2].lower() == "0x" else written
    if not digits or len(digits) > BITS // 4 or not _is_number(digits, 16):
        raise _refusal(written)
    return int(digits.ljust(BITS // 4, "0"), 16)


def _range(term: str) -> tuple[int, int]:
    first, dash, last = term.partition("-")
    found = _number(first), _number(last) if dash else _number(first)
    if not 0 <= found[0] <= found[1] < BITS:
        raise _refusal(term)
    return found


def _number(written: str) -> int:
    """Decimal, 0x hexadecimal or 0 octal."""
    low = written.lower()
    base = 16 if low.startswith("0x") else 8 if low.startswith("0") and len(low) > 1 else 10
    digits = low[2:] if base == 16 else low
    if not _is_number(digits, base):
        raise _refusal(written)
    return int(digits, base)


def _is_number(digits: str, base: int) -> bool:
    return bool(digits) and set(digits.lower()) <= set("0123456789abcdef"[:base])


def _refusal(written: str) -> DriverError:
    return DriverError(errno.EINVAL, f"{written!r} is no mask and no list of changes to one")
