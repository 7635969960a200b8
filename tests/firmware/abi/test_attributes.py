"""Attribute blocks of AP sheet 3.7, with its two examples; bits of AP sheet 7.6."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as p
from ghostcard.firmware.abi import attributes
from ghostcard.firmware.abi.attributes import BY_ATTRIBUTE, Attributes, Boolean
from ghostcard.firmware.abi.errors import WireError

# The sheet's AES key: ENCRYPT, DECRYPT and PROTKEY_EXTRACTABLE on, CKA_VALUE_LEN 32.
AES_KEY = Attributes(0x00200C00, 0x00200C00, ((p.CKA_VALUE_LEN, 32),))
AES_BLOCK = bytes.fromhex("10010000 00200c00 00200c00 00000161 00000020")


def test_the_sheets_aes_key() -> None:
    assert attributes.pack(AES_KEY) == AES_BLOCK
    assert attributes.unpack(AES_BLOCK) == AES_KEY
    on = Boolean.ENCRYPT | Boolean.DECRYPT | Boolean.PROTKEY_EXTRACTABLE
    assert AES_KEY.values == on
    assert AES_KEY.number(p.CKA_VALUE_LEN) == 32
    assert AES_KEY.number(p.CKA_CLASS) is None


def test_the_sheets_unwrapped_key() -> None:
    """Header 0x10020000: two numbers, CKA_KEY_TYPE = CKK_AES (0x1F) and CKA_VALUE_LEN."""
    value = Attributes(0, 0, ((p.CKA_KEY_TYPE, p.CKK_AES), (p.CKA_VALUE_LEN, 16)))
    block = bytes.fromhex("10020000 00000000 00000000 00000100 0000001f 00000161 00000010")
    assert attributes.pack(value) == block


def test_byte_strings_are_ours() -> None:
    value = Attributes(strings=((p.CKA_PUBLIC_EXPONENT, b"\1\0\1"), (p.CKA_EC_PARAMS, b"")))
    block = bytes.fromhex("10002005 00000000 00000000 00000122 00000003 01000100 00000180 00000000")
    assert attributes.pack(value) == block
    assert attributes.unpack(block) == value
    assert value.string(p.CKA_PUBLIC_EXPONENT) == b"\1\0\1"
    assert value.string(p.CKA_VALUE) is None


def test_each_bit_belongs_to_one_attribute() -> None:
    bits = list(BY_ATTRIBUTE.values())
    assert len(set(bits)) == len(bits)
    everything = sum(int(bit) for bit in Boolean)
    assert everything == 0x1FFFFFF
    # CKA_ALWAYS_RETAINED has no attribute of the standard or the vendor.
    assert everything - sum(bits) == Boolean.ALWAYS_RETAINED


@pytest.mark.parametrize(
    "block",
    [
        "",
        "10000000 00000000 000000",
        "20000000 00000000 00000000",  # version 2
        "11000000 00000000 00000000",  # reserved bits
        "10010000 00000000 00000000",  # a number missing
        "10000000 00000000 00000000 00000000",  # bytes too many
        "10001001 00000000 00000000 00000122",  # a string without its length
        "10001002 00000000 00000000 00000122 00000001",  # and without its value
        "10001003 00000000 00000000 00000122 00000001 01000001",  # filling that is not zero
        "10001003 00000000 00000000 00000122 00000000 00000000",  # words of no string
    ],
)
def test_malformed_blocks(block: str) -> None:
    with pytest.raises(WireError):
        attributes.unpack(bytes.fromhex(block))


@pytest.mark.parametrize(
    "value",
    [
        Attributes(numbers=((1, 1),) * 256),
        Attributes(strings=((1, b""),) * 16),
        Attributes(strings=((1, bytes(4 * 4095 - 7)),)),
        Attributes(mask=1 << 32),
        Attributes(numbers=((1, -1),)),
    ],
)
def test_what_does_not_fit_is_not_packed(value: Attributes) -> None:
    with pytest.raises(WireError):
        attributes.pack(value)


U32 = st.integers(0, 0xFFFFFFFF)
VALUES = st.builds(
    Attributes,
    U32,
    U32,
    st.lists(st.tuples(U32, U32), max_size=5).map(tuple),
    st.lists(st.tuples(U32, st.binary(max_size=20)), max_size=5).map(tuple),
)


@given(VALUES)
def test_round_trip(value: Attributes) -> None:
    assert attributes.unpack(attributes.pack(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_parse_or_raise_wire_error(block: bytes) -> None:
    for attempt in (block, b"\x10" + block, b"\x10\0\x10" + block):
        with suppress(WireError):
            assert attributes.pack(attributes.unpack(attempt)) == attempt
