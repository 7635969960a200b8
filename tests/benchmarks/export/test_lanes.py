"""Every request on one lane, none overlapping, no more lanes than were needed."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.export.lanes import Lanes, assign


def test_the_lowest_free_lane_is_taken() -> None:
    lanes = Lanes()
    services = [(0, 10), (2, 4), (3, 9), (4, 5), (4, 8), (9, 12), (10, 11)]
    assert [lanes.assign(*service) for service in services] == [0, 1, 2, 1, 3, 1, 0]
    assert lanes.count == 4


def test_resources_have_lanes_of_their_own_and_go_on() -> None:
    lanes: dict[int, Lanes] = {}
    assert assign(lanes, [1, 2, 1], [0, 0, 0], [5, 5, 5]) == [0, 0, 1]
    assert assign(lanes, [1, 2], [4, 5], [6, 6]) == [2, 0]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=60))
def test_lanes_never_overlap_and_are_as_few_as_can_be(drawn: list[tuple[int, int]]) -> None:
    services = sorted((start, start + length) for start, length in drawn)
    lanes = Lanes()
    on: dict[int, list[tuple[int, int]]] = {}
    for service in services:
        on.setdefault(lanes.assign(*service), []).append(service)
    for placed in on.values():
        assert all(end <= start for (_, end), (start, _) in pairwise(placed))
    at_once = (sum(s <= t < e for s, e in services) for t in range(45))
    assert lanes.count == len(on) == max(at_once)
