"""Layouts as data: refused when inconsistent, exact when not."""

from typing import NamedTuple

import pytest

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout


class Pair(NamedTuple):
    number: int
    name: bytes


NUMBER = Field("number", 1, 2, "a number")
NAME = Field("name", 4, 3, "a name", raw=True)


def test_fields_stand_at_their_offsets_and_gaps_are_zero() -> None:
    layout = Layout("pair", Pair, 8, NUMBER, NAME)
    assert layout.pack(Pair(0x1234, b"abc")) == b"\x00\x12\x34\x00abc\x00"
    assert layout.unpack(b"??\x12\x34\x00abc\x00", at=1) == Pair(0x1234, b"abc")


def test_reserved_bytes_are_ignored_or_refused() -> None:
    block = b"\x00\x12\x34\xffabc\x00"
    assert Layout("pair", Pair, 8, NUMBER, NAME).unpack(block) == Pair(0x1234, b"abc")
    with pytest.raises(WireError, match="pair: reserved bytes at 3 are not zero") as caught:
        Layout("pair", Pair, 8, NUMBER, NAME, strict=True).unpack(block)
    assert caught.value.code == ReplyCode.RESERVED


@pytest.mark.parametrize("value", [Pair(0x10000, b"abc"), Pair(-1, b"abc")])
def test_a_number_that_does_not_fit_is_refused(value: Pair) -> None:
    with pytest.raises(WireError, match="does not fit"):
        Layout("pair", Pair, 8, NUMBER, NAME).pack(value)


@pytest.mark.parametrize("name", [b"ab", b"abcd"])
def test_bytes_of_another_size_are_refused_not_cut_or_filled(name: bytes) -> None:
    with pytest.raises(WireError, match="wrong size"):
        Layout("pair", Pair, 8, NUMBER, NAME).pack(Pair(1, name))


def test_a_short_block_is_refused() -> None:
    with pytest.raises(WireError, match="8 bytes at offset 1, the block has 8") as caught:
        Layout("pair", Pair, 8, NUMBER, NAME).unpack(bytes(8), at=1)
    assert caught.value.code == ReplyCode.PACKET_TRUNCATED


@pytest.mark.parametrize(
    ("size", "fields", "message"),
    [
        (8, (NUMBER, Field("name", 2, 3, "", raw=True)), "overlaps"),
        (6, (NUMBER, NAME), "take 7 bytes"),
        (8, (NAME, NUMBER), "not those of Pair"),
        (8, (NUMBER,), "not those of Pair"),
    ],
)
def test_an_inconsistent_table_is_refused(
    size: int, fields: tuple[Field, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Layout("pair", Pair, size, *fields)
