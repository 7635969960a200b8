"""One table of all mechanisms, as a card has it."""

import pytest

from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.firmware.mechanisms.table import Table


@pytest.fixture(scope="session")
def table() -> Table:
    """Tables keep no state but what self tests have passed."""
    return all_mechanisms()
