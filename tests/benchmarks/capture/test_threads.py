"""Which call follows which, by the host's clock alone."""

from ghostcard.benchmarks.capture.threads import Threads

MAIN, ONE, TWO = 100, 7, 8


def test_a_threads_calls_follow_one_another() -> None:
    threads = Threads(0)
    assert threads.call(MAIN, 10, 5, 3, 1) == (0, 0, 3, 0)
    assert threads.call(MAIN, 40, 5, 4, 1) == (0, 0, 4, 25)


def test_what_asks_no_card_is_time_of_the_application() -> None:
    threads = Threads(0)
    threads.call(MAIN, 10, 5, 3, 1)
    threads.call(MAIN, 20, 5, 2, 0)
    assert threads.call(MAIN, 40, 5, 4, 1) == (0, 0, 6, 25)


def test_threads_begin_where_the_one_is_that_has_waited_longest() -> None:
    threads = Threads(5)
    threads.call(MAIN, 0, 10, 0, 2)  # requests 5 and 6
    threads.call(ONE, 20, 10, 0, 0)  # opens a session
    assert threads.call(ONE, 40, 10, 0, 1)[:2] == (1, 7)
    assert threads.call(TWO, 60, 10, 0, 1)[:2] == (2, 7)


def test_who_calls_when_all_others_have_ended_has_waited_for_the_last() -> None:
    threads = Threads(0)
    threads.call(MAIN, 0, 10, 0, 1)
    threads.call(ONE, 20, 10, 0, 1)
    threads.call(TWO, 20, 30, 0, 1)
    threads.end(ONE, 60)
    threads.end(TWO, 60)
    assert threads.call(MAIN, 70, 5, 0, 0) == (0, 0, 0, 0)  # closes a session
    assert threads.call(MAIN, 80, 5, 9, 1) == (0, 3, 9, 0)
    assert threads.call(MAIN, 90, 5, 0, 1)[1] == 0


def test_who_calls_while_others_run_has_not_waited() -> None:
    threads = Threads(0)
    threads.call(MAIN, 0, 10, 0, 1)
    threads.call(ONE, 20, 10, 0, 1)
    assert threads.call(MAIN, 70, 5, 0, 1)[1] == 0


def test_a_thread_that_is_born_when_all_have_ended_follows_the_last_request() -> None:
    threads = Threads(0)
    threads.call(ONE, 0, 10, 0, 1)
    threads.end(ONE, 15)
    assert threads.call(ONE, 20, 10, 0, 1)[:2] == (1, 1)  # another of the same number


def test_a_thread_that_is_slower_than_its_siblings_has_not_waited_for_them() -> None:
    threads = Threads(0)
    threads.call(MAIN, 0, 10, 0, 1)
    threads.call(ONE, 20, 1, 0, 1)
    threads.call(TWO, 20, 1, 0, 1)
    threads.end(TWO, 30)
    assert threads.call(ONE, 40, 5, 0, 1)[1] == 0
