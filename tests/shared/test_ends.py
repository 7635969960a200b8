"""Programs and servers that are killed, stopped and started again: nobody sees a wrong answer."""

import os
import random
import signal
import time

from tests.shared.forked import (
    Forked,
    digest,
    digest_or_be_told,
    ended,
    fork,
    kill,
)

CLIENTS_KILLED = 100
SERVERS_KILLED = 40


def steadily(forked: Forked, first: int, ends_at: float) -> None:
    """A program that asks until a time, and must be answered."""
    host, number = forked.host(), first
    while time.monotonic() < ends_at or number == first:
        digest(host, number)
        number += 1


def for_ever(forked: Forked, first: int) -> None:
    steadily(forked, first, float("inf"))


def test_programs_that_are_killed_at_any_moment_hurt_nobody(forked: Forked) -> None:
    draw = random.Random(1)
    server = forked.start()
    stop_at = time.monotonic() + 200
    ends = os.eventfd(0, os.EFD_NONBLOCK)

    def witness() -> None:
        host, number = forked.host(), 0
        while not _is_set(ends):
            digest(host, number)
            number += 1

    witnesses = [fork(witness) for _ in range(2)]
    for number in range(CLIENTS_KILLED):
        victim = fork(lambda number=number: for_ever(forked, number))  # type: ignore[misc]
        time.sleep(draw.choice((0.001, 0.004, 0.01, 0.03)) * draw.random())
        kill(victim)
        assert time.monotonic() < stop_at
    os.eventfd_write(ends, 1)
    assert [ended(one) for one in witnesses] == [0, 0]
    os.kill(server, signal.SIGTERM)
    assert ended(server) == 0


def _is_set(event: int) -> bool:
    """Whether an eventfd has been written; it stays so for all."""
    import select

    poll = select.poll()
    poll.register(event, select.POLLIN)
    return bool(poll.poll(0))


def test_servers_that_are_killed_at_any_moment(forked: Forked) -> None:
    """Programs are answered rightly or told that the card is gone, and go on with the next one."""
    draw = random.Random(2)
    ends, attached = os.eventfd(0, os.EFD_NONBLOCK), os.eventfd(0, os.EFD_SEMAPHORE)
    server = forked.start()

    def program() -> None:
        host, number, answered, longest = forked.host(), 0, 0, 0.0
        os.eventfd_write(attached, 1)
        while not _is_set(ends):
            began = time.monotonic()
            answered += digest_or_be_told(host, number)
            longest = max(longest, time.monotonic() - began)
            number += 1
            if number % 50 == 0:
                time.sleep(0.001)  # while no server is there it is told so at once
        assert digest_or_be_told(host, 1), "it does not go on"
        assert answered > SERVERS_KILLED
        assert longest < 5.0

    programs = [fork(program) for _ in range(3)]
    for _ in programs:
        os.eventfd_read(attached)
    for _ in range(SERVERS_KILLED):
        time.sleep(0.02 * draw.random())
        kill(server)
        time.sleep(0.005 * draw.random())
        server = forked.start()
    time.sleep(0.2)
    os.eventfd_write(ends, 1)
    assert [ended(one) for one in programs] == [0, 0, 0]
    os.kill(server, signal.SIGTERM)
    assert ended(server) == 0


def test_a_program_that_is_stopped_holds_up_nobody(forked: Forked) -> None:
    server = forked.start()
    stopped = fork(lambda: for_ever(forked, 0))
    time.sleep(0.2)
    os.kill(stopped, signal.SIGSTOP)
    other = fork(lambda: steadily(forked, 7, time.monotonic() + 0.3))
    assert ended(other, 10.0) == 0
    os.kill(server, signal.SIGTERM)
    assert ended(server, 10.0) == 0
    kill(stopped)


def test_the_end_of_the_server_is_told_to_whoever_waits(forked: Forked) -> None:
    server = forked.start()

    def program() -> None:
        host = forked.host()
        while digest_or_be_told(host, 5):
            pass

    programs = [fork(program) for _ in range(4)]
    time.sleep(0.3)
    os.kill(server, signal.SIGTERM)
    assert ended(server, 10.0) == 0
    assert [ended(one, 5.0) for one in programs] == [0] * 4
    assert not os.path.exists(forked.socket)


def test_what_a_killed_program_had_is_given_back_though_its_child_lives(forked: Forked) -> None:
    """A fork inherits the connection, and never knows."""
    server = forked.start()
    assert ended(fork(lambda: digest(forked.host(), 1))) == 0  # the card has booted
    before, told = _settled_files(server), os.eventfd(0)

    def program() -> None:
        digest(forked.host(), 1)
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
        os.eventfd_write(told, 1)
        time.sleep(60)

    victim = fork(program)
    os.eventfd_read(told)
    assert _files(server) > before
    kill(victim)
    deadline = time.monotonic() + 1.5
    while _files(server) != before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(server, signal.SIGTERM)
    assert ended(server) == 0


def _settled_files(process: int) -> int:
    """Its files when nothing is under way in it."""
    while True:
        found = _files(process)
        time.sleep(0.2)
        if _files(process) == found:
            return found


def _files(process: int) -> int:
    return len(os.listdir(f"/proc/{process}/fd"))


def test_a_job_is_found_after_the_server_was_killed(forked: Forked) -> None:
    server = forked.start()
    number_out, number_in = os.pipe()

    def depositor() -> None:
        os.write(number_in, forked.machine().jobs.put(b"answer").to_bytes(8, "big"))
        os.kill(os.getpid(), signal.SIGKILL)

    assert ended(fork(depositor)) == -signal.SIGKILL
    number = int.from_bytes(os.read(number_out, 8), "big")
    kill(server)
    server = forked.start()

    def claimant() -> None:
        jobs = forked.machine().jobs
        assert jobs.claim(number) == b"answer"
        assert jobs.claim(number + 1) is None
        jobs.release(number)
        jobs.remove(number)
        assert jobs.claim(number) is None

    assert ended(fork(claimant)) == 0
    os.kill(server, signal.SIGTERM)
    assert ended(server) == 0
