"""The error of the Cryptoki layer, and the table that makes it of the driver's errors."""

import errno

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.emulator.errors import EmulatorError

_VENDOR = 0x80010000
_EP11: dict[int, int] = {
    _VENDOR | 0x01: ck.CKR_DEVICE_ERROR,  # WKID_MISMATCH
    _VENDOR | 0x02: ck.CKR_FUNCTION_FAILED,  # INTERNAL_ERROR
    _VENDOR | 0x03: ck.CKR_FUNCTION_FAILED,  # TRANSPORT_ERROR
    _VENDOR | 0x04: ck.CKR_ENCRYPTED_DATA_INVALID,  # BLOB_ERROR
    _VENDOR | 0x05: ck.CKR_ENCRYPTED_DATA_INVALID,  # BLOBKEY_CONFLICT
    _VENDOR | 0x06: ck.CKR_ARGUMENTS_BAD,  # MODE_CONFLICT
    _VENDOR | 0x08: ck.CKR_ARGUMENTS_BAD,  # NONCRT_KEY_SIZE
    _VENDOR | 0x09: ck.CKR_DEVICE_ERROR,  # WK_NOT_INITIALIZED
    _VENDOR | 0x0A: ck.CKR_FUNCTION_FAILED,  # OA_API_ERROR
    _VENDOR | 0x0B: ck.CKR_FUNCTION_FAILED,  # REQ_TIMEOUT
    _VENDOR | 0x0C: ck.CKR_ARGUMENTS_BAD,  # READONLY
    _VENDOR | 0x0D: ck.CKR_KEY_SIZE_RANGE,  # STATIC_POLICY
    _VENDOR | 0x10: ck.CKR_FUNCTION_FAILED,  # TRANSPORT_LIMIT
    _VENDOR | 0x101: ck.CKR_DEVICE_ERROR,  # ERROR_STATE: a self test failed
}
"""EP11 return code -> CKR, AP sheet 7.2 "Error mapping"; other vendor codes: CKR_FUNCTION_FAILED.
"""

_COMPLAINTS: dict[int, str] = {
    _VENDOR | 0x01: "a key lies under another wrapping key than its slot's cards have: was it made "
    "with another GHOSTCARD_CONFIG, or before their wrapping key was changed or cleared?",
    _VENDOR | 0x09: "the cards of a slot have no wrapping key (ghostcard wrapping-key)",
}
"""EP11 return code -> what the user must be told, as he alone can mend it."""

_DRIVER: dict[int, int] = {
    errno.ENODEV: ck.CKR_DEVICE_REMOVED,
    errno.EMSGSIZE: ck.CKR_DATA_LEN_RANGE,
}
"""errno of the driver -> CKR; the others (EIO, EINVAL, EAGAIN ..): CKR_DEVICE_ERROR."""


class CryptokiError(Exception):
    """A function of the standard refuses; ``rv`` is the CK_RV it returns."""

    def __init__(self, rv: int) -> None:
        super().__init__(f"CK_RV 0x{rv:08x}")
        self.rv = rv


def refusal(error: DriverError) -> CryptokiError:
    """What the application is told of an error of the driver."""
    if not isinstance(error, Ep11Error):
        return CryptokiError(_DRIVER.get(error.code, ck.CKR_DEVICE_ERROR))
    if error.rv < ck.CKR_VENDOR_DEFINED:
        return CryptokiError(error.rv)
    return CryptokiError(_EP11.get(error.rv, ck.CKR_FUNCTION_FAILED))


def complaint(error: BaseException) -> str:
    """What the user must be told of an error, which the application cannot mend; else nothing."""
    for each in (error, error.__cause__):
        if isinstance(each, Ep11Error) and each.rv in _COMPLAINTS:
            return _COMPLAINTS[each.rv]
        if isinstance(each, EmulatorError):  # what is wrong with a card
            return str(each)
        if isinstance(each, ImportError):  # a server that has given up its user or its root
            return f"{each}: this process may not read the folders of Python and Ghostcard"
    return ""
