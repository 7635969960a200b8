"""What no card is built from, the price of a lone request, equal times with and without blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ghostcard.emulator.bus import Bus
from ghostcard.emulator.card import LONE_SHAPES_MAX, Card
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.image import Plan
from ghostcard.emulator.job import ENQUEUED, Job
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import LinkProfile, Profile, load
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.timeline import Timeline

if TYPE_CHECKING:
    from tests.emulator.conftest import Rig, ScriptedImage

    MakeProfile = Callable[..., Profile]

IDLE = Plan(0, 0, "", 0, 0)


@pytest.fixture(scope="session")
def make(rig: type[Rig]) -> Callable[..., Card]:
    """A card of the default profile with a scripted image; every argument can be replaced."""
    image_type: type[ScriptedImage] = type(rig(load("null"), [IDLE]).image)

    def build(plans: tuple[Plan, ...] = (IDLE,), **changes: Any) -> Card:
        image = image_type(plans)
        for name in ("mode", "facilities"):
            if name in changes:
                setattr(image, name, changes.pop(name))
        given: dict[str, Any] = {
            "adapter": 3,
            "profile": load("cex8p"),
            "domains": (0, 84),
            "function": "real",
        }
        given |= changes
        return Card(image=image, nvram=Nvram(), random=RandomSource(1), **given)

    return build


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"adapter": 256}, r"adapter 256 is not one of 0\.\.255"),
        ({"adapter": -1}, r"adapter -1 is not one of 0\.\.255"),
        ({"domains": (85,)}, r"domain 85 is not one of 0\.\.84 \(queue\.domains of profile cex8p"),
        ({"domains": (-1,)}, r"domain -1 is not one of 0\.\.84"),
        ({"domains": ()}, "at least one was expected"),
        ({"domains": (1, 1)}, r"domains \(1, 1\): .* each once"),
        ({"function": "off"}, "function 'off' is neither 'real' nor 'null'"),
        ({"mode": "cca"}, "profile cex8p is for mode ep11, the image is cca"),
        ({"facilities": 0x02000000}, "facility word 0x02000000 lacks the bit of mode ep11"),
    ],
)
def test_an_impossible_card_is_refused(
    make: Callable[..., Card], changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(EmulatorError, match=complaint):
        make(**changes)


def test_the_image_sees_its_card(make: Callable[..., Card]) -> None:
    card = make(function="null")
    services = card.image.services  # type: ignore[attr-defined]
    assert services is card
    assert (services.function, services.domains) == ("null", (0, 84))
    assert services.profile.name == "cex8p"
    assert services.nvram is card.nvram
    assert services.random.seed == 1


def test_a_lone_signature_on_the_default_card(make: Callable[..., Card]) -> None:
    """RSA-2048, 32 bytes, from the figures of cex8p by hand."""
    card = make((Plan(2006, 4000, "rsa", 320_000, 1000),))
    times = card.lone(5, "rsa2048-sign", 0, 700, 400)
    assert [time - 5 for time in times] == [
        0,
        1_000,  # host submit
        2_200,  # 700 bytes: 179.5 -> 179 ns, 3 packets of 7 ns, latency 1,000 ns
        2_200,
        4_206,
        8_206,
        8_206,
        328_206,
        329_206,
        330_323,  # 400 bytes: 102.6 -> 103 ns, 2 packets
        335_323,  # interrupt
        336_323,  # host dequeue
    ]


@given(
    plan=st.builds(
        Plan,
        st.integers(0, 50),
        st.integers(0, 50),
        st.sampled_from(["", "pool"]),
        st.integers(0, 500),
        st.integers(0, 50),
    ),
    link=st.builds(
        LinkProfile, st.integers(0, 90), st.integers(1, 9000), st.integers(1, 99), st.integers(0, 9)
    ),
    sizes=st.tuples(st.integers(0, 5000), st.integers(0, 5000)),
    interrupt_ns=st.integers(0, 50),
    start=st.integers(0, 10**12),
    builders=st.integers(1, 2),
)
def test_lone_equals_the_stations(
    rig: type[Rig],
    profile: MakeProfile,
    plan: Plan,
    link: LinkProfile,
    sizes: tuple[int, int],
    interrupt_ns: int,
    start: int,
    builders: int,
) -> None:
    if not plan.engine:
        plan = plan._replace(engine_ns=0)
    free = profile(builders=builders)
    free = free._replace(link=link, host=free.host._replace(interrupt_ns=interrupt_ns))
    stand = rig(free, [plan])
    job = Job(request_bytes=sizes[0], reply_bytes=sizes[1])
    stand.submit_at(start, job)
    stand.timeline.run()
    assert stand.done == [job]
    assert tuple(job.times) == stand.card.lone(start, "any", 0, *sizes)
    assert job.engine == plan.engine


def test_lone_remembers_a_bounded_number_of_shapes(make: Callable[..., Card]) -> None:
    card = make()
    for size in range(LONE_SHAPES_MAX + 10):
        card.lone(0, "any", 0, size, 0)
    assert len(card._lone) == 10


times_up_to = st.integers(0, 12)


@given(
    workload=st.lists(
        st.tuples(st.integers(0, 30), times_up_to, times_up_to, times_up_to, times_up_to),
        min_size=1,
        max_size=25,
    ),
    cores=st.integers(1, 3),
    builders=st.integers(1, 2),
    depth=st.integers(1, 4),
    latency=times_up_to,
    reset_at=st.none() | st.integers(0, 50),
)
@example(  # found by hypothesis: three messages at one instant, on cores and engines at once
    workload=[(0, 0, 0, 2, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0)],
    cores=3,
    builders=1,
    depth=2,
    latency=0,
    reset_at=None,
)
def test_blocks_and_sizes_alone_take_the_same_times(
    rig: type[Rig],
    profile: MakeProfile,
    block: Callable[[int, int, int], bytes],
    workload: list[tuple[int, int, int, int, int]],
    cores: int,
    builders: int,
    depth: int,
    latency: int,
    reset_at: int | None,
) -> None:
    """`real` and `null` carry blocks, `off` does not; ties, zero times and resets included."""
    plans = [
        Plan(unwrap, 0, "a" if n % 3 else "b", engine, build)
        for n, (_, unwrap, engine, build, _) in enumerate(workload)
    ]
    free = profile({"a": 2, "b": 1}, cores, builders, depth)
    free = free._replace(link=LinkProfile(latency, 8000, 4096, 0))
    runs = []
    for with_blocks in (False, True):
        stand = rig(free, plans, domains=(0, 1))
        for n, (at, *_, size) in enumerate(workload):
            job = Job(n, n % 2, operation="scripted", request_bytes=8 + size, reply_bytes=size)
            if with_blocks:
                job.block = block(n, 8 + size, size)
                job.reply_bytes = 0  # to be learned from the reply
            else:
                job.payload_bytes = n
            stand.submit_at(at, job)
        if reset_at is not None:
            stand.timeline.run(reset_at)
            stand.bus.rapq(0)
        stand.timeline.run()
        assert reset_at is not None or len(stand.done) == len(workload)
        runs.append(
            [
                (j.client, j.operation, j.payload_bytes, j.reply_bytes, j.depth, j.times)
                for j in stand.done
            ]
        )
    assert runs[0] == runs[1]


def test_a_block_is_executed_when_a_core_fetches_it(
    rig: type[Rig], profile: MakeProfile, block: Callable[[int, int, int], bytes]
) -> None:
    stand = rig(profile(), [Plan(100, 0, "", 0, 0)])
    blocks = [block(0, 8, n) for n in range(3)]
    jobs = [Job(block=request) for request in blocks]
    for job in jobs:
        stand.submit_at(0, job)
    for time, executed in ((1, 1), (100, 1), (101, 2), (201, 3)):
        stand.timeline.run(time)
        assert [request for _, request in stand.image.performed] == blocks[:executed]
    stand.timeline.run()
    assert [job.reply for job in jobs] == [bytes(0), bytes(1), bytes(2)]


def test_cards_on_one_timeline_do_not_wait_for_each_other(make: Callable[..., Card]) -> None:
    """Two cards, a message each at the same instant: both take the time of a lone request."""
    timeline = Timeline()
    bus = Bus(timeline)
    plan = Plan(100, 0, "rsa", 1000, 10)
    jobs = []
    for adapter in (3, 4):
        bus.plug(make((plan,), adapter=adapter))
        jobs.append(Job(qid=adapter << 8, request_bytes=500, reply_bytes=90))
        assert bus.nqap(adapter << 8, jobs[-1]) == 0
    timeline.run()
    assert jobs[0].times == jobs[1].times
    lone = bus.cards[3].lone(-1000, "any", 0, 500, 90)  # enqueued at 0
    assert tuple(jobs[0].times[ENQUEUED:10]) == lone[ENQUEUED:10]
