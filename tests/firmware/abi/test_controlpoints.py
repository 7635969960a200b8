"""Sixteen bytes of control points (AP sheet 7.6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import controlpoints
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError


def test_bits_count_from_the_left() -> None:
    """Bit n is byte n / 8, mask 0x80 >> n % 8."""
    assert controlpoints.pack((0, 9, 80)) == bytes((0x80, 0x40, *bytes(8), 0x80, *bytes(5)))


@given(st.frozensets(st.integers(0, 127)))
def test_what_is_packed_comes_back(points: frozenset[int]) -> None:
    assert controlpoints.unpack(controlpoints.pack(points)) == points


@given(st.binary(max_size=40))
def test_other_lengths_are_refused(points: bytes) -> None:
    if len(points) == controlpoints.SIZE:
        assert controlpoints.pack(controlpoints.unpack(points)) == points
        return
    with pytest.raises(WireError, match=rf"^control points: {len(points)} bytes, not 16$") as no:
        controlpoints.unpack(points)
    assert no.value.code == ReplyCode.MALFORMED_MSG
