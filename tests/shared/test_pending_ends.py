"""Programs and servers that are killed while calls are pending and jobs are kept."""

import errno
import os
import random
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import BinaryIO, cast

import pytest

from ghostcard.driver.asyncport import AsyncPort, Ticket
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError
from ghostcard.module.asynchronous import AsyncSession, Outcome, Pending
from ghostcard.module.watcher import Watcher
from tests.shared.forked import Forked, digest, ended, fork, kill

PROGRAMS_KILLED = 60
SERVERS_KILLED = 15
JOBS = 40


def end(server: int) -> None:
    os.kill(server, signal.SIGTERM)
    assert ended(server, 10.0) == 0


def asker(forked: Forked) -> tuple[Ep11Host, AsyncPort]:
    """A machine of one's own, as a host library and its port."""
    machine = forked.machine()
    assert isinstance(machine.native, AsyncPort)
    return Ep11Host(machine.native, machine.targets(0), 61440), machine.native


def rounds(
    host: Ep11Host, port: AsyncPort, tickets: int, is_over: Callable[[], bool] = bool
) -> None:
    """Keep so many calls under way, each with a right answer, until ``is_over``."""
    left: list[Ticket] = []
    numbers = count(1)
    has_begun = False
    while not (has_begun and is_over()):
        has_begun = True
        while len(left) < tickets:
            left.append(port.begin(partial(digest, host, next(numbers)))[1])
        found = port.wait(left)
        assert found in left
        left.remove(found)
    for ticket in left[::2]:
        port.abandon(ticket)
    for ticket in left[1::2]:
        assert port.wait((ticket,)) is ticket


def keeps(forked: Forked, tickets: int, over: int | None = None) -> int:
    """A program that does so, until ``over`` has been written."""
    is_over = bool if over is None else partial(_is_set, over)
    return fork(lambda: rounds(*asker(forked), tickets, is_over))


def _is_set(event: int) -> bool:
    poll = select.poll()
    poll.register(event, select.POLLIN)
    return bool(poll.poll(0))


@pytest.mark.parametrize("seed", [1, 2])
def test_programs_that_are_killed_with_calls_pending_hurt_nobody(forked: Forked, seed: int) -> None:
    draw, server, over = random.Random(seed), forked.start(), os.eventfd(0, os.EFD_NONBLOCK)
    witnesses = [keeps(forked, tickets, over) for tickets in (1, 8)]
    stop_at = time.monotonic() + 60
    for _ in range(PROGRAMS_KILLED):
        victim = keeps(forked, draw.choice((1, 3, 64)))
        time.sleep(draw.choice((0.002, 0.01, 0.03)) * draw.random())
        kill(victim)
        assert time.monotonic() < stop_at
    os.eventfd_write(over, 1)
    assert [ended(one) for one in witnesses] == [0, 0]
    end(server)


def test_what_was_pending_in_a_killed_program_is_given_back(forked: Forked) -> None:
    """The server has as many files open as before."""
    server = forked.start()
    assert ended(keeps(forked, 1, os.eventfd(1))) == 0
    time.sleep(0.2)
    before = _files(server)
    for _ in range(5):
        victim = keeps(forked, 64)
        time.sleep(0.05)
        kill(victim)
    deadline = time.monotonic() + 20
    while _files(server) > before:
        assert ended(keeps(forked, 1, os.eventfd(1))) == 0  # time must go on
        time.sleep(0.05)
        assert time.monotonic() < deadline
    end(server)


def _files(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def test_servers_that_are_killed_with_calls_pending(forked: Forked) -> None:
    """Whoever waits is told at once, each of his calls is lost, and he goes on with the next."""
    draw, over = random.Random(5), os.eventfd(0, os.EFD_NONBLOCK)
    attached = os.eventfd(0, os.EFD_SEMAPHORE)
    server = forked.start()

    def program() -> None:
        host, port = asker(forked)
        os.eventfd_write(attached, 1)
        lost = 0
        while not _is_set(over):
            began = time.monotonic()
            try:
                rounds(host, port, 16, partial(_is_set, over))
            except DriverError as error:
                if error.code != errno.ENODEV:
                    raise
                lost += 1
                time.sleep(0.001)
            assert time.monotonic() - began < 10
        assert lost, "no server was killed under it"

    programs = [fork(program) for _ in range(2)]
    for _ in programs:
        os.eventfd_read(attached)
    for _ in range(SERVERS_KILLED):
        time.sleep(0.05 + 0.1 * draw.random())
        kill(server)
        server = forked.start()
    time.sleep(0.3)
    os.eventfd_write(over, 1)
    assert [ended(one) for one in programs] == [0, 0]
    end(server)


def test_a_call_of_a_server_that_was_killed_is_lost_to_each_who_asks(forked: Forked) -> None:
    server = forked.start()

    def program() -> None:
        host, port = asker(forked)
        tickets = [port.begin(lambda: digest(host, 5))[1] for _ in range(3)]
        os.eventfd_write(begun, 1)
        os.eventfd_read(killed)
        for ask in (
            lambda: port.wait(tickets),
            lambda: port.is_done(tickets[0]),
            lambda: port.wait(tickets[:1], 10, 0.01),
        ):
            with pytest.raises(DriverError) as refused:
                ask()
            assert refused.value.code == errno.ENODEV
        port.abandon(tickets[0])  # it is nobody's business any more
        assert not port.accompany(tickets[1], tickets[2])
        _, ticket = port.begin(lambda: digest(host, 6))
        assert port.wait((ticket,)) is ticket

    begun, killed = os.eventfd(0), os.eventfd(0)
    child = fork(program)
    os.eventfd_read(begun)
    kill(server)
    server = forked.start()
    os.eventfd_write(killed, 1)
    assert ended(child) == 0
    end(server)


def test_jobs_that_were_acknowledged_are_found_whoever_is_killed(forked: Forked) -> None:
    """A program or the server is killed at any moment of a deposit, and claims go with both."""
    draw, server, stop_at = random.Random(7), forked.start(), time.monotonic() + 60
    kept: dict[int, bytes] = {}
    while len(kept) < JOBS:
        out, into = os.pipe()

        def depositor(into: int = into, seed: int = draw.randrange(1 << 30)) -> None:
            jobs = forked.machine().jobs
            blobs = random.Random(seed)
            with suppress(DriverError):  # until the server is killed
                while True:
                    blob = blobs.randbytes(blobs.randrange(1, 3000))
                    number = jobs.put(blob)
                    os.write(into, number.to_bytes(8, "big") + len(blob).to_bytes(4, "big") + blob)
            signal.pause()

        child = fork(depositor)
        os.close(into)
        with os.fdopen(out, "rb") as told:
            first = _job(told)
            time.sleep(0.01 * draw.random())
            if draw.random() < 0.3:
                kill(server)
                server = forked.start()
            kill(child)
            while first is not None:
                kept[first[0]] = first[1]
                first = _job(told)
        assert time.monotonic() < stop_at

    def claimant() -> None:
        jobs = forked.machine().jobs
        for number, blob in kept.items():
            assert jobs.claim(number) == blob
            jobs.remove(number)
            assert jobs.claim(number) is None

    assert ended(fork(claimant)) == 0
    end(server)


def _job(told: BinaryIO) -> tuple[int, bytes] | None:
    head = told.read(12)
    if len(head) < 12:
        return None
    blob = told.read(int.from_bytes(head[8:], "big"))
    return int.from_bytes(head[:8], "big"), blob


def test_within_a_process_any_thread_has_its_claims(forked: Forked) -> None:
    server = forked.start()

    def program() -> None:
        jobs = forked.machine().jobs
        number = jobs.put(b"one")
        assert jobs.claim(number) == b"one"
        found: list[object] = []

        def other() -> None:
            found.append(jobs.claim(number))
            jobs.release(number)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert found == [b"one"]
        os.write(into, number.to_bytes(8, "big"))

    out, into = os.pipe()
    assert ended(fork(program)) == 0
    number = int.from_bytes(os.read(out, 8), "big")
    assert ended(fork(lambda: _claims(forked, number, b"one"))) == 0
    end(server)


def _claims(forked: Forked, number: int, blob: bytes) -> None:
    assert forked.machine().jobs.claim(number) == blob


class _Active:
    """As much of a session as a watcher needs."""

    handle = 7
    watcher: Watcher | None = None
    pending: dict[str, Pending]


def test_a_descriptor_wakes_whoever_sleeps_when_the_server_is_killed(forked: Forked) -> None:
    """A call that the next server has is told when it is over, as if nothing had been."""
    server = forked.start()

    def program() -> None:
        host, port = asker(forked)
        watcher, active = Watcher(port), cast(AsyncSession, _Active())
        _, ticket = port.begin(lambda: digest(host, 5))
        os.kill(server, signal.SIGKILL)
        active.pending = {"sign": Pending(Outcome(0), [], ticket, ())}
        file = watcher.file(7, [active])
        assert select.select([file], [], [], 5)[0] == [file]
        assert not active.pending["sign"].is_over
        os.eventfd_read(file)
        os.eventfd_write(killed, 1)
        os.eventfd_read(again)
        _, ticket = port.begin(lambda: digest(host, 6))
        active.pending = {"sign": Pending(Outcome(0), [], ticket, ())}
        watcher.watch(active, active.pending["sign"])
        assert select.select([file], [], [], 5)[0] == [file]
        assert active.pending["sign"].is_over
        watcher.close()

    killed, again = os.eventfd(0), os.eventfd(0)
    child = fork(program)
    os.eventfd_read(killed)
    assert ended(server) == -signal.SIGKILL
    server = forked.start()
    os.eventfd_write(again, 1)
    assert ended(child) == 0
    end(server)
