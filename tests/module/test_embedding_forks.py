"""fork() in a program that knows nothing of Python: the child starts anew, always."""

from pathlib import Path

import pytest

from tests.module.tree import LIBRARY, Tree, compile_host, passes, run


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_host("forks", tmp_path_factory.mktemp("hosts"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize(
    "case",
    [
        *("single", "nested", "threads", "locked", "waiting"),
        *("started-elsewhere", "last-thread", "silent", "silent-before", "uninitialized"),
    ],
)
def test_a_child_may_start_anew(forks: Path, tree: Tree, case: str) -> None:
    """The host checks every answer, in the child and in the parent."""
    assert passes(run(forks, tree.library, case)) == ""


@pytest.mark.parametrize("delay", [0, 1000, 2000, 5000, 10000, 20000, 40000])
def test_a_fork_while_the_interpreter_starts(forks: Path, tree: Tree, delay: int) -> None:
    """Microseconds; it waits until the other thread is through."""
    assert passes(run(forks, tree.library, "starting", str(delay))) == ""


def test_a_fork_past_the_handlers_is_refused_when_a_call_was_under_way(
    forks: Path, tree: Tree
) -> None:
    completed = run(forks, tree.library, "silent-in-use")
    assert (completed.returncode, completed.stderr) == (
        0,
        "ghostcard: this process was forked while the library was in use, past its handlers\n",
    )


def test_the_plain_layer_is_told_in_the_child(forks: Path, tree: Tree, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert passes(run(forks, tree.library, "single", environment={"STANDIN_LOG": str(log)})) == ""
    lines = [line.split() for line in log.read_text().splitlines()]
    parent = lines[0][1]
    child = next(pid for _, pid in lines if pid != parent)
    assert lines == [
        ["initialize", parent],
        ["after_fork", child],
        ["initialize", child],
        ["finalize", child],
        ["finalize", parent],
    ]


def test_the_real_library_works_in_children_of_busy_threads(tmp_path: Path) -> None:
    """No stand-in: cards, slots and the token store are made anew in each child."""
    environment = {"GHOSTCARD_HOME": str(tmp_path / "state")}
    assert passes(run(compile_host("real", tmp_path), LIBRARY, environment=environment)) == ""
