"""What a profile may ask of a card beyond FIFO and constant times, to the nanosecond."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard.emulator.card import Card
from ghostcard.emulator.draws import ServiceDraws
from ghostcard.emulator.general_stations import NO_MEMORY, NO_MEMORY_REPLY, GeneralStations
from ghostcard.emulator.image import Line, Plan, Scheduler
from ghostcard.emulator.job import DONE, FETCHED, FINISHED, NOTIFIED, REPLIED, STARTED, Job
from ghostcard.emulator.profile import (
    BatchProfile,
    Distribution,
    EngineProfile,
    LinkProfile,
    MemoryProfile,
    Operation,
    Profile,
)

if TYPE_CHECKING:
    from tests.emulator.conftest import Rig

    MakeProfile = Callable[..., Profile]


def fifo(station: str) -> Line:
    return deque()


def generalise(rig: Rig) -> GeneralStations:
    """Put the card of a rig on general stations, whatever its profile says."""

    class Scheduled(type(rig.image)):  # type: ignore[misc]
        def scheduler(self) -> Scheduler | None:
            return fifo

    rig.image.__class__ = Scheduled
    rig.card.attach(rig.timeline)
    for domain in rig.card.domains:
        rig.bus.aqic(domain, True)
    stations = rig.card._stations
    assert isinstance(stations, GeneralStations)
    return stations


def submit(rig: Rig, at: int, **fields: Any) -> Job:
    job = Job(request_bytes=4, reply_bytes=4, **fields)
    rig.submit_at(at, job)
    return job


works = st.lists(
    st.tuples(
        st.integers(0, 40),  # at
        st.integers(0, 5),  # unwrap
        st.sampled_from(["big", "small", ""]),
        st.integers(0, 9),  # engine
        st.integers(0, 4),  # build
        st.integers(0, 1),  # domain
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=150)
@given(
    workload=works,
    cores=st.integers(1, 3),
    builders=st.integers(1, 2),
    depth=st.integers(1, 8),
    reset=st.none() | st.integers(0, 60),
)
def test_with_nothing_asked_the_times_are_those_of_the_plain_stations(
    rig: type[Rig],
    profile: MakeProfile,
    workload: list[tuple[int, int, str, int, int, int]],
    cores: int,
    builders: int,
    depth: int,
    reset: int | None,
) -> None:
    card = profile({"big": 2, "small": 1}, cores, builders, depth)
    card = card._replace(link=LinkProfile(3, 4000, 16, 1))
    plans = [Plan(0, w[1], w[2], w[3] if w[2] else 0, w[4]) for w in workload]
    runs = []
    for general in (False, True):
        one = rig(card, plans, (0, 1))
        if general:
            generalise(one)
        jobs = [
            submit(one, w[0], payload_bytes=number, qid=w[5]) for number, w in enumerate(workload)
        ]
        if reset is not None:
            one.timeline.run(reset)
            one.bus.rapq(0)
        one.timeline.run()
        done = [jobs.index(job) for job in one.done]
        runs.append((done, [jobs[number].times for number in done]))
    assert runs[0] == runs[1]


def test_a_reply_link_of_its_own(rig: type[Rig], profile: MakeProfile) -> None:
    card = profile()._replace(
        link=LinkProfile(0, 1000, 4096, 0), link_out=LinkProfile(7, 500, 4096, 1)
    )
    one = rig(card, [Plan(0, 0, "pool", 0, 0)])
    job = submit(one, 0, payload_bytes=0)
    one.timeline.run()
    assert (job.times[FETCHED], job.times[REPLIED]) == (4, 4 + 8 + 1 + 7)
    assert one.card.lone(0, "x", 0, 4, 4)[9] == 20


# Batches: (count 4, 100 ns, start 50 ns, small: up to 8 bytes); a request takes 10 ns

BATCH = BatchProfile(most=4, wait_ns=100, start_ns=50, max_bytes=8)


def batching(rig: type[Rig], profile: MakeProfile, engines: int = 1) -> Rig:
    pools = (EngineProfile("pool", engines, BATCH),)
    return rig(profile()._replace(engines=pools), [Plan(0, 0, "pool", 10, 0)] * 10, (0, 1))


def test_a_full_batch_starts_at_once_and_shares_one_start(
    rig: type[Rig], profile: MakeProfile
) -> None:
    one = batching(rig, profile)
    jobs = [submit(one, 5, payload_bytes=n) for n in range(4)]
    one.timeline.run()
    assert [(j.times[STARTED], j.times[FINISHED]) for j in jobs] == [
        (5, 65),
        (65, 75),
        (75, 85),
        (85, 95),
    ]  # 50 + 4 * 10 in all; the first pays for the start


def test_a_batch_that_does_not_fill_goes_when_its_time_is_up(
    rig: type[Rig], profile: MakeProfile
) -> None:
    one = batching(rig, profile)
    early, late = submit(one, 5, payload_bytes=0), submit(one, 60, payload_bytes=1)
    one.timeline.run()
    assert (early.times[STARTED], early.times[FINISHED]) == (105, 165)
    assert (late.times[STARTED], late.times[FINISHED]) == (165, 175)
    assert one.card.lone(5, "x", 0, 4, 4)[STARTED : FINISHED + 1] == (105, 165)


def test_a_large_request_and_another_queue_share_nothing(
    rig: type[Rig], profile: MakeProfile
) -> None:
    one = batching(rig, profile, engines=3)
    small = [submit(one, 0, payload_bytes=0, qid=domain) for domain in (0, 1)]
    large = submit(one, 0, payload_bytes=9)
    one.timeline.run()
    assert [job.times[FINISHED] for job in (*small, large)] == [160, 160, 60]


def test_batches_under_saturation_amortise_the_start(rig: type[Rig], profile: MakeProfile) -> None:
    """n requests at once, batches of 4: the last ends after n / 4 starts and n services."""
    one = batching(rig, profile)
    for n in range(40):
        submit(one, 0, payload_bytes=n % 8)
    one.timeline.run()
    assert one.done[-1].times[FINISHED] == 10 * 50 + 40 * 10


def test_a_reset_takes_an_open_batch(rig: type[Rig], profile: MakeProfile) -> None:
    one = batching(rig, profile)
    submit(one, 0, payload_bytes=0)
    other = submit(one, 0, payload_bytes=0, qid=1)
    one.timeline.run(50)
    one.bus.rapq(0)
    one.timeline.run()
    assert one.done == [other]


# Coalesced interrupts


@pytest.mark.parametrize(
    ("at", "notified"),
    [
        ([0], [120]),  # a lone reply waits its 100, then the interrupt's 20
        ([0, 10, 30], [50, 50, 50]),  # the third fills the count
        ([0, 10, 110], [120, 120, 120]),  # the time is up at 100; the interrupt finds the third too
        ([0, 121], [120, 241]),
        ([0, 1, 2, 3], [22, 22, 22, 22]),  # the fourth is there when the interrupt comes
    ],
)
def test_interrupts_by_count_and_time(
    rig: type[Rig], profile: MakeProfile, at: list[int], notified: list[int]
) -> None:
    card = profile()
    host = card.host._replace(interrupt_ns=20, coalesce_count=3, coalesce_ns=100)
    one = rig(card._replace(host=host), [Plan(0, 0, "", 0, 0)])
    jobs = [submit(one, time, payload_bytes=0) for time in at]
    one.timeline.run()
    assert [job.times[NOTIFIED] for job in jobs] == notified
    assert one.card.lone(0, "x", 0, 4, 4)[NOTIFIED] == 120


# Memory


@pytest.mark.parametrize("with_block", [False, True])
@pytest.mark.parametrize("memory", [MemoryProfile(2, 1 << 20), MemoryProfile(9, 8)])
def test_what_finds_no_memory_is_refused_and_counted(
    rig: type[Rig],
    profile: MakeProfile,
    block: Callable[[int, int, int], bytes],
    memory: MemoryProfile,
    with_block: bool,
) -> None:
    """Two requests of 4 bytes have room until the end of their engine service."""
    card = profile(cores=3)._replace(memory=memory)
    one = rig(card, [Plan(0, 0, "pool", 10, 0)])
    bytes_ = {"block": block(0, 6, 4)[:4] + b"\0\4"} if with_block else {}
    jobs = [submit(one, at, payload_bytes=0, **bytes_) for at in (0, 0, 5, 10, 20)]
    one.timeline.run()
    assert [job.outcome for job in jobs] == [0, 0, NO_MEMORY, 0, 0]
    assert jobs[2].reply == NO_MEMORY_REPLY
    assert (jobs[2].times[DONE], jobs[2].reply_bytes) == (5, 8)
    assert one.card._stations.refused == 1  # type: ignore[union-attr]


@settings(max_examples=60)
@given(times=st.lists(st.integers(0, 60), min_size=1, max_size=30), reset=st.integers(0, 80))
def test_memory_is_whole_again_after_any_reset(
    rig: type[Rig], profile: MakeProfile, times: list[int], reset: int
) -> None:
    card = profile(cores=2)._replace(memory=MemoryProfile(3, 64))
    card = card._replace(engines=(EngineProfile("pool", 1, BATCH._replace(most=2, wait_ns=7)),))
    one = rig(card, [Plan(1, 2, "pool", 5, 1), Plan(1, 0, "", 0, 0)], (0, 1))
    for n, time in enumerate(times):
        submit(one, time, payload_bytes=n % 2, qid=n % 2)
    one.timeline.run(reset)
    one.bus.rapq(0)
    one.timeline.run()
    stations: Any = one.card._stations
    assert (stations._free_contexts, stations._free_bytes) == (3, 64)
    assert (stations._idle_cores, stations._pools["pool"].idle) == (2, 1)


# Service times that vary


def test_a_lone_request_draws_what_the_stations_draw(rig: type[Rig], profile: MakeProfile) -> None:
    operations = {"scripted": Operation("pool", 1000, 0, Distribution("exponential"))}
    one = rig(profile()._replace(operations=operations), [Plan(0, 0, "pool", 1000, 0)])
    expected = ServiceDraws(one.card.profile, 0)
    for number in range(20):
        job = submit(one, number * 10**6, payload_bytes=0, operation="scripted", client=3)
        job.number = number
        one.timeline.run()
        took = job.times[FINISHED] - job.times[STARTED]
        assert took == expected.service_ns("scripted", 1000, 3, number)
        assert tuple(job.times) == one.card.lone(job.times[0], "scripted", 0, 4, 4, 3, number)


def test_draws_depend_on_seed_client_and_number_alone(profile: MakeProfile) -> None:
    operations = {"a": Operation("pool", 0, 0, Distribution("uniform", 500))}
    card = profile()._replace(operations=operations)
    draws = ServiceDraws(card, 7)
    asked = [(client, number) for client in range(4) for number in range(50)]
    forward = {key: draws.service_ns("a", 10**6, *key) for key in asked}
    assert forward == {k: ServiceDraws(card, 7).service_ns("a", 10**6, *k) for k in asked[::-1]}
    assert len(set(forward.values())) == len(asked)
    assert all(500_000 <= value <= 1_500_000 for value in forward.values())
    assert draws.word(0, 0) != ServiceDraws(card, 8).word(0, 0)


def test_constant_profiles_have_the_plain_stations(rig: type[Rig], profile: MakeProfile) -> None:
    one = rig(profile(), [Plan(0, 0, "", 0, 0)])
    assert isinstance(one.card, Card)
    assert type(one.card._stations).__name__ == "Stations"
