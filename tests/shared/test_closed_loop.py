"""K processes on a shared card do what K simulated clients do, to the byte of the records."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.library import library
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


@pytest.mark.parametrize("time", [1, 2, 3])
def test_the_same_three_times_while_the_machine_is_busy(tmp_path: Path, time: int) -> None:
    """With two cards behind the slot, and a request that takes an engine long."""
    config = 'function = "null"\n[[cards]]\nadapter = 0\ndomains = [0]\n'
    config += "[[cards]]\nadapter = 1\ndomains = [0]\n"
    config += '[[slots]]\nid = 0\napqns = ["00.0000", "01.0000"]\n'
    with busy():
        found = shared(tmp_path, "sha256", 30_000, 6, config)
    assert found == simulated("sha256", 30_000, 6, cards=2)


@pytest.mark.parametrize("clients", [1, 2, 4, 8, 16])
def test_c_programs_have_the_throughput_of_simulated_clients(
    tmp_path: Path, clients: int, c_client: str
) -> None:
    """While all are at work. Each has two threads: one that looks around, and one that works."""
    with stand(tmp_path) as made:
        made.start("--clients", str(2 * clients))
        seconds = str(0.2 + 0.05 * clients)
        command = [c_client, str(library()), "--threads", "1", "--seconds", seconds, "sha256:1024"]
        all_end_well([made.c_program(command, number) for number in range(clients)])
        records = made.stop()
    assert records is not None
    array = records.array()
    array = array[array["payload_bytes"] == 1024]
    numbers = sorted(set(array["client"].tolist()))
    assert len(numbers) == clients
    each = [array[array["client"] == number] for number in numbers]
    begin = max(int(one["submitted"].min()) for one in each)
    end = min(int(one["done"].max()) for one in each)
    inside = array[(array["done"] > begin) & (array["done"] <= end)]
    assert len(inside) > 60 * clients
    assert len(inside) / (end - begin) == pytest.approx(_rate(clients), rel=0.005)


def _rate(clients: int) -> float:
    """Requests per nanosecond of simulated clients."""
    machine = Machine.simulation()
    work = [sized("sha256", 1024)]
    ClosedLoop(machine.simulated(), machine.targets(0), work, clients, 2000).run()
    array = machine.recorder.array()
    return float(len(array) / int(array["done"].max()))
