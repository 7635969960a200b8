"""The words and blocks of AP sheet 1.3, 1.4 and 1.5, byte by byte from its tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.status import hardware_info, mask, qci_block, response_code

# facility word of an EP11 card (sheet 2), CEX8, highest domain 0x54, 15 x 4096 bytes, depth 8
EP11_INFO = 0x06800000_0E540F07
# an accelerator, highest domain 0x0F, 12 KiB, depth 1
ACCELERATOR_INFO = 0x6A800000_0C0F0300


def test_hardware_information_of_an_ep11_card() -> None:
    assert hardware_info(0x06800000, 14, 0x55, 61440, 8) == EP11_INFO


def test_hardware_information_of_an_accelerator() -> None:
    assert hardware_info(0x6A800000, 12, 16, 12288, 1) == ACCELERATOR_INFO


@given(
    facilities=st.integers(0, 0xFFFFFFFF),
    hardware_type=st.integers(0, 255),
    domains=st.integers(1, 256),
    units=st.integers(1, 15),
    depth=st.integers(1, 16),
)
def test_the_fields_of_hardware_information_do_not_touch(
    facilities: int, hardware_type: int, domains: int, units: int, depth: int
) -> None:
    """IBM bits 0-31 fac, 32-39 at, 40-47 nd, 52-55 ml, 60-63 qd; the others are reserved."""
    info = hardware_info(facilities, hardware_type, domains, units * 4096, depth)
    bits = f"{info:064b}"
    assert int(bits[0:32], 2) == facilities
    assert int(bits[32:40], 2) == hardware_type
    assert int(bits[40:48], 2) == domains - 1
    assert int(bits[52:56], 2) == units
    assert int(bits[60:64], 2) == depth - 1
    assert bits[48:52] == bits[56:60] == "0000"


@pytest.mark.parametrize(
    ("numbers", "first_bytes"),
    [((0,), "80"), ((7,), "01"), ((8,), "0080"), ((0, 1, 15), "c001"), ((), "00")],
)
def test_a_mask_counts_bits_from_the_left(numbers: tuple[int, ...], first_bytes: str) -> None:
    assert mask(numbers) == bytes.fromhex(first_bytes).ljust(32, b"\0")


def test_the_mask_of_the_last_bit() -> None:
    assert mask((255,)) == bytes(31) + b"\x01"


def test_the_configuration_block() -> None:
    block = qci_block(0xC0000000, 0x54, (0, 10), (6, 0x54))
    usage = bytes.fromhex("02" + "00" * 9 + "08").ljust(32, b"\0")
    assert block == b"".join(
        (
            bytes.fromhex("c0000000"),  # 0: APSC, APXA
            bytes.fromhex("ff54"),  # 4: Na, Nd
            bytes(10),
            bytes.fromhex("8020").ljust(32, b"\0"),  # 16: adapters
            usage,  # 48
            usage,  # 80: control domains
            bytes(16),
        )
    )
    assert len(block) == 128


def test_the_response_code_is_the_second_byte() -> None:
    assert response_code(0xA1150000) == 0x15
