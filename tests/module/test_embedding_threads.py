"""Threads of a program that knows nothing of Python, and programs that end without a goodbye."""

from pathlib import Path

import pytest

from tests.module.tree import Tree, compile_host, passes, run


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_host("threads", tmp_path_factory.mktemp("hosts"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("case", ["waves", "race", "restarts"])
def test_threads_come_and_go(threads: Path, tree: Tree, case: str) -> None:
    assert passes(run(threads, tree.library, case)) == ""


@pytest.mark.parametrize(
    "case", ["exit", "exit-busy", "exit-slow", "exit-in-thread", "exit-late", "finalize"]
)
def test_the_end_of_a_program_finalizes_once(
    threads: Path, tree: Tree, tmp_path: Path, case: str
) -> None:
    """Whatever other threads do: the plain layer writes what it has to, and nothing crashes."""
    log = tmp_path / "log"
    environment = {"STANDIN_LOG": str(log)}
    assert passes(run(threads, tree.library, case, environment=environment)) == ""
    events = [line.split()[0] for line in log.read_text().splitlines()]
    assert events == ["initialize", "finalize"]


def test_a_call_that_does_not_return_does_not_keep_the_program(
    threads: Path, tree: Tree, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    environment = {"STANDIN_LOG": str(log)}
    completed = run(threads, tree.library, "exit-stuck", environment=environment, timeout=20)
    assert completed.returncode == 0
    assert completed.stderr == "ghostcard: the process ends while a call has not returned\n"
    assert log.read_text().count("finalize") == 1


def test_a_program_that_asks_for_no_handlers_gets_none(
    threads: Path, tree: Tree, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    assert passes(run(threads, tree.library, "quick", environment={"STANDIN_LOG": str(log)})) == ""
    assert log.read_text().count("finalize") == 0
