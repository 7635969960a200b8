"""One attribute of the sysfs tree: what reads and what writes it, and what values are as text."""

import errno
from collections.abc import Callable
from typing import NamedTuple

from ghostcard.driver.errors import DriverError
from ghostcard.driver.host import Host

Read = Callable[[Host, int], str]
Write = Callable[[Host, int, str], None]


class Attribute(NamedTuple):
    """`read` and `write` get the host and the number of the device, adapter or qid (of the bus: 0).

    Texts come without the newline at the end. `modes` are the letters of the cards that have it.
    """

    read: Read
    write: Write | None = None
    modes: str = "ACP"


def integer(text: str, least: int, most: int) -> int:
    """A decimal number; DriverError(EINVAL) for anything else, or one that is out of bounds."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not digits.isascii() or not digits.isdecimal() or not least <= int(text) <= most:
        raise DriverError(errno.EINVAL, f"got {text!r}, takes {least} to {most}")
    return int(text)


def boolean(text: str) -> bool:
    """0 or 1."""
    return bool(integer(text, 0, 1))


def flag(value: bool) -> str:
    """0 or 1."""
    return str(int(value))


def nothing(what: str) -> DriverError:
    """ENOENT."""
    return DriverError(errno.ENOENT, f"there is no {what}")


def no_device(what: str) -> DriverError:
    """ENODEV."""
    return DriverError(errno.ENODEV, what)
