"""A stand for a shared card."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared.stand import Stand, stand


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Stand]:
    """A server with one card that does no cryptography; it listens."""
    with stand(tmp_path) as made:
        made.start()
        yield made
