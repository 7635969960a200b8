"""Rates of intervals, by hand (AP sheet 6.3)."""

import pytest

from ghostcard.emulator.meter import Measured
from ghostcard.firmware.abi.operations import category
from ghostcard.measurement import rates


def test_an_interval_by_hand() -> None:
    """The example of AP sheet 6.4: 12,034 slow operations of 450 us in 10 s."""
    before = {(0, 1): Measured(1_000, 5)}
    after = {
        (0, 1): Measured(1_000 + 12_034 * 450_000, 12_039),
        (1, 2): Measured(880 * 40_000, 880),
        (2, 1): Measured(10**12, 10**6),  # of another card
    }
    slow, fast, *_, total = rates("ep11", before, after, (0, 1), 10)
    assert (slow.counter, slow.ops, slow.rate) == ("Asym. Slow", 12_034, 1203.4)
    assert slow.utilization == pytest.approx(0.54153)
    assert slow.duration_s == pytest.approx(450e-6)
    assert (fast.counter, fast.ops, total.counter, total.ops) == (
        "Asym. Fast",
        880,
        "Total",
        12_914,
    )


def test_nothing_in_an_interval() -> None:
    assert rates("accelerator", {}, {}, (0,), 1)[-1] == ("Total", 0, 0.0, 0.0, 0.0)


def test_all_is_the_total_of_a_cca_coprocessor() -> None:
    all_, keygen, total = rates("cca", {}, {(0, 1): Measured(10**9, 4)}, (0,), 2)
    assert all_ == ("All", 4, 2.0, 0.5, 0.25)
    assert keygen.ops == 0
    assert total == ("Total", 4, 2.0, 0.5, 0.25)


@pytest.mark.parametrize(
    ("mode", "operation", "entry"),
    [
        ("accelerator", "rsa2048-me", 2),
        ("accelerator", "rsa4096-crt", 6),
        ("accelerator", "error", 0),
        ("cca", "random", 1),
        ("cca", "error", 0),
        ("ep11", "rsa2048-sign", 1),
        ("ep11", "sha256", 3),
        ("ep11", "query", 0),
        ("timing", "rsa2048-sign", 0),
    ],
)
def test_entries(mode: str, operation: str, entry: int) -> None:
    assert category(mode, operation) == entry
