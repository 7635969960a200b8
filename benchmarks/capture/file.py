"""The file of a capture: a header, what it is of as JSON, rows of one size, a checksum.

docs/capture.md describes it to the byte. The rows are requests to cards of ours, or calls of
another PKCS #11 library (`libghostcard-capture.so`), of any number of processes.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.config import CardConfig, Config, SlotConfig
from ghostcard.driver.capture import CALLS, REQUESTS

MAGIC = b"GCCAPTUR"
VERSION = 1
_HEADER = struct.Struct("<8sHHHHIIQ")
"""Magic, version, source, bytes of a row, 0, bytes of the JSON, 0, rows."""
_CHECKSUM = struct.Struct("<I")  # CRC-32 of all before

Array = np.ndarray[Any, Any]

REQUEST_ROW: Any = np.dtype(
    [
        ("process", "<u2"),
        ("targets", "<u2"),  # index into `targets`
        ("client", "<u4"),
        ("function", "<u2"),
        ("operation", "<u2"),  # index into `names`
        ("call", "<u2"),  # index into `names`; 0xffff: none
        ("outcome", "<u2"),
        ("payload_bytes", "<u4"),
        ("request_bytes", "<u4"),
        ("reply_bytes", "<u4"),
        ("after", "<u4"),  # 0: its client's request before; else 1 + the row that it follows
        ("think_ns", "<u8"),
        ("wall_ns", "<u8"),
        ("at_ns", "<u8"),
    ]
)
CALL_ROW: Any = np.dtype(
    [
        ("process", "<u2"),
        ("function", "<u2"),  # place among the functions of PKCS #11 3.2, from 0
        ("thread", "<u4"),
        ("session", "<u4"),
        ("mechanism", "<u4"),  # 0xffffffff: none
        ("result", "<u4"),  # CKR_*
        ("key_type", "<u4"),  # CKK_*; 0xffffffff: not known, or no key
        ("key_bits", "<u4"),  # its size in bits, or its parameter set
        ("curve", "<u2"),  # index into `curves`, plus 1; 0: none
        ("flags", "<u2"),  # QUERY, END
        ("data_bytes", "<u4"),
        ("result_bytes", "<u4"),
        ("cpu_ns", "<u8"),  # of the thread, since its call before
        ("inside_ns", "<u8"),  # of the host, in the call
        ("at_ns", "<u8"),  # of the host, when it began, since the process's first
    ]
)
QUERY = 1  # it asked for a length only
END = 2  # no call: the thread has ended
ROWS = {REQUESTS: REQUEST_ROW, CALLS: CALL_ROW}
NONE = 0xFFFFFFFF


class Capture(NamedTuple):
    """What was captured. `cards` and `slots` are those it was captured on, if they are ours."""

    source: int  # REQUESTS or CALLS
    program: str
    rows: Array
    names: tuple[str, ...] = ()
    targets: tuple[tuple[int, ...], ...] = ()
    curves: tuple[bytes, ...] = ()
    cards: tuple[CardConfig, ...] = ()
    slots: tuple[SlotConfig, ...] = ()
    module: str = ""  # the file name of the library that was called, if it is not ours

    @property
    def processes(self) -> int:
        """How many processes have rows."""
        return len(np.unique(self.rows["process"]))

    def to_bytes(self) -> bytes:
        """The file; equal captures give equal bytes."""
        about = json.dumps(_about(self), separators=(",", ":")).encode()
        size = self.rows.dtype.itemsize
        head = _HEADER.pack(MAGIC, VERSION, self.source, size, 0, len(about), 0, len(self.rows))
        body = head + about + self.rows.tobytes()
        return body + _CHECKSUM.pack(zlib.crc32(body))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file; OSError when that fails."""
        with open(path, "wb") as file:
            file.write(self.to_bytes())


def load(path: str | os.PathLike[str]) -> Capture:
    """The capture in a file; OSError when it cannot be read, CaptureError for what is none."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        return parse(data)
    except CaptureError as error:
        raise CaptureError(f"{os.fspath(path)}: {error}") from None


def parse(data: bytes) -> Capture:
    """The inverse of `Capture.to_bytes`; CaptureError for anything else."""
    if data[: len(MAGIC)] != MAGIC or len(data) < _HEADER.size + _CHECKSUM.size:
        raise CaptureError("not a capture")
    _, version, source, row_bytes, _, about_bytes, _, count = _HEADER.unpack_from(data)
    if version != VERSION:
        raise CaptureError(f"a capture of version {version}, this is version {VERSION}")
    row = ROWS.get(source)
    if row is None or row_bytes != row.itemsize:
        raise CaptureError("damaged (header)")
    start = _HEADER.size + about_bytes
    end = start + count * row_bytes
    if len(data) != end + _CHECKSUM.size:
        raise CaptureError(f"{len(data)} bytes, where {end + _CHECKSUM.size} were expected")
    if zlib.crc32(data[:end]) != _CHECKSUM.unpack_from(data, end)[0]:
        raise CaptureError("damaged (checksum)")
    try:
        found = _capture(source, json.loads(data[_HEADER.size : start]), data[start:end])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CaptureError("damaged (what it is of)") from None
    _check(found)
    return found


def _about(capture: Capture) -> dict[str, Any]:
    return {
        "program": capture.program,
        "module": capture.module,
        "names": capture.names,
        "targets": capture.targets,
        "curves": [curve.hex() for curve in capture.curves],
        "cards": [[card.adapter, card.profile, card.domains] for card in capture.cards],
        "slots": [[slot.id, slot.apqns] for slot in capture.slots],
    }


def _capture(source: int, about: Mapping[str, Any], rows: bytes) -> Capture:
    return Capture(
        source=source,
        program=str(about["program"]),
        rows=np.frombuffer(rows, ROWS[source]),
        names=tuple(str(name) for name in about["names"]),
        targets=tuple(_numbers(each) for each in about["targets"]),
        curves=tuple(bytes.fromhex(curve) for curve in about["curves"]),
        cards=tuple(
            CardConfig(int(adapter), str(profile), _numbers(domains))
            for adapter, profile, domains in about["cards"]
        ),
        slots=tuple(SlotConfig(int(slot), "", _numbers(apqns)) for slot, apqns in about["slots"]),
        module=str(about["module"]),
    )


def _numbers(values: Any) -> tuple[int, ...]:
    numbers = tuple(int(value) for value in values)
    if not all(0 <= number < 1 << 16 for number in numbers):
        raise ValueError
    return numbers


def _check(capture: Capture) -> None:
    """That every index of a row leads somewhere, and nothing follows what comes later."""
    rows = capture.rows
    if not len(rows):
        return
    if capture.source == CALLS:
        if int(rows["curve"].max()) > len(capture.curves):
            raise CaptureError("damaged (a curve)")
        return
    named = int(rows["operation"].max()) < len(capture.names)
    if not named or int(rows["targets"].max()) >= len(capture.targets):
        raise CaptureError("damaged (a name, or targets)")
    if not all(capture.targets) or not capture.cards:
        raise CaptureError("damaged (targets, or cards)")
    if int(rows["after"].max()) > len(rows):
        raise CaptureError("damaged (what a request follows)")


def machine(capture: Capture) -> Config:
    """The machine that it was captured on; CaptureError if that is none of ours."""
    if not capture.cards:
        raise CaptureError("it was captured on another library: name a machine with --profile")
    return Config(capture.cards, capture.slots)
