"""Models of accelerators from the literature (modelling sheet, sections 1.7, 2 and 3)."""

import pytest

from ghostcard.benchmarks.closed_loop import sized
from ghostcard.benchmarks.recursion import engine
from ghostcard.benchmarks.recursion.sources import closed_loop
from ghostcard.benchmarks.scenario_result import evaluate
from ghostcard.benchmarks.scenario_run import replicate
from ghostcard.driver.shapes import shape
from ghostcard.emulator.profile import LinkProfile, load
from ghostcard.machine import Machine
from tests.benchmarks.conftest import Station

MS = 1_000_000
OPERATION = "aes-256-gcm"
SIZES = (0, 1, 16, 64, 256, 1000, 1024, 4096, 8192, 16384)
CARD = load("cex8p")


def half_up(value: int, by: int) -> int:
    return (2 * value + by) // (2 * by)


def transfer_ns(link: LinkProfile, size: int) -> int:
    packets = -(-size // link.packet_bytes)
    return half_up(1000 * size, link.bytes_per_us) + packets * link.packet_overhead_ns


def logca_ns(payload: int) -> int:
    """T1(g) = o + L(g) + C g / A of one request at a time, from the figures of the profile."""
    _, request, reply = shape(OPERATION, payload)
    firmware, host, link, price = CARD.firmware, CARD.host, CARD.link, CARD.operations[OPERATION]
    overhead = host.submit_ns + host.interrupt_ns + host.dequeue_ns
    overhead += firmware.decode_ns + half_up(firmware.decode_per_kib_ns * payload, 1024)
    overhead += firmware.unwrap_ns + firmware.build_ns
    latency = 2 * link.latency_ns + transfer_ns(link, request) + transfer_ns(link, reply)
    return overhead + latency + price.fixed_ns + half_up(price.per_kib_ns * payload, 1024)


def simulated_ns(payload: int) -> int:
    machine = Machine.simulation()
    engine.run(machine.bus, machine.recorder, closed_loop((0,), [sized(OPERATION, payload)], 1, 3))
    array = machine.recorder.array()
    [took] = set((array["done"] - array["submitted"]).tolist())
    return int(took)


@pytest.mark.parametrize("payload", SIZES)
def test_logca_at_queue_depth_1(payload: int) -> None:
    assert simulated_ns(payload) == logca_ns(payload)


def test_half_of_the_peak_is_where_the_work_equals_the_overhead() -> None:
    """g_A/2 = A (o + L) / C for work that grows in proportion (b = 1)."""
    per_byte = (simulated_ns(32768) - simulated_ns(16384)) / 16384
    half = round(simulated_ns(0) / per_byte)
    assert half / simulated_ns(half) == pytest.approx(0.5 / per_byte, rel=0.01)


def test_polling_adds_half_a_period_in_the_mean(station: Station) -> None:
    """A request now and then on a card that takes one millisecond, found by the next tick."""
    tenant = {
        "arrivals": "poisson",
        "rate_per_s": 1,
        "operation": "rsa2048-sign",
        "payload_bytes": 51,
    }
    document = {"requests": 1000, "replications": 8, "tenants": [tenant]}
    scenario = station(document, {"rsa2048-sign": MS})
    polled = scenario._replace(machine=scenario.machine._replace(interrupts=False))
    runs = [replicate(polled, number) for number in range(8)]
    period = runs[0].cards[0].profile.host.poll_ns
    mean = evaluate(polled, runs).rows[0].mean_ns
    assert mean.covers(MS + period / 2)
    array = runs[0].recorder.array()
    assert int((array["done"] - array["submitted"]).max()) <= 2 * MS + period
    assert set((array["done"] % period).tolist()) == {0}
