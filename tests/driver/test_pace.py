"""How punctual paced calls were: the counts, the verdict, and what it proposes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.cli.order import verdict
from ghostcard.driver.pace import LATE_NS, Pace, Punctuality


def counted(dilation: float, *calls: tuple[int, int, int]) -> Pace:
    punctuality = Punctuality(dilation)
    for call in calls:
        punctuality.count(*call)
    return punctuality.pace


PUNCTUAL = (100_000, 300_000, 5_000)  # on the cards; executed in; after its time
TOO_LONG = (100_000, 3_100_000, 2_130_000)
WOKEN_LATE = (100_000, 300_000, 25_000)


def test_late_is_more_than_twenty_microseconds() -> None:
    pace = counted(10, (1_000, 0, LATE_NS), (1_000, 0, LATE_NS + 1), (1_000, 0, 0))
    assert LATE_NS == 20_000
    assert (pace.calls, pace.late, pace.worst_ns, pace.lateness_ns) == (3, 1, 20_001, 40_001)
    assert pace.mean_ns == 40_001 / 3


@pytest.mark.parametrize(("late", "is_valid"), [(0, True), (1, True), (2, False), (100, False)])
def test_one_percent_may_be_late(late: int, is_valid: bool) -> None:
    pace = counted(10, *[TOO_LONG] * late, *[PUNCTUAL] * (100 - late))
    assert pace.is_valid == is_valid
    assert (pace.would_do is None) == is_valid


def test_the_dilation_proposed_covers_what_took_longest_to_execute() -> None:
    """3.1 ms for 100 us are 31 times; in eighths of a factor of two that is 32; 900 are 940."""
    assert counted(10, *[TOO_LONG] * 5, *[PUNCTUAL] * 95).would_do == 32
    rare = (100_000, 90_000_000, 89_000_000)
    assert counted(10, *[TOO_LONG] * 5, rare, *[PUNCTUAL] * 94).would_do == 32
    assert counted(10, *[TOO_LONG] * 5, *[rare] * 5, *[PUNCTUAL] * 90).would_do == 940


def test_who_is_woken_late_is_not_helped_by_a_dilation() -> None:
    pace = counted(10, *[WOKEN_LATE] * 5, *[PUNCTUAL] * 95)
    assert (pace.late, pace.woken_late, pace.is_valid, pace.would_do) == (5, 5, False, None)


def test_where_both_happen_both_are_told() -> None:
    pace = counted(10, *[WOKEN_LATE] * 5, *[TOO_LONG] * 10, *[PUNCTUAL] * 85)
    assert (pace.late, pace.woken_late, pace.would_do) == (15, 5, 32)
    assert verdict(pace) == (
        "not valid: 15.0% of the completions were late; a dilation of 32 would do; "
        "the host is too busy: 5.0% were woken late"
    )


def test_a_call_that_was_taken_for_another_counts_as_late() -> None:
    punctuality = Punctuality(10)
    for _ in range(100):
        punctuality.count(*PUNCTUAL)
    punctuality.misjudged += 1
    assert punctuality.pace.is_valid
    punctuality.misjudged += 1
    assert not punctuality.pace.is_valid
    assert punctuality.pace.wrong == 0.02


def test_nothing_asked_is_valid() -> None:
    assert (Pace(10).is_valid, Pace(10).mean_ns, Pace(10).would_do) == (True, 0, None)


CALLS = st.lists(st.tuples(*[st.integers(0, 10**10)] * 3), max_size=20)


@given(st.floats(0.001, 1e6), CALLS, CALLS)
def test_the_text_says_it_all_and_two_processes_are_one(
    dilation: float, some: list[tuple[int, int, int]], more: list[tuple[int, int, int]]
) -> None:
    one, other = counted(dilation, *some), counted(dilation, *more)
    assert Pace.of_text(one.as_text()) == one
    assert one.joined(other) == counted(dilation, *some, *more)


@pytest.mark.parametrize("text", ["", "calls 1\n", "dilation x\n", "\n"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pace of a run|dictionary"):
        Pace.of_text(text)
