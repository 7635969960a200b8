"""The choice of a queue, AP sheet 4.2, 4.3 and 4.6."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.driver.dispatcher import (
    DispatchCard,
    Dispatcher,
    DispatchQueue,
    dispatch_queues,
)
from ghostcard.driver.errors import DriverError
from ghostcard.driver.ratings import RequestClass, rsa_class, weights
from tests.driver.conftest import Stand

ACCELERATOR, EP11 = 0x6A800000, 0x06800000
SIGN, QUERY = 31, 38


def dispatcher(cards: int = 2, domains: int = 2, max_message: int = 12_288) -> Dispatcher:
    queues = []
    for adapter in range(cards):
        card = DispatchCard(adapter, "ep11", 14, EP11, max_message)
        queues += [DispatchQueue(card, adapter << 8 | domain) for domain in range(domains)]
    return Dispatcher(queues)


ALL = (0x000, 0x001, 0x100, 0x101)


def pick(chooser: Dispatcher, last_qid: int = 0, function: int = SIGN, size: int = 400) -> int:
    return chooser.pick(ALL, function, size, last_qid).qid


def test_equal_costs_go_to_the_less_used() -> None:
    """A card must win, and then its queue against the best so far: so cards go round last."""
    chooser, served = dispatcher(), []
    for _ in range(8):
        served.append(qid := pick(chooser))
        chooser.drop(qid, SIGN)
    assert served == [0x000, 0x001, 0x100, 0x101] * 2


def test_load_decides_first() -> None:
    chooser = dispatcher()
    assert [pick(chooser) for _ in range(4)] == [0x000, 0x001, 0x100, 0x101]
    chooser.drop(0x101, SIGN)
    assert pick(chooser) == 0x101
    assert (chooser.queue(0).load, chooser.queue(0).card.load) == (500 * 8, 2 * 500 * 8)


def test_the_queue_of_the_last_attempt_is_penalised() -> None:
    chooser = dispatcher()
    assert pick(chooser, last_qid=0x100) == 0x000
    chooser = dispatcher(cards=1)
    assert pick(chooser, last_qid=0x001) == 0x000
    chooser = dispatcher(cards=1)
    assert pick(chooser, last_qid=0x000) == 0x000  # 0 says "none": never penalised


def test_a_penalty_weighs_as_much_as_the_sheet_says() -> None:
    """Card 1,000 and queue 10,000 more: with 2 x 4,000 in flight on card 0, card 1 still loses."""
    chooser = dispatcher(cards=2, domains=1)
    for _ in range(2):
        chooser.pick((0x000,), SIGN, 400)
    assert chooser.pick((0x000, 0x100), SIGN, 400, last_qid=0x100).qid == 0x000
    for _ in range(2):
        chooser.pick((0x000,), SIGN, 400)
    # Card 1: 0 + 4,000 + 1,000 is less than card 0's 16,000 + 4,000; queue 1: 15,000 < 20,000.
    assert chooser.pick((0x000, 0x100), SIGN, 400, last_qid=0x100).qid == 0x100


@pytest.mark.parametrize("what", ["usable", "online"])
def test_what_is_out_of_service_is_skipped(what: str) -> None:
    chooser = dispatcher()
    for qid in (0x000, 0x001, 0x100):
        if what == "usable":
            chooser.queue(qid).usable = False
        elif qid < 0x100:
            chooser.queue(qid).card.online = False
    assert pick(chooser) == (0x101 if what == "usable" else 0x100)


def test_size_must_fit() -> None:
    chooser = dispatcher()
    chooser.queue(0x100).card.max_message_bytes = 20_000
    assert pick(chooser, size=12_289) == 0x100
    with pytest.raises(DriverError) as caught:
        pick(chooser, size=20_001)
    assert caught.value.code == errno.ENODEV
    assert caught.value.message == "no usable queue among 00.0000, 00.0001, 01.0000, 01.0001"


@pytest.mark.parametrize("targets", [(), (0x900,), (0x900, 0x901)])
def test_nobody_there(targets: tuple[int, ...]) -> None:
    with pytest.raises(DriverError) as caught:
        dispatcher().pick(targets, SIGN, 400)
    assert caught.value.code == errno.ENODEV


def test_a_single_target_is_chosen_like_the_best_of_one() -> None:
    chooser = dispatcher()
    assert chooser.pick((0x101,), SIGN, 400, last_qid=0x101).qid == 0x101
    chooser.queue(0x101).usable = False
    with pytest.raises(DriverError):
        chooser.pick((0x101,), SIGN, 400)


@given(st.lists(st.tuples(st.sampled_from(ALL), st.sampled_from([SIGN, QUERY])), max_size=60))
def test_loads_are_the_weights_in_flight(picks: list[tuple[int, int]]) -> None:
    chooser = dispatcher()
    in_flight: list[tuple[int, int]] = []
    for target, function in picks:
        if in_flight and target == 0x101:
            chooser.drop(*in_flight.pop())
        else:
            in_flight.append((chooser.pick((target,), function, 100).qid, function))
    table = weights("ep11", 14, EP11)
    for qid in ALL:
        queue = chooser.queue(qid)
        assert queue.load == sum(table[f] or 0 for q, f in in_flight if q == qid)
        assert queue.card.load == sum(table[f] or 0 for q, f in in_flight if q >> 8 == qid >> 8)


def test_queues_of_a_bus(stand: Stand) -> None:
    (queue,) = dispatch_queues(stand.bus)
    card = queue.card
    assert (queue.qid, card.adapter, card.max_message_bytes) == (0, 0, 61_440)
    assert card.weights[SIGN] == 4_000


def test_weights_of_ep11() -> None:
    """AP sheet 4.2: factor 10, 100 or 500; 4.6: rating of CEX4 50, CEX6 9, CEX8 8."""
    table = weights("ep11", 14, EP11)
    assert [table[function] for function in (38, 4, 31)] == [80, 800, 4_000]
    assert weights("ep11", 10, EP11)[31] == 25_000
    assert weights("ep11", 12, EP11)[31] == 4_500


def test_weights_of_an_accelerator() -> None:
    assert weights("accelerator", 14, ACCELERATOR)[:7] == (6, 8, 17, 15, 54, 362, None)
    small = weights("accelerator", 10, 0x0A800000)  # no 4K operations
    assert small[:7] == (14, 19, None, 42, 228, None, None)


def test_weights_where_functions_are_not_told_apart() -> None:
    """AP sheet 4.6: SECKEY of CEX4C is 40, of CEX8C 8; a device that is no AP adapter has none."""
    assert weights("cca", 10, 0x12000000)[:7] == (59, 69, 308, 83, 278, 2204, 209)
    assert weights("cca", 14, 0x12000000)[48:51] == (80, 800, 4_000)  # LOW, MEDIUM, HIGH
    assert set(weights("cca", 14, 0x12000000)[7:48]) == {800}
    assert set(weights("timing", 14, 0x02000000)) == {100}


@pytest.mark.parametrize(("mode", "hardware_type"), [("cca", 9), ("ep11", 9), ("ep11", 15)])
def test_unknown_cards_are_refused(mode: str, hardware_type: int) -> None:
    with pytest.raises(ValueError, match="no speed ratings"):
        weights(mode, hardware_type, 0)


@pytest.mark.parametrize(
    ("size", "crt", "expected"),
    [
        (1, False, RequestClass.MEX_1K),
        (128, False, RequestClass.MEX_1K),
        (129, False, RequestClass.MEX_2K),
        (256, True, RequestClass.CRT_2K),
        (257, True, RequestClass.CRT_4K),
        (512, False, RequestClass.MEX_4K),
    ],
)
def test_class_by_modulus(size: int, crt: bool, expected: RequestClass) -> None:
    assert rsa_class(size, crt) is expected


@pytest.mark.parametrize("size", [0, 513])
def test_no_class_for_other_moduli(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 512"):
        rsa_class(size, False)
