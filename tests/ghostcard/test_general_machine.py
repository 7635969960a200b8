"""Profiles beyond FIFO through the whole machine: driver, bus, card, records."""

from pathlib import Path

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, rendered, sized
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.general_stations import GeneralStations
from ghostcard.emulator.job import DONE, REPLIED, SUBMITTED, Job
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

VARYING = """
extends = "cex8p"
[engines.rsa.operations.rsa2048-sign]
distribution = { kind = "exponential", source = "test" }
[engines.random.operations.random]
distribution = { kind = "uniform", spread_permille = 500, source = "test" }
"""
SHORT_OF_MEMORY = """
extends = "cex8p"
[memory]
contexts = { value = 4, source = "test" }
bytes = { value = 61440, source = "test" }
"""
NO_MEMORY = 0x12
BOTH = (False, True)
POLL_NS = 250_000


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def closed_loop(machine: Machine, clients: int, requests: int, with_blocks: bool) -> Recorder:
    """The records of a closed loop of signatures."""
    targets = machine.targets(0)
    work = (
        rendered(machine, targets, "rsa2048-sign", 51) if with_blocks else sized("rsa2048-sign", 51)
    )
    ClosedLoop(machine.simulated(), targets, [work], clients, requests).run()
    return machine.recorder


def test_same_seed_same_bytes_with_and_without_blocks(tmp_path: Path) -> None:
    profile = written(tmp_path, VARYING)
    runs = [
        closed_loop(Machine.simulation(profile, seed=seed), 6, 20, blocks).to_bytes()
        for seed, blocks in ((5, False), (5, True), (6, False))
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_a_request_needs_the_same_whatever_the_machine(tmp_path: Path) -> None:
    """Common random numbers: a client's n-th request is the same on one card or two."""
    profile = written(tmp_path, VARYING)
    services = []
    for cards in (1, 2):
        records = closed_loop(Machine.simulation(profile, cards, seed=5), 6, 20, False).array()
        per_client = [records[records["client"] == client] for client in range(6)]
        assert all((one["submitted"][1:] > one["submitted"][:-1]).all() for one in per_client)
        services.append([(one["finished"] - one["started"]).tolist() for one in per_client])
    assert services[0] == services[1]
    assert len({service for client in services[0] for service in client}) == 120


def test_a_lone_thread_leaves_the_records_of_one_client(tmp_path: Path) -> None:
    profile = written(tmp_path, VARYING)
    native = Machine.simulation(profile, seed=5)
    host = Ep11Host(native.native, native.targets(0))
    for _ in range(30):
        host.generate_random(64)
    native.native.finish()
    simulated = Machine.simulation(profile, seed=5)
    targets = simulated.targets(0)
    ClosedLoop(simulated.simulated(), targets, [sized("random", 64)], 1, 30).run()
    assert native.recorder.to_bytes() == simulated.recorder.to_bytes()


@pytest.mark.parametrize("with_blocks", [False, True])
def test_refusals_are_tried_again_and_each_is_on_record(tmp_path: Path, with_blocks: bool) -> None:
    machine = Machine.simulation(written(tmp_path, SHORT_OF_MEMORY))
    records = closed_loop(machine, 8, 5, with_blocks).array()
    stations = machine.bus.cards[0]._stations
    refused = records[records["outcome"] == NO_MEMORY]
    stations = machine.bus.cards[0]._stations
    assert isinstance(stations, GeneralStations)
    assert len(refused) == stations.refused > 0
    assert set(records["reply_bytes"][records["outcome"] == NO_MEMORY]) == {8}
    ended = (records["outcome"] == 0).sum() + (records["outcome"] >= DRIVER_OUTCOME).sum()
    last_attempts = 40 - ended  # those whose tenth attempt was refused too
    assert 0 <= last_attempts * 10 <= len(refused)


def test_refusals_take_the_same_times_with_and_without_blocks(tmp_path: Path) -> None:
    profile = written(tmp_path, SHORT_OF_MEMORY)
    runs = [closed_loop(Machine.simulation(profile), 8, 5, blocks).array() for blocks in BOTH]
    for field in ("client", "submitted", "fetched", "finished", "done", "outcome", "reply_bytes"):
        assert runs[0][field].tolist() == runs[1][field].tolist()


def test_polling_adds_half_a_period_on_average() -> None:
    """Replies at all phases of the poll timer alike are handed back P / 2 later in the mean."""
    step = 1_000
    waits = []
    for begin in range(0, POLL_NS, step):
        machine = Machine.simulation()
        port, work = machine.simulated(interrupts=False), sized("random", 16)
        job = Job(0, 0, work.function, "random", 16, work.request_bytes, work.reply_bytes)
        port.timeline.run(begin)
        port.submit(job, (0,), lambda _job: None)
        port.timeline.run()
        assert job.times[SUBMITTED] == begin < job.times[DONE]
        waits.append(job.times[DONE] - job.times[REPLIED])
    assert max(waits) - min(waits) == POLL_NS - step
    assert abs(sum(waits) / len(waits) - POLL_NS / 2) <= step / 2
