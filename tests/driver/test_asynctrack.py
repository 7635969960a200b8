"""Asynchronous calls: one thread with N tickets is N simulated clients, waiting and by polling."""

import threading
from collections.abc import Callable
from itertools import pairwise

import pytest

from ghostcard.driver.errors import DriverError
from ghostcard.driver.native import NativePort
from ghostcard.driver.ticket import Ticket
from ghostcard.driver.timing import BEHIND, STRICT, Timing
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.record import Recorder
from tests.driver.conftest import SIGN, Stand, block, good_reply
from tests.driver.test_gatedtrack import STRICTLY, WORK, call, simulated

REQUESTS = 20


def signer(port: NativePort, stand: Stand, name: str = "rsa2048-sign") -> Callable[[], bytes]:
    """An action: one request."""
    render = block(f"{name} {WORK[name].payload_bytes}")
    return lambda: port.call(SIGN, render, stand.targets)[0]


def keep_going(port: NativePort, action: Callable[[], bytes], tickets: int) -> None:
    """So many in flight until each has been followed by others, REQUESTS in all."""
    left = {port.begin(action)[1]: REQUESTS - 1 for _ in range(tickets)}
    while left:
        ticket = port.wait(tuple(left))
        assert ticket is not None
        more = left.pop(ticket)
        if more:
            result, ticket = port.begin(action)
            assert result == good_reply()
            left[ticket] = more - 1


@pytest.mark.parametrize(
    ("tickets", "cards"), [(1, 1), (2, 1), (3, 1), (21, 1), (64, 1), (1, 2), (8, 2)]
)
def test_one_thread_with_tickets_leaves_the_records_of_simulated_clients(
    profile: Profile, tickets: int, cards: int
) -> None:
    stand = Stand(profile, cards)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    keep_going(port, signer(port, stand), tickets)
    port.finish()
    expected = simulated(profile, "rsa2048-sign", tickets, REQUESTS, cards)
    assert stand.recorder.to_bytes() == expected
    assert port.standing.is_deterministic


@pytest.mark.parametrize("tickets", [21, 64])
def test_on_several_cards_it_is_as_fast(profile: Profile, tickets: int) -> None:
    """Where replies of two cards come at one instant, the simulated client of the one asks again
    before those of the other are off the load; the thread hears of all of them first.
    """
    stand = Stand(profile, 2)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    keep_going(port, signer(port, stand), tickets)
    expected = Recorder.from_bytes(simulated(profile, "rsa2048-sign", tickets, REQUESTS, 2)).array()
    done = stand.recorder.array()["done"]
    assert len(done) == len(expected)
    assert int(done.max()) == pytest.approx(int(expected["done"].max()), rel=0.005)


@pytest.mark.parametrize("tickets", [1, 8])
def test_a_poll_costs_what_it_costs(profile: Profile, tickets: int) -> None:
    """A completion is known after the poll that it comes into, and another."""
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    action = signer(port, stand)
    under_way = [port.begin(action)[1] for _ in range(tickets)]
    for _ in range(REQUESTS - 1):
        for index, ticket in enumerate(under_way):
            while not port.is_done(ticket):
                pass
            under_way[index] = port.begin(action)[1]
    for ticket in under_way:
        assert port.wait([ticket]) is ticket
    port.finish()
    records = stand.recorder.array()
    expected = Recorder.from_bytes(simulated(profile, "rsa2048-sign", tickets, REQUESTS)).array()
    assert len(records) == len(expected)
    slower = int(records["done"].max()) - int(expected["done"].max())
    assert 0 <= slower <= 2 * tickets * REQUESTS * profile.host.dequeue_ns
    if tickets == 1:
        for before, after in pairwise(records):
            assert 0 < after["submitted"] - before["done"] <= 2 * profile.host.dequeue_ns


@pytest.mark.parametrize("order", [STRICT, BEHIND])
def test_tickets_need_no_records(profile: Profile, order: str) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, Recorder(capacity=0), timing=Timing(order=order))
    call(port, stand, "query", 3)
    result, ticket = port.begin(signer(port, stand))
    assert result == good_reply()
    assert not port.is_done(ticket)
    assert port.wait([ticket]) is ticket
    call(port, stand, "query", 3)
    assert port.is_done(port.begin(lambda: 7)[1])


def test_tickets_after_calls_behind_go_on_from_their_end(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder)
    call(port, stand, "query", 3)
    _, ticket = port.begin(signer(port, stand))
    assert port.wait([ticket]) is ticket
    call(port, stand, "query")
    port.finish()
    records = stand.recorder.array()
    assert records["submitted"].tolist()[1:] == records["done"].tolist()[:-1]


def test_the_requests_of_one_call_follow_each_other(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    action = signer(port, stand)
    _, ticket = port.begin(lambda: [action() for _ in range(3)])
    call(port, stand, "query")  # meanwhile
    assert port.wait([ticket]) is ticket
    records = stand.recorder.array()
    chain = records[records["payload_bytes"] == 51]
    assert chain["submitted"].tolist() == [0, *chain["done"].tolist()[:-1]]
    (query,) = records[records["payload_bytes"] == 0]
    assert int(query["submitted"]) == 0


def test_the_first_of_several_is_told_first(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    slow = port.begin(signer(port, stand))[1]
    quick = port.begin(signer(port, stand, "query"))[1]
    assert port.wait([slow, quick]) is quick
    assert port.wait([slow]) is slow
    assert port.wait([slow, quick]) is quick  # again, if one asks again
    assert port.wait([]) is None


def test_a_wait_ends_with_its_time(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    ticket = port.begin(signer(port, stand))[1]
    assert port.wait([ticket], timeout_ns=100_000) is None
    call(port, stand, "query")
    assert int(stand.recorder.array()["submitted"].max()) == 100_000
    assert port.wait([ticket], timeout_ns=0) is None
    assert port.wait([ticket], timeout_ns=10_000_000) is ticket


def test_what_the_action_raises_passes_and_its_time_has_passed(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)

    def action() -> None:
        call(port, stand, "query")
        port.call(SIGN, block("refuse 82"), stand.targets)

    with pytest.raises(DriverError, match="operand"):
        port.begin(action)
    records = stand.recorder.array()
    assert records["outcome"].tolist() == [0, 0x82]
    call(port, stand, "query")
    assert int(stand.recorder.array()["submitted"][-1]) == int(records["done"][-1])


def test_an_abandoned_ticket_makes_no_further_requests(profile: Profile) -> None:
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    action = signer(port, stand)
    _, ticket = port.begin(lambda: [action() for _ in range(3)])
    port.abandon(ticket)
    port.finish()
    assert len(stand.recorder) == 1


def test_who_waits_for_an_abandoned_ticket_is_told(profile: Profile) -> None:
    """By another thread, which holds time until then: the card never answers in between."""
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    port.enter()
    ticket = port.begin(signer(port, stand))[1]
    told: list[Ticket | None] = [ticket]
    waiter = threading.Thread(target=lambda: told.append(port.wait([ticket])))
    waiter.start()
    while not port.waiting:
        pass
    port.abandon(ticket)
    waiter.join(10)
    assert told == [ticket, None]


def test_a_wait_ends_with_the_host_s_time_too(profile: Profile) -> None:
    """Where a thread that computes holds all others."""
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    port.enter()
    ticket = port.begin(signer(port, stand))[1]
    told: list[Ticket | None] = []
    waiter = threading.Thread(target=lambda: told.append(port.wait([ticket], wall_s=0.05)))
    waiter.start()
    while waiter.is_alive():
        pass  # awake
    assert told == [None]
    assert not port.standing.is_deterministic


def test_a_ticket_joins_a_wait_that_has_begun(profile: Profile) -> None:
    """The one that began later and is over first ends the wait."""
    stand = Stand(profile)
    port = NativePort(stand.bus, stand.recorder, timing=STRICTLY)
    _, slow = port.begin(signer(port, stand))
    found: list[Ticket | None] = []
    waiter = threading.Thread(target=lambda: found.append(port.wait((slow,))))
    waiter.start()
    _, quick = port.begin(signer(port, stand, "query"))
    assert not port.accompany(quick, quick)  # nobody waits for that one
    while not port.accompany(quick, slow):
        assert waiter.is_alive()  # awake, so that time stands still until the other has arrived
    assert port.accompany(quick, slow)  # once more is not twice
    waiter.join(20)
    assert found == [quick]
    assert quick.is_over
    assert not slow.is_over
    assert port.wait((slow,)) is slow
