"""Records to export: a simulated run with contention everywhere, and runs written by hand."""

import errno
from collections.abc import Callable, Sequence

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.benchmarks.export import requests as export_requests
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

WORK = (
    Work("rsa2048-sign", 51, 31, 400, 600),
    Work("rsa4096-sign", 51, 31, 400, 900),
    Work("ecdsa-p256-sign", 32, 31, 380, 300),
    Work("aes-256-gcm", 1024, 19, 1500, 1400),
    Work("query", 0, 38, 200, 300),
)


@pytest.fixture(scope="session")
def run() -> Recorder:
    """Two cards with two domains each, 48 clients: full queues, lines before the RSA engines.

    Then a request that the driver gave up and one that the card refused.
    """
    machine = Machine.simulation(cards=2, domains=2)
    ClosedLoop(machine.simulated(), machine.targets(0), WORK, clients=48, requests=25).run()
    record = machine.recorder
    end = int(record.array()["done"].max())
    given_up = (end + 10, *(end + 500,) * 11)
    record.add(7, 0x0101, 31, "", "", DRIVER_OUTCOME + errno.ENODEV, 0, 400, 0, 0, given_up)
    refused = tuple(end + 1000 + 10 * stage for stage in range(12))
    record.add(8, 0x0101, 31, "error", "", 0x42, 1, 401, 40, 0, refused)
    return record


@pytest.fixture(params=[1 << 14, 97], ids=["one chunk", "many chunks"])
def requests(
    run: Recorder, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Requests:
    """The run, read in one piece and in many."""
    monkeypatch.setattr(export_requests, "CHUNK", request.param)
    return Requests.of(run)


@pytest.fixture(scope="session")
def written() -> Callable[[Sequence[Sequence[int]]], Requests]:
    """Makes requests of one queue and operation out of their twelve times."""

    def write(all_times: Sequence[Sequence[int]], engine: str = "rsa") -> Requests:
        record = Recorder()
        for client, times in enumerate(all_times):
            record.add(client, 0, 31, "sign", engine, 0, 1, 100, 200, 32, tuple(times))
        return Requests.of(record)

    return write
