"""A capture on the machine it is of leaves the same records; on another, those of its work."""

from pathlib import Path

import numpy as np
import pytest

from ghostcard.benchmarks.capture import file
from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.forecast import used
from ghostcard.benchmarks.capture.multiplied import multiplied
from ghostcard.benchmarks.capture.replay import arranged, replay
from ghostcard.benchmarks.engine_choice import AUTO, SIMPY
from ghostcard.config import CardConfig
from ghostcard.machine import Machine
from tests.benchmarks.capture.stand import Work, captured
from tests.driver.conftest import in_threads


def crew(machine: Machine, work: Work, threads: int, times: int = 40) -> None:
    """The main thread calls, has threads work, waits for them, and calls again."""
    work.hash(3)
    in_threads(machine.native, threads, lambda number: work.mixed(number, times))
    work.hash(2)


@pytest.mark.parametrize("cards", [1, 2])
@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_same_machine_gives_the_same_records(tmp_path: Path, threads: int, cards: int) -> None:
    capture, records = captured(
        tmp_path, lambda machine, work: crew(machine, work, threads), cards=cards
    )
    assert len(capture.rows) == 5 + 40 * threads
    for engine in (AUTO, SIMPY):
        again = replay(file.parse(capture.to_bytes()), file.machine(capture), engine=engine)
        assert [run.to_bytes() for run in again.runs] == [records.to_bytes()]
        assert again.left == []


@pytest.mark.parametrize("threads", [2, 8])
def test_rounds_of_threads_that_are_born_and_joined(tmp_path: Path, threads: int) -> None:
    def body(machine: Machine, work: Work) -> None:
        for _ in range(3):
            crew(machine, work, threads, 10)

    capture, records = captured(tmp_path, body)
    for engine in (AUTO, SIMPY):
        again = replay(capture, file.machine(capture), engine=engine)
        assert [run.to_bytes() for run in again.runs] == [records.to_bytes()]


def test_threads_that_begin_together_follow_nobody(tmp_path: Path) -> None:
    capture, records = captured(
        tmp_path, lambda machine, work: in_threads(machine.native, 8, lambda _: work.hash(30))
    )
    assert not capture.rows["after"].any()
    again = replay(capture, file.machine(capture))
    assert [run.to_bytes() for run in again.runs] == [records.to_bytes()]


def test_each_request_needs_only_what_its_own_cards_have(tmp_path: Path) -> None:
    """An EP11 card and an accelerator: neither has all operations of the other."""
    capture, _ = captured(tmp_path, lambda machine, work: work.hash(5))
    config = file.machine(capture)
    beside = config._replace(cards=(*config.cards, CardConfig(7, "cex8a", (0,))))
    capture = capture._replace(cards=beside.cards)
    again = replay(capture, beside)
    assert (len(again.runs[0]), again.left) == (len(capture.rows), [])
    assert used(capture, beside) == config
    wrong = capture._replace(targets=tuple((0x0700,) for _ in capture.targets))
    with pytest.raises(CaptureError, match="can do nothing of what was captured"):
        replay(wrong, beside)
    both = capture._replace(targets=((0x0000, 0x0700), *capture.targets[1:]))
    assert used(both, beside) is None


def test_a_thread_that_waits_for_others_follows_the_last_of_them(tmp_path: Path) -> None:
    capture, _ = captured(tmp_path, lambda machine, work: crew(machine, work, 2, 5))
    rows = capture.rows
    first = {client: rows[rows["client"] == client][0] for client in (1, 2)}
    main = rows[rows["client"] == 0]
    follows = [int(first[client]["after"]) - 1 for client in (1, 2)]
    assert [int(rows["client"][row]) for row in follows] == [0, 0]
    assert follows == [2, 2]  # the third request of the main thread
    last = int(main["after"][3]) - 1
    assert int(rows["client"][last]) in (1, 2)
    assert list(main["after"][[0, 1, 2, 4]]) == [0, 0, 0, 0]


def test_another_machine_keeps_the_order_of_threads(tmp_path: Path) -> None:
    """On slower cards the threads begin when the main thread is ready, not when they did."""
    capture, _ = captured(tmp_path, lambda machine, work: crew(machine, work, 4))
    other = replay(capture, arranged(file.machine(capture), "cex4p"))
    array = other.runs[0].array()
    main = array[array["client"] == 0]
    crew_ = array[array["client"] != 0]
    assert len(array) == len(capture.rows)
    assert int(crew_["submitted"].min()) == int(main["done"][2])
    assert int(main["submitted"][3]) == int(crew_["done"].max())


def test_more_cards_share_the_load(tmp_path: Path) -> None:
    capture, one = captured(tmp_path, lambda machine, work: crew(machine, work, 8, 200))
    four = replay(capture, arranged(file.machine(capture), cards=4)).runs[0].array()
    assert set((four["qid"] >> 8).tolist()) == {0, 1, 2, 3}
    assert four["done"].max() < one.array()["done"].max()
    busy = [int((four["qid"] >> 8 == adapter).sum()) for adapter in range(4)]
    assert max(busy) - min(busy) < 0.1 * sum(busy)


@pytest.mark.parametrize("tickets", [1, 4, 16])
def test_a_thread_with_many_requests_under_way_is_as_many_clients(
    tmp_path: Path, tickets: int
) -> None:
    def body(machine: Machine, work: Work) -> None:
        port = machine.native
        left = {port.begin(lambda: work.hash(1))[1]: 20 for _ in range(tickets)}
        while left:
            ticket = port.wait(tuple(left))
            assert ticket is not None
            more = left.pop(ticket)
            if more:
                left[port.begin(lambda: work.hash(1))[1]] = more - 1

    capture, records = captured(tmp_path, body)
    assert len(capture.rows) == 21 * tickets
    again = replay(capture, file.machine(capture))
    assert again.runs[0].to_bytes() == records.to_bytes()


def test_a_request_that_follows_nothing_known_waits_for_its_own(tmp_path: Path) -> None:
    """Without records there is nothing to tell births by: all begin at once."""
    capture, _ = captured(tmp_path, lambda machine, work: work.hash(4))
    rows = capture.rows.copy()
    rows["after"] = 0
    array = replay(capture._replace(rows=rows), file.machine(capture)).runs[0].array()
    assert list(array["submitted"][1:]) == list(array["done"][:-1])


def test_threads_get_back_to_work_when_the_one_they_follow_never_came(tmp_path: Path) -> None:
    capture, _ = captured(tmp_path, lambda machine, work: crew(machine, work, 2, 3))
    rows = capture.rows.copy()
    rows["after"][0] = len(rows)  # a circle
    array = replay(capture._replace(rows=rows), file.machine(capture)).runs[0].array()
    assert len(array) == len(rows)


def test_wall_time_between_calls_may_count_as_thought(tmp_path: Path) -> None:
    capture, _ = captured(tmp_path, lambda machine, work: work.hash(3))
    rows = capture.rows.copy()
    rows["wall_ns"] = [0, 5_000, 7_000]
    with_gaps = capture._replace(rows=rows)
    gaps = [
        (array["submitted"][1:] - array["done"][:-1]).tolist()
        for think, scale in (("wall", 1.0), ("wall", 2.0), ("captured", 1.0))
        for array in (replay(with_gaps, file.machine(capture), think, scale).runs[0].array(),)
    ]
    assert gaps == [[5_000, 7_000], [10_000, 14_000], [0, 0]]


def test_one_process_after_the_other_has_the_cards_for_itself(tmp_path: Path) -> None:
    capture, records = captured(tmp_path, lambda machine, work: work.hash(5))
    second = capture.rows.copy()
    second["process"] = 1

    both = capture._replace(rows=np.concatenate((capture.rows, second)))
    assert both.processes == 2
    runs = replay(both, file.machine(both)).runs
    assert [run.to_bytes() for run in runs] == [records.to_bytes()] * 2


@pytest.mark.parametrize("profile", ["cex8p", "cex4p"])
@pytest.mark.parametrize("cards", [1, 3])
def test_both_engines_give_the_same_records(tmp_path: Path, profile: str, cards: int) -> None:
    """With thoughts, births and joins, some of them at the same nanosecond."""

    def body(machine: Machine, work: Work) -> None:
        for threads in (3, 5):
            crew(machine, work, threads, 20)

    capture, _ = captured(tmp_path, body)
    rows = capture.rows.copy()
    rows["think_ns"] = np.arange(len(rows)) % 4 * 5_000
    thoughtful, config = capture._replace(rows=rows), file.machine(capture)
    machine = arranged(config, profile, cards)
    runs = [replay(thoughtful, machine, engine=engine).runs[0] for engine in (AUTO, SIMPY)]
    assert runs[0].to_bytes() == runs[1].to_bytes()
    assert len(runs[0]) == len(rows)


def test_the_recursion_is_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture, records = captured(tmp_path, lambda machine, work: crew(machine, work, 4))
    monkeypatch.setattr("ghostcard.benchmarks.capture.replay.Play", None)
    again = replay(capture, file.machine(capture))
    assert again.runs[0].to_bytes() == records.to_bytes()


def test_more_threads_of_the_same_kind(tmp_path: Path) -> None:
    """Two threads, eight times, are sixteen that begin and are waited for as those were."""
    capture, _ = captured(tmp_path, lambda machine, work: crew(machine, work, 2, 30))
    more = multiplied(capture, 8)
    assert len(more.rows) == 5 + 8 * 60
    array = replay(file.parse(more.to_bytes()), file.machine(more)).runs[0].array()
    main = array[array["client"] == 0]
    others = array[array["client"] != 0]
    assert len(np.unique(others["client"])) == 16
    assert {int(others[others["client"] == n]["submitted"].min()) for n in others["client"]} == {
        int(main["done"][2])
    }
    assert int(main["submitted"][3]) >= int(np.sort(others["done"])[-16])
    assert multiplied(capture, 1) is capture


def test_threads_that_nobody_started_are_multiplied_all(tmp_path: Path) -> None:
    capture, records = captured(
        tmp_path, lambda machine, work: in_threads(machine.native, 2, lambda _: work.hash(10))
    )
    (tmp_path / "more").mkdir()
    _, eight = captured(
        tmp_path / "more",
        lambda machine, work: in_threads(machine.native, 8, lambda _: work.hash(10)),
    )
    assert len(eight) == 4 * len(records)
    more = replay(multiplied(capture, 4), file.machine(capture)).runs[0].array()
    assert int(more["done"].max()) == int(eight.array()["done"].max())
