"""Threads as the kernel shows them, in a program that closes every descriptor it finds."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ghostcard.driver.sleepers import AWAKE, GONE, ProcessProbe, Task


@pytest.fixture
def sleeper() -> Iterator[int]:
    """The kernel's number of a thread that sleeps."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    assert thread.native_id is not None
    yield thread.native_id
    end.set()
    thread.join()


def files() -> set[int]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the listing's own is closed by now
            os.fstat(int(name))
            found.add(int(name))
    return found


def asleep(task: Task) -> int:
    end = time.monotonic() + 20
    while (runs := task.look()) == AWAKE and time.monotonic() < end:
        time.sleep(0.001)
    return runs


@pytest.mark.parametrize("other", [None, "/dev/zero", "/dev/null"])
def test_files_that_the_program_has_closed_are_opened_again(
    sleeper: int, other: str | None
) -> None:
    before = files()
    probe = ProcessProbe()
    task = probe.watch(sleeper)
    runs = asleep(task)
    assert runs >= 0
    known = {threading.get_native_id()}
    count = len(probe.strangers(known | {sleeper}))
    ours = files() - before
    assert len(ours) >= 3  # the folder's and two of each thread
    for file in ours:
        os.close(file)
    others = {os.open(other, os.O_RDONLY) for _ in ours} if other else set[int]()
    assert task.look() == runs
    assert probe.has_changed()
    assert len(probe.strangers(known | {sleeper})) == count
    assert not probe.has_changed()
    task.close()
    probe.close()
    del task, probe
    for file in others:
        os.close(file)  # is open still
    assert files() == before


def test_a_thread_that_has_ended_is_gone() -> None:
    probe = ProcessProbe()
    thread = threading.Thread(target=lambda: None)
    thread.start()
    task = probe.watch(thread.native_id or 0)
    thread.join()
    end = time.monotonic() + 20
    while task.look() != GONE and time.monotonic() < end:
        time.sleep(0.001)
    assert task.look() == GONE
    probe.close()
