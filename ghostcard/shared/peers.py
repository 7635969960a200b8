"""The threads of a server's programs as the strict order looks at them (`driver/gate.py`).

A program's thread is asleep outside if the kernel says so *and* nothing of it is on its way: its
request may lie in the shared memory while our thread has not yet woken, or its reply while it has
not. A thread that cannot be looked at, since its /proc is hidden or it is in another PID namespace,
counts as awake; so it holds the others for a grace at a time.
"""

import os
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from threading import Lock, get_native_id

from ghostcard.driver.sleepers import AWAKE, GONE, ProcessProbe, Sleeper, Task

_SLEEPS_ON = 0  # of a thread that waits in the gate and has ended, or cannot be seen


class _Inside:
    """A program's thread while a call of it waits in the gate."""

    def __init__(self, task: Task | None) -> None:
        self.runs = AWAKE
        self._task = task

    @property
    def inside(self) -> "_Inside":
        """See `Sleeper`."""
        return self

    def look(self) -> int:
        """The number of its runs, or AWAKE: it has not gone to sleep yet."""
        if self._task is None or self._task.is_hidden:
            return _SLEEPS_ON
        runs = self._task.look()
        return _SLEEPS_ON if runs == GONE else runs

    def has_stirred(self) -> bool:
        """See `Sleeper`."""
        return self.look() != self.runs

    def close(self) -> None:
        """See `Sleeper`."""


class PeerThread:
    """A program's thread at the other end of a channel; ``is_busy``: whether something of it is on
    its way. While there is a channel it is never GONE: whoever has it may call.
    """

    def __init__(self, process: int, thread: int, is_busy: Callable[[], bool]) -> None:
        self.process = process
        self.thread = thread
        self.runs = AWAKE
        self._is_busy = is_busy
        folder = f"/proc/{process}/task"
        is_there = thread > 0 and os.path.isdir(f"{folder}/{thread}")
        self._task = Task(folder, thread) if is_there else None
        self.inside: Sleeper = _Inside(self._task)

    def look(self) -> int:
        """The number of its runs if it sleeps, and nothing of it is on its way; else AWAKE."""
        if self._task is None or self._is_busy():
            return AWAKE
        runs = self._task.look()
        return AWAKE if runs == GONE or self._is_busy() else runs

    def has_stirred(self) -> bool:
        """See `Sleeper`."""
        seen = self.look()
        return seen == AWAKE or seen != self.runs

    def close(self) -> None:
        """The gate looks no more."""
        if self._task is not None:
            self._task.close()


class Peers:
    """All programs of a server; implements `ghostcard.driver.sleepers.Probe`. A program's thread
    goes by the number of our thread that serves it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._threads: dict[int, PeerThread] = {}
        self._processes: dict[int, ProcessProbe] = {}
        self._unseen = 0

    def attach(self, peer: PeerThread) -> None:
        """The calling thread serves this one from now on."""
        with self._lock:
            self._threads[get_native_id()] = peer
            if peer.process not in self._processes:
                with suppress(OSError):
                    self._processes[peer.process] = ProcessProbe(peer.process)

    def detach(self) -> None:
        """The calling thread serves nobody any more."""
        with self._lock:
            gone = self._threads.pop(get_native_id())
            if not any(each.process == gone.process for each in self._threads.values()):
                self._processes.pop(gone.process, None)

    def is_single(self) -> bool:
        """See `Probe`: never certain of other processes."""
        return False

    def watch(self, thread: int) -> PeerThread:
        """See `Probe`."""
        return self._threads[thread]

    def has_changed(self) -> bool:
        """See `Probe`."""
        return any(each.has_changed() for each in self._seen())

    def strangers(self, known: Set[int]) -> Sequence[Sleeper]:
        """See `Probe`: threads that are attached and have not called, and those that are not."""
        with self._lock:
            attached = [*self._threads.items()]
        served = {peer.thread for _, peer in attached}
        found: list[Sleeper] = [peer for thread, peer in attached if thread not in known]
        for probe in self._seen():
            with suppress(OSError):  # it has just ended
                found.extend(probe.strangers(served))
        return found

    def _seen(self) -> list[ProcessProbe]:
        with self._lock:
            return [*self._processes.values()]
