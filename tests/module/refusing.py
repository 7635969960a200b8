"""One assertion the tests of the Cryptoki layer share."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ghostcard.module.errors import CryptokiError


@contextmanager
def refusing(rv: int) -> Iterator[None]:
    """Assert that what is inside is refused with this CK_RV."""
    with pytest.raises(CryptokiError) as caught:
        yield
    assert hex(caught.value.rv) == hex(rv)
