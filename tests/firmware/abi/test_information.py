"""Layouts of get_xcp_info answers: the sheet's offsets, and there and back."""

from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import information as wire

# Offset and size of each field: AP sheet 7.4.
MODULE = [
    (0, 4), (4, 4), (8, 2), (10, 2), (12, 32), (44, 32), (76, 32), (108, 16), (124, 16), (140, 8),
    (148, 4), (152, 4), (156, 4), (160, 4), (164, 4), (168, 4), (172, 4), (176, 4), (180, 4),
    (184, 4), (188, 4), (192, 4),
]  # fmt: skip
DOMAIN = [(0, 4), (4, 32), (36, 32), (68, 4), (72, 8)]


def test_offsets() -> None:
    assert (wire.MODULE_LAYOUT.size, wire.DOMAIN_LAYOUT.size) == (196, 80)
    assert [(field.offset, field.size) for field in wire.MODULE_LAYOUT.fields] == MODULE
    assert [(field.offset, field.size) for field in wire.DOMAIN_LAYOUT.fields] == DOMAIN


@given(block=st.binary(min_size=196, max_size=196))
def test_module_there_and_back(block: bytes) -> None:
    assert wire.MODULE_LAYOUT.pack(wire.MODULE_LAYOUT.unpack(block)) == block


@given(block=st.binary(min_size=80, max_size=80))
def test_domain_there_and_back(block: bytes) -> None:
    assert wire.DOMAIN_LAYOUT.pack(wire.DOMAIN_LAYOUT.unpack(block)) == block
