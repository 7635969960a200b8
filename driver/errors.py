"""The one error of the driver: what went wrong on the way to a card, or what the card refused."""

import errno

from ghostcard.firmware.abi import status
from ghostcard.firmware.abi.verbs import name

_TRY_LATER = (8, 2290)


class DriverError(Exception):
    """`code` is an errno (ENODEV, EIO, EINVAL, EMSGSIZE, EAGAIN ...), as a real driver answers."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{errno.errorcode.get(code, code)}: {message}")
        self.code = code
        self.message = message


class Ep11Error(DriverError):
    """An EP11 card answered a request with a return value other than 0.

    `rv` is a CKR_* of PKCS #11 or of `ghostcard.firmware.abi.status`; `code` is EIO. `reason` is
    that of a refused administrative command (AP sheet 7.5), else None.
    """

    def __init__(self, rv: int, function: int, reason: int | None = None) -> None:
        meaning = status.SENTENCES.get(rv, "") if reason is None else _why(reason)
        super().__init__(errno.EIO, f"{name(function)} returned {rv:#x}. {meaning}".rstrip())
        self.rv = rv
        self.function = function
        self.reason = reason


class CcaError(DriverError):
    """A CCA coprocessor answered a request with a return code other than 0.

    `rtcode` and `rscode` are its return and reason code; `code` is EBUSY where it says "try later",
    else EIO (AP sheet 3.6).
    """

    def __init__(self, rtcode: int, rscode: int, function: str) -> None:
        code = errno.EBUSY if (rtcode, rscode) == _TRY_LATER else errno.EIO
        super().__init__(code, f"{function} returned {rtcode}/{rscode}")
        self.rtcode = rtcode
        self.rscode = rscode


def _why(reason: int) -> str:
    from ghostcard.firmware.abi import admin

    return admin.SENTENCES.get(reason, f"Reason {reason}.")
