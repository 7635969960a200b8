"""One thread with N asynchronous calls under way on a shared card is N simulated clients."""

import subprocess
from pathlib import Path

import pytest

from ghostcard.benchmarks.asynchronous import EXAMPLE, rate
from ghostcard.benchmarks.asynchronous import simulated as clients_rate
from ghostcard.emulator.record import Recorder
from ghostcard.library import library
from tests.shared.stand import Stand, all_end_well, stand
from tests.shared.test_cli import make_token
from tests.shared.test_closed_loop import REQUESTS, simulated

TICKETS = """\
import sys
from ghostcard import config
from ghostcard.driver.shapes import asker
from ghostcard.machine import machine_of
operation, size, count, tickets, polls = sys.argv[1], *map(int, sys.argv[2:])
machine = machine_of(config.load())
port = machine.native
ask = asker(operation, size, port, machine.targets(0))
left = {port.begin(ask)[1]: count - 1 for _ in range(tickets)}
while left:
    if polls:
        found = next((one for one in left if port.is_done(one)), None)
        if found is None:
            continue
    else:
        found = port.wait(tuple(left))
    more = left.pop(found)
    if more:
        left[port.begin(ask)[1]] = more - 1
machine.close()
"""
"""A program of one thread that keeps so many calls under way."""


def records_of(made: Stand, *programs: "subprocess.Popen[str]") -> Recorder:
    all_end_well(programs)
    records = made.stop()
    assert records is not None
    return records


@pytest.mark.parametrize("tickets", [1, 4, 16, 64])
@pytest.mark.parametrize("order", ["behind", "strict"])
def test_one_thread_leaves_the_records_of_simulated_clients(
    tmp_path: Path, tickets: int, order: str
) -> None:
    with stand(tmp_path) as made:
        made.start("--order", order)
        program = made.program(TICKETS, "sha256", 1024, REQUESTS, tickets, 0)
        records = records_of(made, program)
    assert records.to_bytes() == simulated("sha256", 1024, tickets)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> str:
    """docs/examples/async.c, compiled."""
    program = tmp_path_factory.mktemp("async") / "async"
    headers = (f"-I{library().parent / 'generated'}", f"-I{library().parent}")
    subprocess.run(["gcc", *headers, EXAMPLE, "-o", program], check=True)
    return str(program)


@pytest.mark.parametrize("way", ["wait", "poll", "epoll"])
@pytest.mark.parametrize("sessions", [1, 16, 64])
def test_a_c_program_of_one_thread_is_as_fast_as_clients(
    tmp_path: Path, example: str, way: str, sessions: int
) -> None:
    with stand(tmp_path) as made:
        made.start()
        make_token(made)
        command = [example, str(library()), "12345678", str(sessions), way, "20"]
        ended = subprocess.run(
            command, env=made.environment, capture_output=True, text=True, timeout=60
        )
        assert ended.returncode == 0, ended.stderr
        records = made.stop()
    assert records is not None
    assert rate(records) == pytest.approx(clients_rate(sessions, 20), rel=0.005)


def test_by_polling_it_is_as_fast(tmp_path: Path) -> None:
    with stand(tmp_path) as made:
        made.start()
        program = made.program(TICKETS, "sha256", 30_000, REQUESTS, 4, 1)
        found = records_of(made, program).array()
    expected = Recorder.from_bytes(simulated("sha256", 30_000, 4)).array()
    rate = len(found) / int(found["done"].max())
    assert rate == pytest.approx(len(expected) / int(expected["done"].max()), rel=0.02)


@pytest.mark.parametrize("processes", [2, 4])
def test_several_processes_with_tickets_are_as_fast_as_clients(
    tmp_path: Path, processes: int
) -> None:
    with stand(tmp_path) as made:
        made.start("--order", "strict", "--clients", str(processes))
        each = 16 // processes
        programs = [
            made.program(TICKETS, "sha256", 1024, REQUESTS, each, 0) for _ in range(processes)
        ]
        found = records_of(made, *programs).array()
    expected = Recorder.from_bytes(simulated("sha256", 1024, 16)).array()
    assert len(found) == len(expected)
    assert int(found["done"].max()) == pytest.approx(int(expected["done"].max()), rel=0.005)
