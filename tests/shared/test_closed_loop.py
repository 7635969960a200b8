"""K processes on a shared card do what K simulated clients do, to the byte of the records."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.machine import Machine
from tests.shared.stand import LOOP, all_end_well, stand

REQUESTS = 60


def simulated(operation: str, size: int, clients: int, cards: int = 1) -> bytes:
    """What simulated clients leave."""
    machine = Machine.simulation(cards=cards)
    port, work = machine.simulated(), [sized(operation, size)]
    ClosedLoop(port, machine.targets(0), work, clients, REQUESTS).run()
    return machine.recorder.to_bytes()


def shared(folder: Path, operation: str, size: int, clients: int, config: str = "") -> bytes:
    """What so many processes leave."""
    with stand(folder, config or 'function = "null"\n') as made:
        made.start("--clients", str(clients))
        programs = [made.program(LOOP, operation, size, REQUESTS) for _ in range(clients)]
        all_end_well(programs)
        records = made.stop()
    assert records is not None
    assert len(records) == clients * REQUESTS
    return records.to_bytes()


@contextmanager
def busy() -> Iterator[None]:
    """Both cores have something else to do meanwhile."""
    spin = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield
    finally:
        for one in spin:
            one.kill()
            one.wait()


@pytest.mark.parametrize("clients", [1, 2, 4, 8, 16])
def test_processes_in_a_closed_loop_leave_the_records_of_simulated_clients(
    tmp_path: Path, clients: int
) -> None:
    expected = simulated("sha256", 1024, clients)
    assert shared(tmp_path, "sha256", 1024, clients) == expected
