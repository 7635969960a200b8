"""Type 50 requests and type 80 replies of AP sheet 3.1 and 3.2."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import type50, type80
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt

# The sheet's table: key-block type, modulus lengths from and to, total length.
MEX = ((0x0001, 1, 128, 0x190), (0x0002, 129, 256, 0x310), (0x0003, 257, 512, 0x610))
CRT = ((0x0011, 1, 128, 0x1D0), (0x0012, 129, 256, 0x390), (0x0013, 257, 512, 0x710))


@pytest.mark.parametrize(("keyblock", "least", "most", "total"), MEX)
def test_modular_exponentiation(keyblock: int, least: int, most: int, total: int) -> None:
    for length in (least, most):
        block = type50.pack(ModExpo(b"E" * length, b"N" * length, b"M" * length), length)
        assert len(block) == total
        assert block[:16] == bytes((0, 0x50, *total.to_bytes(2, "big"), 0, 0, 0, 0)) + bytes(
            (*keyblock.to_bytes(2, "big"), 0, 0, 0, 0, 0, 0)
        )
        places = [v.rjust(most, b"\0") for v in (b"E" * length, b"N" * length, b"M" * length)]
        assert block[16:] == b"".join(places)
        assert type50.unpack(block) == ModExpo(*places)


@pytest.mark.parametrize(("keyblock", "least", "most", "total"), CRT)
def test_by_primes(keyblock: int, least: int, most: int, total: int) -> None:
    for length in (least, most):
        half = (length + 1) // 2
        parts = [letter * half for letter in (b"P", b"Q", b"D", b"d", b"U")]
        block = type50.pack(ModExpoCrt._make([*parts, b"M" * length]), length)
        assert len(block) == total
        assert block[2:4] == total.to_bytes(2, "big")
        assert block[8:10] == keyblock.to_bytes(2, "big")
        places = [part.rjust(most // 2, b"\0") for part in parts]
        message = (b"M" * length).rjust(most, b"\0")
        assert block[16:] == b"".join(places) + message
        assert type50.unpack(block) == ModExpoCrt._make([*places, message])


@pytest.mark.parametrize("length", [0, 513])
def test_there_is_no_format_for_other_moduli(length: int) -> None:
    with pytest.raises(WireError, match=r"1\.\.512 fit") as caught:
        type50.width(length)
    assert caught.value.code == ReplyCode.OPERAND_SIZE


def test_an_operand_wider_than_its_place_is_refused() -> None:
    with pytest.raises(WireError, match="exponent has 129 bytes, 128 fit"):
        type50.pack(ModExpo(bytes(129), b"", b""), 128)


BLOCK = type50.pack(ModExpo(b"\3", b"\x0f", b"\2"), 1)


def changed(offset: int, value: bytes) -> bytes:
    return BLOCK[:offset] + value + BLOCK[offset + len(value) :]


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (b"", ReplyCode.ZERO_BUFFER_LEN),
        (b"\0\x06" + bytes(400), ReplyCode.MESSAGE_TYPE),
        (BLOCK[:15], ReplyCode.PACKET_TRUNCATED),
        (BLOCK[:-1], ReplyCode.PACKET_TRUNCATED),
        (BLOCK + b"\0", ReplyCode.MESSAGE_LENGTH),
        (changed(2, b"\1\x8f"), ReplyCode.MESSAGE_LENGTH),
        (changed(8, b"\0\4"), ReplyCode.FORMAT_FIELD),
        (changed(8, b"\0\2"), ReplyCode.MESSAGE_LENGTH),  # another format's length
        (changed(0, b"\1"), ReplyCode.RESERVED),
        (changed(4, b"\1"), ReplyCode.RESERVED),
        (changed(7, b"\1"), ReplyCode.RESERVED),
        (changed(15, b"\1"), ReplyCode.RESERVED),
    ],
)
def test_refusals(block: bytes, code: ReplyCode) -> None:
    with pytest.raises(WireError) as caught:
        type50.unpack(block)
    assert caught.value.code == code


def test_byte_5_is_ignored() -> None:
    assert type50.unpack(changed(5, b"\xff")) == type50.unpack(BLOCK)


def test_type80_golden_bytes() -> None:
    block = type80.pack(b"\0\0\x12\x34")
    assert block == bytes.fromhex("00800014 00000000 0000000000000000 00001234")
    assert type80.unpack(block, 2) == b"\x12\x34"
    assert type80.unpack(block, 0) == b""


@pytest.mark.parametrize(
    ("block", "output"),
    [
        (b"", 0),
        (type80.pack(b"abcd"), 5),
        (type80.pack(b"abcd")[:-1], 1),
        (b"\0\x82\0\x10" + bytes(12), 0),
        (b"\0\x80\0\x10\x90" + bytes(11), 0),
    ],
)
def test_type80_refusals(block: bytes, output: int) -> None:
    with pytest.raises(WireError):
        type80.unpack(block, output)


@given(st.binary(max_size=500), st.integers(0, 20))
def test_any_bytes_parse_or_raise_wire_error(block: bytes, output: int) -> None:
    for attempt in (block, BLOCK[:16] + block):
        with suppress(WireError):
            type50.unpack(attempt)
        with suppress(WireError):
            type80.unpack(attempt, output)
