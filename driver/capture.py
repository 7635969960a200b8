"""What a program's threads ask of the cards, noted while they do: kinds and sizes, no bytes.

A journal is a row of slots of `ROW_BYTES`, each written when it has been made, so that a killed
process loses none: a header, then rows of several kinds. `libghostcard-capture.so`, which stands in
front of another library, writes the same file with rows of `CALL`. `ghostcard.benchmarks.capture`
reads it (docs/capture.md). All numbers are little-endian.
"""

import os
import struct
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.ownfile import OwnFile

if TYPE_CHECKING:
    from ghostcard.driver.lonetrack import Request
    from ghostcard.driver.native import NativePort

MAGIC = b"GCCAPJNL"
VERSION = 1
ROW_BYTES = 64
SUFFIX = ".capture"
REQUESTS, CALLS = 1, 2  # what the rows are: requests to our cards, calls of another library
REQUEST, NAME, TARGETS, CALL, CURVE, END = range(1, 7)  # kinds of row

HEADER = struct.Struct("<8sHHHHIIQ16s16x")
"""Magic, version, bytes of a row, source, 0, process, 0, ns since 1970, name of the program."""
REQUEST_FIELDS: tuple[tuple[str, str], ...] = (
    ("kind", "B"),
    ("spare", "B"),
    ("targets", "H"),  # of a row TARGETS
    ("client", "I"),  # as in the records
    ("function", "H"),  # number of the verb
    ("operation", "H"),  # of a row NAME
    ("call", "H"),  # of a row NAME: the Cryptoki function, as `sign`; 0xffff: none
    ("outcome", "H"),
    ("payload_bytes", "I"),
    ("request_bytes", "I"),
    ("reply_bytes", "I"),
    ("spare2", "I"),
    ("think_ns", "Q"),  # on the timeline before it
    ("wall_ns", "Q"),  # of the host, between the calls that reached cards
    ("at_ns", "Q"),  # of the host, since the header
    ("spare3", "Q"),
)
_REQUEST = struct.Struct("<" + "".join(code for _, code in REQUEST_FIELDS))
TEXT = struct.Struct("<BBHI")  # kind, bytes, number, 0; then the text
TARGET_LIST = struct.Struct("<BBHI28H")  # kind, how many, number, 0; more follow in another row
_TEXT_BYTES = ROW_BYTES - TEXT.size
_TARGETS = 28
NO_CALL = 0xFFFF
UNKNOWN = 0xFFFFFFFF  # the client of a thread that has no number yet: only its records tell
_OUTCOME = 0xFFFF


class Capture:
    """The journal of one life of the library: any number of threads may add.

    `RecordError` when the file cannot be made. A disk that is full later ends it, without harm;
    so do `capacity` requests.
    """

    def __init__(self, path: str, capacity: int = 1 << 62) -> None:
        try:
            self._file = OwnFile(path)
        except OSError as error:
            raise RecordError(f"{path}: {error.strerror}") from error
        self._began_ns = time.perf_counter_ns()
        self._names: dict[str, int] = {}
        self._targets: dict[tuple[int, ...], int] = {}
        self._learning = threading.Lock()
        self._thread = _Thread()
        self._client: Callable[[], int] = lambda: 0
        self._is_full = False
        self._left = capacity
        now, program = time.time_ns(), _program()
        self._write(
            HEADER.pack(MAGIC, VERSION, ROW_BYTES, REQUESTS, 0, os.getpid(), 0, now, program)
        )

    def follow(self, port: "NativePort") -> None:
        """Note every request of this port from now on."""
        self._client = port.caller
        port.observe(self.note)

    def wrap(self, call: str, crossing: Callable[..., int]) -> Callable[..., int]:
        """A call of the library that tells when its thread entered and left it: what lies between
        two that reached cards is the application's.
        """
        thread, clock = self._thread, time.perf_counter_ns

        def timed(*values: object) -> int:
            thread.call, thread.entered_ns = call, clock()
            thread.is_first = True
            try:
                return crossing(*values)
            finally:
                if not thread.is_first:  # it has reached a card
                    thread.left_ns = clock()

        return timed

    def note(self, request: "Request") -> None:
        """Note a request that the calling thread has just had served."""
        self._left -= 1
        if self._left < 0:
            return
        thread = self._thread
        targets, function, operation, payload_bytes, request_bytes, reply_bytes, *rest = request
        outcome, think_ns = rest
        wall_ns = 0
        if thread.is_first:
            thread.is_first = False
            if thread.left_ns:
                wall_ns = max(0, thread.entered_ns - thread.left_ns)
        number = self._targets.get(targets)
        self._write(
            _REQUEST.pack(
                REQUEST,
                0,
                self._learn_targets(targets) if number is None else number,
                self._client() & UNKNOWN,
                function,
                self._name(operation),
                self._name(thread.call) if thread.call else NO_CALL,
                outcome & _OUTCOME,
                payload_bytes,
                request_bytes,
                reply_bytes,
                0,
                think_ns,
                wall_ns,
                max(0, thread.entered_ns - self._began_ns),
                0,
            )
        )

    def close(self) -> None:
        """Nothing is noted any more."""
        self._is_full = True
        self._file.close()

    def _name(self, text: str) -> int:
        number = self._names.get(text)
        if number is not None:
            return number
        with self._learning:
            if text not in self._names:
                encoded = text.encode()[:_TEXT_BYTES]
                head = TEXT.pack(NAME, len(encoded), len(self._names), 0)
                self._write((head + encoded).ljust(ROW_BYTES, b"\0"))
                self._names[text] = len(self._names)
            return self._names[text]

    def _learn_targets(self, targets: tuple[int, ...]) -> int:
        with self._learning:
            if targets not in self._targets:
                number = len(self._targets)
                for start in range(0, len(targets), _TARGETS):
                    part = targets[start : start + _TARGETS]
                    row = (*part, *(0,) * (_TARGETS - len(part)))
                    self._write(TARGET_LIST.pack(TARGETS, len(part), number, 0, *row))
                self._targets[targets] = number
            return self._targets[targets]

    def _write(self, row: bytes) -> None:
        """Nothing follows a row that the file did not take."""
        if self._is_full:
            return
        try:
            self._is_full = self._file.write(row) < ROW_BYTES
        except OSError:
            self._is_full = True


class _Thread(threading.local):
    call = ""
    entered_ns = 0
    left_ns = 0  # the last call that reached a card; 0: none has
    is_first = True  # no request of this call has been noted yet


def _program() -> bytes:
    """The name of this process, at most 15 bytes, as the kernel has it."""
    try:
        with open("/proc/self/comm", "rb") as file:
            return file.read().strip()[:16]
    except OSError:
        return b""
