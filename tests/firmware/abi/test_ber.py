"""The payload: a SEQUENCE of OCTET STRINGs in the three length forms of AP sheet 3.7."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, "0400"),
        (127, "047f"),
        (128, "048180"),
        (255, "0481ff"),
        (256, "04820100"),
        (65535, "0482ffff"),
    ],
)
def test_length_forms(length: int, head: str) -> None:
    assert ber.head(ber.OCTET_STRING, length) == bytes.fromhex(head)
    value = bytes(length)
    assert ber.value_span(ber.octets(value), 0, ber.OCTET_STRING) == (
        len(head) // 2,
        len(head) // 2 + length,
    )


def test_a_value_above_the_largest_form_is_refused() -> None:
    with pytest.raises(WireError, match="65536 bytes, the most is 65535") as caught:
        ber.octets(bytes(65536))
    assert caught.value.code == ReplyCode.MESSAGE_LENGTH


def test_golden_payload() -> None:
    packed = ber.pack((b"\0\6\0\x26", b"\0\0\0\x47", b""))
    assert packed == bytes.fromhex("300e 0404 00060026 0404 00000047 0400")
    assert ber.unpack(packed) == (b"\0\6\0\x26", b"\0\0\0\x47", b"")


def test_longer_forms_than_needed_are_taken() -> None:
    """Kernel requests carry the SEQUENCE's length in two bytes whatever it is."""
    assert ber.unpack(bytes.fromhex("30820005 04820001 ff")) == (b"\xff",)
    assert ber.unpack(bytes.fromhex("308104 048101 ee")) == (b"\xee",)


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "30",
        "3180",
        "0400",  # no SEQUENCE
        "3000ff",  # bytes after it
        "3003040101ff",
        "300304020102",  # value ends behind the SEQUENCE, inside the data
        "30020402",
        "3080",  # indefinite length
        "30830000020400",  # a form the wire does not know
        "3002040100",
        "30030404",
        "3003300100",  # a SEQUENCE where an OCTET STRING belongs
        "3082",
        "308200",
        "3081",
        "30820002048200",  # length cut off
    ],
)
def test_malformed_payloads(payload: str) -> None:
    with pytest.raises(WireError) as caught:
        ber.unpack(bytes.fromhex(payload))
    assert caught.value.code == ReplyCode.MALFORMED_MSG


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_round_trip(values: list[bytes]) -> None:
    assert ber.unpack(ber.pack(values)) == tuple(values)


@given(st.binary(max_size=64))
def test_any_bytes_parse_or_raise_wire_error(payload: bytes) -> None:
    try:
        values = ber.unpack(payload)
    except WireError:
        return
    assert ber.unpack(ber.pack(values)) == values
