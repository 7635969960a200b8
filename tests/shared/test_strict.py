"""Programs on a shared card in the strict order: those that wait for each other are right, and
nobody holds the others for long.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine
from tests.shared.stand import LOOP, Stand, all_end_well, stand

BEGINNING = "\n".join(LOOP.splitlines()[:7]) + "\n"
LOCKED = (
    BEGINNING
    + """\
import fcntl
with open(sys.argv[4], "w") as lock:
    for _ in range(count):
        fcntl.flock(lock, fcntl.LOCK_EX)
        ask()
        fcntl.flock(lock, fcntl.LOCK_UN)
machine.close()
"""
)
PARENT = (
    BEGINNING
    + """\
import subprocess
for _ in range(count):
    ask()
subprocess.run([sys.executable, "-c", sys.argv[4], *sys.argv[1:4]], check=True)
for _ in range(count):
    ask()
machine.close()
"""
)
SPINS = BEGINNING + "for _ in range(count):\n    ask()\nprint(flush=True)\nwhile True:\n    pass\n"


def alone(requests: int) -> Recorder:
    """What one simulated client leaves."""
    machine = Machine.simulation()
    work = [sized("sha256", 1024)]
    ClosedLoop(machine.simulated(), machine.targets(0), work, 1, requests).run()
    return machine.recorder


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Stand]:
    with stand(tmp_path) as made:
        yield made


def one_after_the_other(made: Stand, requests: int) -> None:
    records = made.stop()
    assert records is not None
    expected = alone(requests).array()
    found = records.array()
    for field in ("submitted", "done"):
        assert found[field].tolist() == expected[field].tolist()


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_with_a_lock_around_their_calls_are_as_fast_as_one(
    strict: Stand, processes: int
) -> None:
    strict.start("--order", "strict", "--clients", str(processes))
    lock = strict.folder / "lock"
    programs = [strict.program(LOCKED, "sha256", 1024, 20, lock) for _ in range(processes)]
    all_end_well(programs)
    one_after_the_other(strict, 20 * processes)


def test_a_parent_that_waits_for_its_child_goes_on_where_that_has_ended(strict: Stand) -> None:
    strict.start("--order", "strict")
    all_end_well([strict.program(PARENT, "sha256", 1024, 10, LOOP)])
    one_after_the_other(strict, 30)


def test_the_order_of_the_configuration_is_taken(tmp_path: Path) -> None:
    with stand(tmp_path, 'function = "null"\n[time]\norder = "strict"\n') as made:
        made.start("--clients", "2")
        lock = tmp_path / "lock"
        all_end_well([made.program(LOCKED, "sha256", 1024, 10, lock) for _ in range(2)])
        one_after_the_other(made, 20)


def test_a_program_that_spins_holds_the_others_for_a_grace_and_is_counted(strict: Stand) -> None:
    strict.start("--order", "strict", "--grace", "0.3", "--clients", "2")
    spinner = strict.program(SPINS, "sha256", 1024, 5, stdout=-1)
    try:
        other = strict.program(LOOP, "sha256", 1024, 50)
        assert spinner.stdout is not None
        spinner.stdout.readline()
        began = time.monotonic()
        all_end_well([other])
        assert time.monotonic() - began < 5
        assert strict.snapshot()["parked"] == 1
    finally:
        spinner.kill()
        spinner.communicate()
    strict.stop()


def test_a_program_that_is_stopped_holds_nobody(strict: Stand) -> None:
    strict.start("--order", "strict", "--grace", "60")
    forever = strict.program(LOOP, "sha256", 1024, 10**9)
    try:
        strict.wait_for_threads(1)
        for _ in range(5):
            os.kill(forever.pid, signal.SIGSTOP)
            all_end_well([strict.program(LOOP, "sha256", 1024, 20)])
            os.kill(forever.pid, signal.SIGCONT)
            time.sleep(0.05)
        assert strict.snapshot()["parked"] == 0
    finally:
        forever.kill()
        forever.communicate()
    strict.stop()
