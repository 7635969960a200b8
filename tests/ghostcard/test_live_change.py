"""Figures of a running card: changed by an admin request, from the host library to the times."""

from collections.abc import Callable

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.closed_loop import sized
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.driver.port import Port
from ghostcard.emulator.job import FETCHED, FINISHED, STARTED, SUBMITTED, Job
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.machine import Machine

KEY = "engines.rsa.operations.rsa2048-sign.fixed_ns"
WAS = 320_000  # of cex8p: rating 64 at 5 engines


class Block:
    """A port that keeps the block of one request and answers as a card of its own does."""

    def __init__(self) -> None:
        self.block = b""
        self.function = 0
        self.machine = Machine.simulation()

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        self.function, self.block = function, render(0)
        return self.machine.native.call(function, render, targets)


def test_a_native_call_changes_what_follows() -> None:
    machine = Machine.simulation()
    host = Ep11Host(machine.native, machine.targets(0))
    card = machine.bus.cards[0]
    assert card.lone(0, "rsa2048-sign", 51, 500, 400)[FINISHED] > WAS
    assert host.set_figure(KEY, 1000) == WAS
    times = card.lone(0, "rsa2048-sign", 51, 500, 400)
    assert times[FINISHED] - times[STARTED] == 1000
    assert host.set_figure(KEY, WAS) == 1000


def test_the_records_of_a_lone_thread_follow() -> None:
    machine = Machine.simulation()
    host = Ep11Host(machine.native, machine.targets(0))
    host.generate_random(16)
    host.set_figure("engines.random.operations.random.fixed_ns", 7)
    host.generate_random(16)
    machine.native.finish()
    records = machine.recorder.array()
    names = machine.recorder.names
    took = [
        int(record["finished"] - record["started"])
        for record in records
        if names[record["operation"]] == "random"
    ]
    was = Machine.simulation().bus.cards[0].profile.operations["random"]
    assert took == [was.service_ns(16), was._replace(fixed_ns=7).service_ns(16)]
    assert [names[record["operation"]] for record in records] == ["random", QUERY, "random"]


def test_in_simulated_time_it_counts_for_what_is_fetched_afterwards() -> None:
    """Ten signatures wait for three cores; the change, sent in their middle, meets the later."""
    aside = Block()
    port_like: Port = aside
    Ep11Host(port_like, (0,)).set_figure(KEY, 1000)
    machine = Machine.simulation(domains=2)
    port = machine.simulated()
    work = sized("rsa2048-sign", 51)
    jobs = [
        Job(n, 0, work.function, work.operation, 51, work.request_bytes, work.reply_bytes)
        for n in range(6)
    ]
    admin = Job(9, 0, aside.function)
    done: list[Job] = []
    for job in jobs[:3]:
        port.submit(job, (0,), done.append)
    port.submit(admin, (0,), done.append, lambda domain: aside.block)
    for job in jobs[3:]:
        port.submit(job, (0,), done.append)
    port.timeline.run()
    assert admin.outcome == 0
    fetched = admin.times[FETCHED]
    for job in jobs:
        service = job.times[FINISHED] - job.times[STARTED]
        assert service == (1000 if job.times[FETCHED] >= fetched else WAS)
    assert [job.times[SUBMITTED] for job in jobs] == [0] * 6
    assert {job.times[FETCHED] >= fetched for job in jobs} == {True, False}


@pytest.mark.parametrize(
    ("key", "value", "rv"),
    [
        ("engines.rsa.count", 1, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        ("engines.ec.operations.rsa2048-sign.fixed_ns", 1, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        ("firmware.cores", 1, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        ("host.submit_ns", 1, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        ("", 1, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        ("firmware.decode_ns", 10**13 + 1, ck.CKR_ATTRIBUTE_VALUE_INVALID),
    ],
)
def test_refusals(key: str, value: int, rv: int) -> None:
    machine = Machine.simulation()
    profile = machine.bus.cards[0].profile
    with pytest.raises(Ep11Error) as refused:
        Ep11Host(machine.native, (0,)).set_figure(key, value)
    assert refused.value.rv == rv
    assert machine.bus.cards[0].profile is profile


@pytest.mark.parametrize(
    ("key", "value"), [("firmware.decode_ns", -1), ("größe", 1), ("a", 1 << 64)]
)
def test_what_has_no_place_in_the_request(key: str, value: int) -> None:
    machine = Machine.simulation()
    with pytest.raises(DriverError, match="no name and 64-bit value"):
        Ep11Host(machine.native, (0,)).set_figure(key, value)
