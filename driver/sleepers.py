"""Which threads of a process are asleep, from the kernel: their state and how often they have run.

The strict order of native threads (`ghostcard.driver.gate`) may go on without a thread that sleeps
outside the library. A `Probe` tells it which do; `ProcessProbe` does so for the threads of one
process, this one or a peer's, by /proc. Linux only.

A thread that waits for the interpreter's lock or for one of ours looks asleep too. So none of them
is held when `all_asleep` looks, and it looks at all threads but the one that asks: either somebody
holds such a lock, who is awake, or its release has woken one who waits.
"""

import os
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Protocol

from ghostcard.emulator.ownfile import Descriptor

if TYPE_CHECKING:
    from ctypes import c_char

AWAKE = -1
GONE = -2
# Waits and can be woken (not D, which ends by itself), or is stopped: T by a signal, t by a tracer.
_ASLEEP = frozenset(b"STt")
_ENDED = frozenset(b"ZX")
_FLAGS = os.O_RDONLY | os.O_CLOEXEC


class Sleeper(Protocol):
    """A thread as the gate looks at it."""

    runs: int
    """How often it had been given a processor when it was last seen asleep."""

    @property
    def inside(self) -> "Sleeper":
        """The same thread as it is looked at while a call of it waits in the gate."""
        ...

    def look(self) -> int:
        """The number of its runs if it is asleep; otherwise AWAKE or GONE."""
        ...

    def has_stirred(self) -> bool:
        """Whether it is awake, or was since it was last seen asleep."""
        ...

    def close(self) -> None:
        """It will not be looked at again."""
        ...


class Probe(Protocol):
    """What the gate asks about threads; each has a number, in order of their creation."""

    def is_single(self) -> bool:
        """Whether it is certain, and cheap to tell, that there is one thread and no other."""
        ...

    def watch(self, thread: int) -> Sleeper:
        """The thread of this number; one that has ended is GONE at the first look."""
        ...

    def has_changed(self) -> bool:
        """Whether threads may have come that the last `strangers` did not see."""
        ...

    def strangers(self, known: Set[int]) -> Sequence[Sleeper]:
        """The threads that are not among those ``known``."""
        ...


def all_asleep(sleepers: Sequence[Sleeper]) -> bool:
    """Whether there was an instant at which all of them were asleep; their `runs` are then noted.

    Each is looked at twice, the second time in reverse: who has the same number of runs has slept
    from the one look to the other, and the last to be looked at first was looked at again at once.
    """
    seen = []
    for sleeper in sleepers:
        runs = sleeper.look()
        if runs == AWAKE:
            return False
        seen.append(runs)
    for sleeper, runs in zip(reversed(sleepers), reversed(seen), strict=True):
        if sleeper.look() != runs:
            return False
    for sleeper, runs in zip(sleepers, seen, strict=True):
        sleeper.runs = runs
    return True


def _opened(path: str, flags: int = _FLAGS) -> Descriptor:
    """A file of /proc. The program may close it, and its number be another one's."""
    return Descriptor(os.open(path, flags))


class Task:
    """A thread by its files in /proc."""

    __slots__ = ("_folder", "_schedstat", "_stat", "is_hidden", "runs")

    def __init__(self, folder: str, thread: int) -> None:
        self.runs = AWAKE
        self._folder = f"{folder}/{thread}"
        self._stat: Descriptor | None = None
        self._schedstat: Descriptor | None = None
        self.is_hidden = False
        self._open()

    def _open(self) -> None:
        try:
            self._stat = _opened(f"{self._folder}/stat")
            self._schedstat = _opened(f"{self._folder}/schedstat")
        except FileNotFoundError:
            self.close()
        except OSError:  # no more files, for one: it counts as awake
            self.close()
            self.is_hidden = True

    def __del__(self) -> None:
        self.close()

    @property
    def inside(self) -> "Task":
        """See `Sleeper`."""
        return self

    def look(self) -> int:
        """See `Sleeper`: the number of runs, AWAKE or GONE."""
        if self.is_hidden:
            return AWAKE
        try:
            return self._look()
        except ProcessLookupError:
            return GONE
        except (OSError, ValueError, IndexError):  # the program has closed our files
            self.close()
            self._open()
            return self._look_again()

    def _look_again(self) -> int:
        try:
            return AWAKE if self.is_hidden else self._look()
        except (OSError, ValueError, IndexError):
            return GONE

    def _look(self) -> int:
        if self._stat is None or self._schedstat is None:
            return GONE
        stat = os.pread(self._stat.number, 64, 0)
        state = stat[stat.rindex(b")") + 2]
        if state in _ENDED:
            return GONE
        if state not in _ASLEEP:
            return AWAKE
        return int(os.pread(self._schedstat.number, 96, 0).rsplit(None, 1)[-1])

    def has_stirred(self) -> bool:
        """See `Sleeper`."""
        seen = self.look()
        return seen == AWAKE or seen != self.runs

    def close(self) -> None:
        """Close the files."""
        for file in (self._stat, self._schedstat):
            if file is not None:
                file.close()
        self._stat = self._schedstat = None


class ProcessProbe:
    """The threads of a process; their numbers are the kernel's."""

    def __init__(self, process: int | None = None) -> None:
        """``process``: its number; None: this one. OSError if there is none."""
        self._folder = f"/proc/{process or os.getpid()}/task"
        self._directory: Descriptor | None = _opened(self._folder, _FLAGS | os.O_DIRECTORY)
        self._links = 0  # of the directory: two more than there are threads
        self._single = None if process else _single_threaded()
        self._tasks: dict[int, Task] = {}

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        if self._directory is not None:
            self._directory.close()
            self._directory = None
        self._tasks = {}

    def is_single(self) -> bool:
        """See `Probe`; False in a process that has ever had two."""
        return self._single is not None and self._single.value != b"\0"

    def watch(self, thread: int) -> Task:
        """See `Probe`."""
        return Task(self._folder, thread)

    def has_changed(self) -> bool:
        """See `Probe`; a thread that came when another went is not noticed."""
        directory = self._directory
        try:
            return directory is None or os.fstat(directory.number).st_nlink != self._links
        except OSError:
            return True

    def strangers(self, known: Set[int]) -> Sequence[Task]:
        """See `Probe`."""
        if self._directory is None or not self._directory.is_ours():
            if self._directory is not None:
                self._directory.close()  # while its number is not that of the next
            self._directory = _opened(self._folder, _FLAGS | os.O_DIRECTORY)
        self._links = os.fstat(self._directory.number).st_nlink
        there = {int(name) for name in os.listdir(self._directory.number)} - known
        tasks = self._tasks  # those that have gone close when nobody looks at them any more
        self._tasks = {thread: tasks.get(thread) or self.watch(thread) for thread in there}
        return tuple(self._tasks.values())


def _single_threaded() -> "c_char | None":
    """What libc has to say about it, if this one does."""
    from ctypes import CDLL, c_char

    try:
        return c_char.in_dll(CDLL(None), "__libc_single_threaded")
    except (OSError, ValueError):
        return None
