"""Error replies of AP sheet 3.6."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import errorreply
from ghostcard.firmware.abi.errorreply import ErrorReply, ReplyCode
from ghostcard.firmware.abi.errors import WireError

# The codes of the sheet's table.
CODES = "10 12 14 20 21 22 23 24 29 30 34 40 41 50 60 80 82 84 85 88 8a 8b 90 a0 b0"  # fmt: skip


def test_golden_bytes() -> None:
    assert errorreply.pack(ReplyCode.EVEN_MODULUS) == bytes.fromhex("0082 0000 85 000000")
    assert errorreply.pack(0x90, errorreply.TYPE87) == bytes.fromhex("0087 0000 90 000000")


def test_every_code_of_the_sheet_has_a_name_and_a_sentence() -> None:
    codes = set(bytes.fromhex(CODES))
    assert {int(code) for code in ReplyCode} == codes
    assert set(errorreply.SENTENCES) == codes
    assert all(text.endswith(".") for text in errorreply.SENTENCES.values())


def test_a_code_without_meaning_is_reported_as_such() -> None:
    assert "0x99" in errorreply.sentence(0x99)
    assert errorreply.sentence(0x85) == "The modulus is even."


@pytest.mark.parametrize(("code", "type"), [(256, 0x82), (-1, 0x82), (0x90, 0x86)])
def test_what_is_no_error_reply_is_not_packed(code: int, type: int) -> None:
    with pytest.raises(WireError):
        errorreply.pack(code, type)


@given(st.integers(0, 255), st.sampled_from((0x82, 0x87, 0x88)))
def test_round_trip(code: int, type: int) -> None:
    assert errorreply.unpack(errorreply.pack(code, type)) == ErrorReply(type, code)


@given(st.binary(max_size=12))
def test_any_bytes_parse_or_raise_wire_error(block: bytes) -> None:
    if len(block) == 8 and block[1] in (0x82, 0x87, 0x88):
        assert errorreply.unpack(block) == ErrorReply(block[1], block[4])
    else:
        with pytest.raises(WireError):
            errorreply.unpack(block)
