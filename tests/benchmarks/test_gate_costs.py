"""The measurement of what a turn in simulated time costs: that it measures what it says."""

from ghostcard.benchmarks.gate import THREADS, WAYS, costs


def test_every_way_is_measured_with_every_number_of_threads() -> None:
    found = costs(0.02, rounds=1)
    assert set(found) == {(way, threads) for way in WAYS for threads in THREADS}
    assert all(0 < us < 1_000_000 for us in found.values())
