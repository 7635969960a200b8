"""Cards for the tests of the image."""

from collections.abc import Iterator

import pytest

from tests.firmware.ep11.caller import Caller, Services


@pytest.fixture
def card() -> Iterator[Caller]:
    """A card that does real work; whatever a test does to it, it must not err by itself."""
    caller = Caller()
    yield caller
    assert caller.image.fault is None


@pytest.fixture
def null_card() -> Iterator[Caller]:
    """A card on the `null` function track."""
    caller = Caller(Services(function="null"))
    yield caller
    assert caller.image.fault is None
