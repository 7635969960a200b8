"""A stand for a shared card."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostcard.benchmarks.client import build
from tests.shared.forked import Forked
from tests.shared.stand import Stand, stand


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Stand]:
    """A server with one card that does no cryptography; it listens."""
    with stand(tmp_path) as made:
        made.start()
        yield made


@pytest.fixture
def forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forked:
    """Programs and servers that are forks of this process."""
    monkeypatch.setenv("GHOSTCARD_HOME", "")  # restored afterwards
    return Forked(tmp_path)


@pytest.fixture(scope="session")
def c_client(tmp_path_factory: pytest.TempPathFactory) -> str:
    """benchmarks/client.c, compiled."""
    return str(build(tmp_path_factory.mktemp("client")))
