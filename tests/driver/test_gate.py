"""The gate itself, with threads that sleep and wake as the test says: nobody is waited for here."""

from collections.abc import Callable, Sequence, Set

import pytest

from ghostcard.driver import gate as gates
from ghostcard.driver.errors import DriverError
from ghostcard.driver.gate import BLOCKED, ENDED, PARKED, RUNNING, Client, Gate
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.driver.sleepers import AWAKE, GONE
from ghostcard.emulator.job import Job
from ghostcard.emulator.profile import Profile
from tests.driver.conftest import REPLY_BYTES, REQUEST_BYTES, SIGN, Stand


class Sleeper:
    """A thread as the test has it."""

    def __init__(self) -> None:
        self.runs = AWAKE
        self.now = AWAKE

    @property
    def inside(self) -> "Sleeper":
        return self

    def look(self) -> int:
        return self.now

    def has_stirred(self) -> bool:
        return self.now != self.runs

    def close(self) -> None:
        self.now = GONE


class Probe:
    """The threads of a process as the test has them."""

    def __init__(self) -> None:
        self.threads: dict[int, Sleeper] = {}
        self.changed = False

    def is_single(self) -> bool:
        return False

    def watch(self, thread: int) -> Sleeper:
        return self.threads.setdefault(thread, Sleeper())

    def has_changed(self) -> bool:
        return self.changed

    def strangers(self, known: Set[int]) -> Sequence[Sleeper]:
        self.changed = False
        return [sleeper for thread, sleeper in self.threads.items() if thread not in known]


class House:
    """A gate with its machine and clock."""

    def __init__(self, profile: Profile, monkeypatch: pytest.MonkeyPatch, announced: int = 0):
        self.stand = Stand(profile)
        self.probe = Probe()
        self.time = 0.0
        self.told: list[int] = []
        monkeypatch.setattr(gates, "time", self)
        self.gate: Gate[Client] = Gate(self._machine, self.probe, announced)
        assert self.gate.lock.acquire(False)

    def monotonic(self) -> float:
        return self.time

    def _machine(self, now_ns: int) -> SimulatedPort:
        assert now_ns == 0
        return self.stand.port()

    def client(self, thread: int) -> Client:
        one = Client(thread, self.probe.watch(thread), lambda: self.told.append(thread))
        self.gate.join(one)
        return one

    def ask(self, client: Client, think_ns: int = 0) -> None:
        """A request, as far as it gets."""
        self.gate.arrive(client, think_ns, self._step)
        self.gate.advance(client)

    def _step(self, client: Client) -> None:
        job = Job(self.gate.number(client), 0, SIGN, "rsa2048-sign", 51, REQUEST_BYTES, REPLY_BYTES)
        self.gate.machine.submit(job, (0,), self._done(client))

    def _done(self, client: Client) -> Callable[[Job], None]:
        return lambda _: self.gate.release(client, self.gate.now_ns)

    def sleep(self, *threads: int) -> None:
        for thread in threads:
            self.probe.threads[thread].now = 1

    def wake(self, thread: int) -> None:
        self.probe.threads[thread].now = AWAKE

    def submissions(self) -> list[tuple[int, int]]:
        records = self.stand.recorder.array()
        return sorted(zip(records["client"].tolist(), records["submitted"].tolist(), strict=True))


@pytest.fixture
def house(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(profile, monkeypatch)


def test_time_waits_for_who_is_awake_and_goes_on_without_who_sleeps(house: House) -> None:
    first, second = house.client(1), house.client(2)
    house.ask(second)
    assert (house.told, second.state) == ([], BLOCKED)
    house.sleep(1)
    house.gate.advance(second)
    assert (house.told, first.state, second.state) == ([2], PARKED, RUNNING)
    assert (house.gate.parked, house.gate.expired, house.gate.late) == (1, 0, 0)


def test_arrivals_of_one_instant_are_in_the_order_of_the_threads_whoever_comes_first(
    house: House,
) -> None:
    clients = [house.client(thread) for thread in (1, 2, 3)]
    for client in reversed(clients):
        house.ask(client)
    assert [client.number for client in clients] == [0, 1, 2]
    house.gate.finish()
    assert house.submissions() == [(0, 0), (1, 0), (2, 0)]


def test_a_parked_thread_that_wakes_holds_the_others_again(house: House) -> None:
    first, second = house.client(1), house.client(2)
    house.sleep(1)
    house.ask(second)
    assert house.told == [2]
    now = house.gate.now_ns
    house.wake(1)
    house.ask(second)
    assert (house.told, first.state, first.host_ns) == ([2], RUNNING, now)
    house.ask(first)
    house.gate.finish()
    assert house.submissions() == [(0, 0), (0, now), (1, now)]


def test_a_newcomer_begins_where_the_others_are(house: House) -> None:
    first = house.client(1)
    house.ask(first)
    assert house.client(2).host_ns == first.host_ns == house.gate.now_ns > 0


def test_a_newcomer_does_not_begin_where_one_who_has_gone_had_been(house: House) -> None:
    gone, other = house.client(1), house.client(2)
    house.gate.settle(other, 1000)
    gone.gone = True
    assert (gone.state, gone.host_ns) == (RUNNING, 0)
    assert house.client(3).host_ns == other.host_ns == 1000


def test_think_time_passes_before_the_request(house: House) -> None:
    one = house.client(1)
    house.ask(one, 1_234)
    assert house.submissions() == [(0, 1_234)]


def test_a_stranger_that_is_awake_holds_everybody_for_a_second(house: House) -> None:
    house.probe.watch(7)
    house.probe.changed = True
    one = house.client(1)
    house.ask(one)
    house.time = 0.9
    house.gate.advance(one)
    assert house.told == []
    house.time = 1.1
    house.gate.advance(one)
    assert house.told == [1]


def test_a_stranger_that_sleeps_holds_nobody_until_it_wakes(house: House) -> None:
    house.probe.watch(7)
    house.sleep(7)
    house.probe.changed = True
    one = house.client(1)
    house.ask(one)
    assert house.told == [1]
    house.wake(7)
    house.ask(one)
    assert house.told == [1]
    house.sleep(7)
    house.gate.advance(one)
    assert house.told == [1, 1]


def test_who_is_awake_and_never_calls_is_left_behind_after_a_while_and_then_late(
    house: House,
) -> None:
    first, second = house.client(1), house.client(2)
    house.ask(second)
    house.gate.advance(second)
    house.time = 9.9
    house.gate.advance(second)
    assert house.told == []
    house.time = 10.1
    house.gate.advance(second)
    assert (house.told, house.gate.expired, house.gate.late) == ([2], 1, 0)
    house.ask(second)  # it is not waited for again
    assert house.told == [2, 2]
    house.ask(first)
    assert (house.gate.expired, house.gate.late) == (1, 1)
    assert first.host_ns >= second.host_ns


def test_who_seems_to_sleep_for_a_lock_that_is_held_here_is_waited_for(house: House) -> None:
    first, second = house.client(1), house.client(2)
    house.ask(first)
    house.probe.watch(7)
    house.probe.changed = True
    house.sleep(7)  # for what the first, which has not yet gone to sleep, still holds
    house.ask(second)
    assert house.told == []
    house.sleep(1)
    house.gate.advance(second)
    assert house.told == [1, 2]


def test_who_spins_until_the_others_go_on_is_waited_for_less_and_less(house: House) -> None:
    first, second = house.client(1), house.client(2)
    waited = []
    for _ in range(5):
        house.ask(second)
        house.gate.advance(second)
        since, told = house.time, len(house.told)
        while len(house.told) == told:
            house.time += 0.005
            house.gate.advance(second)
        waited.append(house.time - since)
        house.ask(first)  # at once
        house.sleep(2)
        house.gate.advance(first)
        house.wake(2)
    assert waited == pytest.approx([10.0, 1.0, 0.1, 0.01, 0.01], abs=0.011)
    assert (house.gate.expired, house.gate.late) == (5, 5)
    first.left_s -= 2
    first.expired = True
    first.state = PARKED
    house.ask(first)  # it has computed for a while
    assert first.patience == pytest.approx(0.01)


def test_who_has_ended_holds_nobody(house: House) -> None:
    first, second, third = (house.client(thread) for thread in (1, 2, 3))
    house.ask(third)
    first.gone = True  # its thread said so
    house.probe.threads[2].now = GONE  # the kernel did
    house.gate.advance(third)
    assert (house.told, first.state, second.state) == ([3], ENDED, ENDED)


@pytest.mark.parametrize("is_first_among_them", [False, True])
def test_announced_threads_are_waited_for(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, is_first_among_them: bool
) -> None:
    house = House(profile, monkeypatch, 3)
    main = house.gate.first = house.client(1)
    house.ask(main)  # alone, it may
    assert house.told == [1]
    crew = [house.client(thread) for thread in ((2, 3) if is_first_among_them else (2, 3, 4))]
    for one in crew[:2]:
        house.ask(one)
    house.sleep(*(one.thread for one in crew))
    if not is_first_among_them:
        house.sleep(1)
    house.gate.advance(crew[0])
    assert house.told == [1]
    house.ask(main if is_first_among_them else crew[2])
    begun = {submitted for client, submitted in house.submissions()[1:]}
    assert (sorted(house.told), len(begun)) == (
        [1, 1, 2, 3] if is_first_among_them else [1, 2, 3, 4],
        1,
    )


def test_announced_threads_that_do_not_come_are_given_up(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others sleep: they may wait for a lock that one of those who have come holds."""
    house = House(profile, monkeypatch, 3)
    one = house.client(1)
    house.ask(one)
    house.time = 0.05
    house.gate.advance(one)
    assert house.told == []
    house.time = 0.2
    house.gate.advance(one)
    assert house.told == [1]


def test_a_failure_is_told_to_everybody(house: House) -> None:
    clients = [house.client(thread) for thread in (1, 2)]
    house.ask(clients[0])

    def fail(_client: Client) -> None:
        raise ZeroDivisionError("a bug")

    house.gate.arrive(clients[1], 0, fail)
    with pytest.raises(ZeroDivisionError):
        house.gate.advance(clients[1])
    assert sorted(house.told) == [1, 2]
    with pytest.raises(DriverError, match="EIO: simulated time has failed: ZeroDivisionError"):
        house.gate.check()


def test_waiting_for_nothing_is_a_failure_and_no_hang(house: House) -> None:
    one = house.client(1)
    house.gate.arrive(one, 0, lambda _: None)
    with pytest.raises(RuntimeError, match="wait for nothing"):
        house.gate.advance(one)


def test_a_number_that_the_kernel_gives_again_is_another_thread(house: House) -> None:
    first, other = house.client(1), house.client(1)
    assert (first.state, other.state) == (ENDED, RUNNING)
    house.probe.threads[1] = Sleeper()
    house.ask(other)
    assert house.told == [1]


def test_what_is_posted_comes_before_what_is_posted_after_a_sleep(house: House) -> None:
    """At one host time, while another thread still holds everything."""
    first, second, third = (house.client(thread) for thread in (1, 2, 3))
    taken: list[int] = []
    for number in range(3):
        house.gate.post(second, 0, lambda _, number=number: taken.append(number))  # type: ignore[misc]
        house.gate._run_again(second)  # as after a sleep
    house.ask(third)
    assert taken == []
    first.gone = True
    house.gate.advance(third)
    assert (taken, house.told) == ([0, 1, 2], [])
    assert second.host_ns == 0
