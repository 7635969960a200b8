"""Threads of a C program in simulated time: their records are those of simulated clients.

Whatever else the machine does: some of the runs share it with processes that keep it busy.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work, sized
from ghostcard.driver.timing import Standing
from ghostcard.emulator.job import Job
from ghostcard.emulator.record import STAGES, Recorder
from ghostcard.machine import Machine
from tests.module.tree import LIBRARY, compile_host, passes, run

SIGN = sized("ecdsa-p256-sign", 32)
VERIFY = sized("ecdsa-p256-verify", 32)
PLACES = 4  # of the pipeline's queue: hosts/crew.c
_SPIN = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_host("crew", tmp_path_factory.mktemp("hosts"))


class Crew:
    """A run of the host: the records of all threads but the first, and its standing."""

    def __init__(self, folder: Path) -> None:
        (path,) = folder.glob("*.records")
        whole = Recorder.load(path).array()
        self.begun_ns = int(whole["done"][whole["client"] == 0].max())
        self.records = whole[whole["client"] != 0]
        self.standing = Standing.of_text(path.with_suffix(".order").read_text())

    @property
    def plain(self) -> list[tuple[int, ...]]:
        """The records, times since the threads began, threads numbered from 0."""
        return plain(self.records, self.begun_ns, 1)


def plain(records: Any, begun_ns: int = 0, first: int = 0) -> list[tuple[int, ...]]:
    fields = ("qid", "function", "depth", "outcome", "request_bytes", "reply_bytes")
    columns = [records[field].tolist() for field in fields]
    columns += [(records["client"].astype(int) - first).tolist()]
    columns += [(records[stage].astype(int) - begun_ns).tolist() for stage in STAGES]
    return list(zip(*columns, strict=True))


def run_crew(
    crew: Path, folder: Path, mode: str, threads: int, calls: int, time: str = "", **options: Any
) -> Crew:
    """Run hosts/crew.c with what `[time]` is to say."""
    folder.mkdir(exist_ok=True)
    records = folder / "records"
    records.mkdir()
    config = folder / "machine.toml"
    config.write_text(f'function = "null"\n[time]\n{time}\n')
    environment = {
        "GHOSTCARD_HOME": str(folder / "home"),
        "GHOSTCARD_CONFIG": str(config),
        "GHOSTCARD_RUN_DIR": str(records),
    }
    command = (str(crew), str(LIBRARY), mode, str(threads), str(calls))
    assert passes(run(*command, environment=environment, timeout=100)) == ""
    return Crew(records)


def simulated(clients: int, requests: int) -> Any:
    machine = Machine.simulation(domains=2)
    ClosedLoop(machine.simulated(), (0,), [SIGN], clients, requests).run()
    return machine.recorder.array()


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """The machine has something else to do, for a minute at most."""
    others = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.parametrize("order", ["strict", "behind"])
@pytest.mark.parametrize("threads", [1, 2, 4, 8, 16])
def test_a_closed_loop_is_the_simulated_one(
    crew: Path, tmp_path: Path, threads: int, order: str
) -> None:
    expected = plain(simulated(threads, 60))
    for attempt in range(3):
        ran = run_crew(crew, tmp_path / str(attempt), "loop", threads, 60, f'order = "{order}"')
        assert ran.standing.is_deterministic
        if order == "strict":
            assert ran.plain == expected
        else:  # a thread may seem to have waited for one that ended early, and then comes after it
            assert unnamed(ran.plain) == unnamed(expected)


def unnamed(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Without the number of the thread."""
    return sorted(row[:6] + row[7:] for row in rows)


@pytest.mark.parametrize("threads", [2, 8])
def test_a_busy_machine_changes_nothing(crew: Path, tmp_path: Path, threads: int) -> None:
    expected = plain(simulated(threads, 60))
    with busy(2 * (os.cpu_count() or 1)):
        for attempt in range(3):
            ran = run_crew(crew, tmp_path / str(attempt), "loop", threads, 60)
            assert ran.standing.is_deterministic
            assert ran.plain == expected


@pytest.mark.parametrize("threads", [2, 8])
@pytest.mark.parametrize("others", [0, 2])
def test_threads_with_a_lock_around_their_calls_are_one_client(
    crew: Path, tmp_path: Path, threads: int, others: int
) -> None:
    with busy(others):
        ran = run_crew(crew, tmp_path / "run", "mutex", threads, 40)
    one = simulated(1, 40 * threads)
    assert ran.standing.is_deterministic
    assert (ran.records["submitted"] - ran.begun_ns).tolist() == one["submitted"].tolist()
    assert (ran.records["done"] - ran.begun_ns).tolist() == one["done"].tolist()


class Pipeline:
    """A simulated producer that signs, a queue, and a consumer that verifies."""

    def __init__(self, calls: int) -> None:
        machine = Machine.simulation(domains=2)
        self.recorder = machine.recorder
        self._port = machine.simulated()
        self._left = [calls, calls]
        self._jobs = [Job(client=0), Job(client=1)]
        self._waiting = 0
        self._asleep = [False, True]
        self._is_full = False
        self._submit(0)
        self._port.timeline.run()

    def _submit(self, who: int) -> None:
        if not self._left[who]:
            return
        self._left[who] -= 1
        job, work = self._jobs[who], (SIGN, VERIFY)[who]
        _fill(job, work)
        self._port.submit(job, (0,), self._signed if who == 0 else self._verified)

    def _signed(self, _job: Job) -> None:
        if self._waiting == PLACES:
            self._is_full = True
            return
        self._put()

    def _put(self) -> None:
        self._waiting += 1
        self._submit(0)
        if self._asleep[1]:
            self._take()

    def _verified(self, _job: Job) -> None:
        self._asleep[1] = True
        if self._waiting:
            self._take()

    def _take(self) -> None:
        self._asleep[1] = False
        self._waiting -= 1
        self._submit(1)
        if self._is_full:
            self._is_full = False
            self._put()


def _fill(job: Job, work: Work) -> None:
    job.operation, job.payload_bytes, job.function = work[:3]
    job.request_bytes, job.reply_bytes = work.request_bytes, work.reply_bytes
    job.outcome = 0


@pytest.mark.parametrize("others", [0, 2])
def test_a_pipeline_of_two_threads_is_the_simulated_one(
    crew: Path, tmp_path: Path, others: int
) -> None:
    with busy(others):
        ran = run_crew(crew, tmp_path / "run", "pipeline", 2, 100)
    assert ran.standing.is_deterministic
    assert ran.plain == plain(Pipeline(100).recorder.array())


def test_announced_threads_begin_together_however_late_they_start(
    crew: Path, tmp_path: Path
) -> None:
    """Each sleeps before it starts the next, so that those before it have long called."""
    ran = run_crew(crew, tmp_path / "run", "late", 4, 40, "clients = 4")
    assert ran.standing.is_deterministic
    assert ran.plain == plain(simulated(4, 40))


@pytest.mark.parametrize("mode", ["leave", "busy"])
def test_a_program_may_end_under_its_threads(crew: Path, tmp_path: Path, mode: str) -> None:
    ran = run_crew(crew, tmp_path / "run", mode, 4, 1_000_000)
    assert len(ran.records) > 4


@pytest.mark.parametrize("has_records", [False, True])
def test_threads_may_be_cancelled_in_a_call(tmp_path: Path, has_records: bool) -> None:
    host = compile_host("cancelled", tmp_path)
    environment = {"GHOSTCARD_HOME": str(tmp_path / "home")}
    if has_records:
        environment["GHOSTCARD_RUN_DIR"] = str(tmp_path)
    assert passes(run(str(host), str(LIBRARY), environment=environment, timeout=60)) == ""


def test_children_of_a_program_with_threads_begin_anew(tmp_path: Path) -> None:
    """hosts/real.c forks while two threads are in the library; each child is a run of its own."""
    host = compile_host("real", tmp_path)
    records = tmp_path / "records"
    records.mkdir()
    environment = {"GHOSTCARD_HOME": str(tmp_path / "home"), "GHOSTCARD_RUN_DIR": str(records)}
    assert passes(run(host, LIBRARY, environment=environment)) == ""
    orders = [Standing.of_text(path.read_text()) for path in records.glob("*.order")]
    assert len(orders) == len([*records.glob("*.records")]) == 8
    assert [*records.glob("*.journal")] == []
    assert all(order.is_deterministic for order in orders)


@pytest.mark.parametrize("scale", [1, 100])
def test_a_thread_thinks_as_long_as_it_computes(crew: Path, tmp_path: Path, scale: int) -> None:
    think = f'think = "cpu"\nthink_scale = {scale}'
    ran = run_crew(crew, tmp_path / "run", "loop", 2, 60, think)
    assert not ran.standing.is_deterministic
    gaps = []
    for client in (1, 2):
        own = ran.records[ran.records["client"] == client]
        gaps += (own["submitted"][1:].astype(int) - own["done"][:-1].astype(int)).tolist()
    assert min(gaps) >= 0
    assert 0 < sum(gaps) / len(gaps) < 20_000 * scale
