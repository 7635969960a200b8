"""One table of all mechanisms, as a card has it; and whether tests use what `vectors.py` says."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from ghostcard.firmware.mechanisms import all_mechanisms, page
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.vectors import NEGATIVE, POSITIVE

_used: dict[str, set[int]] = {}
"""Test -> the mechanisms that it had the table find."""


@pytest.fixture(scope="session")
def table() -> Table:
    """Tables keep no state but what self tests have passed."""
    return all_mechanisms()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    found = _used.setdefault(_name(item), set())
    search = Table.find

    def find(table: Table, number: int) -> Mechanism:
        found.add(number)
        return search(table, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "find", find)
        return (yield)


@pytest.fixture(scope="module", autouse=True)
def mechanisms_of_the_vectors(request: pytest.FixtureRequest) -> Iterator[None]:
    """The tests of a file that ran whole have used the mechanisms that their rows name."""
    yield
    config = request.config
    some = (config.option.keyword, config.option.markexpr, config.getoption("lf", False))
    if any(some) or request.session.testsfailed or any("::" in each for each in config.args):
        return  # not all of them ran
    file = Path(request.path).stem.removeprefix("test_")
    for row in (*POSITIVE, *NEGATIVE):
        if row.file == file:
            unused = set(row.mechanisms) - _used[f"{file}.{row.test}"]
            assert not unused, f"{row.test}: {sorted(page.names()[each] for each in unused)}"


def _name(item: pytest.Item) -> str:
    """File and function, whatever the parameters."""
    return f"{item.path.stem.removeprefix('test_')}.{item.name.partition('[')[0]}"
