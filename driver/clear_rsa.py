"""Operands of RSA with keys in clear, as callers give them (AP sheet 3.1, 4.1)."""

import errno

from ghostcard.driver.errors import DriverError

EXTRA = 8  # leading bytes of the long CRT operands that callers provide and drivers skip


def exact(name: str, operand: bytes, half: int) -> bytes:
    """The operand; DriverError(EINVAL) unless it has `half` bytes."""
    if len(operand) != half:
        raise DriverError(errno.EINVAL, f"{name} has {len(operand)} bytes, not {half}")
    return operand


def without_extra(name: str, operand: bytes, half: int) -> bytes:
    """The operand without the leading zeros it may have; DriverError(EINVAL) if it is too long."""
    if len(operand) == half + EXTRA:
        if any(operand[:EXTRA]):
            raise DriverError(errno.EINVAL, f"{name} does not fit in {half} bytes")
        return operand[EXTRA:]
    return exact(name, operand, half)
