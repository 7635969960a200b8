"""The instructions of AP sheet 1.2 on one card, with exact status words and times."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.bus import Bus
from ghostcard.emulator.card import Card
from ghostcard.emulator.errors import EmulatorError, TimelineError
from ghostcard.emulator.image import Plan
from ghostcard.emulator.job import ARRIVED, FETCHED, FINISHED, REPLIED, STARTED, Job
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.timeline import Timeline

if TYPE_CHECKING:
    from ghostcard.emulator.profile import Profile
    from tests.emulator.conftest import Rig, ScriptedImage

    MakeProfile = Callable[..., Profile]

    class MakeStand(Protocol):
        def __call__(self, depth: int = 8, **rest: int) -> Rig: ...


E, R, F, I = 0x80000000, 0x40000000, 0x20000000, 0x01000000  # noqa: E741  the sheet's letters
RESET_NS, ENABLE_NS, ENGINE_NS = 1000, 30, 100


def code(value: int) -> int:
    return value << 16


@pytest.fixture
def stand(rig: type[Rig], profile: MakeProfile) -> MakeStand:
    """One card, one engine of 100 ns per request, reset 1,000 ns, interrupts on after 30 ns."""

    def make(depth: int = 8, **rest: int) -> Rig:
        free = profile({"pool": 1}, depth=depth)
        queue = free.queue._replace(reset_ns=RESET_NS, interrupt_enable_ns=ENABLE_NS)
        host = free.host._replace(interrupt_ns=rest.get("interrupt_ns", 0))
        plans = [Plan(0, 0, "pool", ENGINE_NS, 0)]
        return rig(free._replace(queue=queue, host=host), plans)

    return make


@pytest.fixture
def polled(stand: MakeStand) -> Rig:
    """The same, depth 2, with interrupts off and nothing enqueued."""
    quiet = stand(depth=2)
    quiet.bus.rapq(0)
    quiet.timeline.run(RESET_NS)
    return quiet


def test_a_message_from_nqap_to_dqap(polled: Rig) -> None:
    bus, timeline = polled.bus, polled.timeline
    job = Job(psmid=0x0123456789ABCDEF)
    assert bus.tapq(0)[0] == E
    assert bus.dqap(0) == (E | code(0x10), None)
    assert bus.nqap(0, job) == 0
    assert job.depth == 1
    assert bus.dqap(0) == (code(0x10), None)  # E is off: a reply will come
    timeline.run(RESET_NS + ENGINE_NS)
    assert bus.tapq(0)[0] == 0
    timeline.run(RESET_NS + ENGINE_NS + 1)
    assert bus.tapq(0)[0] == R
    status, reply = bus.dqap(0)
    assert (status, reply) == (E, job)
    assert job.psmid == 0x0123456789ABCDEF
    assert job.times[REPLIED] == RESET_NS + ENGINE_NS


def test_a_message_is_in_hardware_until_dqap(polled: Rig) -> None:
    bus, timeline = polled.bus, polled.timeline
    assert bus.nqap(0, Job()) == 0
    assert bus.nqap(0, Job()) == F
    assert bus.nqap(0, Job()) == F | code(0x10)
    timeline.run()
    assert bus.tapq(0)[0] == R | F  # both are finished, nobody has fetched them
    assert bus.nqap(0, Job()) == R | F | code(0x10)
    assert bus.dqap(0)[0] == R
    assert bus.nqap(0, Job()) == R | F


def test_replies_come_in_order_of_completion(rig: type[Rig], profile: MakeProfile) -> None:
    plans = [Plan(0, 0, "slow", 90, 0), Plan(0, 0, "quick", 10, 0)]
    both = rig(profile({"slow": 1, "quick": 1}), plans)
    first, second = Job(payload_bytes=0, psmid=1), Job(payload_bytes=1, psmid=2)
    both.submit_at(0, first)
    both.submit_at(0, second)
    both.timeline.run()
    assert [job.psmid for job in both.done] == [2, 1]


@pytest.mark.parametrize("qid", [0x0001, 0x0100, 0xFFFF, 0x10000])
def test_an_unknown_apqn_is_not_available(polled: Rig, qid: int) -> None:
    bus, unknown = polled.bus, code(0x01)
    assert bus.nqap(qid, Job()) == unknown
    assert bus.dqap(qid) == (unknown, None)
    assert bus.tapq(qid) == (unknown, 0)
    assert bus.rapq(qid) == bus.zapq(qid) == bus.aqic(qid, True) == unknown
    assert bus.perform(qid, b"") == (0x01, b"", "", 0)


def test_a_message_may_be_as_long_as_the_card_says_and_no_longer(
    polled: Rig, block: Callable[[int, int, int], bytes]
) -> None:
    bus = polled.bus
    assert bus.nqap(0, Job(request_bytes=61441)) == E | code(0x15)
    assert bus.nqap(0, Job(request_bytes=61440)) == 0
    assert bus.perform(0, block(0, 61441, 4)) == (0x15, b"", "", 0)
    assert bus.perform(0, block(0, 61440, 4)) == (0, bytes(4), "scripted", 0)
    assert len(polled.image.performed) == 1


def test_hardware_information_comes_with_tapq(polled: Rig) -> None:
    # EP11 facility word, CEX8, highest domain 84, 61440 bytes, depth 2
    assert polled.bus.tapq(0) == (E, 0x06800000_0E540F01)


# Interrupts


def test_the_i_bit_follows_aqic_after_a_while(polled: Rig) -> None:
    bus, timeline = polled.bus, polled.timeline
    assert bus.aqic(0, False) == E | code(0x07)
    assert bus.aqic(0, True) == E
    assert bus.aqic(0, True) == E | code(0x07)
    timeline.run(RESET_NS + ENABLE_NS)
    assert bus.tapq(0)[0] == E | I
    assert bus.aqic(0, False) == E | I
    assert bus.aqic(0, False) == E | I | code(0x07)
    timeline.run(RESET_NS + 2 * ENABLE_NS)
    assert bus.tapq(0)[0] == E


def test_an_interrupt_comes_a_while_after_the_reply(stand: MakeStand) -> None:
    card = stand(interrupt_ns=7)
    heard: list[tuple[int, int]] = []
    card.bus.on_interrupt(lambda qid: heard.append((card.timeline.now, qid)))
    card.submit_at(50, Job())
    card.timeline.run()
    assert heard == [(50 + ENGINE_NS + 7, 0)]


def test_an_interrupt_under_way_covers_replies_that_come_before_it(stand: MakeStand) -> None:
    card = stand(interrupt_ns=ENGINE_NS + 1)
    heard: list[int] = []
    card.bus.on_interrupt(lambda qid: heard.append(card.timeline.now))
    for _ in range(3):
        card.submit_at(50, Job())
    card.timeline.run()
    # replies at 150, 250, 350; the interrupt at 251 finds two of them
    assert heard == [251, 451]
    assert len(card.done) == 3


def test_without_interrupts_nobody_is_called(polled: Rig) -> None:
    polled.bus.nqap(0, Job())
    polled.timeline.run()
    assert polled.done == []
    assert polled.bus.dqap(0)[1] is not None


def test_a_reply_that_comes_before_the_i_bit_does_not_interrupt(stand: MakeStand) -> None:
    card = stand()
    card.bus.aqic(0, False)
    card.bus.nqap(0, Job())
    card.timeline.run(ENGINE_NS - 10)
    card.bus.aqic(0, True)  # on at 120; the reply is there at 100
    card.timeline.run()
    assert card.done == []
    assert card.bus.tapq(0)[0] == R


def test_interrupts_switched_off_on_the_way_are_not_delivered(stand: MakeStand) -> None:
    card = stand(interrupt_ns=500)
    card.timeline.run(40)
    card.bus.nqap(0, Job())
    card.timeline.run(200)
    card.bus.aqic(0, False)
    card.timeline.run()
    assert card.done == []


# Reset


def test_a_reset_purges_and_takes_its_time(stand: MakeStand) -> None:
    card = stand()
    bus, timeline = card.bus, card.timeline
    timeline.run(50)
    for _ in range(3):
        bus.nqap(0, Job())
    assert bus.rapq(0) == E  # no message, no interrupts
    busy = E | code(0x02)
    assert bus.nqap(0, Job()) == busy
    assert bus.dqap(0) == (busy, None)
    assert bus.tapq(0) == (busy, card.card.hardware_info)
    assert bus.rapq(0) == bus.zapq(0) == bus.aqic(0, True) == busy
    assert bus.perform(0, bytes(8)) == (0x02, b"", "", 0)
    timeline.run(50 + RESET_NS - 1)
    assert bus.tapq(0)[0] == busy
    timeline.run(50 + RESET_NS)
    assert bus.tapq(0)[0] == E
    assert card.done == []
    assert card.image.zeroized == []


def test_zapq_has_the_image_forget_the_domain(stand: MakeStand) -> None:
    card = stand()
    assert card.bus.zapq(0) == E
    assert card.image.zeroized == [0]
    assert card.bus.zapq(0) == E | code(0x02)
    assert card.image.zeroized == [0]


def test_a_reset_does_not_disturb_the_other_domains(rig: type[Rig], profile: MakeProfile) -> None:
    """Domain 0 is reset at 250: its message on the engine runs on, those that wait are gone."""
    plans = [Plan(0, 0, "pool", 100, 0)]
    card = rig(profile(), plans, domains=(0, 1))
    theirs, ours = [Job(qid=0) for _ in range(4)], Job(qid=1)
    for job in theirs:
        card.submit_at(0, job)
    card.submit_at(200, ours)
    card.timeline.run(250)
    card.bus.rapq(0)
    card.timeline.run()
    assert [job.times[FINISHED] for job in card.done] == [100, 200, 400]
    assert card.done == [*theirs[:2], ours]
    assert (ours.times[STARTED], ours.times[FINISHED]) == (300, 400)


def test_a_message_that_waits_for_a_core_is_gone_with_a_reset(
    rig: type[Rig], profile: MakeProfile
) -> None:
    card = rig(profile(cores=1), [Plan(100, 0, "", 0, 0)], domains=(0, 1))
    jobs = [Job(qid=0), Job(qid=0), Job(qid=1)]
    for job in jobs:
        card.submit_at(0, job)
    card.timeline.run(50)
    card.bus.rapq(0)
    card.timeline.run()
    assert card.done == [jobs[2]]
    assert jobs[2].times[FETCHED] == 100  # the core ends what it had begun, then takes ours


@pytest.mark.parametrize("reset_at", [20, 39, 40])
@pytest.mark.parametrize("with_block", [False, True])
def test_a_message_on_the_link_reaches_no_core_after_a_reset(
    rig: type[Rig],
    profile: MakeProfile,
    block: Callable[[int, int, int], bytes],
    with_block: bool,
    reset_at: int,
) -> None:
    """Both are on the link at the reset; the second, of another domain, finds the core idle.

    The first would arrive at 40, at the latest in the very instant of the reset.
    """
    free = profile()
    card = rig(
        free._replace(link=free.link._replace(latency_ns=40)),
        [Plan(100, 0, "", 0, 0)],
        domains=(0, 1),
    )
    lost, ours = Job(qid=0), Job(qid=1)
    if with_block:
        lost.block = ours.block = block(0, 8, 0)
    card.submit_at(0, lost)
    card.submit_at(10, ours)
    card.timeline.run(reset_at)
    card.bus.rapq(0)
    card.timeline.run()
    assert card.done == [ours]
    assert (ours.times[ARRIVED], ours.times[FETCHED]) == (50, 50)
    assert [domain for domain, _ in card.image.performed] == ([1] if with_block else [])


def test_the_same_job_may_be_sent_again_after_a_reset(stand: MakeStand) -> None:
    """The lost-request rule of AP sheet 1.6 while the engine still has the first attempt."""
    card = stand()
    card.timeline.run(50)
    job = Job(psmid=9)
    card.bus.nqap(0, job)
    card.timeline.run(60)
    card.bus.rapq(0)
    card.timeline.run(60 + RESET_NS)
    assert card.bus.nqap(0, job) == 0
    card.timeline.run()
    assert card.bus.dqap(0) == (E, job)
    assert job.times[STARTED] == 60 + RESET_NS
    assert card.bus.dqap(0) == (E | code(0x10), None)


@given(
    times=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    reset_at=st.integers(0, 400),
    with_block=st.booleans(),
)
def test_after_a_reset_no_server_is_lost(
    rig: type[Rig],
    profile: MakeProfile,
    block: Callable[[int, int, int], bytes],
    times: list[int],
    reset_at: int,
    with_block: bool,
) -> None:
    """Whatever a reset interrupts, the card afterwards serves as many at once as before it."""
    free = profile({"pool": 2}, cores=2, builders=2)
    link = free.link._replace(latency_ns=20)
    card = rig(free._replace(link=link), [Plan(30, 10, "pool", 100, 50)], domains=(0, 1))
    for time in times:
        job = Job(qid=time % 2)
        job.block = block(0, 8, 0) if with_block else None
        card.submit_at(time, job)
    card.timeline.run(reset_at)
    card.bus.rapq(0)
    card.timeline.run()
    later = [Job(qid=1) for _ in range(4)]
    start = card.timeline.now + 1000
    for job in later:
        card.submit_at(start, job)
    card.timeline.run()
    fetched = [job.times[FETCHED] - start for job in later]
    assert fetched == [20, 20, 60, 60]
    assert [job.times[STARTED] - start for job in later] == [60, 60, 160, 160]
    assert [job.times[REPLIED] - start for job in later] == [230, 230, 330, 330]


# Cards that come and go


@pytest.mark.parametrize(("state", "expected"), [("standby", 0x03), ("error", 0x04)])
def test_a_card_out_of_service(stand: MakeStand, state: str, expected: int) -> None:
    card = stand()
    bus, timeline = card.bus, card.timeline
    timeline.run(50)
    bus.nqap(0, Job())

    def set_state(broken: bool) -> None:
        if state == "standby":
            card.card.configure(not broken)
        else:
            card.card.checkstop(broken)

    set_state(True)
    status = E | code(expected)
    assert bus.nqap(0, Job()) == status
    assert bus.dqap(0) == (status, None)
    assert bus.tapq(0) == (status, card.card.hardware_info)
    assert bus.rapq(0) == bus.aqic(0, True) == status
    assert bus.perform(0, bytes(8)) == (expected, b"", "", 0)
    timeline.run(500)
    set_state(False)
    assert bus.tapq(0)[0] == E
    assert bus.nqap(0, Job()) == 0
    assert bus.perform(0, bytes(8))[0] == 0
    timeline.run()
    assert bus.dqap(0)[0] == E


def test_checkstop_outranks_standby(stand: MakeStand) -> None:
    card = stand()
    card.card.checkstop(True)
    card.card.configure(False)
    assert card.bus.tapq(0)[0] == E | code(0x04)
    card.card.checkstop(False)
    assert card.bus.tapq(0)[0] == E | code(0x03)


def test_an_unplugged_card_is_gone_with_its_messages(stand: MakeStand) -> None:
    card = stand()
    card.submit_at(50, Job())
    card.timeline.run(60)
    assert card.bus.unplug(0) is card.card
    assert card.bus.tapq(0) == (code(0x01), 0)
    card.timeline.run()
    assert card.done == []
    with pytest.raises(EmulatorError, match="adapter 00 is not plugged"):
        card.bus.unplug(0)
    card.bus.plug(card.card)
    assert card.bus.tapq(0)[0] == E


def test_an_adapter_number_is_given_once(stand: MakeStand) -> None:
    card = stand()
    with pytest.raises(EmulatorError, match="adapter 00 is plugged already"):
        card.bus.plug(card.card)


def test_qci_shows_what_is_plugged(stand: MakeStand) -> None:
    block = stand().bus.qci()
    assert block[:6] == bytes.fromhex("40000000ff54")
    assert block[16:48] == block[48:80] == block[80:112] == b"\x80" + bytes(31)
    assert Bus().qci() == bytes.fromhex("40000000ff00") + bytes(122)


# Without a timeline


def image_of(card: Card) -> ScriptedImage:
    return card.image  # type: ignore[return-value]


def bus_without_time(rig: type[Rig], profile: MakeProfile) -> Bus:
    """A bus with a card as a native host has it."""
    card = rig(profile(), [Plan(0, 0, "", 0, 0)]).card
    bus = Bus()
    bus.plug(Card(2, card.profile, image_of(card), Nvram(), RandomSource(1), (5,)))
    return bus


def test_the_function_track_needs_no_timeline(
    rig: type[Rig], profile: MakeProfile, block: Callable[[int, int, int], bytes]
) -> None:
    bus = bus_without_time(rig, profile)
    request = block(7, 30, 9)
    assert bus.perform(0x0205, request) == (0, bytes(9), "scripted", 7)
    assert image_of(bus.cards[2]).performed == [(5, request)]
    assert bus.rapq(0x0205) == E
    assert bus.tapq(0x0205)[0] == E  # no time passes: the reset is over
    assert bus.perform(0x0205, request)[0] == 0


def test_messages_need_a_timeline(rig: type[Rig], profile: MakeProfile) -> None:
    bus = bus_without_time(rig, profile)
    with pytest.raises(TimelineError, match=r"Bus\.attach"):
        bus.nqap(0x0205, Job())
    with pytest.raises(TimelineError, match=r"Bus\.attach"):
        bus.dqap(0x0205)


def test_a_new_timeline_finds_everything_empty(stand: MakeStand) -> None:
    card = stand()
    card.submit_at(0, Job())
    card.timeline.run(40)
    again = Timeline()
    card.bus.attach(again)
    assert card.bus.tapq(0)[0] == E
    job = Job()
    assert card.bus.nqap(0, job) == 0
    again.run()
    assert job.times[STARTED] == 0  # the engine is idle
    assert card.done == []  # whoever listened did so on the other timeline


@given(data=st.binary(max_size=300))
def test_any_bytes_are_answered(rig: type[Rig], profile: MakeProfile, data: bytes) -> None:
    """The bus adds no failure of its own to what the image says of a block."""
    bus = bus_without_time(rig, profile)
    expected = image_of(bus.cards[2]).perform(5, data)
    assert bus.perform(0x0205, data) == (0, *expected)
