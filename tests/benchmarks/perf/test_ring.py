"""A polling host in simulated time: by hand, against the driver's model, and against itself."""

from itertools import repeat

import pytest

from ghostcard.benchmarks.cases import case
from ghostcard.benchmarks.closed_loop import sized
from ghostcard.benchmarks.main_job import Pace, measure
from ghostcard.benchmarks.perf.device import device
from ghostcard.benchmarks.perf.ring import Polled, _Host, polled
from ghostcard.machine import Machine


def on(name: str, operation: str, size: int, total: int, burst: int) -> Polled:
    return device(name, None).run(device(name, None).kinds(operation, [size]), total, burst, 1)


def test_the_null_device_leaves_the_hosts_own_cost() -> None:
    """NQAP and DQAP of cex8p's host, 1 us each; a burst beyond 8 places meets a full queue."""
    one = on("null", "sha256", 64, 1000, 1)
    assert one == Polled(
        1000, 1000, 0, 0, 0, 0, elapsed_ns=2_000_000, submit_ns=1_000_000, poll_ns=1_000_000,
        payload_bytes=64_000, latencies_ns=(2000,) * 1000,
    )  # fmt: skip
    burst = on("null", "sha256", 64, 1000, 9)
    rounds = 1000 // 8
    assert (burst.retries, burst.failed_enqueues, burst.failed_dequeues) == (
        rounds - 1, rounds - 1, 0,
    )  # fmt: skip
    # nine NQAPs, in the last round eight, and nine DQAPs, of which the ninth finds nothing
    assert burst.elapsed_ns == (rounds - 1) * 18_000 + 17_000


def test_one_request_takes_its_way_and_no_notification() -> None:
    machine = Machine.simulation("cex8p")
    one = polled(machine, 0, repeat(sized("rsa2048-sign", 51)), 1, 1)
    card = Machine.simulation("cex8p").bus.cards[0]
    work = sized("rsa2048-sign", 51)
    times = card.lone(0, "rsa2048-sign", 51, work.request_bytes, work.reply_bytes)
    replied_ns = times[9] - times[1] + 1000  # NQAP takes 1 us from the beginning
    [latency] = one.latencies_ns
    assert replied_ns <= latency < replied_ns + 1000  # a poll takes 1 us
    assert latency == one.elapsed_ns


@pytest.mark.parametrize("operation", ["rsa2048-sign", "aes-256-gcm"])
def test_saturated_it_has_the_throughput_of_the_drivers_clients(operation: str) -> None:
    size = case(operation).payload
    one = on("cex8p", operation, size, 5000, 8)
    point = measure("cex8p", case(operation), 64, 1, Pace())
    assert one.dequeued / one.elapsed_ns * 1e9 == pytest.approx(point.throughput_per_s, rel=0.01)


@pytest.mark.parametrize("burst", [1, 3, 8, 40])
def test_rounds_that_are_not_gone_through_are_counted(
    burst: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = on("cex8p", "rsa2048-sign", 51, 60, burst)
    monkeypatch.setattr(_Host, "_skip", lambda host: None)
    assert on("cex8p", "rsa2048-sign", 51, 60, burst) == counted
    assert counted.failed_enqueues > 1000
    assert counted.retries == counted.failed_enqueues


def test_a_mix_is_drawn_by_its_weights_and_again_the_same() -> None:
    tested = device("cex8p", None)
    kinds = [
        kind._replace(weight=weight)
        for kind, weight in zip(tested.kinds("sha256", [64, 570, 1500]), (7, 4, 1), strict=True)
    ]
    one = tested.run(kinds, 4000, 8, 3)
    assert one.payload_bytes / 4000 == pytest.approx((7 * 64 + 4 * 570 + 1500) / 12, rel=0.05)
    assert tested.run(kinds, 4000, 8, 3) == one
    assert tested.run(kinds, 4000, 8, 4) != one


def test_the_host_computes_one_after_the_other() -> None:
    one = on("host", "sha256", 64, 50, 8)
    assert (one.enqueued, one.dequeued, one.retries) == (50, 50, 0)
    assert one.elapsed_ns == sum(one.latencies_ns) == one.submit_ns
    assert min(one.latencies_ns) > 0
