"""Figures as people read them."""

import pytest

from ghostcard.benchmarks.estimation import Estimate
from ghostcard.benchmarks.wording import counted, duration, estimated, estimated_rate


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (999.6, "1.00 us"),  # never "1000 ns"
        (9_994, "9.99 us"),
        (9_996, "10.0 us"),
        (99_960, "100 us"),
        (999_400, "999 us"),
        (999_600, "1.00 ms"),
        (999_999_999, "1.00 s"),
        (123.4e9, "123 s"),
    ],
)
def test_duration(ns: float, text: str) -> None:
    assert duration(ns) == text


def test_what_is_not_known() -> None:
    assert estimated_rate(Estimate(0.0, None, 0.95, 0)) == "-"
    assert estimated_rate(Estimate(1500.0, 15.0, 0.95, 3)) == "1,500 ±1.0%"
    assert estimated(Estimate(float("inf"), None, 0.95, 3), duration) == "-"
    assert estimated(Estimate(0.0, 0.0, 0.95, 3), duration) == "0 ns"  # of the null device


def test_counted() -> None:
    assert (counted(1, "card"), counted(0, "card"), counted(1200, "card")) == (
        "1 card", "0 cards", "1,200 cards"
    )  # fmt: skip
