"""The counters of what programs ask: exact, across processes, whatever becomes of them."""

import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from ghostcard.emulator import meter
from ghostcard.emulator.meter import Meter


def describe(qid: int, operation: str, payload_bytes: int) -> tuple[int, int]:
    """Category by the name's length; so many nanoseconds as bytes."""
    return len(operation), payload_bytes


def count(counter: Meter, qid: int, operation: str, payload_bytes: int, times: int = 1) -> None:
    for _ in range(times):
        counter.count(qid, operation, payload_bytes)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "meter")


def test_nothing_was_asked(folder: str) -> None:
    assert meter.totals(folder) == {}
    assert meter.requests(folder) == {}
    Meter(folder, describe)
    assert not os.path.exists(folder)  # before the first request


def test_counts_and_times_by_queue_and_category(folder: str) -> None:
    counter = Meter(folder, describe)
    count(counter, 0, "a", 100, 3)
    count(counter, 0, "b", 7, 2)
    count(counter, 0x106, "abc", 0)
    assert meter.totals(folder) == {(0, 1): (314, 5), (0x106, 3): (0, 1)}
    assert meter.requests(folder) == {0: 5, 0x106: 1}


def test_two_in_one_process_do_not_meet(folder: str) -> None:
    first, second = Meter(folder, describe), Meter(folder, describe)
    count(first, 1, "a", 1, 2)
    count(second, 1, "a", 1, 3)
    assert meter.totals(folder) == {(1, 1): (5, 5)}


def test_requests_are_forgotten_and_totals_are_not(folder: str) -> None:
    counter = Meter(folder, describe)
    count(counter, 0, "a", 1, 5)
    count(counter, 1, "a", 1, 2)
    meter.forget(folder, [0, 7])
    assert meter.requests(folder) == {0: 0, 1: 2, 7: 0}
    count(counter, 0, "a", 1)
    assert meter.requests(folder)[0] == 1
    assert meter.totals(folder) == {(0, 1): (6, 6), (1, 1): (2, 2)}


def test_more_kinds_than_there_are_rows(folder: str) -> None:
    counter = Meter(folder, describe)
    for payload in range(3000):
        count(counter, 0, "a", payload)
    assert meter.totals(folder) == {(0, 1): (sum(range(3000)), 3000)}


def test_a_price_that_changes_counts_from_then_on(folder: str) -> None:
    prices = [10]
    counter = Meter(folder, lambda qid, operation, payload: (1, prices[0]))
    counter.forget_prices()
    count(counter, 0, "a", 1, 2)
    prices[0] = 1000
    counter.forget_prices()
    count(counter, 0, "a", 1, 1)
    assert meter.totals(folder) == {(0, 1): (1020, 3)}


def _work(folder: str, times: int) -> None:
    counter = Meter(folder, describe)
    for _ in range(times):
        count(counter, 0, "a", 10)
    if times == 1:  # wait to be killed
        Path(folder, "ready").touch()
        time.sleep(60)


def test_processes_that_end_and_one_that_is_killed(folder: str) -> None:
    """Their files are gone afterwards, their counts are not."""
    context = get_context("fork")
    workers = [context.Process(target=_work, args=(folder, n)) for n in (100, 200, 1)]
    for worker in workers:
        worker.start()
    for _ in range(500):
        if Path(folder, "ready").exists():
            break
        time.sleep(0.01)
    for worker in workers[:2]:
        worker.join()
    assert meter.totals(folder) == {(0, 1): (3010, 301)}
    assert workers[2].pid is not None
    os.kill(workers[2].pid, signal.SIGKILL)
    workers[2].join()
    assert meter.totals(folder) == {(0, 1): (3010, 301)}
    assert sorted(os.listdir(folder)) == ["lock", "ready", "totals"]


def test_a_program_clears_away_what_many_have_left(folder: str) -> None:
    context = get_context("fork")
    for _ in range(20):
        worker = context.Process(target=_work, args=(folder, 2))
        worker.start()
        worker.join()
    assert len(os.listdir(folder)) <= 20
    assert meter.totals(folder) == {(0, 1): (400, 40)}


def test_without_room_nothing_is_counted_and_nothing_fails(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    counter = Meter(str(file), describe)
    count(counter, 0, "a", 1, 3)
    for payload in range(3000):
        count(counter, 0, "a", payload)
    assert meter.totals(str(file)) == {}
