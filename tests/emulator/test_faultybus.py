"""Every fault of a message, a reply, an interrupt and an instruction, at its nanosecond."""

from collections.abc import Callable

import pytest

from ghostcard.emulator.card import Card
from ghostcard.emulator.faultplan import parse
from ghostcard.emulator.faultybus import FaultyBus
from ghostcard.emulator.image import Plan
from ghostcard.emulator.injector import Injector
from ghostcard.emulator.job import Job
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.status import (
    QUEUE_EMPTY,
    QUEUE_FULL,
    REPLIES_WAITING,
    response_code,
)
from ghostcard.emulator.timeline import Timeline
from tests.emulator.conftest import ScriptedImage, block_of, free_profile

ENGINE_NS = 1_000
PLAN = Plan(0, 0, "pool", ENGINE_NS, 0)


class Stand:
    """A card of one engine behind a free link, and what happened to it."""

    def __init__(self, *faults: dict[str, object], depth: int = 8, engines: int = 1) -> None:
        self.timeline = Timeline()
        self.injector = Injector(parse({"faults": list(faults)}))
        self.noted: list[tuple[int, int, str, int]] = []
        self.injector.noted = lambda *note: self.noted.append(note)
        self.bus = FaultyBus(self.injector)
        self.image = ScriptedImage([PLAN])
        profile = free_profile({"pool": engines}, depth=depth)
        self.card = Card(0, profile, self.image, Nvram(), RandomSource(1), (0, 1))
        self.bus.plug(self.card)
        self.bus.attach(self.timeline)

    def send(self, number: int = 0, qid: int = 0, with_bytes: bool = False) -> tuple[int, Job]:
        job = Job(number, qid, 5, "scripted", 0, 100, 100, psmid=number)
        if with_bytes:
            job.block = block_of(0, 100, 60 + number)
        return self.bus.nqap(qid, job), job

    def receive(self, at_ns: int, qid: int = 0) -> tuple[int, Job | None]:
        self.timeline.run(at_ns)
        return self.bus.dqap(qid)


def test_without_a_fault_nothing_is_different() -> None:
    stand = Stand()
    status, job = stand.send()
    assert status == 0
    assert stand.receive(ENGINE_NS - 1) == (0x00100000, None)
    assert stand.receive(ENGINE_NS + 1) == (QUEUE_EMPTY, job)
    assert (job.fault, stand.noted) == ("", [])


def test_a_message_is_taken_late() -> None:
    stand = Stand({"kind": "delay", "delay_ns": 700, "nth": 1})
    _, job = stand.send()
    assert response_code(stand.receive(ENGINE_NS + 699)[0]) == 0x10
    status, received = stand.receive(ENGINE_NS + 701)
    assert (status, received) == (QUEUE_EMPTY, job)
    assert (job.enqueued, job.arrived, job.replied) == (0, 700, 1_700)
    assert stand.noted == [(0, 0, "delay", 0)]


def test_a_late_message_is_gone_with_a_reset() -> None:
    stand = Stand({"kind": "delay", "delay_ns": 700})
    stand.send()
    stand.bus.rapq(0)
    stand.timeline.run()
    assert stand.card.queues[0].replies == stand.card.queues[0].replies.__class__()
    assert stand.image.performed == []


def test_a_dropped_message_stays_in_hardware_until_a_reset() -> None:
    stand = Stand({"kind": "drop"})
    _, job = stand.send()
    status, none = stand.receive(10**9)
    assert (status, none) == (0x00100000, None)
    assert (job.fault, stand.card.queues[0].in_hardware) == ("drop", 1)
    stand.bus.rapq(0)
    assert stand.bus.dqap(0)[0] & QUEUE_EMPTY


def test_a_lost_message_leaves_an_empty_queue() -> None:
    stand = Stand({"kind": "lose", "nth": 1})
    stand.send(1)
    assert stand.receive(10**6) == (0x00100000 | QUEUE_EMPTY, None)


def test_an_engine_is_slow_for_one_message() -> None:
    stand = Stand({"kind": "slow-engine", "engine_permille": 2_500, "nth": 2})
    jobs = [stand.send(number)[1] for number in range(3)]
    stand.timeline.run()
    assert [job.finished for job in jobs] == [1_000, 3_500, 4_500]
    assert stand.noted == [(1_000, 0, "slow-engine", 0)]


def test_an_engine_is_stuck_for_a_time() -> None:
    stand = Stand({"kind": "stuck-engine", "for_ns": 9_000, "nth": 1})
    jobs = [stand.send(number)[1] for number in range(2)]
    stand.timeline.run()
    assert [job.finished for job in jobs] == [10_000, 11_000]


def test_an_engine_is_stuck_until_a_reset_of_its_queue() -> None:
    stand = Stand({"kind": "stuck-engine", "nth": 1})
    _, first = stand.send(1)
    _, second = stand.send(2, qid=1)
    stand.timeline.run(5_000)
    assert (second.started, stand.card.queues[1].replies) == (0, first.queue.replies)
    stand.bus.rapq(1)  # not the queue whose message it is
    stand.timeline.run(20 * 10**6)
    _, third = stand.send(3, qid=1)
    stand.timeline.run(30 * 10**6)
    assert third.started == 0
    stand.bus.rapq(0)
    assert third.started == 30 * 10**6


def test_an_error_reply_takes_the_place_of_the_answer() -> None:
    stand = Stand({"kind": "reply-code", "code": 0x90, "type": 0x88, "nth": 1})
    _, job = stand.send()
    stand.receive(2_000)
    assert (job.reply, job.reply_bytes, job.stated_bytes) == (b"\0\x88\0\0\x90\0\0\0", 8, 100)
    assert stand.noted == [(2_000, 0, "reply-code", 0)]


def test_a_reply_is_cut_off() -> None:
    stand = Stand({"kind": "truncate", "bytes": 5})
    _, plain = stand.send()
    _, job = stand.send(2, with_bytes=True)
    stand.receive(5_000)
    stand.receive(5_000)
    assert (plain.fault, job.fault) == ("", "truncate")
    assert (job.reply, job.reply_bytes) == (bytes(5), 5)


@pytest.mark.parametrize(
    ("how", "expected"),
    [({"value": 0xABCD}, 0xABCD), ({"flip": 0x8001}, 0x8001)],
)
def test_a_field_has_another_value(how: dict[str, object], expected: int) -> None:
    stand = Stand({"kind": "corrupt", "offset": 4, "width": 2, **how})
    _, job = stand.send(with_bytes=True)
    stand.receive(5_000)
    assert job.reply == bytes(4) + expected.to_bytes(2, "big") + bytes(54)


def test_a_field_that_is_not_there_is_left_alone() -> None:
    stand = Stand({"kind": "corrupt", "offset": 59, "width": 2, "value": 1})
    _, job = stand.send(with_bytes=True)
    stand.receive(5_000)
    assert (job.reply, job.fault, stand.noted) == (bytes(60), "", [])


def test_two_replies_have_each_others_psmid() -> None:
    stand = Stand({"kind": "swap", "nth": 1})
    jobs = [stand.send(number, with_bytes=True)[1] for number in (1, 2)]
    for _ in jobs:
        stand.receive(5_000)
    assert [len(job.reply or b"") for job in jobs] == [62, 61]
    assert [job.fault for job in jobs] == ["swap", "swap"]


def test_a_swap_waits_for_a_second_reply() -> None:
    stand = Stand({"kind": "swap", "nth": 1})
    _, alone = stand.send(1, with_bytes=True)
    stand.receive(5_000)
    jobs = [stand.send(number, with_bytes=True)[1] for number in (2, 3)]
    for _ in jobs:
        stand.receive(9_000)
    assert alone.fault == ""
    assert [len(job.reply or b"") for job in jobs] == [63, 62]


def test_a_reply_is_there_twice() -> None:
    stand = Stand({"kind": "duplicate", "nth": 1})
    _, job = stand.send(7)
    assert stand.receive(5_000) == (REPLIES_WAITING, job)
    status, again = stand.receive(5_000)
    assert again is not None
    assert (status, again.psmid, again is job) == (QUEUE_EMPTY, 7, False)
    assert stand.receive(5_000)[1] is None


def test_an_interrupt_is_lost() -> None:
    stand = Stand({"kind": "lost-interrupt", "nth": 1})
    heard: list[int] = []
    stand.bus.on_interrupt(heard.append)
    stand.bus.aqic(0, True)
    stand.timeline.run(10**6)
    _, first = stand.send()
    stand.timeline.run(2 * 10**6)
    assert (heard, first.fault) == ([], "lost-interrupt")
    stand.send()
    stand.timeline.run(3 * 10**6)
    assert heard == [0]


@pytest.mark.parametrize("instruction", ["nqap", "dqap", "tapq", "rapq", "zapq", "aqic"])
@pytest.mark.parametrize("code", [1, 2, 0x10, 0x42, 0xFF])
def test_an_instruction_answers_with_any_response_code(instruction: str, code: int) -> None:
    stand = Stand({"kind": "response", "instruction": instruction, "code": code, "nth": 1})
    calls: dict[str, Callable[[], int]] = {
        "nqap": lambda: stand.send()[0],
        "dqap": lambda: stand.bus.dqap(0)[0],
        "tapq": lambda: stand.bus.tapq(0)[0],
        "rapq": lambda: stand.bus.rapq(0),
        "zapq": lambda: stand.bus.zapq(0),
        "aqic": lambda: stand.bus.aqic(0, True),
    }
    assert response_code(calls[instruction]()) == code
    assert stand.noted == [(0, 0, "response", 0)]
    assert stand.card.queues[0].in_hardware == 0
    assert stand.card.queues[0].resets == 1  # that of `attach`
    assert response_code(calls[instruction]()) in (0, 0x10)


def test_the_asynchronous_bit() -> None:
    stand = Stand({"kind": "response", "instruction": "tapq", "code": 4, "asynchronous": True})
    assert stand.bus.tapq(0)[0] == 0x02040000 | QUEUE_EMPTY


def test_a_queue_is_full_before_its_time() -> None:
    stand = Stand({"kind": "queue-full", "from_ns": 10, "until_ns": 20})
    assert stand.send(1)[0] == 0
    stand.timeline.run(10)
    status, job = stand.send(2)
    assert (status, job.fault) == (0x00100000 | QUEUE_FULL, "queue-full")
    stand.timeline.run(20)
    assert stand.send(3)[0] == 0


CARD_FAULTS: dict[str, int] = {
    "reset": 2,
    "deconfigure": 3,
    "checkstop": 4,
    "pull": 1,
    "power-loss": 1,
}


@pytest.mark.parametrize(("kind", "code"), CARD_FAULTS.items())
def test_a_card_is_away_for_a_time(kind: str, code: int) -> None:
    stand = Stand({"kind": kind, "at_ns": 500, "for_ns": 1_000_000})
    stand.send()
    stand.timeline.run(500)
    assert response_code(stand.bus.tapq(0)[0]) == 0
    stand.timeline.run(501)
    assert response_code(stand.bus.tapq(0)[0]) == code
    stand.timeline.run(1_000_500)
    assert response_code(stand.bus.tapq(0)[0]) == (0 if kind == "reset" else code)
    stand.timeline.run(1_000_501)
    assert stand.bus.tapq(0)[0] == QUEUE_EMPTY
    queues = [0, 1] if kind == "reset" else [0]
    assert stand.noted == [(500, qid, kind, 1_000_000) for qid in queues]


@pytest.mark.parametrize("kind", ["deconfigure", "checkstop", "pull"])
def test_without_a_time_it_stays_away(kind: str) -> None:
    stand = Stand({"kind": kind, "nth": 2})
    stand.send()
    stand.send()
    stand.timeline.run(10**12)
    assert response_code(stand.bus.tapq(0)[0]) == CARD_FAULTS[kind]


def test_a_request_takes_its_own_card_away() -> None:
    stand = Stand({"kind": "pull", "nth": 1, "for_ns": 50})
    _, job = stand.send()
    stand.timeline.run()
    assert (job.fault, stand.noted) == ("pull", [(0, 0, "pull", 50)])
    assert stand.bus.tapq(0)[0] == QUEUE_EMPTY
    assert stand.image.zeroized == [0, 1]  # what it had in memory


def test_a_card_that_is_away_is_not_taken_again() -> None:
    stand = Stand({"kind": "pull", "at_ns": 5}, {"kind": "checkstop", "at_ns": 6})
    stand.timeline.run()
    assert [name for _, _, name, _ in stand.noted] == ["pull"]
