"""General-purpose functions (PKCS #11 3.2, 5.4): the life of the library."""

import os
import sys
from itertools import count
from threading import Event, Lock
from typing import TYPE_CHECKING

from ghostcard import __version__
from ghostcard import pkcs11 as ck
from ghostcard.driver.pausing import pause
from ghostcard.driver.timing import STRICT, VIRTUAL
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter
from ghostcard.module.information import LIBRARY, MANUFACTURER, LibraryInfo, Version
from ghostcard.module.kinds import has_token, kind_of
from ghostcard.module.slot import Slot
from ghostcard.module.store import store_path

if TYPE_CHECKING:
    from collections.abc import Callable

    OwnTime = tuple[Callable[[int], None], Callable[[], int]]
    """What begins or ends to measure the threads' own time, and what tells it in ns."""

    ProgramClock = tuple[Callable[[float], int], Callable[[], int], Callable[[int], None]]
    """A program's clock that may be ours: what makes it so if it is loaded, from the scale of what
    its threads think; what tells the time that a thread has taken itself; what is to be told its
    time on the cards.
    """

    from ghostcard.driver.capture import Capture
    from ghostcard.driver.pace import Pace
    from ghostcard.driver.timing import Standing
    from ghostcard.emulator.record import Recorder
    from ghostcard.machine import Machine

RUN_FOLDER = "GHOSTCARD_RUN_DIR"
"""Environment variable: the folder that takes the request records of this process."""
CAPTURE = "GHOSTCARD_RUN_CAPTURE"
"""Environment variable: set, the folder takes a capture of what the process asks, too."""

_ABANDONED: list[object] = []
"""What a forked child has of its parent: never used, and kept so that nothing of it is closed."""


class General(Chapter):
    """C_Initialize, C_Finalize, C_GetInfo."""

    def __init__(self) -> None:
        super().__init__()
        self._life = Lock()
        self._ended = Event()
        self._process = os.getpid()
        self.own_time: OwnTime | None = None
        self.is_ending: Callable[[], object] = bool
        self.pause: Callable[[int], object] = pause
        self.clock: ProgramClock | None = None
        self.capture: Capture | None = None

    def initialize(self) -> None:
        """Build the machine of the configuration, and its slots.

        CKR_CRYPTOKI_ALREADY_INITIALIZED; CKR_GENERAL_ERROR, with one line on stderr, for an
        unusable configuration or home.
        """
        from ghostcard.config import ConfigError
        from ghostcard.emulator.errors import EmulatorError
        from ghostcard.home import HomeError

        try:
            self.start()
        except (ConfigError, HomeError, EmulatorError, OSError, ImportError) as error:
            print(f"ghostcard: {error}", file=sys.stderr)
            raise CryptokiError(ck.CKR_GENERAL_ERROR) from error

    def start(self) -> None:
        """C_Initialize for callers in Python: what is wrong is raised as it is."""
        if self._process != os.getpid():
            self.after_fork()
        with self._life:
            if self._machine is not None:
                raise CryptokiError(ck.CKR_CRYPTOKI_ALREADY_INITIALIZED)
            self._build()
            self._ended = Event()

    def finalize(self) -> None:
        """Close sessions and stores, end the timing track, and write the records if a run wants
        them.
        """
        with self._life, self._following:
            self._check_initialised()
            machine, self._machine = self._machine, None
            assert machine is not None
            slots = list(self._slots.values())
            self._sessions.clear()
            self._slots, self._changes = {}, (0,)
            self._ended.set()
            for slot in slots:
                slot.token.close()
            watcher, self._watcher = self._watcher, None
            if watcher is not None:
                watcher.close()
            machine.close()
            machine.native.finish()
            if watcher is not None:
                watcher.join()
            _save(machine)
            machine.let_go_of_files()
            if self.capture is not None:
                self.capture.close()
                self.capture = None

    def observe(self, observer: "Callable[[int], None]") -> None:
        """Call ``observer`` in the thread of each request of this life of the library, with the
        nanoseconds that it takes on an idle card.
        """
        if self._machine is not None:
            self._machine.observe(observer)

    @property
    def is_initialized(self) -> bool:
        """Whether C_Initialize was called, and C_Finalize not since."""
        return self._machine is not None

    def get_info(self) -> LibraryInfo:
        """What library this is."""
        self._check_initialised()
        return LibraryInfo((3, 2), MANUFACTURER, 0, LIBRARY, library_version())

    def after_fork(self) -> None:
        """In the child of a fork: the library is not initialised, and nothing of the parent's is
        touched.
        """
        for slot in self._slots.values():
            slot.token.abandon()
        if self._machine is not None:
            self._machine.let_go_of_jobs()
        if self._watcher is not None:
            self._watcher.let_go()
            self._watcher = None
        _ABANDONED.append((self._machine, self._slots, self._sessions, self.capture))
        self._machine, self._slots, self.capture = None, {}, None
        self._sessions = {}
        self._life, self._following, self._ended = Lock(), Lock(), Event()
        self._process = os.getpid()

    def _build(self) -> None:
        from ghostcard import config
        from ghostcard.home import home
        from ghostcard.machine import machine_of

        wanted = config.load()
        folder = home()
        take = self._measured(wanted.time.think == "cpu")
        machine = machine_of(wanted, None if wanted.server else _recorder(), own_time=take)
        handles, has_values = self._object_handles, machine.config.function == "real"
        self._slots = {
            slot.id: Slot(
                slot, kind_of(machine, slot), store_path(folder, slot.id), handles, has_values
            )
            for slot in wanted.slots
            if has_token(machine, slot)
        }
        self._machine = machine
        self.capture = _capture(machine)
        machine.native.is_ending = self.is_ending
        machine.native.pause = self.pause
        machine.native.attend()
        self._set_clock(machine)
        assert machine.sockets is not None
        self._changes, self._seen, self._followed = machine.sockets.changes, -1, -1
        self._follow()
        for slot in self._slots.values():
            slot.has_event = False  # PKCS #11 3.2, 5.5.4

    def _set_clock(self, machine: "Machine") -> None:
        """Where a run wants it, the program's clock is that of the cards."""
        if self.clock is None or machine.config.server is not None:
            return
        begin, take, tell = self.clock
        timing = machine.config.time
        is_ours = machine.recorder.keeps and timing.order == STRICT and timing.clock == VIRTUAL
        if is_ours and begin(timing.think_scale if timing.think == "cpu" else 0.0):
            machine.native.follow_clock(take, tell)

    def sleep(self, sleep_ns: int) -> None:
        """Let simulated time pass for the calling thread of a program whose clock is ours."""
        machine = self._machine
        if machine is None:
            raise CryptokiError(ck.CKR_CRYPTOKI_NOT_INITIALIZED)
        machine.native.sleep(sleep_ns)

    def _measured(self, is_wanted: bool) -> "Callable[[], int] | None":
        """What tells a thread's own time between its calls; only the C library can."""
        if self.own_time is None:
            return None
        start, take = self.own_time
        start(is_wanted)
        return take


def _recorder() -> "Recorder":
    """The journal of a run. Of any other process nobody reads the records, and none are made."""
    from ghostcard.emulator.record import Recorder

    journal = _journal()
    return Recorder(capacity=0) if journal is None else journal


def _journal() -> "Recorder | None":
    """What keeps the records of a run that wants them: they are there even if the process is
    killed. A folder that cannot be written is told on stderr; the run has no records then.
    """
    folder = os.environ.get(RUN_FOLDER)
    if not folder:
        return None
    from ghostcard.emulator.errors import RecordError
    from ghostcard.emulator.journal import Journal
    from ghostcard.machine import NATIVE_RECORDS

    for number in count(1):
        path = os.path.join(folder, f"{os.getpid()}-{number}.journal")
        if not os.path.exists(path) and not os.path.exists(_records(path)):
            break
    try:
        return Journal(path, NATIVE_RECORDS)
    except RecordError as error:
        print(f"ghostcard: {error}", file=sys.stderr)
        return None


def _capture(machine: "Machine") -> "Capture | None":
    """What keeps a capture beside the journal, if a run wants one."""
    if not os.environ.get(CAPTURE):
        return None
    from ghostcard.driver.capture import SUFFIX, Capture
    from ghostcard.emulator.errors import RecordError
    from ghostcard.emulator.journal import Journal
    from ghostcard.machine import NATIVE_RECORDS

    if not isinstance(machine.recorder, Journal):
        return None

    try:
        path = machine.recorder.path.removesuffix(".journal") + SUFFIX
        capture = Capture(path, NATIVE_RECORDS)  # as many as there are records of
    except RecordError as error:
        print(f"ghostcard: {error}", file=sys.stderr)
        return None
    capture.follow(machine.native)
    return capture


def _records(journal: str) -> str:
    """The file of records that takes the place of a journal."""
    return f"{journal.removesuffix('.journal')}.records"


def _save(machine: "Machine") -> None:
    """Put ``<pid>-<n>.records`` in the place of the journal, if there is one, and beside it the
    order that its times keep, or how punctual its calls were.
    """
    from ghostcard.driver.timing import PACE_SUFFIX, STANDING_SUFFIX
    from ghostcard.emulator.errors import RecordError
    from ghostcard.emulator.journal import Journal

    recorder = machine.recorder
    if not isinstance(recorder, Journal):
        return
    stem, pace = recorder.path.removesuffix(".journal"), machine.native.pace
    kept: Standing | Pace = machine.native.standing if pace is None else pace
    try:
        with open(stem + (STANDING_SUFFIX if pace is None else PACE_SUFFIX), "w") as file:
            file.write(kept.as_text())
        recorder.save(_records(recorder.path))
        recorder.remove()
    except (RecordError, OSError) as error:
        print(f"ghostcard: {error}", file=sys.stderr)


def library_version() -> Version:
    """Ghostcard's version as a CK_VERSION."""
    major, minor, *_ = __version__.split(".")
    return int(major), int(minor)
