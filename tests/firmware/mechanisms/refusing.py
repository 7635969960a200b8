"""`with refuses(rv)`: the block is refused with exactly that return value."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ghostcard.firmware.mechanisms.refusal import Refused


@contextmanager
def refuses(rv: int) -> Iterator[None]:
    """Fails unless the block raises Refused(rv)."""
    with pytest.raises(Refused) as caught:
        yield
    assert hex(caught.value.rv) == hex(rv)
