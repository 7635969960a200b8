"""docs/examples/async.c: a thread with N asynchronous sessions does what N simulated clients do."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine
from tests.clients.host import PIN, Host
from tests.module.tree import GENERATED, REPOSITORY

Records = numpy.ndarray[Any, Any]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("example") / "async"
    source = REPOSITORY / "docs" / "examples" / "async.c"
    strict = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror")
    places = (f"-I{GENERATED}", f"-I{GENERATED.parent}")
    subprocess.run(["gcc", *strict, *places, source, "-o", program], check=True, timeout=60)
    return program


def signatures(recorder: Recorder) -> Records:
    """Their records."""
    records = recorder.array()
    found: Records = records[records["operation"] == recorder.names.index("rsa2048-sign")]
    return found


def run(token: Host, example: Path, sessions: int, way: str) -> Records:
    folder = token.folder / "records"
    command = (example, "{module}", PIN, str(sessions), way)
    token.run(sys.executable, "-m", "ghostcard", "run", "--records", folder, "--", *command)
    (file,) = folder.glob("*.records")
    return signatures(Recorder.load(str(file)))


def simulated(like: Records, clients: int, requests: int) -> Records:
    """What so many clients in a closed loop do with such requests."""
    machine, one = Machine.simulation(), like[0]
    payload, function, request, reply = (
        int(one[name]) for name in ("payload_bytes", "function", "request_bytes", "reply_bytes")
    )
    work = Work("rsa2048-sign", payload, function, request, reply)
    ClosedLoop(machine.simulated(), machine.targets(0), [work], clients, requests).run()
    return signatures(machine.recorder)


def rate(records: Records) -> float:
    """Signatures a second, of the middle of a run: at its end some sessions have nothing to do."""
    done = numpy.sort(records["done"])
    first, last = len(done) // 4, 3 * len(done) // 4
    return float((last - first) / (done[last] - done[first]) * 1e9)


@pytest.mark.parametrize("sessions", [1, 4, 8, 64])
def test_waiting_is_exact(token: Host, example: Path, sessions: int) -> None:
    found = run(token, example, sessions, "wait")
    expected = simulated(found, sessions, 20)
    start = found["submitted"].min()
    for name in ("submitted", "done"):
        assert sorted(found[name] - start) == sorted(expected[name])


@pytest.mark.parametrize(
    ("way", "sessions"), [("poll", 4), ("poll", 64), ("epoll", 4), ("epoll", 64)]
)
def test_polling_and_descriptors_cost_no_more_than_polls(
    token: Host, example: Path, way: str, sessions: int
) -> None:
    found = run(token, example, sessions, way)
    expected = simulated(found, sessions, 20)
    assert len(found) == len(expected)
    assert 0.995 <= rate(found) / rate(expected) <= 1.0
