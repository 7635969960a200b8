"""What a trace says of a call: names instead of numbers, sizes instead of data.

Never a PIN, never the value of a key or an object, never what is encrypted, signed or digested: of
bytes only their number is told, but for the few attributes in `SHOWN`.
"""

import os
import stat
from contextlib import suppress
from functools import cache

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.errors import WireError
from ghostcard.module import attributes as table
from ghostcard.module import flat
from ghostcard.module.encoding import TRUE, ULONG_BYTES, number, numbers
from ghostcard.module.errors import CryptokiError
from ghostcard.module.names import flags, name

SHOWN = frozenset(
    (
        *(ck.CKA_LABEL, ck.CKA_ID, ck.CKA_UNIQUE_ID, ck.CKA_EC_PARAMS),
        *(ck.CKA_START_DATE, ck.CKA_END_DATE),
    )
)
"""Attributes that are bytes and no secret: what an object is called."""

_NAMED = {  # attributes that are a constant's number
    ck.CKA_CLASS: "CKO",
    ck.CKA_KEY_TYPE: "CKK",
    ck.CKA_CERTIFICATE_TYPE: "CKC",
    ck.CKA_KEY_GEN_MECHANISM: "CKM",
    ck.CKA_MECHANISM_TYPE: "CKM",
    ck.CKA_NAME_HASH_ALGORITHM: "CKM",
    ck.CKA_PROFILE_ID: "CKP",
}
_FIELDS = {"hash": "CKM", "mgf": "CKG_MGF1", "kdf": "CKD", "source": "CKZ", "hedge": "CKH"}
"""Fields of mechanism parameters that are a constant's number."""

_STANDARD_ERROR = 2
SESSION_FLAGS = {
    ck.CKF_RW_SESSION: "CKF_RW_SESSION",
    ck.CKF_SERIAL_SESSION: "CKF_SERIAL_SESSION",
    ck.CKF_ASYNC_SESSION: "CKF_ASYNC_SESSION",
}


class Trace:
    """An open trace. Each line is one write to a file in append mode: threads and processes may
    share it. It stays open: a thread may still be in a call that it has to tell of.
    """

    def __init__(self, where: str) -> None:
        """``-`` or ``stderr``, or a file, which is then its user's alone. OSError if it cannot be
        had.
        """
        self._file = _STANDARD_ERROR
        if where not in ("-", "stderr"):
            how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
            self._file = os.open(where, how, 0o600)
            if stat.S_ISREG(os.fstat(self._file).st_mode):
                os.fchmod(self._file, 0o600)

    def write(self, line: str) -> None:
        """A line; a full disk or a reader that has gone is no reason to fail a call."""
        with suppress(OSError):
            os.write(self._file, f"{line}\n".encode(errors="backslashreplace"))


@cache
def trace_to(where: str) -> Trace:
    """The trace of that name, opened once in a process."""
    return Trace(where)


def sized(count: int, unit: str = "byte") -> str:
    """``1 byte``, ``32 bytes``."""
    return f"{count} {unit}{'' if count == 1 else 's'}"


def template(value: bytes) -> str:
    """``{CKA_CLASS: CKO_SECRET_KEY, CKA_VALUE: 16 bytes}`` of a flat template."""
    try:
        entries = flat.unpack(value)
    except CryptokiError:
        return sized(len(value))
    return (
        "{"
        + ", ".join(f"{name('CKA', type)}: {_attribute(type, of)}" for type, of in entries)
        + "}"
    )


def _attribute(type: int, value: bytes) -> str:
    kind = table.KNOWN.get(type)
    if kind == table.BOOL and len(value) == 1:
        return "CK_TRUE" if value == TRUE else "CK_FALSE"
    if kind == table.ULONG and len(value) == ULONG_BYTES:
        return name(_NAMED[type], number(value)) if type in _NAMED else str(number(value))
    if kind == table.MECHANISMS and len(value) % ULONG_BYTES == 0:
        return "[" + ", ".join(name("CKM", each) for each in numbers(value)) + "]"
    if kind == table.TEMPLATE:
        return template(value)
    if type in SHOWN:
        return _shown(value)
    return sized(len(value))


def _shown(value: bytes) -> str:
    """Text if it is some, else hexadecimal."""
    text = value.decode("ascii", errors="replace")
    return repr(text) if text.isprintable() and "\ufffd" not in text else value.hex()


def mechanism(value: bytes) -> str:
    """``CKM_AES_GCM(tag_bits=128, iv=12 bytes, aad=7 bytes)`` of a mechanism on the wire."""
    shown = name("CKM", int.from_bytes(value[:4], "big"))
    try:
        parameters = wire.unpack(value).parameters
    except WireError:
        return f"{shown}({sized(len(value) - 4)})"
    fields = getattr(parameters, "_fields", ())
    told = (
        f"{field}={_field(field, each)}"
        for field, each in zip(fields, parameters, strict=True)
        if each != b""
    )
    return f"{shown}({', '.join(told)})"


def _field(field: str, value: object) -> str:
    if isinstance(value, bytes):
        return sized(len(value))
    if isinstance(value, int):
        return name(_FIELDS[field], value) if field in _FIELDS else str(value)
    return "..."


def call_flags(function: str, value: int) -> str:
    """The flags of a call; those of a session have names of their own."""
    if function == "open_session":
        told = [word for bit, word in SESSION_FLAGS.items() if value & bit]
        return "|".join(told) or "0"
    return flags("CKF", value)
