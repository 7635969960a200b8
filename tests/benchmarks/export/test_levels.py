"""Levels against a count by hand, whatever the order of the file and the size of the chunks."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard.benchmarks.export import levels
from ghostcard.benchmarks.export import requests as export_requests
from ghostcard.benchmarks.export.levels import Level, Levels
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.record import STAGES, Recorder

SPANS = (levels.DEPTH, levels.INTERRUPT, levels.CORES_BUSY, levels.WAITING)
LIFE = st.tuples(
    st.integers(0, 30),  # submitted
    st.lists(st.integers(0, 6), min_size=11, max_size=11),  # the intervals
    st.sampled_from([0x0000, 0x0001, 0x0100]),
    st.sampled_from(["", "rsa", "ec"]),
)
Life = tuple[int, list[int], int, str]


def recorded(lives: list[Life]) -> Requests:
    record = Recorder()
    for submitted, steps, qid, engine in lives:
        times = [submitted]
        for step in steps:
            times.append(times[-1] + step)
        record.add(0, qid, 0, "a", engine, 0, 1, 0, 0, 0, times)
    return Requests.of(record)


def counts(requests: Requests, level: Level, place: int) -> bool:
    """Whether a request counts on a level at all."""
    qid = int(requests.array["qid"][place])
    engine = requests.names[requests.array["engine"][place]]
    return (
        qid >> 8 == level.adapter
        and level.domain in (None, qid & 0xFF)
        and (level.span.of != levels.POOL or level.engine == engine)
    )


def by_hand(requests: Requests, level: Level, time: int) -> int:
    array, span = requests.array, level.span
    places = [p for p in range(len(array)) if counts(requests, level, p)]
    count = sum(int(array[span.start][p]) <= time < int(array[span.end][p]) for p in places)
    return min(count, 1) if span.is_line else count


@settings(max_examples=40)
@given(lives=st.lists(LIFE, min_size=1, max_size=25), size=st.integers(1, 30))
def test_a_level_is_the_number_of_requests_there(lives: list[Life], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_requests, "CHUNK", size)
        requests = recorded(lives)
        found = Levels(requests, SPANS)
        changes = [
            change
            for chunk in found.changes()
            for change in zip(
                chunk.times.tolist(), chunk.levels.tolist(), chunk.values.tolist(), strict=True
            )
        ]
    assert [(t, i) for t, i, _ in changes] == sorted({(t, i) for t, i, _ in changes})
    end = int(requests.array["done"].max())
    for index, level in enumerate(found.of):
        own = [(0, 0)] + [(time, value) for time, i, value in changes if i == index]
        assert own[-1][1] == 0
        assert all(before != after for (_, before), (_, after) in pairwise(own))
        for (time, value), (until, _) in pairwise([*own, (end + 2, 0)]):
            assert [by_hand(requests, level, t) for t in range(time, until)] == [value] * (
                until - time
            )


def test_levels_are_named_by_what_they_are_of(requests: Requests) -> None:
    found = Levels(requests, (levels.DEPTH, levels.CORES_BUSY, levels.BUSY)).of
    assert [(o.adapter, o.domain, o.engine) for o in found[:6]] == [
        (0, 0, None), (0, 1, None), (1, 0, None), (1, 1, None), (0, None, None), (1, None, None),
    ]  # fmt: skip
    pools = {(o.adapter, o.engine) for o in found[6:]}
    assert pools == {(a, e) for a in (0, 1) for e in ("rsa", "ec", "symmetric")}


def test_the_depth_is_the_one_the_bus_saw(requests: Requests) -> None:
    """Where nothing else happens at the instant a request is accepted."""
    found = Levels(requests, (levels.DEPTH,))
    at: dict[tuple[int, int], int] = {}
    for chunk in found.changes():
        keys = zip(chunk.times.tolist(), chunk.levels.tolist(), strict=True)
        at.update(zip(keys, chunk.values.tolist(), strict=True))
    index = {level.adapter << 8 | (level.domain or 0): i for i, level in enumerate(found.of)}
    array = requests.array[:1200]
    instants = [
        (time, qid)
        for stage in ("enqueued", "done")
        for time, qid in zip(array[stage].tolist(), array["qid"].tolist(), strict=True)
    ]
    alone = {key for key in set(instants) if instants.count(key) == 1}
    checked = 0
    for record in array:
        key = int(record["enqueued"]), int(record["qid"])
        if key in alone:
            assert at[key[0], index[key[1]]] == record["depth"]
            checked += 1
    assert checked > 10
    assert max(at.values()) == 8 == array["depth"].max()


def test_spans_lie_between_stages_in_order() -> None:
    for span in (*SPANS, levels.BUSY, levels.CORES_WAITING):
        assert STAGES.index(span.start) < STAGES.index(span.end)
